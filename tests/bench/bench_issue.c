/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keeper/ca/localca.h"
#include "daemon/keeper/store/store.h"
#include "daemon/keeper/store/version.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/key.h"
#include "lib/crypt/secret.h"
#include "tests/bench/bench.h"

/*
 * bench_issue CONFIG N: processor microseconds of one issue in the keeper, without its loop and
 * without the engine: what daemon/keeper/serve/serve_issue.c does for each of the first N leaves of a store
 * that bench_store filled.  For a profiler, which it gives nothing else to look at.
 */

static struct conf *conf;
static struct store *store;

NORETURN static void die(const char *what, const struct err *err)
{
	fprintf(stderr, "bench_issue: %s: %s\n", what, err->text);
	exit(EXIT_FAILURE);
}

static void read_facts(const char *cert, struct cert_facts *out)
{
	struct err err;

	if (store_read(store, cert, out, &err) < 0)
		die(cert, &err);
}

static struct localca_signer *read_signer(const char *ca)
{
	struct buf cert AUTO_BUF = BUF_INIT, chain AUTO_BUF = BUF_INIT,
			text AUTO_BUF = BUF_INIT;
	struct secret privkey AUTO_SECRET = SECRET_INIT;
	struct localca_issuer issuer;
	struct localca_signer *signer;
	struct err err;

	if (store_read_file(store, ca, NULL, "cert.pem", 65536, &cert, &err) < 0 ||
		store_read_file(store, ca, NULL, "chain.pem", 65536, &chain, &err) < 0 ||
		store_read_file(store, ca, NULL, "privkey.pem", 65536, &text, &err) < 0)
		die(ca, &err);
	secret_add(&privkey, text.data, text.len);
	issuer = (struct localca_issuer){ cert.data, chain.data, &privkey };
	if (localca_signer_read(&issuer, ca, &signer, &err) < 0)
		die(ca, &err);
	return signer;
}

static void issue(const struct cert_conf *cert, struct localca_signer *signer)
{
	const char *ca = conf->certs[conf->cas[cert->cas[0]].issuer].name;
	struct cert_facts facts;
	struct key *key AUTO_KEY = NULL;
	struct version_files files = { 0 };
	struct version_facts version = { 0 };
	struct localca_order order = { .cert = cert,
		.conf = conf,
		.ca = cert->cas[0],
		.signer = signer,
		.now = clock_now(),
		.key_created = clock_now() };
	struct err err;

	if (key_make(cert->key, &key, &err) < 0)
		die(cert->name, &err);
	order.key = key;
	read_facts(cert->name, &facts);
	order.generation = facts.curr.generation + 1;
	facts_done(&facts);
	read_facts(ca, &facts);
	facts_done(&facts);
	if (localca_issue(&order, &files, &version, &err) < 0 ||
		store_add(store, cert->name, &files, &version, &err) < 0)
		die(cert->name, &err);
	version_files_done(&files);
	read_facts(cert->name, &facts);
	facts_done(&facts);
}

int main(int argc, char **argv)
{
	size_t n = argc == 3 ? strtoul(argv[2], NULL, 10) : 0, done = 0;
	struct localca_signer *signer = NULL;
	struct err err;
	double begin;

	if (n == 0) {
		fputs("usage: bench_issue CONFIG N\n", stderr);
		return EXIT_FAILURE;
	}
	umask(077);
	conf = bench_load(argv[1]);
	if (store_open(conf->state_dir, &store, &err) < 0)
		die(conf->state_dir, &err);
	begin = bench_processor_s();
	for (size_t i = 0; i < conf->n_certs && done < n; i++) {
		const struct cert_conf *cert = &conf->certs[i];

		if (cert->is_ca)
			continue;
		if (!signer)
			signer = read_signer(conf->certs[conf->cas[cert->cas[0]].issuer].name);
		issue(cert, signer);
		done++;
	}
	printf("%.0f\n", (bench_processor_s() - begin) * 1e6 / (double)(done ? done : 1));
	localca_signer_free(signer);
	store_close(store);
	conf_unref(conf);
	return EXIT_SUCCESS;
}

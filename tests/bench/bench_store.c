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
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/key.h"
#include "lib/crypt/secret.h"
#include "tests/bench/bench.h"

/*
 * bench_store CONFIG: fills the store of a configuration as certd would have left it some weeks
 * on, so that tests/bench/scale can start a daemon with 100,000 certificates within seconds.
 *
 * The CA certificates and the first leaves of SAMPLES days are issued and rolled by the daemon's
 * own code.  Every further leaf is a copy of one of them: its own directories, links, facts file and
 * info file (with its names and digest), and hard links for all that nothing reads while a
 * certificate is idle.
 */

enum { SAMPLES = 50, INFO_LEN = 65536 };

struct sample {
	const struct cert_conf *cert;
	struct version_id id;
	struct buf info;
	int fd; /* of its version directory */
};

static struct conf *conf;
static struct store *store;
static int certs;

NORETURN static void die(const char *what, const struct err *err)
{
	fprintf(stderr, "bench_store: %s: %s\n", what, err->text);
	exit(EXIT_FAILURE);
}

static void read_text(const char *cert, const char *file, struct buf *out)
{
	struct err err;

	if (store_read_file(store, cert, NULL, file, INFO_LEN, out, &err) < 0)
		die(cert, &err);
}

/* Issues and rolls one certificate with the daemon's own code, as if it were `now`. */
static struct version_id issue(const struct cert_conf *cert, struct instant now)
{
	struct buf issuer_cert AUTO_BUF = BUF_INIT, chain AUTO_BUF = BUF_INIT,
			       text AUTO_BUF = BUF_INIT;
	struct secret privkey AUTO_SECRET = SECRET_INIT;
	struct key *key AUTO_KEY = NULL;
	struct localca_order order = { .cert = cert,
		.conf = conf,
		.ca = cert->cas[0],
		.generation = 1,
		.now = now,
		.key_created = now };
	struct localca_signer *signer = NULL;
	struct localca_issuer issuer;
	struct version_files files = { 0 };
	struct version_facts version = { 0 };
	struct err err;

	if (order.ca != CA_SELF) {
		const char *ca = conf->certs[conf->cas[order.ca].issuer].name;

		read_text(ca, "cert.pem", &issuer_cert);
		read_text(ca, "chain.pem", &chain);
		read_text(ca, "privkey.pem", &text);
		secret_add(&privkey, text.data, text.len);
		issuer = (struct localca_issuer){ issuer_cert.data, chain.data, &privkey };
		if (localca_signer_read(&issuer, ca, &signer, &err) < 0)
			die(ca, &err);
		order.signer = signer;
	}
	if (key_make(cert->key, &key, &err) < 0)
		die(cert->name, &err);
	order.key = key;
	if (localca_issue(&order, &files, &version, &err) < 0 ||
		store_add(store, cert->name, &files, &version, &err) < 0 ||
		store_roll(store, cert->name, now, &err) < 0)
		die(cert->name, &err);
	localca_signer_free(signer);
	version_files_done(&files);
	return version.id;
}

/* CAs from the root down: an issuer that has no version yet comes first. */
static void issue_ca(const struct cert_conf *cert, struct instant now)
{
	struct cert_facts held = { 0 };
	struct err err;

	if (store_read(store, cert->name, &held, &err) < 0)
		die(cert->name, &err);
	if (!version_is_set(&held.curr.id)) {
		if (cert->cas[0] != CA_SELF)
			issue_ca(&conf->certs[conf->cas[cert->cas[0]].issuer], now);
		issue(cert, now);
	}
	facts_done(&held);
}

static int open_version(const char *cert, const struct version_id *id)
{
	char text[VERSION_ID_TEXT_LEN];
	char *path AUTO_FREE = mem_printf("%s/versions/%s", cert, version_id_text(id, text));
	struct err err;
	int fd = file_open_dir(certs, path, &err);

	if (fd < 0)
		die(path, &err);
	return fd;
}

/* The facts file that a confirmed deploy leaves behind. */
static void write_facts(const struct cert_conf *cert, const struct version_id *id)
{
	struct target_facts *targets AUTO_FREE =
		mem_zalloc((cert->n_targets + 1u) * sizeof(*targets));
	struct cert_facts only = { .cert = (char *)(uintptr_t)cert->name,
		.targets = targets,
		.n_targets = cert->n_targets };
	struct err err;

	for (size_t i = 0; i < cert->n_targets; i++) {
		targets[i].name = (char *)(uintptr_t)conf->targets[cert->targets[i]].name;
		targets[i].copied = targets[i].confirmed = *id;
	}
	if (cert->n_targets && store_write_facts(store, &only, &err) < 0)
		die(cert->name, &err);
}

static struct sample sample_make(const struct cert_conf *cert, struct instant now)
{
	struct sample sample = { .cert = cert, .id = issue(cert, now) };

	read_text(cert->name, "info", &sample.info);
	sample.fd = open_version(cert->name, &sample.id);
	write_facts(cert, &sample.id);
	return sample;
}

/* The sample's info file with the names and the digest of another certificate. */
static void info_of(const struct sample *sample, const struct cert_conf *cert, struct buf *out)
{
	for (const char *line = sample->info.data; *line;) {
		size_t len = strcspn(line, "\n") + 1;

		if (str_starts(line, "names:")) {
			buf_add_text(out, "names:");
			for (size_t i = 0; i < cert->n_names; i++)
				buf_printf(out, " %s", cert->names[i]);
			buf_add_char(out, '\n');
		} else if (str_starts(line, "digest:")) {
			buf_printf(out, "digest: %016llx\n", (unsigned long long)cert->digest);
		} else {
			buf_add(out, line, len);
		}
		line += len;
	}
}

static void make_dir(const char *path)
{
	struct err err;

	if (file_make_dir(certs, path, 0700, &err) < 0)
		die(path, &err);
}

static void copy(const struct sample *sample, const struct cert_conf *cert)
{
	static const char *const shared[] = { "privkey.pem", "csr.pem", "cert.pem", "chain.pem",
		"fullchain.pem", "bundle.pem", "tlsa.rr" };
	char group[256], id[VERSION_ID_TEXT_LEN];
	char *versions AUTO_FREE = mem_printf("%s/versions", cert->name);
	char *version AUTO_FREE =
		mem_printf("%s/%s", versions, version_id_text(&sample->id, id));
	char *link AUTO_FREE = mem_printf("%s/curr", cert->name);
	struct buf info AUTO_BUF = BUF_INIT;
	struct err err;
	int fd AUTO_CLOSE = -1;

	make_dir(cert_conf_group(cert, group));
	make_dir(cert->name);
	make_dir(versions);
	make_dir(version);
	fd = open_version(cert->name, &sample->id);
	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		if (linkat(sample->fd, shared[i], fd, shared[i], 0) < 0)
			die(shared[i], &(struct err){ .text = "cannot be linked" });
	info_of(sample, cert, &info);
	if (file_create(fd, "info", info.data, info.len, FILE_PUBLIC, &err) < 0)
		die(cert->name, &err);
	if (symlinkat(strstr(version, "/versions/") + 1, certs, link) < 0)
		die(link, &(struct err){ .text = "cannot be made" });
	write_facts(cert, &sample->id);
}

int main(int argc, char **argv)
{
	struct sample samples[SAMPLES];
	struct instant now = clock_now();
	size_t n = 0;
	struct err err;

	if (argc != 2) {
		fputs("usage: bench_store CONFIG\n", stderr);
		return EXIT_FAILURE;
	}
	umask(077);
	conf = bench_load(argv[1]);
	if (store_open(conf->state_dir, &store, &err) < 0)
		die(conf->state_dir, &err);
	if (chdir(conf->state_dir) < 0)
		die(conf->state_dir, &(struct err){ .text = "cannot be entered" });
	certs = open("certs", O_RDONLY | O_DIRECTORY);
	for (size_t i = 0; i < conf->n_certs; i++)
		if (conf->certs[i].is_ca)
			issue_ca(&conf->certs[i], instant_sub(now, DAYS(SAMPLES + 1)));
	for (size_t i = 0; i < conf->n_certs; i++) {
		const struct cert_conf *cert = &conf->certs[i];

		if (cert->is_ca)
			continue;
		if (n < SAMPLES)
			samples[n] = sample_make(cert, instant_sub(now, DAYS((int64_t)n)));
		else
			copy(&samples[n % SAMPLES], cert);
		n++;
	}
	for (size_t i = 0; i < SAMPLES && i < n; i++) {
		buf_done(&samples[i].info);
		close(samples[i].fd);
	}
	printf("%zu\n", conf->n_certs);
	store_close(store);
	conf_unref(conf);
	return EXIT_SUCCESS;
}

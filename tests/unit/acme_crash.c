/* SPDX-License-Identifier: MIT */
/*
 * Lets the keeper finalize an order and accept its certificate, one process each, so that
 * tests/live/test_accept_kill.py can kill it or let a system call fail at any point, and then judge
 * what is left.
 *
 *   acme_crash prepare DIR    an account, a current version, an order in flight; the CA in DIR/outside
 *   acme_crash work DIR       the request for the order, the CA's certificate, its acceptance
 *   acme_crash check DIR      is the key of whatever the CA signed still here?
 *   acme_crash end DIR        the same, and is there exactly one new version?
 *   acme_crash finish DIR     what the engine does after a restart, to the end
 *
 * Exit status: 0 done, 1 an error that was told (on standard error), 2 something is lost or twice there.
 */
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/crypt/chain.h"
#include "lib/crypt/csr.h"
#include "tests/unit/acme_world.h"

#define ACCEPT "accept cert=" CERT " ca=le order="
#define FINALIZE "sign ca=le op=finalize url=https://ca.example/f nonce=a cert=" CERT " order="
#define OUTSIDE "outside/chain.pem"

static int root = -1;
static struct err err;

static int told(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, buf_text(&reply));
	return 1;
}

static int broken(const char *what)
{
	fprintf(stderr, "broken: %s: %s\n", what, buf_text(&reply));
	return 2;
}

static int ask(const char *request, const char *rows)
{
	return str_starts(world_ask(request, rows), "ok ") ? 0 : told(request);
}

/* The CA signs what the request asks for, once; asked again it gives the same certificate. */
static int issue(const char *order)
{
	static const char *const names[] = { "example.com", "*.example.com", "192.0.2.1" };
	struct buf der AUTO_BUF = BUF_INIT, pem AUTO_BUF = BUF_INIT, all AUTO_BUF = BUF_INIT;
	const char *payload = strstr(buf_text(&reply), "\"payload\":\""), *csr_text;
	struct key *key AUTO_KEY = world_pending_key(order, false);
	struct csr *csr AUTO_CSR = NULL;
	struct cert *leaf AUTO_CERT = NULL;

	if (!payload || !key)
		return broken("the answer came without a key in the store");
	payload += 11;
	if (jws_base64_read(payload, strcspn(payload, "\""), &all, &err) < 0)
		return broken("payload");
	csr_text = strstr(all.data, ":\"") + 2;
	if (jws_base64_read(csr_text, strcspn(csr_text, "\""), &der, &err) < 0 ||
		csr_read(der.data, der.len, &csr, &err) < 0 || !csr_has_key(csr, key))
		return broken("the request is not for the stored key");
	world_make_ca();
	leaf = world_leaf(key, names, 3, instant_sub(clock_now(), HOURS(1)),
		instant_add(clock_now(), DAYS(90)));
	cert_write(leaf, &pem);
	cert_write(world_int, &pem);
	if (file_replace(root, OUTSIDE, pem.data, pem.len, FILE_PUBLIC, &err) < 0) {
		fprintf(stderr, "outside: %s\n", err.text);
		return 1;
	}
	return 0;
}

static int obtain(const char *order)
{
	char *accept AUTO_FREE = mem_printf(ACCEPT "%s", order),
		     *finalize AUTO_FREE = mem_printf(FINALIZE "%s", order);
	struct buf chain AUTO_BUF = BUF_INIT;

	if (!file_exists(root, OUTSIDE) && (ask(finalize, NULL) || issue(order)))
		return 1;
	if (file_read(root, OUTSIDE, 100000, &chain, &err) < 0) {
		fprintf(stderr, "outside: %s\n", err.text);
		return 1;
	}
	return ask(accept, chain.data);
}

static int prepare(void)
{
	if (ask("sign ca=le op=new-account url=https://ca.example/n nonce=a", NULL) ||
		ask("account ca=le url=https://ca.example/acct/1", NULL) ||
		file_make_dir(root, "outside", 0700, &err) < 0 ||
		ask("order cert=" CERT " ca=le url=https://ca.example/order/0", NULL) ||
		obtain("https://ca.example/order/0") || ask("roll cert=" CERT, NULL))
		return 1;
	return unlinkat(root, OUTSIDE, 0) < 0 ||
	       ask("order cert=" CERT " ca=le url=" ORDER, NULL);
}

static bool has_version(const struct version_id *id, const struct cert *leaf)
{
	struct buf pem AUTO_BUF = BUF_INIT, key AUTO_BUF = BUF_INIT;
	struct cert *cert AUTO_CERT = NULL;

	/* Reading the key compares it with the certificate. */
	return version_is_set(id) &&
	       store_read_file(server.store, CERT, id, "cert.pem", CERT_MAX, &pem, &err) == 0 &&
	       store_read_file(server.store, CERT, id, "privkey.pem", 65536, &key, &err) == 0 &&
	       cert_read(pem.data, pem.len, &cert, &err) == 0 && cert_equal(cert, leaf);
}

static void count(const struct version_facts *version, const char *role, void *data)
{
	(void)version;
	(void)role;
	++*(int *)data;
}

static int check(bool is_end)
{
	struct cert_facts facts CLEANUP(facts_done) = { .cert = NULL };
	struct key *key AUTO_KEY = world_pending_key(ORDER, false);
	struct buf pem AUTO_BUF = BUF_INIT;
	struct chain chain AUTO_CHAIN = CHAIN_INIT;
	int n = 0;

	if (store_read(server.store, CERT, &facts, &err) < 0 ||
		store_versions(server.store, CERT, count, &n, &err) < 0)
		return broken(err.text);
	if (!version_is_set(&facts.curr.id) || n > 2)
		return broken(
			n > 2 ? "a version is there twice" : "the current version is lost");
	if (!facts.order.url && !version_is_set(&facts.next.id))
		return broken("the order was forgotten without a certificate");
	printf("versions=%d order=%d key=%d\n", n, facts.order.url != NULL, key != NULL);
	/* A key that was left behind waits for its sweep. */
	if (is_end && (n != 2 || facts.order.url || !version_is_set(&facts.next.id)))
		return broken("the end is not the end");
	if (!file_exists(root, OUTSIDE))
		return 0;
	if (file_read(root, OUTSIDE, 100000, &pem, &err) < 0 ||
		chain_read(pem.data, pem.len, &chain, &err) < 0)
		return broken("outside");
	if (!(key && cert_has_key(chain.at[0], key)) &&
		!has_version(&facts.next.id, chain.at[0]))
		return broken("the key of the CA's certificate is lost");
	return 0;
}

static int finish(void)
{
	struct cert_facts facts CLEANUP(facts_done) = { .cert = NULL };

	if (store_read(server.store, CERT, &facts, &err) < 0)
		return broken("read");
	if (facts.order.url && obtain(ORDER))
		return 1;
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc == 3 ? argv[1] : "";
	int result = 64;

	if (argc != 3) {
		fprintf(stderr, "usage: %s prepare|work|check|end|finish DIR\n", argv[0]);
		return 64;
	}
	if (world_open(argv[2], &err) < 0) {
		fprintf(stderr, "open: %s\n", err.text);
		return 1;
	}
	root = file_open_dir(AT_FDCWD, argv[2], &err);
	if (str_is(what, "prepare"))
		result = prepare();
	else if (str_is(what, "work"))
		result = obtain(ORDER);
	else if (str_is(what, "check") || str_is(what, "end"))
		result = check(str_is(what, "end"));
	else if (str_is(what, "finish"))
		result = finish();
	close(root);
	world_close();
	world_drop_ca();
	return result;
}

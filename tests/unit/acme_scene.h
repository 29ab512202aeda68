/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_UNIT_ACME_SCENE_H
#define CERTD_TESTS_UNIT_ACME_SCENE_H

#include "tests/test.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "tests/unit/acme_world.h"

/*
 * What the tests of the keeper's ACME requests share: a fresh state directory for each test, a clock
 * that moves, requests as lines, a look into what was signed, and chains as a CA
 * gives them.  Included by the one file of a test
 * program, in place of tests/test.h.
 */

static int64_t clock_ahead, tick_ahead_ms;
static char dir[64];

struct instant clock_now(void)
{
	return (struct instant){ (int64_t)time(NULL) + clock_ahead };
}

struct tick clock_tick(void)
{
	return (struct tick){ 1 + tick_ahead_ms };
}

/* Slow keys wait here until a test lets them be made. */
static const struct work *slow;
static void *slow_in;

void worker_start(struct worker *worker, const struct work *kind, void *in, void *data)
{
	(void)worker;
	(void)data;
	slow = kind;
	slow_in = in;
}

static inline void open_world(void)
{
	struct err err;

	if (world_open(dir, &err) < 0)
		TEST_FAIL("%s", err.text);
	REQUIRE(server.store);
}

static inline void setup(void)
{
	strcpy(dir, "/tmp/certd-acme-XXXXXX");
	REQUIRE(mkdtemp(dir));
	clock_ahead = 0;
	world_acme = (struct acme_conf){ .directory = "https://ca.example/dir",
		.staging = "https://stage.example/dir",
		.terms_agreed = true };
	world_cert.key = "ec:secp256r1";
	world_cert.n_subject = 0;
	world_make_ca();
	open_world();
}

static inline void teardown(const int *ignored)
{
	struct err err;

	(void)ignored;
	world_close();
	world_drop_ca();
	CHECK_INT(file_remove_tree(AT_FDCWD, dir, &err), 0);
}

#define WORLD                                                                                  \
	int world_ CLEANUP(teardown) = 0;                                                      \
	(void)world_;                                                                          \
	setup()

static inline void reopen(void)
{
	world_close();
	open_world();
}

PRINTF(1, 2) static inline const char *ask(const char *fmt, ...)
{
	struct buf request AUTO_BUF = BUF_INIT;
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return world_ask(text, NULL);
}

static inline void check_ok(const char *got, int line)
{
	if (!str_starts(got, "ok 1"))
		TEST_FAIL("line %d: %s", line, got);
}

static inline void check_err(const char *got, const char *code, const char *part, int line)
{
	char *want AUTO_FREE = mem_printf("err 1 code=%s ", code);

	if (!str_starts(got, want) || !strstr(got, part))
		TEST_FAIL("line %d: %s", line, got);
}

#define OK(...) check_ok(ask(__VA_ARGS__), __LINE__)
#define REFUSED(code, part, ...) check_err(ask(__VA_ARGS__), code, part, __LINE__)

#define SIGN(op) "sign ca=le op=" op " url=https://ca.example/x nonce=abc"

/* The member of the JWS that was answered, decoded. */
static inline const char *part_of(const char *jws, const char *name)
{
	static struct buf out[2];
	static int turn;
	struct buf *to = &out[turn ^= 1];
	char *key AUTO_FREE = mem_printf("\"%s\":\"", name);
	const char *at = strstr(jws, key);
	struct err err;

	buf_done(to);
	REQUIRE(at);
	at += strlen(key);
	REQUIRE(jws_base64_read(at, strcspn(at, "\""), to, &err) == 0);
	return buf_text(to);
}

static inline const char *payload(void)
{
	return part_of(buf_text(&reply), "payload");
}

static inline const char *header(void)
{
	return part_of(buf_text(&reply), "protected");
}

static inline void have_account(void)
{
	OK(SIGN("new-account"));
	OK("account ca=le url=https://ca.example/acct/7");
}

static inline void have_order(void)
{
	have_account();
	OK("order cert=" CERT " ca=le url=" ORDER);
	OK(SIGN("finalize") " cert=" CERT " order=" ORDER);
}

/* Chains to accept, of the world's CA. */

struct leaf {
	const char *const *names;
	size_t n_names;
	int64_t from, until; /* seconds from now */
};

static const char *const leaf_names[] = { "192.0.2.1", "example.com", "*.example.com",
	"more.example.com" };

static inline char *make_chain(
	const struct key *key, const struct leaf *leaf, const char *order)
{
	struct instant now = clock_now();
	struct cert *cert AUTO_CERT = world_leaf(key, leaf->names, leaf->n_names,
		instant_add(now, SECONDS(leaf->from)), instant_add(now, SECONDS(leaf->until)));
	struct buf pem AUTO_BUF = BUF_INIT;

	for (; *order; order++)
		if (*order == 'l')
			cert_write(cert, &pem);
		else if (*order == 'x')
			buf_add_text(&pem, "-----BEGIN X509 CRL-----\nMAA=\n"
					   "-----END X509 CRL-----\n");
		else
			cert_write(*order == 'i' ? world_int : world_root, &pem);
	return mem_strdup(buf_text(&pem));
}

static const struct leaf good_leaf = { leaf_names, 3, -3600, 86400 * 90 };

#define ACCEPT "accept cert=" CERT " ca=le order=" ORDER

/* PEM of a root that nobody of this CA's issued. */
static inline void add_stranger(struct buf *out)
{
	static const struct dn_field fields[] = { { "CN", "Root" } };
	struct cert_wish wish = { fields, 1, NULL, 0, 0, true, -1 };
	struct instant now = clock_now();
	struct key *key AUTO_KEY = NULL;
	struct cert *cert AUTO_CERT = NULL;
	struct err err;

	REQUIRE(key_make("ec:secp256r1", &key, &err) == 0);
	cert = world_sign(
		&wish, key, NULL, NULL, instant_sub(now, DAYS(1)), instant_add(now, DAYS(9)));
	cert_write(cert, out);
}

#endif

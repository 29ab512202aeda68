/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/keeper/ca/accept.h"
#include "daemon/keeper/ca/account.h"
#include "daemon/keeper/ca/pending.h"
#include "daemon/keeper/store/version.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/key.h"
#include "proto/facts.h"

/*
 * The chain that a CA gave for an order. Lines that name a part stand for its PEM, so that
 * inputs reach valid chains in any order and with any damage; other lines are taken literally.
 * An accepted chain carries the order's key and is the valid leaf; a refusal has a sentence and
 * leaves the output empty.
 */

#define NOW INT64_C(1790000000)

static const char *const good[] = { "example.com", "www.example.com" }, *const bad[] = {
	"example.org"
};
static char *names[] = { (char *)"example.com", (char *)"www.example.com" };
static const char own_name[] = "example.com/web";
static struct cert_conf cert_conf = { .name = own_name,
	.service = own_name + sizeof("example.com"),
	.names = names,
	.n_names = 2 };
static struct acme_conf acme = { .directory = "https://ca.example/dir" };
static struct ca_conf ca = { .name = "le", .type = CA_ACME, .acme = &acme };
static struct pending pending;
static struct key *keys[3]; /* of the root, the intermediate, and of another order */

static struct part {
	const char *word;
	struct buf pem;
} parts[] = { { "root", BUF_INIT }, { "int", BUF_INIT }, { "leaf", BUF_INIT },
	{ "other-key", BUF_INIT }, { "other-names", BUF_INIT }, { "ended", BUF_INIT },
	{ "ahead", BUF_INIT }, { "endless", BUF_INIT }, { "ca", BUF_INIT } };

static struct cert *sign(const struct cert_wish *wish, const struct key *key,
	const struct cert *issuer, const struct key *issuer_key, int64_t from, int64_t until)
{
	struct cert_issue order = { wish, key, issuer, issuer_key, "sha256", { NOW + from },
		{ NOW + until } };
	struct cert *cert = NULL;
	struct err err;
	int result = cert_issue(&order, &cert, &err);

	assert(result == 0);
	return cert;
}

static void put(size_t i, struct cert *cert)
{
	cert_write(cert, &parts[i].pem);
	cert_free(cert);
}

static void done(void)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		buf_done(&parts[i].pem);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		key_free(keys[i]);
	key_free(pending.key);
}

static void make_parts(void)
{
	static const struct dn_field top[] = { { "CN", "Root" } }, mid[] = { { "CN", "Int" } };
	struct cert_wish is_ca = { top, 1, NULL, 0, 0, true, -1 };
	struct cert_wish leaf = { NULL, 0, good, 2, EKU_SERVER_AUTH, false, -1 };
	struct cert_wish other = { NULL, 0, bad, 1, EKU_SERVER_AUTH, false, -1 };
	struct cert *root, *issuer;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (key_make("ec:secp256r1", &keys[i], &err) < 0)
			abort();
	if (key_make("ec:secp256r1", &pending.key, &err) < 0)
		abort();
	root = sign(&is_ca, keys[0], NULL, NULL, -1000, 900000000);
	is_ca.subject = mid;
	issuer = sign(&is_ca, keys[1], root, keys[0], -1000, 900000000);
	put(2, sign(&leaf, pending.key, issuer, keys[1], -100, 7776000));
	put(3, sign(&leaf, keys[2], issuer, keys[1], -100, 7776000));
	put(4, sign(&other, pending.key, issuer, keys[1], -100, 7776000));
	put(5, sign(&leaf, pending.key, issuer, keys[1], -900, -10));
	put(6, sign(&leaf, pending.key, issuer, keys[1], 9000, 7776000));
	put(7, sign(&leaf, pending.key, issuer, keys[1], -100, 800000000));
	put(8, sign(&is_ca, pending.key, issuer, keys[1], -100, 7776000));
	put(1, issuer);
	put(0, root);
	atexit(done);
}

static void add_line(const char *line, size_t len, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (strlen(parts[i].word) == len && memcmp(parts[i].word, line, len) == 0) {
			buf_add(out, parts[i].pem.data, parts[i].pem.len);
			return;
		}
	buf_add(out, line, len);
	buf_add_char(out, '\n');
}

static void check(const struct version_files *files)
{
	struct cert *leaf = NULL;
	struct err err;

	assert(cert_read(files->cert.data, files->cert.len, &leaf, &err) == 0);
	assert(cert_has_key(leaf, pending.key) && !cert_is_ca(leaf));
	assert(cert_has_exactly(leaf, good, 2, &err) == 0);
	assert(cert_not_before(leaf).s <= NOW + ACCEPT_AHEAD.s && cert_not_after(leaf).s > NOW);
	assert(files->chain.len > 0);
	cert_free(leaf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct authority at = { .ca = &ca, .acme = &acme, .directory = acme.directory };
	struct accept_order order = { &at, &cert_conf, &pending, 1, { NOW } };
	struct version_files files = { .privkey = SECRET_INIT };
	struct version_facts facts = { .generation = 0 };
	const char *text = (const char *)data, *end = text + size;
	struct buf pem AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;

	if (!pending.key)
		make_parts();
	for (const char *lf; text < end; text = lf + 1) {
		lf = memchr(text, '\n', (size_t)(end - text));
		lf = lf ? lf : end;
		add_line(text, (size_t)(lf - text), &pem);
	}
	if (accept_chain(&order, buf_text(&pem), pem.len, &files, &facts, &err) == 0)
		check(&files);
	else
		assert(err.text[0] && files.cert.len == 0 && files.chain.len == 0 &&
			files.privkey.len == 0);
	version_files_done(&files);
	return 0;
}

#include "tests/test.h"

#include "client/check.h"
#include "client/material.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

#define NOW ((struct instant){ 1795255200 }) /* 2026-11-21T10:00:00Z */

static struct cert *issue(const struct key *key, const struct cert *issuer,
	const struct key *issuer_key, bool is_ca, bool has_name)
{
	static const struct dn_field subject[] = { { "CN", "Some CA" }, { "CN", "Some leaf" } };
	static const char *const names[] = { "example.com" };
	struct cert_wish wish = { .subject = &subject[!is_ca],
		.n_subject = 1,
		.names = names,
		.n_names = has_name,
		.is_ca = is_ca,
		.path_length = -1 };
	struct cert_issue order = { .wish = &wish,
		.key = key,
		.issuer = issuer,
		.issuer_key = issuer_key,
		.digest = "sha256",
		.not_before = NOW,
		.not_after = instant_add(NOW, DAYS(10)) };
	struct cert *cert = NULL;
	struct err err;

	REQUIRE(cert_issue(&order, &cert, &err) == 0);
	return cert;
}

static void put_key(struct material *m, struct key *key)
{
	m->items[m->n++] = (struct material_item){ .kind = MATERIAL_KEY, .key = key };
}

static void put_cert(struct material *m, struct cert *cert)
{
	m->items[m->n++] = (struct material_item){ .kind = MATERIAL_CERT, .cert = cert };
}

/* K: the key, O: another key, L: the leaf, N: a leaf without names, R: the root, each borrowed. */
TEST(sets_of_files)
{
	static const struct {
		const char *set;
		int days;
		const char *problem; /* NULL: none */
	} rows[] = {
		{ "KLR", 1, NULL },
		{ "KLRLR", 1, NULL },
		{ "LR", 1, NULL },
		{ "R", 1, NULL },
		{ "OLR", 1, "does not belong to the certificate" },
		{ "KOLR", 1, "does not belong to the certificate" },
		{ "KL", 1, "ends without an issuer" },
		{ "KRL", 1, "not from this issuer" },
		{ "KNR", 1, "has no names" },
		{ "KLR", 11, "ended at 2026-12-01T10:00:00Z" },
		{ "KLR", -1, "not valid before 2026-11-21T10:00:00Z" },
		{ "K", 1, "there is no certificate" },
		{ "", 1, "there is no certificate" },
	};
	struct key *keys[3] = { NULL };
	struct err err;
	struct cert *root, *leaf, *nameless;

	for (int i = 0; i < 3; i++)
		REQUIRE(key_make("ed25519", &keys[i], &err) == 0);
	root = issue(keys[0], NULL, NULL, true, false);
	leaf = issue(keys[1], root, keys[0], false, true);
	nameless = issue(keys[1], root, keys[0], false, false);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct material *m AUTO_FREE = mem_new(struct material);
		struct check check CLEANUP(check_done) = { .n_problems = 0 };
		bool has = false;

		for (const char *p = rows[i].set; *p; p++)
			if (*p == 'K' || *p == 'O')
				put_key(m, keys[*p == 'K' ? 1 : 2]);
			else
				put_cert(m, *p == 'L' ? leaf : *p == 'N' ? nameless : root);
		check_run(&check, m, instant_add(NOW, DAYS(rows[i].days)));
		for (size_t k = 0; rows[i].problem && k < check.n_problems; k++)
			has = has || strstr(check.problems[k], rows[i].problem);
		if (has != (rows[i].problem != NULL) || (!rows[i].problem && check.n_problems))
			TEST_FAIL("%s: %zu problems, the first: %s", rows[i].set,
				check.n_problems,
				check.n_problems ? check.problems[0] : "none");
	}
	for (int i = 0; i < 3; i++)
		key_free(keys[i]);
	cert_free(root);
	cert_free(leaf);
	cert_free(nameless);
}

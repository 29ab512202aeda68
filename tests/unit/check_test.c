/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "client/check.h"
#include "client/material.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

#define NOW ((struct instant){ 1795255200 }) /* 2026-11-21T10:00:00Z */

static struct cert *issue(const struct key *key, const struct cert *issuer,
	const struct key *issuer_key, bool is_ca, bool has_name)
{
	static const struct dn_field subject[] = { { "CN", "Some CA" }, { "CN", "Some leaf" },
		{ "CN", "Some issuing CA" } };
	static const char *const names[] = { "example.com" };
	struct cert_wish wish = { .subject = &subject[!is_ca   ? 1
						      : issuer ? 2
							       : 0],
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

/* K: the key, O: another one.  Certificates: see struct world.  A comma begins another file. */
struct world {
	struct key *keys[3]; /* of the CAs, the leaf, others */
	struct cert *root, *inter, *leaf, *low, *nameless, *alien; /* R I L M N A */
};

static void world_init(struct world *w)
{
	struct err err;

	for (int i = 0; i < 3; i++)
		REQUIRE(key_make("ed25519", &w->keys[i], &err) == 0);
	w->root = issue(w->keys[0], NULL, NULL, true, false);
	w->inter = issue(w->keys[2], w->root, w->keys[0], true, false);
	w->leaf = issue(w->keys[1], w->root, w->keys[0], false, true);
	w->low = issue(w->keys[1], w->inter, w->keys[2], false, true);
	w->nameless = issue(w->keys[1], w->root, w->keys[0], false, false);
	w->alien = issue(w->keys[1], NULL, NULL, true, false);
}

static void world_done(struct world *w)
{
	struct cert *certs[] = { w->root, w->inter, w->leaf, w->low, w->nameless, w->alien };

	for (size_t i = 0; i < ARRAY_LEN(certs); i++)
		cert_free(certs[i]);
	for (int i = 0; i < 3; i++)
		key_free(w->keys[i]);
}

static void fill(struct material *m, const struct world *w, const char *set)
{
	static const char letters[] = "RILMNA";
	struct cert *certs[] = { w->root, w->inter, w->leaf, w->low, w->nameless, w->alien };

	for (const char *p = set; *p; p++) {
		struct material_item item = { .file = m->n_files };

		if (*p == ',') {
			m->n_files++;
			continue;
		}
		if (*p == 'K' || *p == 'O') {
			item.kind = MATERIAL_KEY;
			item.key = w->keys[*p == 'K' ? 1 : 2];
		} else {
			item.kind = MATERIAL_CERT;
			item.cert = certs[strchr(letters, *p) - letters];
		}
		m->items[m->n++] = item;
	}
}

struct row {
	const char *set;
	int days;
	const char *problem; /* NULL: none */
};

static void check_rows(const struct row *rows, size_t n, bool is_picked)
{
	struct world w;

	world_init(&w);
	for (size_t i = 0; i < n; i++) {
		struct material *m AUTO_FREE = mem_new(struct material);
		struct check check CLEANUP(check_done) = { .is_picked = is_picked };
		bool has = false;

		fill(m, &w, rows[i].set);
		check_run(&check, m, instant_add(NOW, DAYS(rows[i].days)));
		for (size_t k = 0; rows[i].problem && k < check.n_problems; k++)
			has = has || strstr(check.problems[k], rows[i].problem);
		if (has != (rows[i].problem != NULL) || (!rows[i].problem && check.n_problems))
			TEST_FAIL("%s: %zu problems, the first: %s", rows[i].set,
				check.n_problems,
				check.n_problems ? check.problems[0] : "none");
	}
	world_done(&w);
}

TEST(sets_of_a_directory)
{
	static const struct row rows[] = {
		{ "KLR", 1, NULL },
		{ "KLRLR", 1, NULL },
		{ "KMIR", 1, NULL },
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

	check_rows(rows, ARRAY_LEN(rows), false);
}

TEST(sets_of_files_that_were_picked)
{
	static const struct row rows[] = {
		{ "K,L", 1, NULL },
		{ "L,K", 1, NULL },
		{ "K,M,I", 1, NULL },
		{ "K,M,IR", 1, NULL },
		{ "R,I,M,K", 1, NULL },
		{ "K,M,MI,R", 1, NULL },
		{ "K,M,I,AR", 1, NULL }, /* anchors: one is enough */
		{ "MIR", 1, NULL },
		{ "R,I", 1, NULL },
		{ "O,L", 1, "does not belong to the certificate" },
		{ "K,O,L,R", 1, "does not belong to the certificate" },
		{ "K,L", 11, "ended at 2026-12-01T10:00:00Z" },
		{ "K,N", 1, "has no names" },
		{ "K,L,M", 1, "certificate of another server" },
		{ "K,L,I", 1, "has issued none of these certificates" },
		{ "K,L,A", 1, "has issued none of these certificates" },
		{ "K,MRI", 1, "not from this issuer" },
		{ "K,M,RI", 1, "not in order" },
		{ "K", 1, "there is no certificate" },
	};

	check_rows(rows, ARRAY_LEN(rows), true);
}

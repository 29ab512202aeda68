/* SPDX-License-Identifier: MIT */
#include "tests/unit/acme_scene.h"

/* Which chains the keeper takes for an order, and which it does not. */

TEST(chains_that_are_not_ours_are_refused)
{
	static const struct {
		struct leaf leaf;
		const char *order, *code, *part;
	} rows[] = {
		{ { leaf_names, 2, -3600, 9000 }, "li", "bad-cert", "lacks" },
		{ { leaf_names, 4, -3600, 9000 }, "li", "bad-cert", "not asked for" },
		{ { leaf_names, 3, -3600, -60 }, "li", "bad-cert", "ended" },
		{ { leaf_names, 3, 3700, 9000 }, "li", "bad-cert", "does not begin" },
		{ { leaf_names, 3, -3600, 86400 * INT64_C(3700) }, "li", "bad-cert", "nobody" },
		{ { leaf_names, 3, -3600, 86400 * INT64_C(400) }, "li", "bad-cert",
			"a roots_file" },
		{ { leaf_names, 3, -3600, 9000 }, "il", "bad-cert", "key" },
		{ { leaf_names, 3, -3600, 9000 }, "lri", "bad-chain", "issuer" },
		{ { leaf_names, 3, -3600, 9000 }, "lr", "bad-chain", "issuer" },
		{ { leaf_names, 3, -3600, 9000 }, "lli", "bad-chain", "issuer" },
		{ { leaf_names, 3, -3600, 9000 }, "lix", "bad-chain", "X509 CRL" },
		{ { leaf_names, 3, -3600, 9000 }, "xli", "bad-chain", "X509 CRL" },
		{ { leaf_names, 3, -3600, 9000 }, "l", "bad-chain", "without its issuer" },
		{ { leaf_names, 3, -3600, 9000 }, "", "bad-chain", "no certificate" },
		{ { leaf_names, 3, -3600, 9000 }, "liiiiiiiiiiiiiiiii", "too-large",
			"more than" },
	};

	WORLD;
	have_order();
	struct key *key AUTO_KEY = world_pending_key(ORDER, false), *foreign AUTO_KEY = NULL;
	char *chain AUTO_FREE = NULL;
	struct err err;

	REQUIRE(key && key_make("ec:secp256r1", &foreign, &err) == 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *pem AUTO_FREE = make_chain(key, &rows[i].leaf, rows[i].order);

		check_err(world_ask(ACCEPT, pem), rows[i].code, rows[i].part, (int)i);
	}
	chain = make_chain(foreign, &good_leaf, "li");
	check_err(world_ask(ACCEPT, chain), "bad-cert", "key", __LINE__);
	check_err(world_ask("accept cert=" CERT " ca=le order=" ORDER "2", chain),
		"bad-argument", "noted", __LINE__);
	check_err(world_ask("accept cert=" CERT " ca=le", chain), "bad-argument", "order",
		__LINE__);
	check_err(world_ask("accept cert=" CERT " ca=other order=" ORDER, chain),
		"bad-argument", "", __LINE__);
	check_err(world_ask(ACCEPT, "nonsense"), "bad-chain", "no certificate", __LINE__);
	/* Nothing was stored, and the order can still be ended well. */
	CHECK(!strstr(ask("versions cert=" CERT), "version="));
	free(chain);
	chain = make_chain(key, &good_leaf, "lir");
	check_ok(world_ask(ACCEPT, chain), __LINE__);
}

TEST(clocks_that_are_late_and_roots_that_are_configured)
{
	WORLD;
	static const struct leaf ahead = { leaf_names, 3, 3500, 86400 };
	struct buf root AUTO_BUF = BUF_INIT;

	have_order();
	struct key *key AUTO_KEY = world_pending_key(ORDER, false);
	char *pem AUTO_FREE = make_chain(key, &ahead, "li"),
		  *alone AUTO_FREE = make_chain(key, &good_leaf, "l");

	cert_write(world_root, &root);
	world_acme.trust = buf_text(&root);
	check_err(world_ask(ACCEPT, alone), "bad-chain", "trust", __LINE__);
	check_ok(world_ask(ACCEPT, pem), __LINE__);
	OK("order cert=" CERT " ca=le url=" ORDER);
	OK(SIGN("finalize") " cert=" CERT " order=" ORDER);
	struct key *other AUTO_KEY = world_pending_key(ORDER, false);
	char *lone AUTO_FREE = make_chain(other, &good_leaf, "l");

	cert_write(world_int, &root);
	world_acme.trust = buf_text(&root);
	check_ok(world_ask(ACCEPT, lone), __LINE__);
	world_acme.trust = NULL;
}

TEST(chains_lead_to_the_roots_that_are_configured)
{
	WORLD;
	static const struct leaf lasting = { leaf_names, 3, -3600, 86400 * INT64_C(3600) };
	struct buf own AUTO_BUF = BUF_INIT, foreign AUTO_BUF = BUF_INIT,
		       mid AUTO_BUF = BUF_INIT;

	have_order();
	struct key *key AUTO_KEY = world_pending_key(ORDER, false);
	char *pem AUTO_FREE = make_chain(key, &lasting, "li"),
		  *whole AUTO_FREE = make_chain(key, &lasting, "lir");

	/* A name alone is nothing, nor is what issued the leaf a root. */
	add_stranger(&foreign);
	add_stranger(&own);
	cert_write(world_root, &own);
	cert_write(world_int, &mid);
	world_acme.roots = buf_text(&foreign);
	check_err(world_ask(ACCEPT, pem), "bad-chain", "roots_file of le", __LINE__);
	check_err(world_ask(ACCEPT, whole), "bad-chain", "CN=Root", __LINE__);
	world_acme.roots = buf_text(&mid);
	check_err(world_ask(ACCEPT, pem), "bad-chain", "roots_file of le", __LINE__);
	/* Those of staging are others. */
	world_acme.roots = NULL;
	world_acme.staging_roots = buf_text(&own);
	check_err(world_ask(ACCEPT, pem), "bad-cert", "roots_file", __LINE__);
	world_acme.staging_roots = buf_text(&foreign);
	world_acme.roots = buf_text(&own);
	check_ok(world_ask(ACCEPT, pem), __LINE__);
	world_acme.roots = world_acme.staging_roots = NULL;
}

/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "daemon/conf/conf.h"
#include "daemon/keeper/ca/localca.h"
#include "daemon/keeper/store/info.h"
#include "daemon/keeper/store/version.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/chain.h"
#include "lib/crypt/csr.h"
#include "lib/crypt/key.h"

#define NOW ((struct instant){ 1795255200 }) /* 2026-11-21T10:00:00Z */

#define DAY INT64_C(86400)

enum { ROOT, INT, LEAF, SELF, DEEP, N_CERTS };
enum { CA_ROOT, CA_INT, N_CAS };

/* A configuration as daemon/conf would make it. */
struct world {
	struct conf conf;
	struct ca_conf cas[N_CAS];
	struct cert_conf certs[N_CERTS];
	struct subject_field root[3], sub[1];
	char *names[5];
};

static void world_init(struct world *w)
{
	*w = (struct world){
		.cas = { { .name = "my-root",
				 .issuer = ROOT,
				 .lifetime = DAYS(100),
				 .digest = "sha512" },
			{ .name = "my-int",
				.issuer = INT,
				.lifetime = DAYS(30),
				.digest = "sha256" } },
		.root = { { "CN", "Example Root" }, { "O", "Example" }, { "C", "US" } },
		.sub = { { "CN", "Example Issuing" } },
		.names = { "example.com", "*.example.com", "xn--bcher-kva.example",
			"192.0.2.10", "2001:db8::10" },
	};
	w->certs[ROOT] = (struct cert_conf){ .name = "ca/my-root",
		.subject = w->root,
		.n_subject = 3,
		.is_ca = true,
		.path_length = -1,
		.lifetime = DAYS(3650) };
	w->certs[INT] = (struct cert_conf){ .name = "ca/my-int",
		.subject = w->sub,
		.n_subject = 1,
		.is_ca = true,
		.path_length = 0 };
	w->certs[LEAF] = (struct cert_conf){ .name = "example.com/web",
		.names = w->names,
		.n_names = 5,
		.purposes = PURPOSE_SERVER_AUTH | PURPOSE_CLIENT_AUTH,
		.path_length = -1 };
	w->certs[SELF] = w->certs[LEAF];
	w->certs[DEEP] = w->certs[INT];
	w->certs[DEEP].name = "ca/deep";
	for (uint32_t i = 0; i < N_CERTS; i++) {
		w->certs[i].place = i;
		w->certs[i].digest = 1000 + i;
	}
	w->conf = (struct conf){
		.cas = w->cas, .n_cas = N_CAS, .certs = w->certs, .n_certs = N_CERTS
	};
}

/* One issued version and the key it was issued for. */
struct made {
	struct version_files files;
	struct version_facts facts;
	struct key *key;
	struct err err;
	int ret;
};

static void made_done(struct made *made)
{
	version_files_done(&made->files);
	key_free(made->key);
}
#define AUTO_MADE CLEANUP(made_done)

static struct made issue_at(const struct world *w, int cert, uint32_t ca,
	const struct made *issuer, const char *spec, struct instant now)
{
	struct localca_issuer material = { NULL, NULL, NULL };
	struct localca_order order = { .cert = &w->certs[cert],
		.conf = &w->conf,
		.ca = ca,
		.key_created = instant_sub(now, DAYS(1)),
		.generation = 3,
		.now = now };
	struct localca_signer *signer = NULL;
	struct made made = { .ret = -2 };

	if (issuer) {
		material.cert = buf_text(&issuer->files.cert);
		material.chain = buf_text(&issuer->files.chain);
		material.privkey = &issuer->files.privkey;
	}
	REQUIRE(key_make(spec, &made.key, &made.err) == 0);
	order.key = made.key;
	made.ret = ca == CA_SELF
			   ? 0
			   : localca_signer_read(&material, w->certs[w->cas[ca].issuer].name,
				     &signer, &made.err);
	order.signer = signer;
	if (made.ret == 0)
		made.ret = localca_issue(&order, &made.files, &made.facts, &made.err);
	localca_signer_free(signer);
	return made;
}

static struct made issue(const struct world *w, int cert, uint32_t ca,
	const struct made *issuer, const char *spec)
{
	struct made made = issue_at(w, cert, ca, issuer, spec, NOW);

	if (made.ret < 0)
		TEST_FAIL("%s: %s", w->certs[cert].name, made.err.text);
	REQUIRE(made.ret == 0);
	return made;
}

static struct cert *cert_of(const struct made *made)
{
	struct cert *cert = NULL;
	struct err err;

	REQUIRE(cert_read(made->files.cert.data, made->files.cert.len, &cert, &err) == 0);
	return cert;
}

static size_t n_blocks(const struct buf *pem)
{
	size_t n = 0;

	for (const char *p = buf_text(pem); (p = strstr(p, "-----BEGIN CERTIFICATE-----")); p++)
		n++;
	return n;
}

TEST(hierarchies_of_every_key_type)
{
	static const char *const specs[] = { "ec:P-256", "ec:secp384r1", "ec:secp521r1",
		"ed25519", "ed448", "rsa:2048" };
	struct world w;

	world_init(&w);
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		const char *other = specs[(i + 1) % ARRAY_LEN(specs)];
		struct made root AUTO_MADE = issue(&w, ROOT, CA_SELF, NULL, specs[i]);
		struct made sub AUTO_MADE = issue(&w, INT, CA_ROOT, &root, specs[i]);
		struct made leaf AUTO_MADE = issue(&w, LEAF, CA_INT, &sub, other);
		struct chain chain AUTO_CHAIN = CHAIN_INIT;
		struct cert *anchor AUTO_CERT = cert_of(&root),
				    *cert AUTO_CERT = cert_of(&leaf),
				    *issuer AUTO_CERT = cert_of(&sub);
		struct buf ski AUTO_BUF = BUF_INIT, aki AUTO_BUF = BUF_INIT;
		char type[KEY_TYPE_LEN];
		struct err err = ERR_INIT;

		CHECK_INT(chain_read(leaf.files.fullchain.data, leaf.files.fullchain.len,
				  &chain, &err),
			0);
		CHECK_INT(chain.n, 3);
		CHECK_INT(chain_verify(&chain, anchor, NOW, &err), 0);
		cert_ski(issuer, &ski);
		cert_aki(cert, &aki);
		CHECK(ski.len == 40 && str_is(buf_text(&ski), buf_text(&aki)));
		CHECK(key_spec_equal(cert_key_type(cert, type), other));
	}
}

TEST(files_are_what_the_contract_says)
{
	struct made root AUTO_MADE, sub AUTO_MADE, leaf AUTO_MADE;
	struct buf both AUTO_BUF = BUF_INIT, value AUTO_BUF = BUF_INIT;
	struct csr *csr AUTO_CSR = NULL;
	struct version_facts again = { .generation = 0 };
	struct world w;
	struct err err;

	world_init(&w);
	root = issue(&w, ROOT, CA_SELF, NULL, "ed25519");
	sub = issue(&w, INT, CA_ROOT, &root, "ed25519");
	leaf = issue(&w, LEAF, CA_INT, &sub, "ed25519");
	CHECK_INT(n_blocks(&root.files.chain), 1);
	CHECK_STR(buf_text(&root.files.chain), buf_text(&root.files.cert));
	CHECK_STR(buf_text(&root.files.fullchain), buf_text(&root.files.cert));
	CHECK_STR(buf_text(&sub.files.chain), buf_text(&root.files.cert));
	CHECK_STR(buf_text(&leaf.files.chain), buf_text(&sub.files.fullchain));
	buf_printf(&both, "%s%s", buf_text(&leaf.files.cert), buf_text(&leaf.files.chain));
	CHECK_STR(buf_text(&leaf.files.fullchain), buf_text(&both));
	buf_clear(&both);
	buf_printf(&both, "%s%s", leaf.files.privkey.data, buf_text(&leaf.files.fullchain));
	CHECK_STR(leaf.files.bundle.data, buf_text(&both));
	CHECK_INT(buf_text(&leaf.files.tlsa)[0], ';');
	REQUIRE(csr_read(leaf.files.csr.data, leaf.files.csr.len, &csr, &err) == 0);
	CHECK(csr_has_key(csr, leaf.key));
	REQUIRE(info_parse(buf_text(&leaf.files.info), &again, &err) == 0);
	CHECK_INT(again.generation, 3);
	CHECK_INT(again.digest, 1000 + LEAF);
	CHECK_INT(again.key_created.s, NOW.s - 86400);
	CHECK(memcmp(again.issuer_spki, sub.facts.spki, 32) == 0);
	CHECK(memcmp(root.facts.issuer_spki, root.facts.spki, 32) == 0);
	CHECK(info_value(buf_text(&leaf.files.info), "ca", &value));
	CHECK_STR(buf_text(&value), "my-int");
}

TEST(lifetimes)
{
	static const struct {
		int64_t ca, wish, issuer, want;
	} rows[] = {
		{ 30 * DAY, 0, 100 * DAY, 30 * DAY },
		{ 30 * DAY, 7 * DAY, 100 * DAY, 7 * DAY },
		{ 30 * DAY, 60 * DAY, 100 * DAY, 60 * DAY },
		{ 30 * DAY, 0, 10 * DAY, 10 * DAY },
		{ 0, 0, 10 * DAY, 10 * DAY },
		{ 60, 0, 3600, 60 },
		{ 36500 * DAY, 0, 20000 * DAY, 20000 * DAY },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct made root AUTO_MADE, leaf AUTO_MADE;
		struct cert *cert AUTO_CERT = NULL;
		struct world w;

		world_init(&w);
		w.cas[CA_ROOT].lifetime = SECONDS(rows[i].ca);
		w.certs[ROOT].lifetime = SECONDS(rows[i].issuer);
		w.certs[LEAF].lifetime = SECONDS(rows[i].wish);
		root = issue(&w, ROOT, CA_SELF, NULL, "ed25519");
		leaf = issue(&w, LEAF, CA_ROOT, &root, "ed25519");
		cert = cert_of(&leaf);
		CHECK_INT(cert_not_after(cert).s, NOW.s + rows[i].want);
		CHECK_INT(leaf.facts.not_after.s, NOW.s + rows[i].want);
		CHECK_INT(cert_not_before(cert).s, NOW.s - 300);
		CHECK_INT(leaf.facts.created.s, NOW.s);
	}
}

TEST(self_signed_certificates)
{
	struct made leaf AUTO_MADE;
	struct cert *cert AUTO_CERT = NULL;
	struct buf text AUTO_BUF = BUF_INIT;
	char signature[KEY_TYPE_LEN];
	struct world w;

	world_init(&w);
	leaf = issue(&w, SELF, CA_SELF, NULL, "ec:P-256");
	cert = cert_of(&leaf);
	CHECK(cert_is_self_signed(cert) && !cert_is_ca(cert));
	cert_subject_name(cert, &text);
	CHECK_STR(buf_text(&text), "CN=example.com");
	CHECK_INT(cert_not_after(cert).s, NOW.s + 365 * 86400);
	CHECK_STR(cert_signature(cert, signature), "ecdsa-with-SHA384");
}

TEST(digests_are_the_signers)
{
	struct made root AUTO_MADE, sub AUTO_MADE, leaf AUTO_MADE;
	struct cert *a AUTO_CERT = NULL, *b AUTO_CERT = NULL, *c AUTO_CERT = NULL;
	char text[KEY_TYPE_LEN];
	struct world w;

	world_init(&w);
	root = issue(&w, ROOT, CA_SELF, NULL, "ec:P-256");
	sub = issue(&w, INT, CA_ROOT, &root, "ec:P-256");
	leaf = issue(&w, LEAF, CA_INT, &sub, "ec:P-256");
	a = cert_of(&root);
	b = cert_of(&sub);
	c = cert_of(&leaf);
	CHECK_STR(cert_signature(a, text), "ecdsa-with-SHA512");
	CHECK_STR(cert_signature(b, text), "ecdsa-with-SHA512");
	CHECK_STR(cert_signature(c, text), "ecdsa-with-SHA256");
	CHECK_INT(cert_path_length(a), -1);
	CHECK_INT(cert_path_length(b), 0);
	CHECK_INT(cert_purposes(b), 0);
	CHECK_INT(cert_purposes(c), EKU_SERVER_AUTH | EKU_CLIENT_AUTH);
}

static void check_refused(const struct made *made, const char *part)
{
	CHECK_INT(made->ret, -1);
	CHECK_INT(made->err.code, ERR_NO_ISSUER);
	if (!strstr(made->err.text, part))
		TEST_FAIL("\"%s\" does not say \"%s\"", made->err.text, part);
	CHECK(made->files.cert.data == NULL && made->files.privkey.data == NULL);
}

TEST(issuers_that_cannot_sign_are_refused)
{
	struct made root AUTO_MADE, sub AUTO_MADE, leaf AUTO_MADE, bad AUTO_MADE,
		mixed AUTO_MADE;
	struct made absent AUTO_MADE, late AUTO_MADE, early AUTO_MADE, deep AUTO_MADE,
		not_ca AUTO_MADE, broken AUTO_MADE;
	struct world w;

	world_init(&w);
	root = issue(&w, ROOT, CA_SELF, NULL, "ed25519");
	sub = issue(&w, INT, CA_ROOT, &root, "ed25519");
	leaf = issue(&w, LEAF, CA_INT, &sub, "ed25519");
	absent = issue_at(&w, LEAF, CA_INT, NULL, "ed25519", NOW);
	check_refused(&absent, "ca/my-int has no current certificate");
	late = issue_at(&w, LEAF, CA_INT, &sub, "ed25519", instant_add(NOW, DAYS(100)));
	check_refused(&late, "ended at 2027-03-01T10:00:00Z");
	early = issue_at(&w, LEAF, CA_INT, &sub, "ed25519", instant_sub(NOW, DAYS(1)));
	check_refused(&early, "does not begin before");
	deep = issue_at(&w, DEEP, CA_INT, &sub, "ed25519", NOW);
	check_refused(&deep, "path length");
	not_ca = issue_at(&w, LEAF, CA_INT, &leaf, "ed25519", NOW);
	check_refused(&not_ca, "not a CA");
	mixed = issue(&w, INT, CA_ROOT, &root, "ed25519");
	secret_done(&mixed.files.privkey);
	secret_add(&mixed.files.privkey, root.files.privkey.data, root.files.privkey.len);
	bad = issue_at(&w, LEAF, CA_INT, &mixed, "ed25519", NOW);
	check_refused(&bad, "not that of its certificate");
	buf_clear(&mixed.files.cert);
	buf_add_text(&mixed.files.cert, "nonsense");
	broken = issue_at(&w, LEAF, CA_INT, &mixed, "ed25519", NOW);
	check_refused(&broken, "ca/my-int cannot sign");
}

TEST(a_path_length_counts_from_the_top)
{
	struct made root AUTO_MADE, sub AUTO_MADE, deep AUTO_MADE;
	struct world w;

	/* The root allows one CA below it; the intermediate itself sets no limit. */
	world_init(&w);
	w.certs[ROOT].path_length = 1;
	w.certs[INT].path_length = -1;
	root = issue(&w, ROOT, CA_SELF, NULL, "ed25519");
	sub = issue(&w, INT, CA_ROOT, &root, "ed25519");
	deep = issue_at(&w, DEEP, CA_INT, &sub, "ed25519", NOW);
	check_refused(&deep, "path length");
}

TEST(a_chain_of_another_issuer_is_found)
{
	struct made root AUTO_MADE, other AUTO_MADE, sub AUTO_MADE, leaf AUTO_MADE;
	struct world w;

	world_init(&w);
	root = issue(&w, ROOT, CA_SELF, NULL, "ed25519");
	other = issue(&w, ROOT, CA_SELF, NULL, "ed25519");
	sub = issue(&w, INT, CA_ROOT, &root, "ed25519");
	buf_clear(&sub.files.chain);
	buf_add_text(&sub.files.chain, buf_text(&other.files.cert));
	leaf = issue_at(&w, LEAF, CA_INT, &sub, "ed25519", NOW);
	CHECK_INT(leaf.ret, -1);
	CHECK_INT(leaf.err.code, ERR_BAD_CHAIN);
}

/* As issue_at(), by a signer that is kept. */
static struct made issue_kept(
	const struct world *w, int cert, struct localca_signer *signer, struct instant now)
{
	struct localca_order order = { .cert = &w->certs[cert],
		.conf = &w->conf,
		.ca = CA_INT,
		.signer = signer,
		.key_created = now,
		.generation = 1,
		.now = now };
	struct made made = { .ret = -2 };

	REQUIRE(key_make("ec:P-256", &made.key, &made.err) == 0);
	order.key = made.key;
	made.ret = localca_issue(&order, &made.files, &made.facts, &made.err);
	return made;
}

TEST(a_kept_signer_issues_like_the_first_time)
{
	struct made root AUTO_MADE, sub AUTO_MADE;
	struct localca_issuer material;
	struct localca_signer *signer;
	struct world w;
	struct err err;

	world_init(&w);
	root = issue(&w, ROOT, CA_SELF, NULL, "ec:P-256");
	sub = issue(&w, INT, CA_ROOT, &root, "ec:P-256");
	material = (struct localca_issuer){ buf_text(&sub.files.cert),
		buf_text(&sub.files.chain), &sub.files.privkey };
	REQUIRE(localca_signer_read(&material, "ca/my-int", &signer, &err) == 0);
	for (int i = 0; i < 3; i++) {
		struct made leaf AUTO_MADE = issue_kept(&w, LEAF, signer, NOW);
		struct chain chain AUTO_CHAIN = CHAIN_INIT;
		struct buf key_type AUTO_BUF = BUF_INIT;

		REQUIRE(leaf.ret == 0);
		REQUIRE(chain_read(leaf.files.fullchain.data, leaf.files.fullchain.len, &chain,
				&err) == 0);
		CHECK_INT(chain.n, 3);
		CHECK_INT(chain_verify(&chain, NULL, NOW, &err), 0);
		CHECK(cert_has_key(chain.at[0], leaf.key));
		CHECK(info_value(buf_text(&leaf.files.info), "key", &key_type));
		CHECK_STR(buf_text(&key_type), "ec:secp256r1");
	}
	{
		struct made deep AUTO_MADE = issue_kept(&w, DEEP, signer, NOW);
		struct made late AUTO_MADE = issue_kept(&w, LEAF, signer, sub.facts.not_after);

		check_refused(&deep, "path length");
		check_refused(&late, "ended at");
	}
	localca_signer_free(signer);
}

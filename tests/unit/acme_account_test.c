/* SPDX-License-Identifier: MIT */
#include "tests/unit/acme_scene.h"

/* Accounts at ACME CAs, and what is signed with their keys. */

TEST(accounts_are_made_noted_and_forgotten)
{
	static const char *const others[] = { "https://ca.example/acct/8",
		"https://ca.example/acct/07", "https://ca.example:443/acct/7" };
	WORLD;
	struct stat st;
	char *key AUTO_FREE = mem_printf("%s/accounts/le/key.pem", dir);

	REFUSED("not-found", "no key", SIGN("find-account"));
	REFUSED("account-lost", "le", SIGN("read"));
	REFUSED("bad-argument", "key", "account ca=le url=https://ca.example/acct/7");
	CHECK_STR(ask("accounts"), "ok 1");
	OK(SIGN("new-account"));
	CHECK(stat(key, &st) == 0 && (st.st_mode & 07777) == 0600);
	CHECK_STR(payload(), "{\"termsOfServiceAgreed\":true}");
	CHECK(str_starts(header(), "{\"alg\":\"ES256\",\"nonce\":\"abc\","
				   "\"url\":\"https://ca.example/x\",\"jwk\":{\"crv\":"));
	CHECK(!strstr(header(), "kid"));
	REFUSED("not-allowed", "not a URL of", "account ca=le url=https://evil.example/acct/7");
	OK("account ca=le url=https://ca.example/acct/7");
	CHECK(strstr(ask("accounts"), "\nca=le url=https://ca.example/acct/7 "
				      "key=ec:secp256r1 thumbprint="));
	CHECK(!strstr(buf_text(&reply), "candidate"));
	reopen();
	OK(SIGN("read"));
	CHECK_STR(payload(), "");
	CHECK_STR(header(),
		"{\"alg\":\"ES256\",\"nonce\":\"abc\",\"url\":\"https://ca.example/x\","
		"\"kid\":\"https://ca.example/acct/7\"}");
	OK(SIGN("find-account"));
	CHECK_STR(payload(), "{\"onlyReturnExisting\":true}");
	OK("account ca=le url=https://ca.example/acct/7");
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		REFUSED("not-allowed", "does not become", "account ca=le url=%s", others[i]);
	reopen();
	CHECK(strstr(ask("accounts"), "\nca=le url=https://ca.example/acct/7 "));
	OK("account ca=le gone=yes");
	OK("account ca=le gone=yes");
	REFUSED("account-lost", "le", SIGN("read"));
	CHECK(strstr(ask("accounts"), "\nca=le key=ec:secp256r1"));
	REFUSED("bad-argument", "one of", "account ca=le");
}

TEST(that_a_ca_refuses_the_account_is_kept)
{
	WORLD;

	have_account();
	REFUSED("bad-argument", "refused is", "account ca=le refused=io");
	REFUSED("bad-argument", "one of", "account ca=le refused=account-refused gone=yes");
	OK("account ca=le refused=account-refused text=\"it is\\nshut\" "
	   "since=2026-01-01T00:00:00Z tries=7");
	reopen();
	CHECK(strstr(ask("accounts"), " refused=account-refused refused_text=\"it is shut\" "
				      "refused_since=2026-01-01T00:00:00Z refused_tries=7"));
	/* What is said of the future or without a bound is cut down. */
	OK("account ca=le refused=account-refused text=%0*d since=2999-01-01T00:00:00Z", 3000,
		7);
	CHECK(!strstr(ask("accounts"), "2999") && strlen(buf_text(&reply)) < 1500);
	OK(SIGN("read"));
	OK("account ca=le admitted=yes");
	OK("account ca=le admitted=yes");
	CHECK(!strstr(ask("accounts"), "refused"));
}

TEST(an_account_is_of_one_directory)
{
	WORLD;
	have_account();
	world_acme.directory = "https://ca.example/dir2";
	REFUSED("account-lost", "le", SIGN("read"));
	OK("account ca=le url=https://ca.example/acct/8");
	OK(SIGN("read"));
	CHECK(strstr(header(), "acct/8"));
	/* Staging is another world. */
	REFUSED("account-lost", "le",
		"sign ca=le test=yes op=read url=https://stage.example/x nonce=a");
	OK("sign ca=le test=yes op=new-account url=https://stage.example/x nonce=a");
	CHECK(strstr(ask("accounts"), "\nca=le test=yes key="));
}

/* From the configuration alone, and by it at both directories. */
TEST(a_ca_lives_where_the_configuration_says)
{
	static const char *const more[] = { "https://b.example:444" };

	WORLD;
	have_account();
	REFUSED("not-allowed", "origins",
		"sign ca=le op=read url=https://b.example:444/x nonce=a");
	world_acme.origins = more;
	world_acme.n_origins = 1;
	OK("sign ca=le op=read url=https://b.example:444/x nonce=a");
	CHECK(strstr(header(), "\"url\":\"https://b.example:444/x\""));
	REFUSED("not-allowed", "origins", "sign ca=le op=read url=https://b.example/x nonce=a");
	REFUSED("not-allowed", "origins",
		"sign ca=le op=read url=https://c.example:444/x nonce=a");
	OK("order cert=" CERT " ca=le url=https://b.example:444/order/1");
	OK("account ca=le gone=yes");
	OK("account ca=le url=https://b.example:444/acct/7");
	OK("sign ca=le op=read url=https://ca.example/x nonce=a");
	/* The account has two names now, and is given up by none. */
	REFUSED("not-allowed", "account",
		"sign ca=le op=deactivate url=https://ca.example/acct/7 nonce=a");
	world_acme.n_origins = 0;
	REFUSED("not-allowed", "origins",
		"sign ca=le op=read url=https://ca.example/x nonce=a");
}

TEST(requests_that_make_no_sense_are_refused)
{
	WORLD;
	char *nonce AUTO_FREE = mem_zalloc(514);

	have_account();
	memset(nonce, 'a', 513);
	REFUSED("bad-argument", "operation", SIGN("nonsense"));
	REFUSED("bad-argument", "op", "sign ca=le url=https://ca.example/x nonce=a");
	REFUSED("bad-argument", "url", "sign ca=le op=read nonce=a");
	REFUSED("bad-argument", "nonce", "sign ca=le op=read url=https://ca.example/x");
	REFUSED("bad-argument", "nonce",
		"sign ca=le op=read url=https://ca.example/x nonce=\"a b\"");
	REFUSED("bad-argument", "nonce", "sign ca=le op=read url=https://ca.example/x nonce=");
	REFUSED("bad-argument", "nonce", "sign ca=le op=read url=https://ca.example/x nonce=%s",
		nonce);
	REFUSED("bad-argument", "nobody", "sign ca=nobody op=read url=https://x/ nonce=a");
	REFUSED("bad-argument", "local", "sign ca=local op=read url=https://x/ nonce=a");
	REFUSED("not-allowed", "ca.example",
		"sign ca=le op=read url=https://ca.example:8443/x nonce=a");
	REFUSED("not-allowed", "ca.example",
		"sign ca=le op=read url=https://stage.example/x nonce=a");
	REFUSED("bad-value", "", "sign ca=le op=read url=http://ca.example/x nonce=a");
	REFUSED("bad-value", "", "sign ca=le op=read url=https://ca.example@evil/x nonce=a");
	REFUSED("bad-argument", "cert", SIGN("new-order"));
	REFUSED("no-such-cert", "a/b", SIGN("new-order") " cert=a/b");
	world_acme.staging = NULL;
	REFUSED("bad-argument", "staging",
		"sign ca=le test=yes op=read url=https://ca.example/x nonce=a");
}

TEST(payloads)
{
	static const char *const contacts[] = { "a@example.com", "\"b\"@example.com" };

	WORLD;
	have_account();
	OK(SIGN("new-order") " cert=" CERT);
	CHECK_STR(payload(), "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"example.com\"},"
			     "{\"type\":\"dns\",\"value\":\"*.example.com\"},"
			     "{\"type\":\"ip\",\"value\":\"192.0.2.1\"}]}");
	world_acme.profile = "short\"lived";
	OK(SIGN("new-order") " cert=" CERT " replaces=yes");
	CHECK(str_ends(payload(), "}]}"));
	OK(SIGN("new-order") " cert=" CERT " profile=yes");
	CHECK(str_ends(payload(), "}],\"profile\":\"short\\\"lived\"}"));
	OK(SIGN("answer"));
	CHECK_STR(payload(), "{}");
	OK(SIGN("deactivate"));
	CHECK_STR(payload(), "{\"status\":\"deactivated\"}");
	REFUSED("not-allowed", "account", SIGN("update-account"));
	OK("sign ca=le op=update-account url=https://ca.example/acct/7 nonce=a");
	CHECK_STR(payload(), "{\"contact\":[]}");
	world_acme.contact = contacts;
	world_acme.n_contact = 2;
	OK("sign ca=le op=update-account url=https://ca.example/acct/7 nonce=a");
	CHECK_STR(payload(), "{\"contact\":[\"mailto:a@example.com\","
			     "\"mailto:\\\"b\\\"@example.com\"]}");
	OK(SIGN("new-account"));
	CHECK(str_starts(payload(), "{\"termsOfServiceAgreed\":true,\"contact\":[\"mailto:a@"));
}

TEST(the_account_is_never_given_up)
{
	static const char *const urls[] = { "acct/7", "acct/7/", "Acct/7", "acct//7",
		"acct/7?x", "acct/%37", "acct/./7", "x/../acct/7", "acct/7;a", "acct\\\\7",
		/* Servers that read a number read these as 7. */
		"acct/07", "acct/+7", "ACCT/007/" };

	WORLD;
	have_account();
	REFUSED("not-allowed", "account",
		"sign ca=le op=deactivate url=https://ca.example:443/acct/7 nonce=a");
	REFUSED("not-allowed", "account",
		"sign ca=le op=deactivate url=HTTPS://CA.example:0443/acct/7 nonce=a");
	for (size_t i = 0; i < ARRAY_LEN(urls); i++)
		REFUSED("not-allowed", "account",
			"sign ca=le op=deactivate url=https://ca.example/%s nonce=a", urls[i]);
	OK("sign ca=le op=deactivate url=https://ca.example/authz/7 nonce=a");
	OK("sign ca=le op=deactivate url=https://ca.example/acct/7/authz/1 nonce=a");
	/* Nor by telling another name of it first. */
	OK("account ca=le gone=yes");
	OK("account ca=le url=https://ca.example:443/acct/07");
	REFUSED("not-allowed", "account",
		"sign ca=le op=deactivate url=https://ca.example/acct/7 nonce=a");
	OK("account ca=le gone=yes");
	OK("account ca=le url=https://ca.example/acct/7?a/b");
	REFUSED("not-allowed", "account",
		"sign ca=le op=deactivate url=https://ca.example/acct/7 nonce=a");
}

TEST(external_accounts)
{
	/* RFC 7515, A.1: as base64url, as base64 in lines, and what is neither. */
	static const char good[] =
		"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Y"
		"j0iPS4hcgUuTwjAzZr1Z9CAow";
	static const struct {
		const char *algorithm, *text, *code, *error;
	} rows[] = {
		{ "HS256", good, NULL, NULL },
		{ "HS384", good, NULL, NULL },
		{ "HS512", good, NULL, NULL },
		{ "HS256", "AyM1SysPpbyDfgZld3um\r\n j1qzKObwVMkoqQ+EstJQLr/=\n", "bad-value",
			"base64" },
		{ "HS256", "AyM1SysPpbyDfgZld3um\r\n j1qzKObwVMkoqQ+EstJQLr/T+w==\n", NULL,
			NULL },
		{ "HS384", "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ+EstJQLr/T+w==", "bad-key",
			"the key for HS384 has 34 octets and needs at least 48" },
		{ "HS256", "AyM1SysPpbyD", "bad-key", "has 9 octets and needs at least 32" },
		{ "HS256", "", "bad-value", "empty" },
		{ "HS256", " \n", "bad-value", "empty" },
		{ "HS256", "not base64!", "bad-value", "base64" },
	};

	WORLD;
	char *path AUTO_FREE = mem_printf("%s/hmac", dir);
	struct err err;

	world_acme.eab_kid = "kid-1";
	world_acme.eab_hmac_file = path;
	REFUSED("not-found", "hmac", SIGN("new-account"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		REQUIRE(file_replace(AT_FDCWD, path, rows[i].text, strlen(rows[i].text),
				FILE_SECRET, &err) == 0);
		world_acme.eab_algorithm = rows[i].algorithm;
		if (rows[i].error) {
			REFUSED(rows[i].code, rows[i].error, SIGN("new-account"));
			continue;
		}
		OK(SIGN("new-account"));
		CHECK(strstr(payload(), ",\"externalAccountBinding\":{\"protected\":\""));
		char *inner AUTO_FREE = mem_strdup(strstr(payload(), "{\"protected\""));
		char *want AUTO_FREE = mem_printf("{\"alg\":\"%s\",\"kid\":\"kid-1\","
						  "\"url\":\"https://ca.example/x\"}",
			rows[i].algorithm);
		CHECK_STR(part_of(inner, "protected"), want);
		CHECK(str_starts(
			part_of(inner, "payload"), "{\"crv\":\"P-256\",\"kty\":\"EC\""));
	}
	OK("account ca=le url=https://ca.example/acct/7");
	CHECK(strstr(ask("accounts"), " binding=kid-1"));
}

TEST(a_rollover_survives_crashes)
{
	WORLD;
	char *old AUTO_FREE = NULL, *new AUTO_FREE = NULL;

	have_account();
	REFUSED("not-found", "candidate", SIGN("find-account") " key=candidate");
	OK(SIGN("find-account"));
	old = mem_strdup(strstr(header(), "jwk"));
	OK(SIGN("key-change"));
	CHECK(strstr(header(), "\"kid\":"));
	char *inner AUTO_FREE = mem_strdup(payload());
	CHECK(str_starts(part_of(inner, "payload"),
		"{\"account\":\"https://ca.example/acct/7\","
		"\"oldKey\":{\"crv\":"));
	new = mem_strdup(strstr(part_of(inner, "protected"), "jwk"));
	CHECK(!strstr(part_of(inner, "protected"), "nonce"));
	CHECK(!str_is(old, new));
	reopen();
	CHECK(strstr(ask("accounts"), " candidate=yes"));
	OK(SIGN("find-account") " key=candidate");
	CHECK_STR(strstr(header(), "jwk"), new);
	/* Again: the same candidate. */
	OK(SIGN("key-change"));
	char *again AUTO_FREE = mem_strdup(payload());
	CHECK_STR(strstr(part_of(again, "protected"), "jwk"), new);
	OK("account ca=le promote=old");
	OK(SIGN("find-account"));
	CHECK_STR(strstr(header(), "jwk"), old);
	OK(SIGN("key-change"));
	OK("account ca=le promote=candidate");
	OK("account ca=le promote=candidate");
	CHECK(!strstr(ask("accounts"), "candidate"));
	OK(SIGN("find-account"));
	CHECK(!str_is(strstr(header(), "jwk"), old));
	REFUSED("bad-argument", "candidate or old", "account ca=le promote=new");
}

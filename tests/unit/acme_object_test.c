/* SPDX-License-Identifier: MIT */
#include "daemon/acme/object.h"

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/wire/url.h"
#include "tests/test.h"

/* What CAs say, read: as the RFC shows it, as real ones bend it, and what must not get through. */

#define BASE "https://ca.example/"

static const struct url_origins origins = { BASE "dir", NULL, 0 };

TEST(a_directory_with_everything)
{
	static const char text[] =
		"{\"newNonce\":\"" BASE "nonce\",\"newAccount\":\"" BASE
		"account\",\"newOrder\":\"" BASE "order\",\"revokeCert\":\"" BASE
		"revoke\",\"keyChange\":\"" BASE "key\",\"renewalInfo\":\"" BASE
		"ari\",\"x\":[1,{\"y\":null}],"
		"\"meta\":{\"termsOfService\":\"" BASE "terms\",\"website\":\"" BASE
		"\",\"caaIdentities\":[\"ca.example\",7,\"other.example\"],"
		"\"externalAccountRequired\":true,"
		"\"profiles\":{\"classic\":\"" BASE "classic\",\"short\":\"six days\"}}}";
	struct directory directory;
	struct err err = ERR_INIT;

	REQUIRE(directory_read(text, strlen(text), &origins, &directory, &err) == 0);
	CHECK_STR(directory.new_order, BASE "order");
	CHECK_STR(directory.renewal_info, BASE "ari");
	CHECK_STR(directory.terms, BASE "terms");
	CHECK_INT(directory.n_caa, 2);
	CHECK_STR(directory.caa[1], "other.example");
	CHECK(directory.needs_binding);
	CHECK(directory.has_profiles);
	CHECK(directory_has_profile(&directory, "short"));
	CHECK(!directory_has_profile(&directory, "long"));
	directory_done(&directory);
}

TEST(directories_that_are_refused)
{
	static const char *const texts[] = {
		"",
		"<html>",
		"[]",
		"{}",
		"{\"newNonce\":\"" BASE "n\",\"newAccount\":\"" BASE "a\"}",
		"{\"newNonce\":\"http://ca.example/n\",\"newAccount\":\"" BASE
		"a\",\"newOrder\":\"" BASE "o\"}",
		"{\"newNonce\":\"" BASE "n\",\"newAccount\":\"" BASE "a\",\"newOrder\":\"" BASE
		"o\",\"renewalInfo\":\"ftp://ca.example/\"}",
		"{\"newNonce\":\"" BASE "n\",\"newNonce\":\"" BASE "n\",\"newAccount\":\"" BASE
		"a\",\"newOrder\":\"" BASE "o\"}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct directory directory = { .new_order = "before" };
		struct err err = ERR_INIT;

		CHECK(directory_read(texts[i], strlen(texts[i]), &origins, &directory, &err) <
			0);
		CHECK_INT(err.code, ERR_BAD_ANSWER);
		CHECK(*err.text);
		CHECK(!directory.new_order);
	}
}

/* The keeper signs for no other host, but nonces are asked for without a signature. */
TEST(a_directory_that_leads_elsewhere_is_refused)
{
	static const char *const keys[] = { "newNonce", "newAccount", "newOrder", "revokeCert",
		"website" };
	static const char *const hosts[] = { "https://evil.example/", "https://ca.example:444/",
		"https://ca.example.evil.example/" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys) * 3; i++) {
		struct buf text AUTO_BUF = BUF_INIT;
		struct directory directory;
		struct err err = ERR_INIT;
		bool is_needed = i / 3 < 3;

		for (size_t k = 0; k < 4; k++)
			buf_printf(&text, "%s\"%s\":\"%sx\"", k ? "," : "{", keys[k],
				k == i / 3 ? hosts[i % 3] : BASE);
		buf_add_char(&text, '}');
		CHECK_INT(directory_read(text.data, text.len, &origins, &directory, &err),
			is_needed ? -1 : 0);
		CHECK_INT(err.code, is_needed ? ERR_FOREIGN_URL : ERR_NONE);
		CHECK(!is_needed ||
			(strstr(err.text, keys[i / 3]) && strstr(err.text, hosts[i % 3])));
		directory_done(&directory);
	}
}

TEST(a_directory_at_several_origins)
{
	static const char *const more[] = { "https://b.example:444", "https://C.example/" };
	static const struct url_origins several = { BASE "dir", more, 2 };
	static const struct {
		const char *host;
		enum err_code code;
	} rows[] = { { BASE, ERR_NONE }, { "https://b.example:444/", ERR_NONE },
		{ "https://c.example/", ERR_NONE }, { "https://b.example/", ERR_FOREIGN_URL },
		{ "https://c.example.evil.example/", ERR_FOREIGN_URL } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf text AUTO_BUF = BUF_INIT;
		struct directory directory;
		struct err err = ERR_INIT;

		buf_printf(&text,
			"{\"newNonce\":\"%sn\",\"newAccount\":\"%sa\",\"newOrder\":\"%so\"}",
			BASE, rows[i].host, rows[i].host);
		directory_read(text.data, text.len, &several, &directory, &err);
		CHECK_INT(err.code, rows[i].code);
		directory_done(&directory);
	}
}

TEST(orders_in_every_state_they_are_met_in)
{
	static const struct {
		const char *text;
		enum status status;
		size_t n_authz;
		bool has_certificate, has_finalize;
	} rows[] = {
		{ "{\"status\":\"pending\",\"authorizations\":[\"" BASE "1\",\"" BASE
		  "2\"],\"finalize\":\"" BASE "f\"}",
			STATUS_PENDING, 2, false, true },
		{ "{\"status\":\"ready\",\"authorizations\":[],\"finalize\":\"" BASE "f\"}",
			STATUS_READY, 0, false, true },
		{ "{\"status\":\"ready\",\"finalize\":\"" BASE "f\"}", STATUS_READY, 0, false,
			true },
		{ "{\"status\":\"valid\",\"certificate\":\"" BASE "c\"}", STATUS_VALID, 0, true,
			false },
		{ "{\"status\":\"processing\",\"authorizations\":null}", STATUS_PROCESSING, 0,
			false, false },
		{ "{\"status\":\"from-the-future\"}", STATUS_UNKNOWN, 0, false, false },
		{ "{\"status\":7}", STATUS_UNKNOWN, 0, false, false },
		{ "{}", STATUS_UNKNOWN, 0, false, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct order_object order;
		struct err err = ERR_INIT;

		REQUIRE(order_object_read(rows[i].text, strlen(rows[i].text), &order, &err) ==
			0);
		CHECK_INT(order.status, rows[i].status);
		CHECK_INT(order.n_authz, rows[i].n_authz);
		CHECK_INT(order.certificate != NULL, rows[i].has_certificate);
		CHECK_INT(order.finalize != NULL, rows[i].has_finalize);
		order_object_done(&order);
	}
}

TEST(an_order_tells_its_end_its_names_and_why_it_is_invalid)
{
	static const char text[] =
		"{\"status\":\"invalid\",\"expires\":\"2026-11-21T12:00:00.75+02:00\","
		"\"identifiers\":[{\"type\":\"dns\",\"value\":\"B.example\"},{\"type\":\"ip\"},"
		"{\"type\":\"ip\",\"value\":\"192.0.2.1\"}],\"replaces\":\"a.b\",\"profile\":"
		"\"p\","
		"\"error\":{\"type\":\"urn:ietf:params:acme:error:caa\",\"detail\":\"No "
		"way.\"}}";
	char at[INSTANT_TEXT_LEN];
	struct order_object order;
	struct err err = ERR_INIT;

	REQUIRE(order_object_read(text, strlen(text), &order, &err) == 0);
	CHECK_STR(instant_text(order.expires, at), "2026-11-21T10:00:00Z");
	CHECK_INT(order.n_names, 2);
	CHECK_STR(order.names[0], "B.example");
	CHECK_STR(order.names[1], "192.0.2.1");
	CHECK_STR(order.replaces, "a.b");
	CHECK_STR(order.profile, "p");
	CHECK(order.has_error);
	CHECK_INT(order.error.kind, PROBLEM_CAA);
	order_object_done(&order);
}

TEST(orders_with_bad_urls_or_too_many_are_refused)
{
	struct buf many AUTO_BUF = BUF_INIT;
	struct order_object order;
	struct err err = ERR_INIT;
	static const char *const texts[] = {
		"{\"authorizations\":[\"http://ca.example/1\"]}",
		"{\"authorizations\":[7]}",
		"{\"finalize\":\"https://user@ca.example/\"}",
		"{\"certificate\":\"https:///x\"}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		CHECK(order_object_read(texts[i], strlen(texts[i]), &order, &err) < 0);
		CHECK_INT(err.code, ERR_BAD_ANSWER);
	}
	buf_add_text(&many, "{\"authorizations\":[");
	for (int i = 0; i <= OBJECT_AUTHZ_MAX; i++)
		buf_printf(&many, "%s\"" BASE "%d\"", i ? "," : "", i);
	buf_add_text(&many, "]}");
	CHECK(order_object_read(many.data, many.len, &order, &err) < 0);
	CHECK_INT(err.code, ERR_BAD_ANSWER);
}

TEST(an_authorization_is_known_by_type_value_and_mark)
{
	static const char text[] =
		"{\"status\":\"pending\",\"identifier\":{\"type\":\"dns\",\"value\":\"WWW."
		"Example\"},"
		"\"wildcard\":true,\"challenges\":["
		"{\"type\":\"from-the-future\",\"url\":7,\"x\":1},"
		"{\"type\":\"dns-persist-01\",\"url\":\"" BASE "3\",\"status\":\"pending\"},"
		"{\"type\":\"dns-01\",\"url\":\"" BASE
		"2\",\"token\":\"abc\",\"status\":\"invalid\","
		"\"error\":{\"type\":\"urn:ietf:params:acme:error:dns\",\"detail\":"
		"\"NXDOMAIN\"}},"
		"{\"type\":\"http-01\",\"url\":\"http://ca.example/\",\"token\":\"abc\"},7]}";
	struct authz_object authz;
	struct err err = ERR_INIT;

	REQUIRE(authz_object_read(text, strlen(text), &authz, &err) == 0);
	CHECK_STR(authz.type, "dns");
	CHECK_STR(authz.value, "www.example");
	CHECK(authz.is_wildcard);
	REQUIRE(authz.n_challenges == 5);
	CHECK(!authz.challenges[0].url);
	CHECK_STR(authz.challenges[1].token, "");
	CHECK_STR(authz.challenges[2].url, BASE "2");
	CHECK_INT(authz.challenges[2].status, STATUS_INVALID);
	CHECK_INT(authz.challenges[2].error.kind, PROBLEM_DNS);
	CHECK(!authz.challenges[3].url);
	CHECK_STR(authz.challenges[4].type, "");
	authz_object_done(&authz);
}

TEST(an_authorization_for_nothing_is_refused)
{
	static const char *const texts[] = {
		"{\"status\":\"pending\"}",
		"{\"identifier\":{\"type\":\"dns\"}}",
		"{\"identifier\":{\"value\":\"x\"}}",
		"{\"identifier\":\"x\"}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct authz_object authz;
		struct err err = ERR_INIT;

		CHECK(authz_object_read(texts[i], strlen(texts[i]), &authz, &err) < 0);
		CHECK_INT(err.code, ERR_BAD_ANSWER);
	}
}

TEST(an_account_with_its_contacts)
{
	static const char text[] =
		"{\"status\":\"valid\",\"contact\":[\"mailto:a@example\",3]}";
	struct account_object account;
	struct err err = ERR_INIT;

	REQUIRE(account_object_read(text, strlen(text), &account, &err) == 0);
	CHECK_INT(account.status, STATUS_VALID);
	CHECK_INT(account.n_contact, 1);
	CHECK_STR(account.contact[0], "mailto:a@example");
	account_object_done(&account);
}

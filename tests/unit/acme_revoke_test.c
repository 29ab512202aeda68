/* SPDX-License-Identifier: MIT */
#include "tests/unit/acme_scene.h"

/* Revocation: what the keeper signs for it, and what it never signs without root's mark. */

/* Another version, as next; with the key of the current one, or a new one. */
static void have_next_of_key(bool is_reused)
{
	static const char *const names[] = { "192.0.2.1", "example.com", "*.example.com" };
	struct instant now = clock_now();
	struct buf pem AUTO_BUF = BUF_INIT;

	have_account();
	OK("order cert=" CERT " ca=le url=" ORDER);
	OK(SIGN("finalize") " cert=" CERT " order=" ORDER "%s", is_reused ? " reuse=yes" : "");
	struct key *key AUTO_KEY = world_pending_key(ORDER, false);
	struct cert *cert AUTO_CERT = world_leaf(
		key, names, 3, instant_sub(now, HOURS(1)), instant_add(now, DAYS(90)));

	cert_write(cert, &pem);
	cert_write(world_int, &pem);
	check_ok(world_ask(ACCEPT, buf_text(&pem)), __LINE__);
}

static void have_curr_of_key(bool is_reused)
{
	have_next_of_key(is_reused);
	OK("roll cert=" CERT);
}

static void have_curr(void)
{
	have_curr_of_key(false);
}

static void version_word(const char *role, char out[VERSION_ID_TEXT_LEN])
{
	char *word AUTO_FREE = mem_printf("\n%s", "version=");
	const char *at = strstr(ask("versions cert=" CERT), word);

	while (at && role) {
		const char *end = strchr(at + 1, '\n');
		char *line AUTO_FREE =
			end ? mem_strndup(at, (size_t)(end - at)) : mem_strdup(at);

		if (strstr(line, role))
			break;
		at = end;
	}
	REQUIRE(at);
	snprintf(out, VERSION_ID_TEXT_LEN, "%.*s", (int)strcspn(at + 9, " \n"), at + 9);
}

TEST(revocation_spares_the_current_version)
{
	WORLD;
	char curr[VERSION_ID_TEXT_LEN];

	have_curr();
	version_word("curr", curr);
	REFUSED("not-allowed", "current", SIGN("revoke") " cert=" CERT " version=%s", curr);
	REFUSED("not-allowed", "current", SIGN("revoke") " cert=" CERT " version=%s now=yes",
		curr);
	REFUSED("not-allowed", "mark", "revoked cert=" CERT " version=%s", curr);
	REFUSED("bad-argument", "version", SIGN("revoke") " cert=" CERT);
	REFUSED("no-such-version", "",
		SIGN("revoke") " cert=" CERT " version=20200101T000000Z-1");
	have_curr();
	OK(SIGN("revoke") " cert=" CERT " version=%s", curr);
	CHECK(str_starts(payload(), "{\"certificate\":\"") && strstr(header(), "\"kid\""));
	OK(SIGN("revoke") " cert=" CERT " version=%s reason=4", curr);
	CHECK(str_ends(payload(), "\",\"reason\":4}"));
	REFUSED("bad-argument", "reason", SIGN("revoke") " cert=" CERT " version=%s reason=6",
		curr);
	REFUSED("bad-argument", "reason", SIGN("revoke") " cert=" CERT " version=%s reason=11",
		curr);
	OK("account ca=le gone=yes");
	OK(SIGN("revoke") " cert=" CERT " version=%s with=cert-key reason=1", curr);
	CHECK(strstr(header(), "\"jwk\""));
}

static void leave_mark(const char *cert, const char *version, mode_t mode, int age)
{
	char *path AUTO_FREE = mem_printf("%s/revoke/example.com:web", dir);
	char *text AUTO_FREE = mem_printf("%s %s\n", cert, version);
	struct timespec times[2] = { { time(NULL) - age, 0 }, { time(NULL) - age, 0 } };
	struct err err;

	CHECK_INT(file_replace(AT_FDCWD, path, text, strlen(text),
			  (struct file_mode){ mode, (uid_t)-1, (gid_t)-1 }, &err),
		0);
	CHECK_INT(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Whoever has the engine can ask for everything, but root's mark it cannot make. */
TEST(only_a_mark_lets_the_current_version_be_revoked)
{
	static const struct {
		const char *cert;
		bool is_other_version;
		mode_t mode;
		int age;
	} useless[] = {
		{ "example.com/other", false, 0600, 0 },
		{ CERT, true, 0600, 0 },
		{ CERT, false, 0620, 0 },
		{ CERT, false, 0602, 0 },
		{ CERT, false, 0600, 601 },
		{ CERT, false, 0600, -60 },
	};
	WORLD;
	char *socket AUTO_FREE = mem_printf("%s/control.sock", dir);
	char *marks AUTO_FREE = mem_printf("%s/revoke", dir);
	char curr[VERSION_ID_TEXT_LEN];
	char *request AUTO_FREE = NULL;

	have_curr();
	version_word("curr", curr);
	request = mem_printf(SIGN("revoke") " cert=" CERT " version=%s now=yes reason=1", curr);
	world_conf.socket = socket;
	REFUSED("not-allowed", "mark", "%s", request);
	CHECK_INT(mkdir(marks, 0700), 0);
	for (size_t i = 0; i < ARRAY_LEN(useless); i++) {
		leave_mark(useless[i].cert,
			useless[i].is_other_version ? "20200101T000000Z-1" : curr,
			useless[i].mode, useless[i].age);
		REFUSED("not-allowed", "mark", "%s", request);
	}
	leave_mark(CERT, curr, 0600, 0);
	CHECK_INT(chmod(marks, 0770), 0);
	REFUSED("not-allowed", "mark", "%s", request);
	CHECK_INT(chmod(marks, 0700), 0);
	REFUSED("not-allowed", "current", SIGN("revoke") " cert=" CERT " version=%s", curr);
	/* A rejected nonce has it signed again. */
	OK("%s", request);
	OK("%s", request);
	CHECK(!strstr(ask("versions cert=" CERT), "revoked="));
	OK("revoked cert=" CERT " version=%s", curr);
	CHECK(strstr(buf_text(&reply), " curr.revoked="));
	CHECK(strstr(ask("versions cert=" CERT), " revoked="));
	/* It is used up. */
	REFUSED("not-allowed", "mark", "%s", request);
	OK("revoked cert=" CERT " version=%s", curr);
	world_conf.socket = NULL;
}

/* A CA that hears of a compromised key revokes everything that has it. */
TEST(a_key_that_is_in_use_is_not_compromised_by_the_engine)
{
	WORLD;
	char old[VERSION_ID_TEXT_LEN];

	have_curr();
	version_word("curr", old);
	have_curr_of_key(true);
	REFUSED("not-allowed", "its key",
		SIGN("revoke") " cert=" CERT " version=%s reason=1 with=cert-key", old);
	OK(SIGN("revoke") " cert=" CERT " version=%s reason=4", old);
	have_curr_of_key(false);
	OK(SIGN("revoke") " cert=" CERT " version=%s reason=1 with=cert-key", old);
}

/* An engine that rolls without a deploy makes nothing unused that a target still serves. */
TEST(what_a_target_has_is_spared_like_the_current_version)
{
	WORLD;
	char old[VERSION_ID_TEXT_LEN];
	struct cert_facts facts;
	struct err err;

	have_curr();
	REQUIRE(store_read(server.store, CERT, &facts, &err) == 0);
	facts_want_target(&facts, "web")->copied = facts.curr.id;
	REQUIRE(store_write_facts(server.store, &facts, &err) == 0);
	facts_done(&facts);
	version_word("curr", old);
	have_curr();
	REFUSED("not-allowed", "target", SIGN("revoke") " cert=" CERT " version=%s", old);
	REQUIRE(store_read(server.store, CERT, &facts, &err) == 0);
	facts_want_target(&facts, "web")->copied = facts.curr.id;
	REQUIRE(store_write_facts(server.store, &facts, &err) == 0);
	facts_done(&facts);
	OK(SIGN("revoke") " cert=" CERT " version=%s", old);
}

TEST(what_was_revoked_is_next_no_longer)
{
	WORLD;
	char next[VERSION_ID_TEXT_LEN];

	have_curr();
	have_next_of_key(false);
	version_word("next", next);
	OK("revoked cert=" CERT " version=%s", next);
	CHECK(!strstr(buf_text(&reply), " next="));
	REFUSED("no-next", "", "roll cert=" CERT);
	REFUSED("no-such-version", "", "revoked cert=" CERT " version=20200101T000000Z-1");
	REFUSED("bad-argument", "version", "revoked cert=" CERT);
}

/* What is to be revoked is a fact until its CA was told; it is kept that long, and there is one at a time. */
TEST(a_wish_to_revoke_is_kept)
{
	WORLD;
	char old[VERSION_ID_TEXT_LEN], other[VERSION_ID_TEXT_LEN];

	have_curr();
	version_word("curr", old);
	REFUSED("no-such-version", "", "doom cert=" CERT " version=20200101T000000Z-1");
	REFUSED("bad-argument", "version", "doom cert=" CERT);
	REFUSED("bad-argument", "reason", "doom cert=" CERT " version=%s reason=6", old);
	CHECK(!strstr(buf_text(&reply), "revocation"));
	OK("doom cert=" CERT " version=%s reason=4", old);
	OK("doom cert=" CERT " version=%s reason=4", old);
	reopen();
	have_curr();
	CHECK(strstr(buf_text(&reply), old) &&
		strstr(buf_text(&reply), " revocation.reason=4"));
	version_word("curr", other);
	REFUSED("busy", old, "doom cert=" CERT " version=%s", other);
	OK("doom cert=" CERT " version=%s done=yes", other);
	have_curr();
	OK("prune cert=" CERT " keep=0");
	OK(SIGN("revoke") " cert=" CERT " version=%s reason=4", old);
	OK("revoked cert=" CERT " version=%s", old);
	CHECK(!strstr(buf_text(&reply), "revocation"));
	OK("prune cert=" CERT " keep=0");
	REFUSED("no-such-version", "", SIGN("revoke") " cert=" CERT " version=%s", old);
	OK("doom cert=" CERT " version=%s", other);
	OK("doom cert=" CERT " version=%s done=yes", other);
	CHECK(!strstr(buf_text(&reply), "revocation"));
}

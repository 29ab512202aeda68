/* SPDX-License-Identifier: MIT */
#include "tests/unit/acme_scene.h"

#include <dirent.h>

#include "daemon/keeper/publish/challenge.h"

/* From the order in flight to the stored version, and what comes after it. */

static char *csr_of_answer(void)
{
	const char *text = payload(), *at = strstr(text, "\"csr\":\"");

	REQUIRE(at);
	return mem_strdup(at);
}

TEST(the_same_order_gets_the_same_request)
{
	WORLD;
	char *one AUTO_FREE = NULL, *two AUTO_FREE = NULL, *three AUTO_FREE = NULL;

	have_account();
	REFUSED("bad-argument", "order", SIGN("finalize") " cert=" CERT);
	REFUSED("bad-argument", "noted", SIGN("finalize") " cert=" CERT " order=" ORDER);
	OK("order cert=" CERT " ca=le url=" ORDER " expires=2026-12-01T00:00:00Z");
	CHECK(strstr(buf_text(&reply), " order=" ORDER " order.ca=le order.at="));
	OK("order cert=" CERT " ca=le url=" ORDER);
	REFUSED("busy", "in flight", "order cert=" CERT " ca=le url=" ORDER "2");
	REFUSED("not-allowed", "evil", "order cert=" CERT " ca=le url=https://evil.example/1");
	OK(SIGN("finalize") " cert=" CERT " order=" ORDER);
	one = csr_of_answer();
	reopen();
	OK(SIGN("finalize") " cert=" CERT " order=" ORDER);
	two = csr_of_answer();
	CHECK_STR(two, one);
	OK("order cert=" CERT " ca=le done=yes");
	CHECK(!strstr(buf_text(&reply), "order"));
	CHECK(!world_pending_key(ORDER, false));
	OK("order cert=" CERT " ca=le done=yes");
	OK("order cert=" CERT " ca=le url=" ORDER);
	OK(SIGN("finalize") " cert=" CERT " order=" ORDER);
	three = csr_of_answer();
	CHECK(!str_is(three, one));
}

TEST(slow_keys_are_made_beside_the_loop)
{
	WORLD;
	char *one AUTO_FREE = NULL;

	have_account();
	world_cert.key = "rsa:2048";
	OK("order cert=" CERT " ca=le url=" ORDER);
	CHECK_STR(ask(SIGN("finalize") " cert=" CERT " order=" ORDER), "");
	REQUIRE(slow);
	slow->run(slow_in);
	slow->done(slow_in, NULL);
	check_ok(buf_text(&reply), __LINE__);
	one = csr_of_answer();
	OK(SIGN("finalize") " cert=" CERT " order=" ORDER);
	CHECK(str_is(strstr(payload(), "\"csr\""), one));
}

/* The path of the pending key in a folder that has one. */
static char *find_pending(const char *folder)
{
	const struct dirent *entry;
	char *path = NULL;
	DIR *open = opendir(folder);

	while (open && (entry = readdir(open)))
		if (str_starts(entry->d_name, "pending-"))
			path = mem_printf("%s/%s", folder, entry->d_name);
	if (open)
		closedir(open);
	return path;
}

TEST(what_is_held_for_an_order_is_told)
{
	WORLD;
	char *path AUTO_FREE = NULL, *old AUTO_FREE = NULL;
	struct err err;

	REFUSED("bad-argument", "order", "order-key cert=" CERT " ca=le");
	CHECK_STR(ask("order-key cert=" CERT " ca=le order=" ORDER), "ok 1 key=none");
	have_order();
	CHECK_STR(ask("order-key cert=" CERT " ca=le order=" ORDER), "ok 1 key=ready");
	CHECK_STR(ask("order-key cert=" CERT " ca=le order=" ORDER "2"), "ok 1 key=none");
	CHECK_STR(ask("order-key cert=" CERT " ca=le test=yes order=" ORDER), "ok 1 key=none");
	path = mem_printf("%s/certs/" CERT "/keys", dir);
	old = find_pending(path);
	REQUIRE(old && file_replace(AT_FDCWD, old, "", 0, FILE_SECRET, &err) == 0);
	CHECK_STR(ask("order-key cert=" CERT " ca=le order=" ORDER), "ok 1 key=broken");
	OK("order cert=" CERT " ca=le done=yes");
	CHECK_STR(ask("order-key cert=" CERT " ca=le order=" ORDER), "ok 1 key=none");
}

static const char *fact(const char *key)
{
	char *word AUTO_FREE = mem_printf(" %s", key);

	return strstr(buf_text(&reply), word);
}

TEST(a_chain_becomes_the_next_version)
{
	WORLD;
	struct cert_facts facts CLEANUP(facts_done) = { .cert = NULL };
	struct failure failure = { .code = ERR_TIMEOUT, .tries = 2, .text = (char *)"x" };
	struct buf file AUTO_BUF = BUF_INIT;
	struct err err;

	have_order();
	REQUIRE(store_read(server.store, CERT, &facts, &err) == 0);
	facts_set_failure(&facts, NULL, &failure);
	REQUIRE(store_write_facts(server.store, &facts, &err) == 0);
	struct key *key AUTO_KEY = world_pending_key(ORDER, false);
	char *pem AUTO_FREE = make_chain(key, &good_leaf, "li");
	char *odd AUTO_FREE = mem_printf("hello\r\n%s\r\ntrailing", pem);

	check_ok(world_ask(ACCEPT, odd), __LINE__);
	CHECK(fact("next=") && !fact("order") && !fact("failure") && !fact("curr="));
	CHECK(fact("next.digest=000000000000004d") && fact("next.generation=1"));
	CHECK(!world_pending_key(ORDER, false));
	facts_done(&facts);
	REQUIRE(store_read(server.store, CERT, &facts, &err) == 0);
	CHECK(facts.next.ca == facts_ca("le"));
	REQUIRE(store_read_file(server.store, CERT, &facts.next.id, "fullchain.pem", 100000,
			&file, &err) == 0);
	CHECK_STR(buf_text(&file), pem);
	buf_clear(&file);
	REQUIRE(store_read_file(
			server.store, CERT, &facts.next.id, "info", 100000, &file, &err) == 0);
	CHECK(strstr(buf_text(&file), "\nca: le\n"));
	check_err(world_ask(ACCEPT, pem), "bad-argument", "noted", __LINE__);
}

static int count(const char *text, const char *part)
{
	int n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

TEST(versions_that_nobody_rolls_to_are_pruned)
{
	WORLD;
	world_cert.keep = 2;
	for (int i = 0; i < 5; i++) {
		have_order();
		struct key *key AUTO_KEY = world_pending_key(ORDER, false);
		char *pem AUTO_FREE = make_chain(key, &good_leaf, "li");

		check_ok(world_ask(ACCEPT, pem), __LINE__);
	}
	world_cert.keep = 9;
	ask("versions cert=" CERT);
	CHECK_INT(count(buf_text(&reply), "\nversion="), 3);
	CHECK_INT(count(buf_text(&reply), " link=next"), 1);
}

/* The daemon died after the version was stored: the facts still tell of the order. */
TEST(what_was_stored_is_not_stored_twice)
{
	WORLD;
	for (int is_rolled = 0; is_rolled < 2; is_rolled++) {
		OK(SIGN("new-account"));
		OK("account ca=le url=https://ca.example/acct/7");
		OK("order cert=" CERT " ca=le url=" ORDER);
		OK(SIGN("finalize") " cert=" CERT " order=" ORDER);
		struct key *key AUTO_KEY = world_pending_key(ORDER, false);
		char *pem AUTO_FREE = make_chain(key, &good_leaf, "li");
		struct buf csr AUTO_BUF = BUF_INIT;
		struct pending_name name = { CERT, false, ORDER };
		struct pending pending AUTO_PENDING = { .key = NULL };
		struct pending written AUTO_PENDING = { .key = NULL };
		struct err err;

		REQUIRE(pending_read(server.store, &name, &pending, &err) == 0);
		check_ok(world_ask(ACCEPT, pem), __LINE__);
		if (is_rolled)
			OK("roll cert=" CERT);
		CHECK_INT(pending_write(server.store, &name, "le", key, pending.key_created,
				  &pending.csr, &written, &err),
			0);
		CHECK_STR(buf_text(&written.csr), buf_text(&pending.csr));
		CHECK(written.csr_der.len == pending.csr_der.len &&
			memcmp(written.csr_der.data, pending.csr_der.data,
				pending.csr_der.len) == 0);
		OK("order cert=" CERT " ca=le url=" ORDER);
		check_ok(world_ask(ACCEPT, pem), __LINE__);
		CHECK(!fact("order"));
		CHECK(!world_pending_key(ORDER, false));
	}
	ask("versions cert=" CERT);
	CHECK_INT(count(buf_text(&reply), "\nversion="), 2);
}

TEST(staging_touches_nothing_else)
{
#define STAGE " ca=le test=yes "
#define STAGED "https://stage.example/order/1"
	WORLD;
	char *path AUTO_FREE = mem_printf("%s/test/certs/" CERT "/cert.pem", dir),
		   *certs AUTO_FREE = mem_printf("%s/certs/example.com", dir);
	struct stat st;

	OK("sign" STAGE "op=new-account url=https://stage.example/x nonce=a");
	OK("account" STAGE "url=https://stage.example/acct/1");
	OK("order cert=" CERT STAGE "url=" STAGED);
	CHECK(!fact("order"));
	REFUSED("not-allowed", "ca.example", "order cert=" CERT STAGE "url=" ORDER);
	OK("sign" STAGE "op=finalize url=https://stage.example/f nonce=a cert=" CERT
	   " order=" STAGED);
	struct key *key AUTO_KEY = world_pending_key(STAGED, true);
	REQUIRE(key);
	char *pem AUTO_FREE = make_chain(key, &good_leaf, "li");
	struct buf foreign AUTO_BUF = BUF_INIT;

	add_stranger(&foreign);
	world_acme.staging_roots = buf_text(&foreign);
	check_err(world_ask("accept cert=" CERT STAGE "order=" STAGED, pem), "bad-chain",
		"staging_roots_file of le", __LINE__);
	world_acme.staging_roots = NULL;
	world_acme.roots = buf_text(&foreign); /* which is not staging's */
	check_ok(world_ask("accept cert=" CERT STAGE "order=" STAGED, pem), __LINE__);
	world_acme.roots = NULL;
	CHECK(!fact("next="));
	CHECK(stat(path, &st) == 0 && stat(certs, &st) < 0);
	CHECK(!world_pending_key(STAGED, true));
	OK("sign" STAGE "op=finalize url=https://stage.example/f nonce=a cert=" CERT
	   " order=" STAGED);
	OK("order cert=" CERT STAGE "done=yes");
	CHECK(!world_pending_key(STAGED, true));
}

/* One version of this CA, current. */
static void have_curr(void)
{
	have_order();
	struct key *key AUTO_KEY = world_pending_key(ORDER, false);
	char *pem AUTO_FREE = make_chain(key, &good_leaf, "li");

	check_ok(world_ask(ACCEPT, pem), __LINE__);
	OK("roll cert=" CERT);
}

TEST(renewal_information)
{
	WORLD;
	REFUSED("no-such-version", "current", "certid cert=" CERT);
	REFUSED("no-such-version", "current",
		"renewal cert=" CERT " again=2026-12-01T00:00:00Z");
	have_curr();
	CHECK(strstr(ask("certid cert=" CERT), " certid=") && fact("ca=le"));
	char *id AUTO_FREE = mem_strdup(strstr(buf_text(&reply), "certid=") + 7);
	*strchr(id, ' ') = 0;
	OK(SIGN("new-order") " cert=" CERT " replaces=yes");
	CHECK(strstr(payload(), id));
	OK("sign ca=other op=new-account url=https://ca.example/x nonce=a");
	OK("account ca=other url=https://ca.example/acct/9");
	world_cert.cas[0] = 1;
	OK("sign ca=other op=new-order url=https://ca.example/x nonce=a cert=" CERT
	   " replaces=yes");
	CHECK(!strstr(payload(), "replaces"));
	world_cert.cas[0] = 0;
	REFUSED("not-allowed", "no CA of",
		"sign ca=other op=new-order url=https://ca.example/x nonce=a cert=" CERT);
	REFUSED("not-allowed", "no CA of", "order cert=" CERT " ca=other url=" ORDER);
	OK("renewal cert=" CERT " start=2026-12-01T00:00:00Z end=2026-12-02T00:00:00Z "
	   "moment=2026-12-01T10:00:00Z again=2026-11-22T00:00:00Z url=https://why.example/1");
	CHECK(fact("ari=") && fact("ari.url=https://why.example/1"));
	OK("renewal cert=" CERT " again=2026-11-23T00:00:00Z");
	CHECK(fact("ari.url=https://why.example/1") && fact("ari.start="));
	REFUSED("bad-argument", "again", "renewal cert=" CERT);
	REFUSED("no-such-version", "not the current",
		"renewal cert=" CERT " again=2026-11-23T00:00:00Z version=20200101T000000Z-1");
	REFUSED("bad-argument", "window",
		"renewal cert=" CERT " start=2026-12-03T00:00:00Z end=2026-12-02T00:00:00Z "
		"moment=2026-12-01T10:00:00Z again=2026-11-22T00:00:00Z");
}

/* They wait for commands, and may be asked for again and again. */
TEST(withdrawals_have_a_bound)
{
	WORLD;
	size_t before = server.n_asked;

	server.n_asked = SERVE_ASKED_MAX + 1;
	REFUSED("busy", "worked on", "issue cert=" CERT);
	REFUSED("bad-argument", "id", "withdraw");
	server.n_asked = CHALLENGES_MAX;
	REFUSED("busy", "worked on", "withdraw id=0123456789abcdef");
	server.n_asked = before;
}

#define DATE "9999-01-01T00:00:00Z"

TEST(nothing_is_put_off_for_years)
{
	static const struct leaf brief_leaf = { leaf_names, 3, -3600, 7200 };
	WORLD;
	struct cert_facts facts CLEANUP(facts_done) = { .cert = NULL };
	struct instant now = clock_now(), soon = instant_add(now, HOURS(1));
	struct err err;

	have_curr();
	OK("renewal cert=" CERT " start=" DATE " end=9999-01-02T00:00:00Z moment=" DATE
	   " again=" DATE);
	OK("fail cert=" CERT " code=too-early tries=1 first=" DATE " last=" DATE
	   " not-before=" DATE);
	REQUIRE(store_read(server.store, CERT, &facts, &err) == 0);
	CHECK(instant_before(facts.ari.again, instant_add(soon, DAYS(7))));
	CHECK(instant_before(facts.failure.not_before, instant_add(soon, DAYS(8))));
	CHECK(instant_before(facts.failure.first, soon));
	CHECK(instant_before(facts.failure.last, soon));
	facts_done(&facts);
	/* Nor beyond the half of what is left. */
	have_order();
	struct key *key AUTO_KEY = world_pending_key(ORDER, false);
	char *pem AUTO_FREE = make_chain(key, &brief_leaf, "li");

	check_ok(world_ask(ACCEPT, pem), __LINE__);
	OK("roll cert=" CERT);
	OK("renewal cert=" CERT " again=" DATE);
	OK("fail cert=" CERT " code=too-early tries=1 first=2026-01-01T00:00:00Z last=" DATE
	   " not-before=" DATE);
	REQUIRE(store_read(server.store, CERT, &facts, &err) == 0);
	CHECK(instant_before(facts.ari.again, instant_add(soon, DAYS(7))));
	CHECK(instant_before(facts.failure.not_before, instant_add(soon, SECONDS(60))));
	CHECK_INT(facts.failure.first.s, 1767225600);
}

TEST(a_serial_without_end_is_not_told)
{
	WORLD;
	have_order();
	struct key *key AUTO_KEY = world_pending_key(ORDER, false);
	char *chain AUTO_FREE = make_chain(key, &good_leaf, "li"), *path AUTO_FREE = NULL;
	struct buf info AUTO_BUF = BUF_INIT;
	struct err err;
	size_t len;

	check_ok(world_ask(ACCEPT, chain), __LINE__);
	const char *id = strstr(ask("versions cert=" CERT), "version=");

	REQUIRE(id && strstr(id, " serial="));
	id += strlen("version=");
	path = mem_printf(
		"%s/certs/" CERT "/versions/%.*s/info", dir, (int)strcspn(id, " "), id);
	REQUIRE(file_read(AT_FDCWD, path, 65536, &info, &err) == 0);
	len = strcspn(strstr(info.data, "serial: "), "\n");
	char *longer AUTO_FREE =
		mem_printf("%.*s%0*d%s", (int)(strstr(info.data, "serial: ") + len - info.data),
			info.data, 20000, 7, strstr(info.data, "serial: ") + len);
	REQUIRE(file_replace(AT_FDCWD, path, longer, strlen(longer), FILE_SECRET, &err) == 0);
	OK("versions cert=" CERT);
	CHECK(strstr(buf_text(&reply), "version=") && !strstr(buf_text(&reply), "serial="));
}

TEST(tests_have_one_pending_key)
{
	WORLD;
	struct key *one AUTO_KEY = NULL, *two AUTO_KEY = NULL;

	OK("sign ca=le test=yes op=new-account url=https://stage.example/x nonce=a");
	OK("account ca=le test=yes url=https://stage.example/acct/1");
	OK("sign ca=le test=yes op=finalize url=https://stage.example/x nonce=a cert=" CERT
	   " order=https://stage.example/order/1");
	OK("sign ca=le test=yes op=finalize url=https://stage.example/x nonce=a cert=" CERT
	   " order=https://stage.example/order/2");
	one = world_pending_key("https://stage.example/order/1", true);
	two = world_pending_key("https://stage.example/order/2", true);
	CHECK(!one && two);
}

TEST(old_keys_without_an_order_are_swept)
{
	WORLD;
	have_order();
	struct pending_name old = { CERT, false, "https://ca.example/order/0" };
	struct key *key AUTO_KEY = world_pending_key(ORDER, false), *there AUTO_KEY = NULL;
	struct pending_name name = { CERT, false, ORDER };
	struct pending pending AUTO_PENDING = { .key = NULL };
	struct pending written AUTO_PENDING = { .key = NULL };
	struct err err;

	REQUIRE(pending_read(server.store, &name, &pending, &err) == 0);
	REQUIRE(pending_write(server.store, &old, "le", key, clock_now(), &pending.csr,
			&written, &err) == 0);
	OK("order cert=" CERT " ca=le done=yes");
	there = world_pending_key(old.order, false);
	CHECK(there);
	clock_ahead = 31 * 86400;
	OK("order cert=" CERT " ca=le url=" ORDER);
	OK("order cert=" CERT " ca=le done=yes");
	CHECK(!world_pending_key(old.order, false));
}

/* SPDX-License-Identifier: MIT */
#include "tests/unit/challenge_world.h"

#include "lib/base/clock.h"

/* Many certificates, one publication; and where records go whose names are aliases. */

TEST(a_batch_begins_when_it_is_quiet_and_not_too_late)
{
	static const struct {
		int64_t first, last, now, want;
	} rows[] = {
		{ 5000, 5000, 5000, 1000 },
		{ 5000, 5000, 5999, 1 },
		{ 5000, 5000, 6000, 0 },
		{ 5000, 5900, 6000, 900 },
		{ 5000, 14500, 14600, 400 },
		{ 5000, 14999, 15000, 0 },
		{ 5000, 5000, 99000, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_INT(place_gathers((struct tick){ rows[i].first },
				  (struct tick){ rows[i].last }, (struct tick){ rows[i].now },
				  1000),
			rows[i].want);
}

static void present_many(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char token[24];

		snprintf(token, sizeof(token), "many-%zu", i);
		present(CHALLENGE_DNS, APEX, token);
	}
}

/* The gathering itself, in less time than it takes in earnest. */
TEST(two_hundred_presents_make_one_refresh)
{
	begin();
	use_include("echo x >> calls");
	REQUIRE(unlinkat(w.fd, "calls", 0) == 0);
	w.challenges->quiet_ms = 100;
	present_many(200);
	settle();
	CHECK_INT(w.n_told, 200);
	check_text("calls", "x\n");
	for (size_t i = 0; i < 200; i++)
		withdraw(i);
	settle();
	CHECK_INT(w.n_told, 400);
	check_text("calls", "x\nx\n");
	check_text(INCLUDE, HEAD);
	end();
}

TEST(nothing_is_gathered_at_the_end)
{
	begin();
	use_include("echo x >> calls");
	REQUIRE(unlinkat(w.fd, "calls", 0) == 0);
	w.challenges->quiet_ms = 3600000;
	present_many(3);
	challenges_hurry(w.challenges);
	settle();
	CHECK_INT(w.n_told, 3);
	check_text("calls", "x\n");
	withdraw(0);
	settle();
	CHECK_INT(w.n_told, 4);
	end();
}

TEST(a_sweep_does_not_gather)
{
	begin();
	use_include("true");
	present_many(3);
	settle();
	restart();
	w.challenges->quiet_ms = 3600000;
	CHECK_INT(challenges_sweep(w.challenges), 3);
	settle();
	check_text(INCLUDE, HEAD);
	end();
}

static void ask_refresh_of(const char *zone, bool is_forced, bool is_done)
{
	struct challenge_wait *wait;
	struct err err = ERR_INIT;
	size_t i = w.n_asked++;

	REQUIRE(challenges_refresh(w.challenges, zone, is_forced, told, (void *)(uintptr_t)i,
			&wait, &err) == 0);
	CHECK_INT(wait != NULL, is_done);
}

static void ask_refresh(bool is_forced, bool is_done)
{
	ask_refresh_of(APEX, is_forced, is_done);
}

/* A stolen engine has no command of root's run for names that it made up. */
TEST(a_refresh_names_a_configured_zone)
{
	static const char *const made_up[] = { "x." APEX, "a.b." APEX, "com", "", "*." APEX,
		"example.net", "-x", "../" APEX };
	struct challenge_wait *wait;
	struct err err = ERR_INIT;

	begin();
	use_include(NULL);
	for (size_t i = 0; i < ARRAY_LEN(made_up) * 2; i++) {
		CHECK_INT(challenges_refresh(
				  w.challenges, made_up[i / 2], i % 2, told, NULL, &wait, &err),
			-1);
		CHECK_INT(err.code, ERR_NOT_FOUND);
	}
	ask_refresh_of(APEX, true, true);
	settle();
	end();
}

TEST(a_refresh_is_run_again_but_not_all_the_time)
{
	struct challenge_wait *wait;
	struct err err = ERR_INIT;

	begin();
	use_include("echo x >> calls; test ! -e bad");
	present(CHALLENGE_DNS, APEX, TOKEN);
	settle();
	check_text("calls", "x\nx\n");
	ask_refresh(false, true);
	settle();
	CHECK_INT(w.n_told, 2);
	check_text("calls", "x\nx\nx\n");
	ask_refresh(false, false);
	ask_refresh(true, true);
	ask_refresh(true, true);
	settle();
	CHECK_INT(w.n_told, 4);
	check_text("calls", "x\nx\nx\nx\n");
	/* What somebody did to the file is mended, and an error told. */
	REQUIRE(run("echo rubbish > " INCLUDE "; mkdir bad") == 0);
	ask_refresh(true, true);
	settle();
	CHECK_INT(w.told[w.n_asked - 1].err.code, ERR_COMMAND_FAILED);
	CHECK(run("grep -q rubbish " INCLUDE) == 1);
	CHECK(challenges_refresh(w.challenges, "example.net", true, told, NULL, &wait, &err) <
		0);
	CHECK_INT(err.code, ERR_NOT_FOUND);
	end();
}

/* Who asks without an end has the command run now and then, and holds up nobody else. */
TEST(forced_refreshes_keep_a_distance)
{
	struct buf calls AUTO_BUF = BUF_INIT;
	struct tick began;

	begin();
	use_include("echo x >> calls");
	REQUIRE(unlinkat(w.fd, "calls", 0) == 0);
	w.challenges->refresh_ms = 300;
	began = clock_tick();
	for (size_t i = 0; i < 4; i++) {
		size_t until = w.n_told + 2;

		ask_refresh(true, true);
		ask_refresh(true, true);
		while (w.n_told < until) {

			loop_step(w.loop);
		}
	}
	CHECK(clock_tick().ms - began.ms >= 3 * 300);
	check_text("calls", "x\nx\nx\nx\n");
	/* A challenge does not wait for it, and who stops waits for nothing. */
	w.challenges->refresh_ms = 3600000;
	ask_refresh(true, true);
	present(CHALLENGE_DNS, APEX, TOKEN);
	while (!w.told[w.n_asked - 1].is_done) {

		loop_step(w.loop);
	}
	CHECK(!w.told[w.n_asked - 2].is_done);
	challenges_hurry(w.challenges);
	settle();
	CHECK(w.told[w.n_asked - 2].is_done);
	read_text("calls", &calls);
	CHECK_INT(calls.len, 2 * 6);
	end();
}

TEST(aliases_lead_into_zones_that_are_told)
{
	static const struct {
		const char *owner, *fault;
	} rows[] = {
		{ "_acme-challenge." APEX, NULL },
		{ "_a1b2._acme-challenge." APEX, NULL },
		{ "example.com", NULL },
		{ "a.example.net", "_acme-challenge.example.com is an alias of a.example.net, "
				   "which lies in no zone of dns.zones" },
		{ "A.example.com", "not a name" },
		{ "a..example.com", "not a name" },
		{ ".example.com", "not a name" },
		{ "a.example.com.", "not a name" },
		{ "-a.example.com", "not a name" },
		{ "a b.example.com", "not a name" },
		{ "a\"b.example.com", "not a name" },
		{ "", "not a name" },
		{ "xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example."
		  "com",
			"not a name" },
	};
	const struct zone_conf fallback = { .publish = { .type = PUBLISH_COMMAND } };

	begin();
	use_include(NULL);
	/* What is told of no zone in particular is no place for aliases. */
	w.conf->dns.fallback = &fallback;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t at = present_at(CHALLENGE_DNS, APEX, TOKEN, rows[i].owner);

		settle();
		if (rows[i].fault) {
			CHECK(strstr(w.told[at].err.text, rows[i].fault));
			continue;
		}
		CHECK(!err_is_set(&w.told[at].err));
		CHECK_STR(w.told[at].owner, rows[i].owner);
	}
	CHECK_INT(count("challenges"), 3);
	w.conf->dns.fallback = NULL;
	end();
}

/* Whoever runs the zone of a name has no say about the names of ours. */
TEST(aliases_disturb_nobody)
{
	static const struct {
		enum aliases aliases;
		const char *owner;
		bool is_refused;
	} rows[] = {
		{ ALIASES_MARKED, "shop." APEX, true },
		{ ALIASES_MARKED, "_acme-challenge.shop." APEX, true },
		{ ALIASES_MARKED, "_acme-challenge." APEX, false },
		{ ALIASES_ANY, "shop." APEX, false },
		{ ALIASES_NONE, "_x._acme-challenge." APEX, true },
		/* Its own name is no alias. */
		{ ALIASES_NONE, "_acme-challenge.www." APEX, false },
	};

	begin();
	use_include(NULL);
	w.zone.has_names = true;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int before = count("challenges");
		size_t at;

		w.zone.aliases = rows[i].aliases;
		at = present_at(CHALLENGE_DNS, "www." APEX, TOKEN, rows[i].owner);
		settle();
		CHECK_INT(w.told[at].err.code, rows[i].is_refused ? ERR_BAD_CONFIG : ERR_NONE);
		CHECK_INT(count("challenges"), before + !rows[i].is_refused);
	}
	end();
}

/* An entry serves the zones below it, and `default` all others, each under its own apex. */
TEST(records_go_to_the_zone_that_holds_them)
{
	static const struct {
		const char *entry, *apex, *zone; /* entry NULL: default; zone NULL: refused */
	} rows[] = {
		{ "example.com", "example.com", "example.com" },
		{ "example.com", NULL, "example.com" },
		{ "com", "example.com", "example.com" },
		{ "com", "com", "com" },
		{ "com", NULL, "com" },
		{ "example.com", "www.example.com", "www.example.com" },
		{ "example.com", "_acme-challenge.www.example.com",
			"_acme-challenge.www.example.com" },
		/* No zone of its own in DNS: */
		{ "www.example.com", "example.com", "www.example.com" },
		{ NULL, "www.example.com", "www.example.com" },
		{ NULL, "com", "com" },
		{ NULL, NULL, "example.com" },
		/* An engine that was taken over says anything. */
		{ "com", "example.net", NULL },
		{ "com", "ample.com", NULL },
		{ "com", "x._acme-challenge.www.example.com", NULL },
		{ NULL, "WWW.example.com", NULL },
		{ NULL, "../x.example.com", NULL },
		{ NULL, ".", NULL },
		{ NULL, "", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char file[100];
		size_t at;

		begin();
		w.zone.name = rows[i].entry;
		w.conf->dns.n_zones = rows[i].entry != NULL;
		w.conf->dns.fallback = rows[i].entry ? NULL : &w.zone;
		use_include("echo $1 >> calls");
		at = present_in(CHALLENGE_DNS, "www." APEX, TOKEN, NULL, rows[i].apex);
		settle();
		CHECK_INT(w.told[at].err.code, rows[i].zone ? ERR_NONE : ERR_BAD_ARGUMENT);
		snprintf(file, sizeof(file), "grep -q TXT zones/acme-challenge.%s",
			rows[i].zone ? rows[i].zone : "");
		CHECK_INT(run(file) == 0, rows[i].zone != NULL);
		CHECK_INT(
			count("zones"), 1 +
						(rows[i].entry && rows[i].zone &&
							!str_is(rows[i].entry, rows[i].zone)) -
						(!rows[i].entry && !rows[i].zone));
		if (rows[i].zone) {
			withdraw(at);
			settle();
			CHECK(run(file) == 1);
		}
		w.conf->dns.fallback = NULL;
		end();
	}
}

/* Whoever asks for an entry means all zones that it serves. */
TEST(all_zones_of_an_entry_are_refreshed)
{
	begin();
	w.zone.name = "com";
	use_include("echo x >> calls");
	present_in(CHALLENGE_DNS, APEX, TOKEN, NULL, APEX);
	present_in(CHALLENGE_DNS, "www." APEX, TOKEN, NULL, "www." APEX);
	settle();
	REQUIRE(run("rm calls zones/*") == 0);
	ask_refresh_of("com", true, true);
	settle();
	CHECK(!err_is_set(&w.told[w.n_asked - 1].err));
	CHECK_INT(count("zones"), 3);
	check_text("calls", "x\nx\nx\n");
	/* One that did not become right by it is asked for by itself. */
	ask_refresh_of("www." APEX, false, false);
	end();
}

/* The zone of the alias itself need not be there. */
TEST(a_delegated_challenge_needs_no_zone_of_its_own)
{
	size_t a, b;

	begin();
	use_include(NULL);
	w.zone.name = "acme.example.net";
	w.zone.publish.acme_dir = arena_printf(&w.conf->arena, "%s/zones", w.dir);
	challenges_use(w.challenges, w.conf);
	a = present_at(CHALLENGE_DNS, APEX, TOKEN, "x.acme.example.net");
	b = present_at(CHALLENGE_DNS, "www." APEX, TOKEN, "x.acme.example.net");
	settle();
	CHECK(!err_is_set(&w.told[a].err) && !err_is_set(&w.told[b].err));
	CHECK_STR(w.told[a].value, w.told[b].value);
	withdraw(a);
	settle();
	CHECK(run("grep -q '^x.acme.example.net. 60 IN TXT' "
		  "zones/acme-challenge.acme.example.net") == 0);
	withdraw(b);
	settle();
	CHECK(run("grep -q TXT zones/acme-challenge.acme.example.net") == 1);
	end();
}

TEST(programs_are_run_again_for_those_who_ask_for_it)
{
	size_t a, n;

	begin();
	use_command("test ! -e bad && echo add $2 >> calls",
		"test ! -e stay && echo remove $2 >> calls");
	a = present_at(CHALLENGE_DNS, APEX, TOKEN, "_x._acme-challenge." APEX);
	/* The same record for another order, which is there once. */
	(void)present_at(CHALLENGE_DNS, "www." APEX, TOKEN, "_x._acme-challenge." APEX);
	(void)present_at(CHALLENGE_DNS, APEX, "other", "_y._acme-challenge." APEX);
	settle();
	CHECK(run("test $(grep -c add calls) = 2") == 0);
	/* Nobody knows whether a program bears it. */
	ask_refresh(false, false);
	ask_refresh(true, true);
	settle();
	CHECK(!err_is_set(&w.told[w.n_asked - 1].err));
	CHECK(run("test \"$(sort calls | uniq -c | tr -s ' ' | tr '\\n' ,)\" = "
		  "' 2 add _x._acme-challenge.example.com, 2 add "
		  "_y._acme-challenge.example.com,'") == 0);
	REQUIRE(mkdirat(w.fd, "bad", 0755) == 0);
	n = w.n_told;
	ask_refresh(true, true);
	settle();
	CHECK_INT(w.n_told, n + 1);
	CHECK_INT(w.told[w.n_asked - 1].err.code, ERR_COMMAND_FAILED);
	/* What was there is not taken for gone. */
	CHECK_INT(count("challenges"), 3);
	CHECK(run("grep -q remove calls") == 1);
	withdraw(a);
	settle();
	CHECK(run("grep -q remove calls") == 1);
	end();
}

TEST(what_was_left_is_tried_again_for_those_who_ask_for_it)
{
	size_t a;

	begin();
	use_command("true", "test ! -e stay && echo remove $2 >> calls");
	a = present(CHALLENGE_DNS, APEX, TOKEN);
	settle();
	REQUIRE(mkdirat(w.fd, "stay", 0755) == 0);
	withdraw(a);
	settle();
	CHECK_INT(count("challenges"), 1);
	ask_refresh(true, true);
	settle();
	CHECK_INT(w.told[w.n_asked - 1].err.code, ERR_COMMAND_FAILED);
	CHECK_INT(count("challenges"), 1);
	REQUIRE(unlinkat(w.fd, "stay", AT_REMOVEDIR) == 0);
	ask_refresh(true, true);
	settle();
	CHECK(!err_is_set(&w.told[w.n_asked - 1].err));
	CHECK_INT(count("challenges"), 0);
	check_text("calls", "remove _acme-challenge.example.com\n");
	ask_refresh(true, false);
	end();
}

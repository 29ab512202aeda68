/* SPDX-License-Identifier: MIT */
#include <time.h>

#include "tests/unit/challenge_world.h"

/* Records, and what is left behind by another life. */

TEST(include_holds_apex_and_wildcard_side_by_side)
{
	struct buf want AUTO_BUF = BUF_INIT;
	const char *first, *second;
	size_t a, b;

	begin();
	use_include("echo refreshed $CERTD_ZONE >> calls");
	check_text(INCLUDE, HEAD);
	check_text("calls", "refreshed " APEX "\n");
	a = present(CHALLENGE_DNS, APEX, "one");
	b = present(CHALLENGE_DNS, APEX, "two");
	settle();
	CHECK_INT(w.n_told, 2);
	CHECK_STR(w.told[a].owner, "_acme-challenge." APEX);
	CHECK(!str_is(w.told[a].value, w.told[b].value));
	first = strcmp(w.told[a].value, w.told[b].value) < 0 ? w.told[a].value
							     : w.told[b].value;
	second = first == w.told[a].value ? w.told[b].value : w.told[a].value;
	buf_printf(&want,
		HEAD "_acme-challenge.%s. 60 IN TXT \"%s\"\n"
		     "_acme-challenge.%s. 60 IN TXT \"%s\"\n",
		APEX, first, APEX, second);
	check_text(INCLUDE, buf_text(&want));
	/* Both came with one refresh. */
	check_text("calls", "refreshed " APEX "\nrefreshed " APEX "\n");
	CHECK_INT(count("challenges"), 2);
	withdraw(a);
	settle();
	CHECK_INT(count("challenges"), 1);
	withdraw(b);
	settle();
	check_text(INCLUDE, HEAD);
	CHECK_INT(count("challenges"), 0);
	CHECK_INT(count("zones"), 1);
	CHECK_INT(log_memory_count(&w.log, EVENT_CHALLENGE_PUBLISHED, NULL, NULL), 2);
	CHECK_INT(log_memory_count(&w.log, EVENT_CHALLENGE_WITHDRAWN, NULL, NULL), 2);
	end();
}

/* What is not ours in our file cannot stay, as it is written anew; but its owner is told. */
static void append(const char *lines)
{
	int fd = openat(w.fd, INCLUDE, O_WRONLY | O_APPEND | O_CLOEXEC);

	REQUIRE(fd >= 0 && write(fd, lines, strlen(lines)) == (ssize_t)strlen(lines));
	close(fd);
}

/* An engine that somebody took over may name aliases and zones without end. */
TEST(aliases_make_no_files)
{
	begin();
	use_include(NULL);
	present_in(CHALLENGE_DNS, APEX, TOKEN, "_x1._acme-challenge." APEX,
		"_x1._acme-challenge." APEX);
	settle();
	CHECK_INT(w.told[0].err.code, ERR_BAD_CONFIG);
	CHECK(strstr(w.told[0].err.text, "an entry of its own in dns.zones"));
	CHECK_INT(count("zones"), 1);
	present_in(CHALLENGE_DNS, APEX, TOKEN, "_x1._acme-challenge." APEX, APEX);
	settle();
	CHECK(!err_is_set(&w.told[1].err));
	CHECK_INT(count("zones"), 1);
	end();
}

TEST(lines_of_somebody_else_are_told)
{
	size_t a;

	begin();
	use_include("true");
	settle();
	append("_acme-challenge.x. 60 IN TXT \"old\"\n");
	a = present(CHALLENGE_DNS, APEX, "one");
	settle();
	CHECK_INT(log_memory_count(&w.log, EVENT_CHALLENGE_OVERWRITTEN, NULL, NULL), 0);
	append("www A 192.0.2.1\n\n; mine\n");
	withdraw(a);
	settle();
	check_text(INCLUDE, HEAD);
	CHECK_INT(log_memory_count(&w.log, EVENT_CHALLENGE_OVERWRITTEN, NULL, NULL), 1);
	end();
}

TEST(changes_wait_for_the_refresh_that_runs)
{
	struct stat st;

	begin();
	use_include("echo x >> calls; while [ -e hold ]; do sleep 0.01; done");
	REQUIRE(unlinkat(w.fd, "calls", 0) == 0);
	REQUIRE(mkdirat(w.fd, "hold", 0755) == 0);
	present(CHALLENGE_DNS, APEX, "first");
	while (fstatat(w.fd, "calls", &st, 0) < 0)
		run_loop(10);
	for (int i = 0; i < 20; i++) {
		char token[20];

		snprintf(token, sizeof(token), "more-%d", i);
		present(CHALLENGE_DNS, APEX, token);
	}
	CHECK_INT(w.n_told, 0);
	REQUIRE(unlinkat(w.fd, "hold", AT_REMOVEDIR) == 0);
	settle();
	CHECK_INT(w.n_told, 21);
	check_text("calls", "x\nx\n");
	end();
}

TEST(a_refresh_that_fails_is_tried_again)
{
	size_t a;

	begin();
	use_include("test -e good && exit 0; mkdir good; exit 1");
	a = present(CHALLENGE_DNS, APEX, TOKEN);
	REQUIRE(unlinkat(w.fd, "good", AT_REMOVEDIR) == 0);
	settle();
	CHECK_INT(w.n_told, 1);
	CHECK(!err_is_set(&w.told[a].err));
	end();
}

TEST(commands_get_exactly_the_record)
{
	struct buf want AUTO_BUF = BUF_INIT;
	size_t a;

	begin();
	use_command("for i; do echo \"$i\"; done > added", "echo \"$#:$*\" > removed");
	a = present(CHALLENGE_DNS_ACCOUNT, "www." APEX, TOKEN);
	settle();
	CHECK(!err_is_set(&w.told[a].err));
	CHECK_STR(w.told[a].owner, "_ujmmovf2vn55tgye._acme-challenge.www." APEX);
	buf_printf(&want, "%s\n%s\n60\nTXT\n%s\n", APEX, w.told[a].owner, w.told[a].value);
	check_text("added", buf_text(&want));
	CHECK_INT(count("challenges"), 1);
	withdraw(a);
	settle();
	buf_clear(&want);
	buf_printf(&want, "5:%s %s 60 TXT %s\n", APEX, w.told[a].owner, w.told[a].value);
	check_text("removed", buf_text(&want));
	CHECK_INT(count("challenges"), 0);
	end();
}

TEST(an_add_that_fails_is_undone_and_told)
{
	size_t a;

	begin();
	w.conf->dns.deadline.s = 1;
	use_command("echo no such zone; exit 3", "echo x >> removed");
	a = present(CHALLENGE_DNS, APEX, TOKEN);
	settle();
	CHECK_INT(w.told[a].err.code, ERR_COMMAND_FAILED);
	CHECK(strstr(w.told[a].err.text, "ended with status 3: no such zone"));
	check_text("removed", "x\n");
	CHECK_INT(count("challenges"), 0);
	end();
}

/* A record whose removal fails until there is a file `good`. */
static void leave_one(void)
{
	size_t a;

	use_command("true", "test -e good && echo x >> removed");
	a = present(CHALLENGE_DNS, APEX, TOKEN);
	settle();
	withdraw(a);
	settle();
}

TEST(a_removal_that_fails_waits_for_the_next_sweep)
{
	begin();
	leave_one();
	CHECK_INT(w.n_told, 2);
	CHECK(!err_is_set(&w.told[1].err));
	CHECK_INT(log_memory_count(&w.log, EVENT_CHALLENGE_LEFT, NULL, NULL), 1);
	CHECK_INT(count("challenges"), 1);
	REQUIRE(mkdirat(w.fd, "good", 0755) == 0);
	restart();
	CHECK_INT(challenges_sweep(w.challenges), 1);
	settle();
	check_text("removed", "x\n");
	CHECK_INT(count("challenges"), 0);
	end();
}

TEST(an_operator_has_a_removal_that_failed_tried_at_once)
{
	begin();
	leave_one();
	CHECK_INT(count("challenges"), 1);
	REQUIRE(mkdirat(w.fd, "good", 0755) == 0);
	challenges_retry_now(w.challenges);
	settle();
	check_text("removed", "x\n");
	CHECK_INT(count("challenges"), 0);
	end();
}

TEST(a_sweep_undoes_another_life)
{
	begin();
	use_include("true");
	use_webroot();
	present(CHALLENGE_DNS, APEX, "one");
	present(CHALLENGE_DNS, "www." APEX, "two");
	present(CHALLENGE_HTTP, APEX, TOKEN);
	settle();
	CHECK_INT(count("challenges"), 4);
	restart();
	CHECK_INT(challenges_sweep(w.challenges), 3);
	settle();
	check_text(INCLUDE, HEAD);
	CHECK_INT(count("www"), 0);
	CHECK_INT(count("challenges"), 0);
	end();
}

TEST(a_certificate_that_leaves_takes_its_challenges_along)
{
	struct conf *other;

	begin();
	use_include(NULL);
	present(CHALLENGE_DNS, APEX, TOKEN);
	settle();
	CHECK_INT(count("challenges"), 1);
	other = load_text("state_dir: /s\ngroups:\n  example.com:\n    mail: {ca: self, names: "
			  "[example.com]}\n",
		NULL);
	REQUIRE(other);
	challenges_use(w.challenges, other);
	conf_unref(other);
	settle();
	CHECK_INT(count("challenges"), 0);
	check_text(INCLUDE, HEAD);
	end();
}

TEST(what_the_engine_answers_leaves_no_trace)
{
	size_t a;

	begin();
	a = present(CHALLENGE_TLS_ALPN, APEX, TOKEN);
	settle();
	CHECK(!err_is_set(&w.told[a].err));
	CHECK_INT(count("challenges"), 0);
	withdraw(a);
	settle();
	CHECK(!challenge_withdraw(w.challenges, w.told[a].id, told, NULL));
	end();
}

TEST(what_cannot_be_published_is_refused_at_once)
{
	begin();
	present(CHALLENGE_DNS, APEX, TOKEN);
	CHECK(strstr(w.told[0].err.text, "does not say how to publish"));
	present(CHALLENGE_DNS, "192.0.2.1", TOKEN);
	CHECK(strstr(w.told[1].err.text, "is an address"));
	present(CHALLENGE_DNS_PERSIST, APEX, TOKEN);
	CHECK(strstr(w.told[2].err.text, "publishes no challenge"));
	w.zone.name = "example.net";
	present(CHALLENGE_DNS, APEX, TOKEN);
	CHECK(strstr(w.told[3].err.text, "no zone of dns.zones holds"));
	w.conf->http.webroot = "ssh://host/path";
	present(CHALLENGE_HTTP, APEX, TOKEN);
	CHECK(strstr(w.told[4].err.text, "not a local directory"));
	CHECK_INT(w.n_told, 0);
	end();
}

/* Entries that a journal may hold, and what becomes of them. */
TEST(journal_entries_are_read_strictly)
{
	static const struct {
		const char *text;
		bool is_good;
	} rows[] = {
		{ "how: directories\nn_dirs: 2\npath: /w\nmade: 2026-11-21T10:15:00Z\n", true },
		{ "how: webroot\ntype: http-01\ncert: g/s\nca: c\nname: n\ntoken: t\npath: "
		  "/w\nvalue: v\nmade: 2026-11-21T10:15:00Z\n",
			true },
		{ "how: webroot\ntype: http-01\ncert: g/s\nca: c\nname: n\ntoken: ../t\npath: "
		  "/w\nvalue: v\nmade: 2026-11-21T10:15:00Z\n",
			false },
		{ "how: webroot\ntype: http-01\ncert: g/s\nca: c\nname: n\ntoken: t\npath: "
		  "w\nvalue: v\nmade: 2026-11-21T10:15:00Z\n",
			false },
		{ "how: include\ntype: dns-01\ncert: g/s\nca: c\nname: n\ntoken: t\npath: "
		  "/z\nzone: ../x\nowner: o\nvalue: v\nttl: 60\nmade: 2026-11-21T10:15:00Z\n",
			false },
		{ "how: update\ntype: dns-01\ncert: g/s\nca: c\nname: n\ntoken: t\nzone: z\n"
		  "owner: o\nvalue: v\nttl: 60\nmade: 2026-11-21T10:15:00Z\n",
			true },
		{ "how: engine\nmade: 2026-11-21T10:15:00Z\n", false },
		{ "how: directories\npath: /w\npath: /v\nmade: 2026-11-21T10:15:00Z\n", false },
		{ "how: directories\npath: /w\nwhat: x\nmade: 2026-11-21T10:15:00Z\n", false },
		{ "how: directories\nn_dirs: 3\npath: /w\nmade: 2026-11-21T10:15:00Z\n",
			false },
		{ "nonsense\nmade: 2026-11-21T10:15:00Z\n", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text AUTO_FREE = mem_strdup(rows[i].text);
		struct buf again AUTO_BUF = BUF_INIT;
		struct journal_entry entry;
		struct err err = ERR_INIT;

		CHECK_INT(journal_parse("0123456789abcdef", text, &entry, &err),
			rows[i].is_good ? 0 : -1);
		if (!rows[i].is_good) {
			CHECK(err_is_set(&err));
			continue;
		}
		journal_print(&entry, &again);
		CHECK_STR(buf_text(&again), rows[i].text);
		journal_entry_done(&entry);
	}
}

TEST(a_broken_journal_hinders_nothing)
{
	begin();
	REQUIRE(run("printf 'how: x\\nmade: y\\n' > challenges/0123456789abcdef; "
		    ": > challenges/1123456789abcdef; "
		    "printf 'how: webro' > challenges/2123456789abcdef; "
		    "echo x > challenges/.tmp-1; echo y > challenges/README") == 0);
	restart();
	CHECK_INT(challenges_sweep(w.challenges), 0);
	CHECK_INT(count("challenges"), 1);
	CHECK_INT(count("quarantine"), 1);
	CHECK_INT(log_memory_count(&w.log, EVENT_STORE_QUARANTINED, NULL, NULL), 1);
	end();
}

static void count_told(void *data, const struct challenge_told *what, const struct err *err)
{
	(void)what;
	*(size_t *)data += !err_is_set(err);
}

static void present_all(enum challenge type, size_t *n_told)
{
	struct err err = ERR_INIT;
	char token[24];
	struct challenge_wish wish = { .cert = conf_cert(w.conf, "example.com/web"),
		.ca = "ca",
		.type = type,
		.name = APEX,
		.token = token,
		.thumbprint = "thumb",
		.account_url = "" };

	for (int i = 0; i <= CHALLENGES_MAX; i++) {
		snprintf(token, sizeof(token), "token-%d", i);
		if (!challenge_present(w.challenges, w.conf, &wish, count_told, n_told, &err)) {
			CHECK_INT(i, CHALLENGES_MAX);
			CHECK_INT(err.code, ERR_BUSY);
		}
	}
}

/* Compared each with each they take minutes, at one place or each at its own. */
TEST(as_many_as_there_may_be)
{
	clock_t start = clock();
	size_t n_told = 0;

	begin();
	log_memory_close(&w.log);
	log_to(NULL, NULL);
	present_all(CHALLENGE_TLS_ALPN, &n_told);
	settle();
	CHECK_INT(n_told, CHALLENGES_MAX);
	CHECK_INT(challenges_sweep(w.challenges), CHALLENGES_MAX);
	settle();
	CHECK_INT(challenges_sweep(w.challenges), 0);
	use_command("exit 1", "exit 1");
	present_all(CHALLENGE_DNS, &n_told);
	CHECK_INT(challenges_sweep(w.challenges), CHALLENGES_MAX);
	CHECK_INT(n_told, CHALLENGES_MAX);
	end();
	CHECK((clock() - start) / CLOCKS_PER_SEC < 10);
}

/* Withdrawn one by one while the others stay, of two orders for the same names. */
TEST(many_twins_of_a_webroot)
{
	enum { N = 20 };
	size_t first[N], second[N];
	char token[24];

	begin();
	use_webroot();
	for (size_t i = 0; i < N; i++) {
		snprintf(token, sizeof(token), "twin-%zu", i);
		first[i] = present(CHALLENGE_HTTP, APEX, token);
		second[i] = present(CHALLENGE_HTTP, "www." APEX, token);
	}
	settle();
	CHECK_INT(w.n_told, 2 * N);
	CHECK_INT(count("www/.well-known/acme-challenge"), N);
	w.n_asked = w.n_told = 2 * N;
	for (size_t i = 0; i < N / 2; i++) {
		CHECK(challenge_withdraw(w.challenges, w.told[first[i]].id, told,
			(void *)(uintptr_t)(WAITS_MAX - 1)));
		CHECK(challenge_withdraw(w.challenges, w.told[second[i + N / 2]].id, told,
			(void *)(uintptr_t)(WAITS_MAX - 1)));
	}
	settle();
	CHECK_INT(count("www/.well-known/acme-challenge"), N);
	CHECK_INT(count("challenges"), N + 1);
	challenges_sweep(w.challenges);
	settle();
	CHECK_INT(count("www"), 0);
	CHECK_INT(count("challenges"), 0);
	end();
}

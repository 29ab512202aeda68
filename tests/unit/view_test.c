/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <locale.h>
#include <time.h>

#include "client/options.h"
#include "client/view.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "proto/line.h"

/* 2026-11-21T10:00:00Z */
#define NOW 1795255200

static const struct term pipe_term = { .now = { NOW } };

static struct term terminal(size_t width)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	setenv("TZ", "UTC", 1);
	tzset();
	return (struct term){
		.is_terminal = true, .is_coloured = true, .width = width, .now = { NOW }
	};
}

static void add(struct rows *rows, const char *text)
{
	struct line line CLEANUP(line_done) = { 0 };
	struct err err = ERR_INIT;

	REQUIRE(line_parse_copy(&line, text, strlen(text), LINE_MAX_LEN, &err) == 0);
	REQUIRE(rows_add(rows, &line, &err) == 0);
}

static struct rows rows_of(enum command_id command, const char *first, const char *second)
{
	struct rows rows = { .command = &commands[command] };

	add(&rows, first);
	if (second)
		add(&rows, second);
	return rows;
}

static const char status_row[] =
	"row cert=example.com/web health=ok curr=20261121T090000Z-1 "
	"curr_expires=2026-12-21T10:00:00Z action=issue at=2026-12-01T10:00:00Z why=window "
	"reason=\"the renewal moment of the current version has not come\"";
/* Columns that a terminal shows of a line: escape sequences take none. */
static size_t shown_width(const char *line, size_t len)
{
	struct buf plain AUTO_BUF = BUF_INIT;

	for (size_t i = 0; i < len; i++) {
		if (line[i] == '\x1b')
			i += strcspn(line + i, "m");
		else
			buf_add_char(&plain, line[i]);
	}
	return term_width(buf_text(&plain));
}

static void check_widths(const char *text, size_t limit)
{
	for (const char *p = text; *p;) {
		size_t len = strcspn(p, "\n");

		if (shown_width(p, len) > limit)
			TEST_FAIL("a line is %zu wide, not %zu: %.*s", shown_width(p, len),
				limit, (int)len, p);
		p += len + (p[len] == '\n');
	}
}

TEST(table_fits_every_width)
{
	static const char hostile[] = "row cert=example.com/mail health=failing action=issue "
				      "why=backoff error=io "
				      "error_text=\"the disk \\x1b[31mburns\\nbadly\" tries=3";
	struct rows rows CLEANUP(rows_done) = rows_of(COMMAND_STATUS, status_row, hostile);

	for (size_t width = 60; width <= 200; width++) {
		struct term term = terminal(width);
		struct buf out AUTO_BUF = BUF_INIT;

		show_table(&rows, &term, &out);
		check_widths(buf_text(&out), width);
		CHECK(strstr(buf_text(&out), "example"));
		CHECK(strstr(buf_text(&out), "\x1b[32mok\x1b[0m"));
	}
}

TEST(wide_terminal_shows_when_in_two_ways)
{
	struct rows rows CLEANUP(rows_done) = rows_of(COMMAND_STATUS, status_row, NULL);
	struct term wide = terminal(200), narrow = terminal(80);
	struct buf out AUTO_BUF = BUF_INIT;

	show_table(&rows, &wide, &out);
	CHECK(strstr(buf_text(&out), "in 10d (1 Dec 10:00)"));
	CHECK(strstr(buf_text(&out), "has not come"));
	buf_clear(&out);
	show_table(&rows, &narrow, &out);
	CHECK(!strstr(buf_text(&out), "1 Dec"));
	CHECK(strstr(buf_text(&out), "in 10d"));
	CHECK(strstr(buf_text(&out), "\xe2\x80\xa6"));
}

TEST(pipe_gets_full_values_and_no_escape)
{
	struct rows rows CLEANUP(rows_done) = rows_of(COMMAND_STATUS, status_row, NULL);
	struct buf out AUTO_BUF = BUF_INIT;

	add(&rows,
		"row cert=a/b health=failing error_text=\"bad \\x1b[2J \\x07 \xc2\x9b end\"");
	view_rows(&rows, &pipe_term, &out);
	CHECK(strstr(buf_text(&out), "2026-12-21T10:00:00Z"));
	CHECK(strstr(buf_text(&out), "the renewal moment of the current version has not come"));
	CHECK(strstr(buf_text(&out), "bad \\x1b[2J \\x07 \\x9b end"));
	CHECK(!strchr(buf_text(&out), '\x1b'));
	CHECK(!strstr(buf_text(&out), "\xc2\x9b"));
	CHECK(!strstr(buf_text(&out), "\xe2\x80\xa6"));
}

TEST(nothing_comes_next_where_the_sleep_has_no_end)
{
	struct rows rows CLEANUP(rows_done) = rows_of(COMMAND_STATUS,
		"row cert=a/root health=ok action=sleep at=never why=manual",
		"row cert=a/web health=ok action=sleep at=2026-12-01T10:00:00Z why=window");
	struct buf out AUTO_BUF = BUF_INIT;

	view_rows(&rows, &pipe_term, &out);
	CHECK_STR(buf_text(&out),
		"certificate  health  current until  next     when                  why\n"
		"a/root       ok      -              nothing  never                 manual\n"
		"a/web        ok      -              sleep    2026-12-01T10:00:00Z  window\n");
	/* Programs get the word of the protocol. */
	buf_clear(&out);
	show_json(&rows, &out);
	CHECK(strstr(buf_text(&out), "\"action\": \"sleep\""));
	CHECK(!strstr(buf_text(&out), "nothing"));
}

TEST(no_rows_no_header)
{
	struct rows rows CLEANUP(rows_done) = { .command = &commands[COMMAND_STATUS] };
	struct buf out AUTO_BUF = BUF_INIT;

	view_rows(&rows, &pipe_term, &out);
	CHECK_STR(buf_text(&out), "");
	show_json(&rows, &out);
	CHECK_STR(buf_text(&out), "[]\n");
}

TEST(unknown_keys_become_columns)
{
	struct rows rows CLEANUP(rows_done) = rows_of(COMMAND_CANCEL, "row fruit=apple size=3",
		"row fruit=\"two words\" shape=round");
	struct buf out AUTO_BUF = BUF_INIT;

	view_rows(&rows, &pipe_term, &out);
	CHECK_STR(buf_text(&out), "fruit      size  shape\n"
				  "apple      3     -\n"
				  "two words  -     round\n");
}

TEST(json_has_nulls_numbers_and_unknown_keys)
{
	struct rows rows CLEANUP(rows_done) = rows_of(COMMAND_JOBS,
		"row job=17 action=issue step=\"a \\\"b\\\" \\\\ \\x1b\" extra=9 extra=10",
		NULL);
	struct buf out AUTO_BUF = BUF_INIT;

	show_json(&rows, &out);
	CHECK_STR(buf_text(&out), "[\n {\"job\": 17, \"action\": \"issue\", \"cert\": null, "
				  "\"step\": \"a \\\"b\\\" \\\\ \\u001b\", \"started\": null, "
				  "\"extra\": \"9\"}\n]\n");
}

TEST(json_number_that_is_none_stays_text)
{
	struct rows rows CLEANUP(rows_done) = rows_of(COMMAND_JOBS, "row job=1e9", NULL);
	struct buf out AUTO_BUF = BUF_INIT;

	show_json(&rows, &out);
	CHECK(strstr(buf_text(&out), "\"job\": \"1e9\""));
}

TEST(json_knows_kinds)
{
	struct rows rows CLEANUP(rows_done) = rows_of(COMMAND_SHOW,
		"row kind=version version=v1 link=curr", "row kind=later thing=1");
	struct buf out AUTO_BUF = BUF_INIT;

	show_json(&rows, &out);
	CHECK(strstr(buf_text(&out), "{\"kind\": \"version\", \"version\": \"v1\""));
	CHECK(strstr(buf_text(&out), "\"rolled\": null"));
	CHECK(!strstr(buf_text(&out), "\"names\""));
	CHECK(strstr(buf_text(&out), "{\"kind\": \"later\", \"thing\": \"1\"}"));
}

TEST(json_string_escapes_every_control)
{
	struct buf out AUTO_BUF = BUF_INIT;
	char text[3] = { 0 };

	for (int c = 1; c < 0x80; c++) {
		text[0] = (char)c;
		buf_clear(&out);
		buf_add_json(&out, text);
		if (c < 0x20 || c == 0x7f)
			CHECK_INT(out.len, 8);
		else
			CHECK_INT(out.len, c == '"' || c == '\\' ? 4 : 3);
	}
	buf_clear(&out);
	buf_add_json(&out, "\xc2\x9b \xe2\x80\xae \xe2\x82\xac");
	CHECK_STR(buf_text(&out), "\"\\u009b \\u202e \xe2\x82\xac\"");
}

TEST(sections_title_lists_and_tables)
{
	struct rows rows CLEANUP(rows_done) = rows_of(COMMAND_SHOW,
		"row kind=cert cert=a/b health=ok curr_expires=2026-12-21T10:00:00Z",
		"row kind=version version=v2 link=curr");
	struct term term = terminal(120);
	struct buf out AUTO_BUF = BUF_INIT;

	term.is_coloured = false;
	add(&rows, "row kind=version version=v1 link=prev");
	add(&rows, "row kind=old-copy target=t dir=/d");
	view_rows(&rows, &term, &out);
	CHECK_STR(buf_text(&out), "a/b\n"
				  "  cert          a/b\n"
				  "  health        ok\n"
				  "  curr expires  2026-12-21 10:00:00 UTC (in 30d)\n"
				  "\n"
				  "versions\n"
				  "version  link\n"
				  "v2       curr\n"
				  "v1       prev\n"
				  "\n"
				  "old-copies\n"
				  "target  dir\n"
				  "t       /d\n");
}

TEST(timeline_groups_days)
{
	struct rows rows CLEANUP(rows_done) = rows_of(COMMAND_PLAN,
		"row at=2026-12-01T10:00:00Z cert=a/b action=issue reason=\"it is time\"",
		"row at=2026-12-01T11:30:00Z cert=a/b action=roll reason=ready");
	struct term term = terminal(120);
	struct buf out AUTO_BUF = BUF_INIT;

	term.is_coloured = false;
	add(&rows, "row at=2026-12-02T00:00:00Z cert=a/b action=deploy target=web "
		   "why=not-deployed");
	view_rows(&rows, &term, &out);
	CHECK_STR(buf_text(&out), "Tuesday  1 December 2026 (in 10d)\n"
				  "  10:00:00  issue   a/b  it is time\n"
				  "  11:30:00  roll    a/b  ready\n"
				  "Wednesday  2 December 2026 (in 10d 14h)\n"
				  "  00:00:00  deploy  a/b  to web: not-deployed\n");
}

TEST(wide_characters_count_columns)
{
	struct buf out AUTO_BUF = BUF_INIT;

	terminal(80);
	CHECK_INT(term_width("a\xe4\xb8\xad"), 3);
	CHECK_INT(term_width("e\xcc\x81"), 1);
	term_add_fit(&out, "\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad", 5);
	CHECK_STR(buf_text(&out), "\xe4\xb8\xad\xe4\xb8\xad\xe2\x80\xa6");
}

/* The request that a command line makes, or "CODE: SENTENCE". */
static const char *request(const char *words, struct options *options)
{
	static char result[600];
	static char text[400]; /* to which `options` point */
	char program[] = "certctl", *argv[32] = { program };
	struct buf out AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;
	int argc = 1;

	snprintf(text, sizeof(text), "%s", words);
	for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	if (options_parse(options, argc, argv, &err) == 0 && options->command)
		options_request(options, &out, &err);
	if (err_is_set(&err))
		snprintf(result, sizeof(result), "%s: %s", err_code_text(err.code), err.text);
	else
		snprintf(result, sizeof(result), "%s", buf_text(&out));
	options_done(options);
	return result;
}

TEST(options_make_requests)
{
	static const struct {
		const char *words, *request;
	} cases[] = {
		{ "status", "status\n" },
		{ "status a/* b", "status a/* b\n" },
		{ "renew a/b --force --wait", "renew a/b --force\n" },
		{ "plan --days 400", "plan days=400\n" },
		{ "plan --days=400 a", "plan days=400 a\n" },
		{ "watch --job 7 --since 12", "watch job=7 since=12\n" },
		{ "show -- --odd", "show --odd\n" },
		{ "show a=b", "show \"a=b\"\n" },
		{ "-s /x --json status --no-color", "status\n" },
		{ "statsu",
			"unknown-command: there is no command statsu; did you mean status?" },
		{ "config chekc", "unknown-command: there is no command config chekc; certctl "
				  "help lists them" },
		{ "dns",
			"unknown-command: dns is only the first word of a command; certctl help "
			"dns shows the rest" },
		{ "renew --froce", "bad-argument: renew has no option --froce; did you mean "
				   "--force?" },
		{ "renew --force=1", "bad-argument: --force takes no value" },
		{ "plan --days", "bad-argument: --days wants a value" },
		{ "show", "bad-argument: show: too few arguments; it is certctl show CERT" },
		{ "show a b",
			"bad-argument: show: too many arguments; it is certctl show CERT" },
		{ "jobs 1", "bad-argument: jobs: too many arguments; it is certctl jobs" },
		{ "--jsno status", "bad-argument: certctl has no option --jsno; did you mean "
				   "--json?" },
		{ "-s", "bad-argument: -s wants the path of a socket" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct options options;

		CHECK_STR(request(cases[i].words, &options), cases[i].request);
	}
}

TEST(options_of_certctl_stand_anywhere)
{
	struct options options;

	request("status --json -s /tmp/x a/b", &options);
	CHECK(options.is_json);
	CHECK_STR(options.socket, "/tmp/x");
	request("renew --wait --no-color", &options);
	CHECK(options.is_waiting);
	CHECK(options.no_color);
	request("status -- --json", &options);
	CHECK(!options.is_json);
}

TEST(request_is_bounded)
{
	char *word = mem_zalloc(LINE_MAX_LEN + 1);
	char program[] = "certctl", show[] = "show";
	char *argv[] = { program, show, word, NULL };
	struct options options;
	struct buf out AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;

	memset(word, 'a', LINE_MAX_LEN);
	REQUIRE(options_parse(&options, 3, argv, &err) == 0);
	CHECK_INT(options_request(&options, &out, &err), -1);
	CHECK_INT(err.code, ERR_BAD_ARGUMENT);
	options_done(&options);
	free(word);
}

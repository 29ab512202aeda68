/* SPDX-License-Identifier: MIT */
#include "proto/message.h"

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "proto/line.h"
#include "proto/request.h"
#include "tests/test.h"

static void parse(struct line *line, const char *text)
{
	struct err err = ERR_INIT;

	if (line_parse_copy(line, text, strcspn(text, "\n"), LINE_MAX_LEN, &err))
		TEST_FAIL("%s: %s", text, err.text);
}

TEST(hello)
{
	AUTO_BUF struct buf out = BUF_INIT;
	struct line line = { 0 };
	struct err err = ERR_INIT;
	struct hello hello;

	message_hello(&out, "0.1.0", ROLE_OPERATE);
	CHECK_STR(buf_text(&out), "hello certd proto=1 version=0.1.0 role=operate\n");
	parse(&line, out.data);
	CHECK_INT(message_read_hello(&line, &hello, &err), 0);
	CHECK_INT(hello.proto, 1);
	CHECK_INT(hello.role, ROLE_OPERATE);
	CHECK_STR(hello.version, "0.1.0");
	parse(&line, "hello certd proto=2 role=emperor new=yes");
	CHECK_INT(message_read_hello(&line, &hello, &err), 0);
	CHECK_INT(hello.proto, 2);
	CHECK_INT(hello.role, ROLE_NONE);
	parse(&line, "hello named proto=1");
	CHECK_INT(message_read_hello(&line, &hello, &err), -1);
	parse(&line, "hello certd");
	CHECK_INT(message_read_hello(&line, &hello, &err), -1);
	parse(&line, "row certd proto=1");
	CHECK_INT(message_read_hello(&line, &hello, &err), -1);
	line_done(&line);
}

TEST(errors_travel)
{
	AUTO_BUF struct buf out = BUF_INIT;
	struct line line = { 0 };
	struct err err = ERR_INIT, back = ERR_INIT;

	err_set(&err, ERR_TOO_EARLY, "a/b: it is \"too\" early");
	err.not_before = (struct instant){ 1795256100 };
	message_err(&out, &err);
	CHECK_STR(buf_text(&out), "err too-early \"a/b: it is \\\"too\\\" early\" "
				  "until=2026-11-21T10:15:00Z\n");
	parse(&line, out.data);
	CHECK_INT(message_kind(&line), MESSAGE_ERR);
	message_read_err(&line, &back);
	CHECK_INT(back.code, ERR_TOO_EARLY);
	CHECK_STR(back.text, err.text);
	CHECK_INT(back.not_before.s, err.not_before.s);
	parse(&line, "err brand-new \"it is so\"");
	message_read_err(&line, &back);
	CHECK_INT(back.code, ERR_INTERNAL);
	CHECK_STR(back.text, "brand-new: it is so");
	parse(&line, "err");
	message_read_err(&line, &back);
	CHECK_INT(back.code, ERR_INTERNAL);
	line_done(&line);
}

TEST(kinds)
{
	static const struct {
		const char *text;
		enum message want;
	} table[] = { { "row a=b", MESSAGE_ROW }, { "ok", MESSAGE_OK },
		{ "ok rows=1", MESSAGE_OK }, { "event seq=1", MESSAGE_EVENT },
		{ "err x y", MESSAGE_ERR }, { "hello certd", MESSAGE_HELLO },
		{ "status", MESSAGE_OTHER }, { "ok=1", MESSAGE_OTHER } };
	AUTO_BUF struct buf out = BUF_INIT;
	struct line line = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		parse(&line, table[i].text);
		CHECK_INT(message_kind(&line), table[i].want);
	}
	line_done(&line);
	message_text(&out, "one line");
	message_event_begin(&out, 5512, (struct instant){ 1795256100 }, "job.step");
	line_add_int(&out, "job", 17);
	line_end(&out);
	message_ok_begin(&out);
	line_add_int(&out, "rows", 1);
	line_end(&out);
	CHECK_STR(buf_text(&out),
		"row text=\"one line\"\n"
		"event seq=5512 at=2026-11-21T10:15:00Z name=job.step job=17\n"
		"ok rows=1\n");
}

static const struct {
	const char *text;
	enum role role;
	enum err_code want;
	const char *arg; /* the first */
} requests[] = {
	{ "status", ROLE_OBSERVE, ERR_NONE, NULL },
	{ "status a/b c/*", ROLE_OBSERVE, ERR_NONE, "a/b" },
	{ "status", ROLE_NONE, ERR_NOT_ALLOWED, NULL },
	{ "status --force", ROLE_OBSERVE, ERR_BAD_ARGUMENT, NULL },
	{ "status days=3", ROLE_OBSERVE, ERR_BAD_ARGUMENT, NULL },
	{ "renew --force a/b", ROLE_OPERATE, ERR_NONE, "a/b" },
	{ "renew a/b --reuse-key --force", ROLE_ADMIN, ERR_NONE, "a/b" },
	{ "renew a/b", ROLE_OBSERVE, ERR_NOT_ALLOWED, NULL },
	{ "renew force=yes", ROLE_OPERATE, ERR_BAD_ARGUMENT, NULL },
	{ "plan days=400", ROLE_OBSERVE, ERR_NONE, NULL },
	{ "plan --days", ROLE_OBSERVE, ERR_BAD_ARGUMENT, NULL },
	{ "plan --days=400", ROLE_OBSERVE, ERR_BAD_ARGUMENT, NULL },
	{ "why", ROLE_OBSERVE, ERR_BAD_ARGUMENT, NULL },
	{ "why a/b", ROLE_OBSERVE, ERR_NONE, "a/b" },
	{ "why a/b c/d", ROLE_OBSERVE, ERR_BAD_ARGUMENT, NULL },
	{ "jobs 1", ROLE_OBSERVE, ERR_BAD_ARGUMENT, NULL },
	{ "watch job=17", ROLE_OBSERVE, ERR_NONE, NULL },
	{ "watch a/* since=17", ROLE_OBSERVE, ERR_NONE, "a/*" },
	{ "cancel 17", ROLE_OPERATE, ERR_NONE, "17" },
	{ "help", ROLE_NONE, ERR_NONE, NULL },
	{ "nonsense", ROLE_ADMIN, ERR_UNKNOWN_COMMAND, NULL },
	{ "config check", ROLE_ADMIN, ERR_UNKNOWN_COMMAND, NULL },
	{ "info x", ROLE_ADMIN, ERR_UNKNOWN_COMMAND, NULL },
	{ "a=b", ROLE_ADMIN, ERR_UNKNOWN_COMMAND, NULL },
};

TEST(requests)
{
	struct line line = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct err err = ERR_INIT;
		struct request_line request;
		int result;

		parse(&line, requests[i].text);
		result = request_parse(&line, requests[i].role, &request, &err);
		if (err.code != requests[i].want || (result == 0) != (err.code == ERR_NONE))
			TEST_FAIL("%s: %s", requests[i].text, err.text);
		if (result)
			continue;
		if (requests[i].arg)
			CHECK_STR(request_arg(&request, 0), requests[i].arg);
		else
			CHECK(!request_arg(&request, 0));
	}
	line_done(&line);
}

TEST(sentence_names_the_near_miss)
{
	struct line line = { 0 };
	struct err err = ERR_INIT;
	struct request_line request;

	parse(&line, "stauts");
	CHECK_INT(request_parse(&line, ROLE_ADMIN, &request, &err), -1);
	CHECK_STR(err.text, "there is no command stauts; did you mean status?");
	parse(&line, "nonsense");
	CHECK_INT(request_parse(&line, ROLE_ADMIN, &request, &err), -1);
	CHECK_STR(err.text, "there is no command nonsense; help lists them");
	line_done(&line);
}

TEST(patterns)
{
	struct line line = { 0 };
	struct err err = ERR_INIT;
	struct request_line request;

	parse(&line, "status a.example */web-*");
	REQUIRE(request_parse(&line, ROLE_ADMIN, &request, &err) == 0);
	CHECK(request_matches(&request, "a.example/mail"));
	CHECK(request_matches(&request, "b.example/web-ec"));
	CHECK(!request_matches(&request, "b.example/mail"));
	parse(&line, "status");
	REQUIRE(request_parse(&line, ROLE_ADMIN, &request, &err) == 0);
	CHECK(request_matches(&request, "b.example/mail"));
	line_done(&line);
}

TEST(table_of_commands)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		const struct command *command = &commands[i];
		char first[32];
		const char *second = strchr(command->name, ' ');
		size_t n = 0;

		CHECK_INT(command->id, i);
		snprintf(first, sizeof(first), "%.*s", (int)strcspn(command->name, " "),
			command->name);
		CHECK(command_find(first, second ? second + 1 : NULL, &n) == command);
		CHECK_INT(n, second ? 2 : 1);
		CHECK(command->help[0] && !str_ends(command->help, "."));
	}
	CHECK_INT(command_option(&commands[COMMAND_RENEW], "--force"), OPTION_FLAG);
	CHECK_INT(command_option(&commands[COMMAND_PLAN], "--days"), OPTION_VALUE);
	CHECK_INT(command_option(&commands[COMMAND_PLAN], "--da"), OPTION_UNKNOWN);
	CHECK_INT(command_option(&commands[COMMAND_DHPARAM], "-k"), OPTION_VALUE);
	CHECK(!command_find("config", NULL, NULL));
	CHECK(!command_find("config", "frob", NULL));
	CHECK(!command_find("stat", NULL, NULL));
}

TEST(framing)
{
	static const char stream[] = "one\n\nthree is longer than ten\n1234567890\nend";
	static const char *const want[] = { "one", "", "!", "1234567890" };

	/* However the bytes are cut, the lines are the same. */
	for (size_t cut = 1; cut < sizeof(stream); cut++) {
		struct framing framing;
		size_t n = 0;

		framing_init(&framing, 10);
		for (size_t at = 0; at < sizeof(stream) - 1; at += cut) {
			size_t left = sizeof(stream) - 1 - at, len;
			enum framing_result result;
			char *text;

			framing_add(&framing, stream + at, left < cut ? left : cut);
			while ((result = framing_take(&framing, &text, &len)) != FRAMING_MORE) {
				char got[16] = "!";

				if (result == FRAMING_LINE)
					snprintf(got, sizeof(got), "%.*s", (int)len, text);
				REQUIRE(n < ARRAY_LEN(want));
				CHECK_STR(got, want[n]);
				n++;
			}
			CHECK(framing.size <= 2 * (10 + cut) + 10);
		}
		CHECK_INT(n, ARRAY_LEN(want));
		framing_done(&framing);
	}
}

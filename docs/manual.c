/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/log/log.h"
#include "proto/commands.h"

/*
 * Makes a manual page from its template: `manual TEMPLATE OUT`.  A line of the template that is one
 * of the marks below is replaced by the reference part that a table gives, in mdoc(7).
 */

/* A text within a line of mdoc: nothing in it is an escape. */
static void add_text(struct buf *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\\')
			buf_add_text(out, "\\e");
		else if (*p == '"')
			buf_add_text(out, "\\(dq");
		else if (*p == '-')
			buf_add_text(out, "\\-");
		else
			buf_add_char(out, *p);
	}
}

/* A sentence as a paragraph of its own, with its capital and its stop. */
static void add_sentence(struct buf *out, const char *text)
{
	char first[2] = { text[0], 0 };

	if (first[0] >= 'a' && first[0] <= 'z')
		first[0] = (char)(first[0] - 'a' + 'A');
	if (*text == '.' || *text == '\'')
		buf_add_text(out, "\\&");
	add_text(out, first);
	add_text(out, text + 1);
	buf_add_text(out, ".\n");
}

/* One word of an arguments text: a value, an option, or "..." behind it. */
static void add_argument(struct buf *out, const char *word, size_t len)
{
	bool is_many = len > 3 && strncmp(word + len - 3, "...", 3) == 0;

	if (*word == '-')
		buf_printf(out, " Fl %.*s", (int)len - 1, word + 1);
	else
		buf_printf(out, " Ar %.*s%s", (int)(is_many ? len - 3 : len), word,
			is_many ? " ..." : "");
}

/* "[--days N]" as "Oo Fl -days Ar N Oc". */
static void add_arguments(struct buf *out, const char *arguments)
{
	for (const char *p = arguments; *p;) {
		size_t len;

		if (*p == '[') {
			buf_add_text(out, " Oo");
			p++;
		} else if (*p == ']') {
			buf_add_text(out, " Oc");
			p++;
		} else if (*p == ' ') {
			p++;
		} else {
			len = strcspn(p, " ]");
			add_argument(out, p, len);
			p += len;
		}
	}
}

static void put_commands(struct buf *out)
{
	buf_add_text(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		const struct command *command = &commands[i];

		buf_printf(out, ".It Cm %s", command->name);
		add_arguments(out, command->arguments);
		buf_add_char(out, '\n');
		add_sentence(out, command->help);
		if (command->role == ROLE_OFFLINE)
			buf_add_text(out, "No daemon is needed.\n");
		else if (command->role != ROLE_NONE)
			buf_printf(out, "Role:\n.Cm %s .\n", role_text(command->role));
	}
	buf_add_text(out, ".El\n");
}

static void put_codes(struct buf *out)
{
	static const struct {
		const char *name, *help;
		enum err_class class;
		int exit;
	} codes[] = {
#define CODE(id, name, class, exit, help) { name, help, CLASS_##class, exit },
#include "proto/codes.def"
#undef CODE
	};

	buf_add_text(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		buf_printf(out, ".It Cm %s Pq %s, exit status %d\n", codes[i].name,
			err_class_text(codes[i].class), codes[i].exit);
		add_sentence(out, codes[i].help);
	}
	buf_add_text(out, ".El\n");
}

static void put_events(struct buf *out)
{
	static const char *const priorities[] = { "emergency", "alert", "critical", "error",
		"warning", "notice", "info", "debug" };
	static const char *const help[] = {
#define EVENT(id, name, priority, message_id, text) text,
#include "proto/events.def"
#undef EVENT
	};

	buf_add_text(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < EVENT_COUNT; i++) {
		enum event event = (enum event)i;

		buf_printf(out, ".It Cm %s Pq %s, %s\n", event_name(event),
			priorities[event_priority(event)], event_message_id(event));
		add_sentence(out, help[i]);
	}
	buf_add_text(out, ".El\n");
}

static void put_whys(struct buf *out)
{
	static const char *const whys[][2] = {
#define WHY(id, word, sentence) { word, sentence },
#include "proto/whys.def"
#undef WHY
	};

	buf_add_text(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < ARRAY_LEN(whys); i++) {
		buf_printf(out, ".It Cm %s\n", whys[i][0]);
		add_sentence(out, whys[i][1]);
	}
	buf_add_text(out, ".El\n");
}

static void put_observations(struct buf *out)
{
	static const char *const observations[][2] = {
#define OBSERVATION(id, word, help) { word, help },
#include "proto/observations.def"
#undef OBSERVATION
	};

	buf_add_text(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < ARRAY_LEN(observations); i++) {
		buf_printf(out, ".It Cm %s\n", observations[i][0]);
		add_sentence(out, observations[i][1]);
	}
	buf_add_text(out, ".El\n");
}

static void put_actions(struct buf *out)
{
	static const char *const words[] = {
#define ACTION(id, word) word,
#include "proto/actions.def"
#undef ACTION
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		buf_printf(out, ".Cm %s%s\n", words[i], i + 1 < ARRAY_LEN(words) ? " ," : " .");
}

struct row_key {
	enum command_id command;
	const char *kind, *name, *type, *help;
};

static void put_row_key(struct buf *out, const struct row_key *key)
{
	static const char *const types[][2] = { { "WORD", "a word" }, { "NAME", "a name" },
		{ "TEXT", "a text" }, { "TIME", "a time" }, { "NUMBER", "a number" },
		{ "BOOL", "yes or no" } };

	buf_printf(out, ".It Cm %s", key->name);
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_is(types[i][0], key->type))
			buf_printf(out, " Pq %s", types[i][1]);
	buf_add_char(out, '\n');
	add_sentence(out, key->help);
}

static void put_rows(struct buf *out)
{
	static const struct row_key keys[] = {
#define KEY(command, kind, name, type, help) { COMMAND_##command, kind, name, #type, help },
#include "proto/rows.def"
#undef KEY
	};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		bool is_first = i == 0 || keys[i - 1].command != keys[i].command ||
				!str_is(keys[i - 1].kind, keys[i].kind);

		if (is_first && i)
			buf_add_text(out, ".El\n");
		if (is_first)
			buf_printf(out, ".Ss Rows of %s%s%s\n.Bl -tag -width Ds\n",
				commands[keys[i].command].name, *keys[i].kind ? ", kind=" : "",
				keys[i].kind);
		put_row_key(out, &keys[i]);
	}
	buf_add_text(out, ".El\n");
}

static const struct mark {
	const char *line;
	void (*put)(struct buf *out);
} marks[] = {
	{ "@COMMANDS@", put_commands },
	{ "@CODES@", put_codes },
	{ "@EVENTS@", put_events },
	{ "@WHYS@", put_whys },
	{ "@ACTIONS@", put_actions },
	{ "@OBSERVATIONS@", put_observations },
	{ "@ROWS@", put_rows },
	{ "@CONFIGURATION@", conf_manual },
};

static int put_line(struct buf *out, const char *line, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		if (str_is(marks[i].line, line)) {
			marks[i].put(out);
			return 0;
		}
	}
	if (*line == '@')
		return err_set(err, ERR_BAD_VALUE, "there is no mark %s", line);
	buf_printf(out, "%s\n", line);
	return 0;
}

static int make_page(const char *from, const char *to, struct err *err)
{
	struct buf in AUTO_BUF = BUF_INIT, out AUTO_BUF = BUF_INIT;

	if (file_read(AT_FDCWD, from, 1024 * 1024, &in, err))
		return -1;
	for (char *line = in.data, *end; line && *line; line = end + 1) {
		end = strchr(line, '\n');
		if (!end)
			return err_set(err, ERR_BAD_VALUE, "the last line has no end");
		*end = 0;
		if (put_line(&out, line, err))
			return -1;
	}
	return file_replace(AT_FDCWD, to, out.data, out.len, FILE_PUBLIC, err);
}

int main(int argc, char **argv)
{
	struct err err = ERR_INIT;

	if (argc != 3) {
		fputs("manual: TEMPLATE OUT\n", stderr);
		return 2;
	}
	if (!make_page(argv[1], argv[2], &err))
		return 0;
	fprintf(stderr, "manual: %s: %s\n", argv[1], err.text);
	return 1;
}

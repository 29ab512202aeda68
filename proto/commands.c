/* SPDX-License-Identifier: MIT */
#include "proto/commands.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/str.h"

const struct command commands[COMMAND_COUNT] = {
#define COMMAND(id, name, role, arguments, shape, help)                                        \
	{ COMMAND_##id, name, ROLE_##role, arguments, SHAPE_##shape, help },
#include "proto/commands.def"
#undef COMMAND
};

static const char *const roles[] = { "none", "observe", "operate", "admin", "offline" };
static const char *const shapes[] = { "rows", "text", "job", "none", "stream" };

const char *role_text(enum role role)
{
	return roles[role];
}

bool role_parse(const char *text, enum role *out)
{
	for (size_t i = ROLE_NONE; i <= ROLE_ADMIN; i++) {
		if (str_is(roles[i], text)) {
			*out = (enum role)i;
			return true;
		}
	}
	return false;
}

const char *shape_text(enum shape shape)
{
	return shapes[shape];
}

/* Is `name` these one or two words? Their number, or 0. */
static size_t name_words(const char *name, const char *first, const char *second)
{
	size_t len = strlen(first);

	if (strncmp(name, first, len) != 0)
		return 0;
	if (!name[len])
		return 1;
	return name[len] == ' ' && second && str_is(name + len + 1, second) ? 2 : 0;
}

const struct command *command_find(const char *first, const char *second, size_t *n_words)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		size_t n = name_words(commands[i].name, first, second);

		if (!n)
			continue;
		if (n_words)
			*n_words = n;
		return &commands[i];
	}
	return NULL;
}

const char *command_near_miss(const char *word)
{
	const char *names[COMMAND_COUNT + 1];

	for (size_t i = 0; i < COMMAND_COUNT; i++)
		names[i] = commands[i].name;
	names[COMMAND_COUNT] = NULL;
	return str_near_miss(word, names);
}

/* One word of an arguments text. */
struct token {
	const char *text;
	size_t len;
	bool is_optional; /* opens a bracket */
	bool is_many;     /* "..." follows it */
	bool is_option, takes_value;
};

/* Reads the token at *at, with the value of an option; false at the end. */
static bool next_token(const char *arguments, size_t *at, struct token *out)
{
	const char *p = arguments + *at;
	size_t len;

	while (*p == ' ')
		p++;
	if (!*p)
		return false;
	*out = (struct token){ .is_optional = *p == '[' };
	p += out->is_optional;
	len = strcspn(p, " ]");
	out->text = p;
	out->len = len;
	out->is_option = *p == '-';
	out->is_many = len > 3 && strncmp(p + len - 3, "...", 3) == 0;
	p += len;
	if (out->is_option && out->is_optional && *p == ' ') {
		out->takes_value = true;
		p += strcspn(p, "]");
	}
	*at = (size_t)(p + (*p == ']') - arguments);
	return true;
}

bool command_next_option(
	const struct command *command, size_t *at, char name[32], enum option_kind *kind)
{
	struct token token;

	while (next_token(command->arguments, at, &token)) {
		if (!token.is_option)
			continue;
		snprintf(name, 32, "%.*s", (int)token.len, token.text);
		*kind = token.takes_value ? OPTION_VALUE : OPTION_FLAG;
		return true;
	}
	return false;
}

enum option_kind command_option(const struct command *command, const char *name)
{
	enum option_kind kind;
	char known[32];

	for (size_t at = 0; command_next_option(command, &at, known, &kind);)
		if (str_is(known, name))
			return kind;
	return OPTION_UNKNOWN;
}

void command_arity(const struct command *command, size_t *min, size_t *max)
{
	struct token token;

	*min = *max = 0;
	for (size_t at = 0; next_token(command->arguments, &at, &token);) {
		if (token.is_option)
			continue;
		*min += !token.is_optional;
		if (token.is_many)
			*max = SIZE_MAX;
		else if (*max != SIZE_MAX)
			++*max;
	}
}

/* SPDX-License-Identifier: MIT */
#include "daemon/acme/problem.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/json/json.h"

static const struct {
	const char *type;
	enum err_code code;
} kinds[] = {
	[PROBLEM_NONE] = { "", ERR_CA_REFUSED },
#define PROBLEM(id, type, code) [PROBLEM_##id] = { type, ERR_##code },
#include "daemon/acme/problems.def"
#undef PROBLEM
};

const char *problem_text(enum problem_kind kind)
{
	return kind < PROBLEM_COUNT ? kinds[kind].type : "unknown";
}

/* A final stop would stand in the middle of our sentence; a character is not cut in two. */
static void put(char *out, size_t size, const char *text)
{
	size_t len = strlen(text);

	while (len > 0 && (text[len - 1] == '.' || isspace((unsigned char)text[len - 1])))
		len--;
	if (len >= size) {
		len = size - 1;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(out, text, len);
	out[len] = '\0';
}

static enum problem_kind kind_of(const char *type)
{
	for (int i = PROBLEM_NONE + 1; i < PROBLEM_COUNT; i++)
		if (str_is(kinds[i].type, type))
			return (enum problem_kind)i;
	return PROBLEM_NONE;
}

/* "urn:ietf:params:acme:error:" and, from before the RFC, "urn:acme:error:". */
static const char *short_type(const char *type)
{
	static const char *const prefixes[] = { "urn:ietf:params:acme:error:",
		"urn:acme:error:" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (str_starts(type, prefixes[i]))
			return type + strlen(prefixes[i]);
	return type;
}

/* Which names, and for the first of them why, when the whole gives no better reason. */
static void take_subproblems(const struct json *list, struct problem *out)
{
	size_t len = 0;

	for (size_t i = 0; i < json_n(list); i++) {
		const struct json *sub = json_at(list, i);
		const char *name = json_get_text(json_get(sub, "identifier"), "value");
		const char *type = json_get_text(sub, "type"),
			   *detail = json_get_text(sub, "detail");

		if (type && (out->kind == PROBLEM_NONE || out->kind == PROBLEM_COMPOUND) &&
			kind_of(short_type(type)) != PROBLEM_NONE)
			out->kind = kind_of(short_type(type));
		if (detail && !*out->detail)
			put(out->detail, sizeof(out->detail), detail);
		if (!name || len + strlen(name) + 3 > sizeof(out->names))
			continue;
		len += (size_t)snprintf(out->names + len, sizeof(out->names) - len, "%s%s",
			len ? ", " : "", name);
	}
}

void problem_take(const struct json *object, struct problem *out)
{
	const char *type = json_get_text(object, "type"),
		   *detail = json_get_text(object, "detail");

	*out = (struct problem){ .kind = PROBLEM_NONE };
	if (type)
		put(out->type, sizeof(out->type), short_type(type));
	out->kind = kind_of(out->type);
	if (!detail)
		detail = json_get_text(object, "title");
	if (detail)
		put(out->detail, sizeof(out->detail), detail);
	take_subproblems(json_get(object, "subproblems"), out);
}

void problem_read(int status, const char *data, size_t len, struct problem *out)
{
	struct json *root AUTO_JSON = NULL;
	struct err ignored;

	*out = (struct problem){ .kind = PROBLEM_NONE };
	if (len > 0 && json_read(data, len, &root, &ignored) == 0 && json_is_object(root))
		problem_take(root, out);
	out->status = status;
}

/* Of an answer that names no kind we know. */
static enum err_code code_of_status(int status)
{
	if (status == 429)
		return ERR_RATE_LIMITED;
	if (status >= 500 || status == 408 || status == 425)
		return ERR_CA_FAILED;
	return status >= 400 ? ERR_CA_REFUSED : ERR_BAD_ANSWER;
}

/* A limit is a limit, and a server that is down is down, whatever the document calls it. */
static enum err_code code_of(const struct problem *problem)
{
	enum err_code code = kinds[problem->kind].code;

	if (problem->kind == PROBLEM_NONE && problem->status != 0)
		return code_of_status(problem->status);
	if (problem->status == 429)
		return ERR_RATE_LIMITED;
	if (problem->status >= 500 && err_code_class(code) == CLASS_REFUSED)
		return ERR_CA_FAILED;
	return code;
}

int problem_err(const struct problem *problem, struct instant not_before, struct err *err)
{
	char status[24] = "";

	if (problem->status != 0)
		snprintf(status, sizeof(status), "status %d%s", problem->status,
			*problem->type ? ", " : "");
	if (*problem->detail)
		err_set(err, code_of(problem), "%s (%s%s)", problem->detail, status,
			problem->type);
	else
		err_set(err, code_of(problem), "no reason given (%s%s)", status, problem->type);
	if (*problem->names && !strstr(err->text, problem->names))
		err_add(err, "%s", problem->names);
	err->not_before = not_before;
	return -1;
}

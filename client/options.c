/* SPDX-License-Identifier: MIT */
#include "client/options.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "proto/line.h"

static int set_command(struct options *out, char **words, int n, struct err *err)
{
	const char *near, *second = n > 1 ? words[1] : NULL;
	size_t n_words = 1;

	out->command = command_find(words[0], second, &n_words);
	if (out->command)
		return (int)n_words;
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		size_t len = strlen(words[0]);

		if (strncmp(commands[i].name, words[0], len) != 0 ||
			commands[i].name[len] != ' ')
			continue;
		if (!second)
			return err_set(err, ERR_UNKNOWN_COMMAND,
				"%s is only the first word of a command; certctl help %s "
				"shows the rest",
				words[0], words[0]);
		return err_set(err, ERR_UNKNOWN_COMMAND,
			"there is no command %s %.60s; certctl help lists them", words[0],
			second);
	}
	near = command_near_miss(words[0]);
	if (near)
		return err_set(err, ERR_UNKNOWN_COMMAND,
			"there is no command %.60s; did you mean %s?", words[0], near);
	return err_set(err, ERR_UNKNOWN_COMMAND,
		"there is no command %.60s; certctl help lists them", words[0]);
}

/*
 * Is it one of certctl's own options? Returns the number of words it takes, 0 when it is
 * another word, -1 with `err`.
 */
static int take_own(struct options *out, char **words, int n, struct err *err)
{
	const char *word = words[0];
	bool is_long = str_starts(word, "--socket=");

	if (str_is(word, "--json"))
		out->is_json = true;
	else if (str_is(word, "--no-color") || str_is(word, "--no-colour"))
		out->no_color = true;
	else if (str_is(word, "--help") || str_is(word, "-h"))
		out->wants_help = true;
	else if (is_long)
		out->socket = word + strlen("--socket=");
	else if (str_is(word, "-s") || str_is(word, "--socket")) {
		if (n < 2)
			return err_set(
				err, ERR_BAD_ARGUMENT, "%s wants the path of a socket", word);
		out->socket = words[1];
		return 2;
	} else
		return 0;
	return 1;
}

/* Reads the options before the command. Returns the index of the command, or -1. */
static int parse_front(struct options *out, int argc, char **argv, struct err *err)
{
	static const char *const own[] = { "--json", "--no-color", "--socket", "--help",
		"--version", NULL };
	int i = 1;

	while (i < argc && argv[i][0] == '-') {
		int n = take_own(out, argv + i, argc - i, err);
		const char *near;

		if (n < 0)
			return -1;
		if (n == 0 && (str_is(argv[i], "--version") || str_is(argv[i], "-V"))) {
			out->wants_version = true;
			n = 1;
		}
		if (n == 0 && str_is(argv[i], "--"))
			return i + 1;
		if (n == 0) {
			near = str_near_miss(argv[i], own);
			return err_set(err, ERR_BAD_ARGUMENT,
				"certctl has no option %.60s%s%s%s", argv[i],
				near ? "; did you mean " : "", near ? near : "",
				near ? "?" : "");
		}
		i += n;
	}
	return i;
}

static int parse_args(struct options *out, int n, char **words, struct err *err)
{
	bool is_ended = out->command->role == ROLE_OFFLINE;

	out->argv = mem_grow(NULL, (size_t)n + 2, sizeof(out->argv[0]));
	out->argv[0] = words[-1];
	out->args = out->argv + 1;
	for (int i = 0; i < n;) {
		int taken = 0;

		if (str_is(words[i], "--"))
			is_ended = true;
		if (is_ended && (str_is(words[i], "--help") || str_is(words[i], "-h")) &&
			out->command->role == ROLE_OFFLINE)
			out->wants_help = true;
		if (!is_ended && command_option(out->command, words[i]) == OPTION_UNKNOWN)
			taken = take_own(out, words + i, n - i, err);
		if (taken < 0)
			return -1;
		if (taken == 0) {
			out->args[out->n_args++] = words[i];
			taken = 1;
		}
		i += taken;
	}
	out->args[out->n_args] = NULL;
	return 0;
}

int options_parse(struct options *out, int argc, char **argv, struct err *err)
{
	const char *env = getenv("CERTD_SOCKET");
	int first, n;

	*out = (struct options){ .socket = env && *env ? env : OPTIONS_SOCKET };
	first = parse_front(out, argc, argv, err);
	if (first < 0)
		return -1;
	if (first >= argc)
		return 0;
	n = set_command(out, argv + first, argc - first, err);
	if (n < 0)
		return -1;
	return parse_args(out, argc - first - n, argv + first + n, err);
}

void options_done(struct options *options)
{
	free(options->argv);
	options->argv = options->args = NULL;
	options->n_args = 0;
}

static int unknown_option(const struct command *command, const char *name, struct err *err)
{
	char names[16][32];
	const char *words[17] = { NULL };
	enum option_kind kind;
	size_t at = 0, n = 0;
	const char *near;

	while (n < 16 && command_next_option(command, &at, names[n], &kind)) {
		words[n] = names[n];
		n++;
	}
	near = str_near_miss(name, words);
	return err_set(err, ERR_BAD_ARGUMENT, "%s has no option %.60s%s%s%s", command->name,
		name, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

/*
 * Adds an option with its value, behind "=" or in the next word, in the form of the protocol.
 */
static int add_option(struct options *options, int *at, struct buf *out, struct err *err)
{
	const char *arg = options->args[(*at)++], *value = strchr(arg, '=');
	AUTO_FREE char *name = mem_strndup(arg, value ? (size_t)(value - arg) : strlen(arg));
	enum option_kind kind = command_option(options->command, name);

	if (kind == OPTION_UNKNOWN)
		return unknown_option(options->command, name, err);
	if (kind == OPTION_FLAG) {
		if (value)
			return err_set(err, ERR_BAD_ARGUMENT, "%s takes no value", name);
		if (str_is(name, "--wait"))
			options->is_waiting = true;
		/* The client waits itself; only the job of `dns check` also needs to know. */
		if (!str_is(name, "--wait") || options->command->id == COMMAND_DNS_CHECK)
			line_add_word(out, name);
		return 0;
	}
	if (value)
		value++;
	else if (options->args[*at])
		value = options->args[(*at)++];
	else
		return err_set(err, ERR_BAD_ARGUMENT, "%s wants a value", name);
	line_add(out, name + strspn(name, "-"), value);
	return 0;
}

static int check_arity(const struct command *command, size_t n, struct err *err)
{
	size_t min, max;

	command_arity(command, &min, &max);
	if (n >= min && n <= max)
		return 0;
	return err_set(err, ERR_BAD_ARGUMENT, "%s: too %s arguments; it is certctl %s%s%s",
		command->name, n < min ? "few" : "many", command->name,
		*command->arguments ? " " : "", command->arguments);
}

int options_request(struct options *options, struct buf *out, struct err *err)
{
	bool is_ended = false;
	size_t n_plain = 0;

	/* Of one or two plain words. */
	buf_add_text(out, options->command->name);
	for (int i = 0; i < options->n_args;) {
		const char *arg = options->args[i];

		if (!is_ended && str_is(arg, "--")) {
			is_ended = true;
			i++;
		} else if (!is_ended && arg[0] == '-' && arg[1]) {
			if (add_option(options, &i, out, err))
				return -1;
		} else {
			line_add_word(out, arg);
			n_plain++;
			i++;
		}
	}
	if (check_arity(options->command, n_plain, err))
		return -1;
	if (out->len > LINE_MAX_LEN)
		return err_set(err, ERR_BAD_ARGUMENT,
			"the arguments are longer than the %zu bytes that a request may have",
			LINE_MAX_LEN);
	line_end(out);
	return 0;
}

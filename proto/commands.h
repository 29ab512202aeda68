/* SPDX-License-Identifier: MIT */
#ifndef CERTD_PROTO_COMMANDS_H
#define CERTD_PROTO_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A command table lists the commands and the roles of proto/commands.def.
 *
 * The peer's credentials on the control socket determine its role; roles are ordered, and a
 * higher one includes the lower ones. ROLE_OFFLINE marks commands that need no daemon: certctl
 * runs them itself and the daemon refuses them. Nothing here owns memory.
 */

enum role {
	ROLE_NONE, /* may connect, and ask for help and version */
	ROLE_OBSERVE,
	ROLE_OPERATE,
	ROLE_ADMIN,
	ROLE_OFFLINE,
};

/* "none", "observe" ...; the inverse is false for other words and for "offline". */
const char *role_text(enum role role);
bool role_parse(const char *text, enum role *out);

enum shape { SHAPE_ROWS, SHAPE_TEXT, SHAPE_JOB, SHAPE_NONE, SHAPE_STREAM };

const char *shape_text(enum shape shape);

enum command_id {
#define COMMAND(id, name, role, arguments, shape, help) COMMAND_##id,
#include "proto/commands.def"
#undef COMMAND
	COMMAND_COUNT
};

struct command {
	enum command_id id;
	const char *name; /* one word or two: "config check" */
	enum role role;
	const char *arguments;
	enum shape shape;
	const char *help;
};

extern const struct command commands[COMMAND_COUNT];

/*
 * The command that begins with these words; `second` may be NULL. *n_words (may be NULL) is the
 * number of words in its name. NULL when there is none.
 */
const struct command *command_find(const char *first, const char *second, size_t *n_words);

/* The command whose name is nearest to the word, or NULL. */
const char *command_near_miss(const char *word);

enum option_kind { OPTION_UNKNOWN, OPTION_FLAG, OPTION_VALUE };

/* Is `name` ("--force", "-k") an option of the command, and does it take a value? */
enum option_kind command_option(const struct command *command, const char *name);

/* Lists the options of a command, one per call: start with *at = 0; false at the end. */
bool command_next_option(
	const struct command *command, size_t *at, char name[32], enum option_kind *kind);

/* The number of arguments that are not options; *max is SIZE_MAX when there is no bound. */
void command_arity(const struct command *command, size_t *min, size_t *max);

#endif

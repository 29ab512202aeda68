/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_RUN_COMMAND_H
#define CERTD_DAEMON_KEEPER_RUN_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/instant.h"

struct err;
struct expand_facts;
struct log_field;
struct loop;
struct units;
struct words;

/*
 * A command is a program that the configuration names: hooks, checks, reloads.  One argument
 * list, no shell, nothing inherited.
 *
 * A command gets the environment of expand_environment() and nothing else, / as its directory,
 * /dev/null as input, default signals, umask 022, a session and process group of its own, and a
 * time limit: then TERM, and five seconds later KILL, to all of the group.  Processes that it
 * leaves in its group when it ends are killed; a server is to be started as a unit.  Its output
 * is read as it comes, so that it can never block, and kept up to a bound; afterwards it is
 * told line by line as EVENT_HOOK_OUTPUT, made harmless.  A command that hangs, floods, forks
 * away or dies thus costs its own time and nothing else.
 *
 * Where the daemon is a system service, commands run as transient units, outside of its
 * sandbox, with the same limits kept by systemd; elsewhere they are children.
 *
 * `done` is called exactly once, from the loop, never from command_start(), unless
 * command_cancel() came first.  Words, facts and context are copied.
 */

struct commands;
struct command;

typedef void command_done(void *data, const struct err *err); /* err->code ERR_NONE: success */

#define COMMAND_LIMIT SECONDS(60)
#define COMMAND_KILL_AFTER_MS 5000
#define COMMAND_OUTPUT_MAX ((size_t)64 * 1024)
#define COMMAND_LINES_MAX 50

struct command_spec {
	const struct words *words;
	const struct expand_facts *facts;
	const struct log_field *context;
	struct duration limit; /* 0: COMMAND_LIMIT */
	bool is_hurried;       /* between TERM and KILL lies COMMAND_STOP_MS only */
};

/* Commands as this process has to run them (see above). */
int commands_new(struct loop *loop, struct commands **out, struct err *err);

/* Commands as children whatever runs us: for tests and private instances. */
int commands_new_plain(struct loop *loop, struct commands **out, struct err *err);

/* Not from a callback.  Kills running commands without a call of `done`.  NULL is fine. */
void commands_free(struct commands *commands);

/* Do commands run as transient units now? */
bool commands_use_units(struct commands *commands);

/* The bus that reloads share, and the loop. */
struct units *commands_units(struct commands *commands);
struct loop *commands_loop(struct commands *commands);

/*
 * Starts one.  Whatever goes wrong, now or later, is told through `done`: ERR_COMMAND_FAILED
 * ("nginx -t ended with status 1: FIRST LINE ... LAST LINE"), ERR_TIMEOUT, ERR_NOT_FOUND or
 * ERR_NO_RIGHTS for a program that cannot be started.
 */
struct command *command_start(struct commands *commands, const struct command_spec *spec,
	command_done *done, void *data);

/*
 * Ends it soon, with TERM and then KILL; `done` is called with ERR_CANCELLED, later.  NULL is
 * fine.
 */
#define COMMAND_STOP_MS 1000
void command_stop(struct command *command);

/* Ends it at once, with KILL; `done` is not called.  NULL is fine. */
void command_cancel(struct command *command);

#endif

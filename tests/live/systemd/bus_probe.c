/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/conf/expand.h"
#include "daemon/keeper/run/command.h"
#include "daemon/keeper/run/reload.h"
#include "lib/base/err.h"
#include "lib/log/log.h"
#include "lib/task/loop.h"

/*
 * For tests under a real systemd: runs one command or one unit job the way the keeper does, and
 * prints how it ended.
 *
 *   bus_probe LIMIT WORD...                            a command
 *   bus_probe LIMIT unit NAME reload-or-restart|reload|restart [NAME...]
 *
 * Units are reloaded all at the same time.  Output: "units" or "children", the lines of the command,
 * then "CODE TEXT" of the first failure, or of the success of all.
 */

enum { UNITS_MAX = 8 };

static bool is_done;
static int n_open;
static struct err result;

static void done(void *data, const struct err *err)
{
	(void)data;
	if (!err_is_set(&result))
		result = *err;
	is_done = --n_open == 0;
}

static void print(const struct log_entry *entry, void *data)
{
	(void)data;
	puts(entry->text);
}

static enum reload_action action(const char *text)
{
	return strcmp(text, "reload") == 0    ? RELOAD_ONLY
	       : strcmp(text, "restart") == 0 ? RELOAD_RESTART
					      : RELOAD_OR_RESTART;
}

int main(int argc, char **argv)
{
	static const struct expand_facts facts = { .cert = "example.com/web", .host = "local" };
	struct words words = { argv + 2, (size_t)argc - 2 };
	struct command_spec spec = { &words, &facts, NULL, { argc > 2 ? atoi(argv[1]) : 0 } };
	struct reload_conf steps[UNITS_MAX];
	struct target_conf targets[UNITS_MAX];
	struct commands *commands;
	struct loop *loop = loop_new();
	struct err err = ERR_INIT;

	if (argc < 3)
		return 2;
	log_to(print, NULL);
	if (commands_new(loop, &commands, &err) < 0)
		return 1;
	puts(commands_use_units(commands) ? "units" : "children");
	if (argc >= 5 && argc < 5 + UNITS_MAX && strcmp(argv[2], "unit") == 0) {
		n_open = argc - 4;
		for (int i = 0; i < argc - 4; i++) {
			steps[i] = (struct reload_conf){ .unit = argv[i == 0 ? 3 : 4 + i],
				.action = action(argv[4]) };
			targets[i] = (struct target_conf){
				.name = "probe", .reload = &steps[i], .n_reload = 1
			};
			reload_start(commands, &targets[i], &spec, done, NULL);
		}
	} else {
		n_open = 1;
		command_start(commands, &spec, done, NULL);
	}
	if (!loop_run_until(loop, &is_done, 60000))
		err_set(&result, ERR_TIMEOUT, "nothing happened in 60 s");
	printf("%s %s\n", err_code_text(result.code), result.text);
	commands_free(commands);
	loop_free(loop);
	return result.code != ERR_NONE;
}

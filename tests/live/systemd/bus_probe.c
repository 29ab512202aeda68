#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/conf/expand.h"
#include "daemon/keeper/command.h"
#include "daemon/keeper/events.h"
#include "daemon/keeper/reload.h"
#include "lib/base/err.h"
#include "lib/log/log.h"

/*
 * For tests under a real systemd: runs one command or one unit job the way the keeper does, and
 * prints how it ended.
 *
 *   bus_probe LIMIT WORD...                            a command
 *   bus_probe LIMIT unit NAME reload-or-restart|reload|restart
 *
 * Output: "units" or "children", the lines of the command, then "CODE TEXT".
 */

static bool is_done;
static struct err result;

static void done(void *data, const struct err *err)
{
	(void)data;
	result = *err;
	is_done = true;
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
	struct reload_conf step = { .command = words };
	struct target_conf target = { .name = "probe", .reload = &step, .n_reload = 1 };
	struct commands *commands;
	struct events events;
	struct err err = ERR_INIT;

	if (argc < 3)
		return 2;
	log_to(print, NULL);
	if (events_init(&events, &err) < 0 || commands_new(&events, &commands, &err) < 0)
		return 1;
	puts(commands_use_units(commands) ? "units" : "children");
	if (argc == 5 && strcmp(argv[2], "unit") == 0) {
		step.unit = argv[3];
		step.action = action(argv[4]);
		reload_start(commands, &target, &spec, done, NULL);
	} else {
		command_start(commands, &spec, done, NULL);
	}
	if (events_run_until(&events, &is_done, 60000, &err) < 0)
		result = err;
	printf("%s %s\n", err_code_text(result.code), result.text);
	commands_free(commands);
	events_done(&events);
	return result.code != ERR_NONE;
}

/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/run/command.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/conf/expand.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/sim/town.h"

/* Commands that take their time and end as the town's scripts say; nothing is executed. */

struct commands {
	struct town *town;
	struct list running;
};

struct command {
	struct list link;
	struct commands *commands;
	struct timer timer;
	char *word;
	enum err_code code;
	command_done *done;
	void *data;
};

struct commands *fake_commands_new(struct town *town)
{
	struct commands *commands = mem_new(struct commands);

	commands->town = town;
	list_init(&commands->running);
	return commands;
}

struct loop *commands_loop(struct commands *commands)
{
	return commands->town->loop;
}

struct town *fake_commands_town(struct commands *commands)
{
	return commands->town;
}

void command_cancel(struct command *command)
{
	if (!command)
		return;
	loop_timer_stop(command->commands->town->loop, &command->timer);
	command->commands->town->n_ended++;
	list_remove(&command->link);
	free(command->word);
	free(command);
}

/* All of these end soon. */
void command_stop(struct command *command)
{
	(void)command;
}

void fake_commands_free(struct commands *commands)
{
	list_each_safe(at, &commands->running)
		command_cancel(LIST_OF(at, struct command, link));
	free(commands);
}

static void ended(struct timer *timer)
{
	struct command *command = CONTAINER_OF(timer, struct command, timer);
	command_done *done = command->done;
	struct err err = ERR_INIT;
	void *data = command->data;

	if (command->code != ERR_NONE)
		err_set(&err, command->code, "%s ended with status 1", command->word);
	command_cancel(command);
	done(data, &err);
}

struct command *command_start(struct commands *commands, const struct command_spec *spec,
	command_done *done, void *data)
{
	struct command *command = mem_new(struct command);
	struct duration limit = spec->limit.s > 0 ? spec->limit : COMMAND_LIMIT;
	int64_t ms;

	command->commands = commands;
	command->word = mem_strdup(spec->words->at[0]);
	command->done = done;
	command->data = data;
	command->timer.fire = ended;
	command->code = town_run(commands->town, command->word, spec->facts->cert, &ms);
	if (str_is(spec->facts->event, "check") && spec->facts->dir) {
		/* DIR/GROUP/SERVICE/curr */
		size_t tail = strlen(spec->facts->cert) + strlen("//curr");
		char *dir AUTO_FREE =
			mem_strndup(spec->facts->dir, strlen(spec->facts->dir) - tail);

		if (town_refuses(commands->town, dir))
			command->code = ERR_COMMAND_FAILED;
	}
	if (ms > limit.s * 1000) {
		ms = limit.s * 1000;
		command->code = ERR_TIMEOUT;
	}
	commands->town->n_begun++;
	list_append(&commands->running, &command->link);
	loop_timer_in(commands->town->loop, &command->timer, ms);
	return command;
}

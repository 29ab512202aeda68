/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/run/reload.h"

#include <stdlib.h>

#include "daemon/conf/conf.h"
#include "lib/base/mem.h"
#include "tests/sim/town.h"

/* A reload that ends well makes the server read its directory; one that fails changes nothing. */

struct reload {
	struct town *town;
	const struct target_conf *target;
	struct timer timer;
	enum err_code code;
	command_done *done;
	void *data;
};

void reload_cancel(struct reload *reload)
{
	if (!reload)
		return;
	loop_timer_stop(reload->town->loop, &reload->timer);
	reload->town->n_ended++;
	free(reload);
}

static void ended(struct timer *timer)
{
	struct reload *reload = CONTAINER_OF(timer, struct reload, timer);
	command_done *done = reload->done;
	struct err err = ERR_INIT;
	void *data = reload->data;

	if (reload->code != ERR_NONE)
		err_set(&err, reload->code, "the server did not read its files");
	else
		town_read(reload->town, reload->target->dir);
	reload_cancel(reload);
	done(data, &err);
}

struct reload *reload_start(struct commands *commands, const struct target_conf *target,
	const struct command_spec *spec, command_done *done, void *data)
{
	struct reload *reload = mem_new(struct reload);
	char *word AUTO_FREE = mem_printf("reload %s", target->name);
	int64_t ms;

	(void)spec;
	reload->town = fake_commands_town(commands);
	reload->target = target;
	reload->done = done;
	reload->data = data;
	reload->timer.fire = ended;
	reload->code = town_run(reload->town, word, NULL, &ms);
	reload->town->n_begun++;
	loop_timer_in(reload->town->loop, &reload->timer, ms);
	return reload;
}

/* SPDX-License-Identifier: MIT */
#include "daemon/job/tidy.h"

#include "daemon/cert/target.h"
#include "daemon/job/fleet.h"
#include "lib/base/attr.h"

enum { EVERY_MS = 24 * 3600 * 1000 };

static bool is_wanted(const struct tidier *tidier)
{
	const struct fleet *fleet = tidier->fleet;
	const struct cert *cert = fleet_at(fleet, tidier->at);

	return target_wants_tidying(cert->conf, fleet->conf, &cert->facts);
}

/* The number of certificates may change at each wait. */
static void run(struct task *task)
{
	struct tidier *tidier = TASK_OF(task, struct tidier);

	TASK_BEGIN(task)
	for (tidier->at = 0; tidier->at < tidier->fleet->conf->n_certs; tidier->at++) {
		if (!is_wanted(tidier))
			continue;
		AWAIT(fleet_ask_tidy(tidier->fleet, fleet_at(tidier->fleet, tidier->at), task,
			&tidier->keeper));
		fleet_take_tidied(tidier->fleet, &tidier->keeper);
	}
	FINALLY
	TASK_END
}

static void ended(struct task *task)
{
	struct tidier *tidier = TASK_OF(task, struct tidier);

	tidier->is_running = false;
	if (!tidier->is_stopping)
		loop_timer_in(tidier->fleet->loop, &tidier->timer, EVERY_MS);
}

void tidier_start(struct tidier *tidier)
{
	loop_timer_stop(tidier->fleet->loop, &tidier->timer);
	if (tidier->is_running) {
		tidier->at = (size_t)-1;
		return;
	}
	tidier->is_running = true;
	task_start(&tidier->task, tidier->fleet->loop, run, ended);
}

static void fire(struct timer *timer)
{
	tidier_start(CONTAINER_OF(timer, struct tidier, timer));
}

void tidier_init(struct tidier *tidier, struct fleet *fleet)
{
	*tidier = (struct tidier){ .fleet = fleet, .timer.fire = fire };
}

void tidier_stop(struct tidier *tidier)
{
	tidier->is_stopping = true;
	loop_timer_stop(tidier->fleet->loop, &tidier->timer);
	if (tidier->is_running)
		task_cancel(&tidier->task, "the daemon stops");
}

void tidier_done(struct tidier *tidier)
{
	keeper_op_done(&tidier->keeper);
}

/* SPDX-License-Identifier: MIT */
#include "daemon/ctl/ctl.h"

#include <string.h>

#include "daemon/ctl/cmd_reload.h"
#include "daemon/ctl/session.h"
#include "daemon/job/runner.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/log/log.h"

/*
 * The batch that a job of this chain belongs to, so that who follows the batch sees its
 * children.
 */
static uint64_t batch_of(const struct ctl *ctl, const struct log_field *fields)
{
	const char *text = log_field_get(fields, "JOB");
	const struct job *job;
	int64_t number;

	if (!text || !ctl->runner || !str_to_int(text, 1, INT64_MAX, &number))
		return 0;
	job = runner_find(ctl->runner, (uint64_t)number);
	return job && job->batch ? job->batch->number : 0;
}

/* The code that logs is in the middle of its work, so watchers hear of it from the loop. */
static void heard(const struct log_entry *entry, void *data)
{
	struct ctl *ctl = data;

	ring_add(&ctl->ring, entry, clock_now(), batch_of(ctl, entry->fields));
	if (!list_is_empty(&ctl->watchers) && !heap_has(&ctl->wake.node))
		loop_timer_in(ctl->loop, &ctl->wake, 0);
}

static void wake_watchers(struct timer *timer)
{
	struct ctl *ctl = CONTAINER_OF(timer, struct ctl, wake);

	list_each_safe(at, &ctl->watchers)
		session_wake(LIST_OF(at, struct answer, link)->session);
}

void ctl_init(struct ctl *ctl)
{
	ring_init(&ctl->ring);
	list_init(&ctl->watchers);
	list_init(&ctl->reloads);
	ctl->wake = (struct timer){ .fire = wake_watchers };
	log_listen(heard, ctl);
}

void ctl_done(struct ctl *ctl)
{
	log_listen(NULL, NULL);
	loop_timer_stop(ctl->loop, &ctl->wake);
	ring_done(&ctl->ring);
}

void ctl_reloaded(struct ctl *ctl, const struct err *err, const char *diagnostics)
{
	list_each_safe(at, &ctl->reloads)
		reload_answer(LIST_OF(at, struct answer, link), err, diagnostics);
}

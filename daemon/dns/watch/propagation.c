/* SPDX-License-Identifier: MIT */
#include "daemon/dns/watch/propagation.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/dns/watch/poller.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/log/log.h"

/* Who waits for it adds what it was for. */
enum { SLOW_ROUNDS = 4, CONTEXT_LEN = 130, ROOM_MIN = 120 };

static void leave(struct op *op)
{
	lookout_leave(CONTAINER_OF(op, struct visible, op));
	op_end(op, NULL);
}

/* What publishing took belongs to it. */
static struct duration deadline_left(struct duration deadline, struct instant asked)
{
	struct duration spent =
		instant_is_set(asked) ? instant_since(clock_now(), asked) : SECONDS(0);

	deadline.s -= spent.s > 0 ? spent.s : 0;
	return duration_max(deadline, SECONDS(1));
}

void visible_wait(struct zones *zones, struct task *task, struct visible *visible,
	const struct visible_args *args)
{
	const struct dns_conf *conf = &zones->conf->dns;

	visible_done(visible);
	*visible = (struct visible){ .once = args->once,
		.spares_extras = args->spares_extras,
		.told = args->told,
		.data = args->data,
		.policy = {
			.extra_required = conf->extra_required,
			.delay = conf->check_delay,
			.deadline = deadline_left(conf->deadline, args->asked),
			.published = clock_now(),
			.expires = args->expires,
		} };
	visible->owner = mem_strdup(args->owner);
	visible->value = args->value ? mem_strdup(args->value) : NULL;
	visible->keeper_zone = args->zone ? mem_strdup(args->zone) : NULL;
	visible->about = mem_strdup(args->about ? args->about : args->owner);
	visible->name = args->name ? mem_strdup(args->name) : NULL;
	op_begin(&visible->op, task, leave);
	if (zones->is_stopping) {
		err_set(&visible->err, ERR_CANCELLED, "the daemon stops");
		op_end(&visible->op, NULL);
		return;
	}
	visible->zone = zone_of(zones, args->apex);
	lookout_join(visible, args->type);
}

void visible_done(struct visible *visible)
{
	zone_release(mem_take(&visible->zone));
	free(mem_take(&visible->witnesses));
	free(mem_take(&visible->servers));
	free(mem_take(&visible->owner));
	free(mem_take(&visible->value));
	free(mem_take(&visible->keeper_zone));
	free(mem_take(&visible->about));
	free(mem_take(&visible->name));
	visible->n = 0;
}

void visible_tell(const struct visible *visible, size_t room, struct buf *out)
{
	const struct zone *zone = visible->zone;

	if (visible->n == 0 && zone && zone->trouble)
		buf_printf(out, "no name server of %s is found to look at: %s", zone->apex,
			zone->trouble);
	else if (visible->n == 0)
		buf_printf(out, "the name servers of %s are being looked for",
			zone ? zone->apex : visible->owner);
	else
		evidence_tell(visible->witnesses, visible->n, clock_now(), room, out);
}

/* "example.com/web: _acme-challenge.example.com for *.example.com" */
static void add_subject(const struct visible *visible, struct buf *out)
{
	buf_printf(out, "%s: %s", visible->about, visible->owner);
	if (visible->name)
		buf_printf(out, " for %s", visible->name);
}

void visible_say_unserved(struct visible *visible)
{
	struct buf text AUTO_BUF = BUF_INIT;

	if (visible->is_unserved || visible->n > 0)
		return;
	visible->is_unserved = true;
	add_subject(visible, &text);
	buf_add_text(&text, ": ");
	visible_tell(visible, EVIDENCE_ROOM, &text);
	log_event(&visible->op.task->log, EVENT_DNS_UNSERVED, NULL, "%s", buf_text(&text));
}

void visible_say_slow(struct visible *visible)
{
	struct buf text AUTO_BUF = BUF_INIT;

	if (visible->is_slow || visible->rounds < SLOW_ROUNDS || visible->once)
		return;
	/* Nothing is missing yet: there is somebody else to ask, at once. */
	if (!instant_before(clock_now(), visible->judgement.again))
		return;
	visible->is_slow = true;
	add_subject(visible, &text);
	buf_add_text(&text, " is not seen everywhere yet: ");
	visible_tell(visible, EVIDENCE_ROOM, &text);
	log_event(&visible->op.task->log, EVENT_DNS_SLOW, NULL, "%s", buf_text(&text));
}

void visible_say_seen(const struct visible *visible)
{
	struct instant now = clock_now();
	struct buf text AUTO_BUF = BUF_INIT;

	add_subject(visible, &text);
	buf_add_char(&text, ' ');
	evidence_tell_seen(visible->witnesses, visible->n,
		instant_since(now, visible->policy.published), now, &text);
	log_event(&visible->op.task->log, EVENT_DNS_SEEN, NULL, "%s", buf_text(&text));
}

void visible_fail_late(struct visible *visible)
{
	struct buf text AUTO_BUF = BUF_INIT;
	size_t room = sizeof(visible->err.text) - CONTEXT_LEN;

	buf_printf(&text, "%s is not seen everywhere in time: ", visible->owner);
	visible_tell(visible, room > text.len + ROOM_MIN ? room - text.len : ROOM_MIN, &text);
	err_set(&visible->err, ERR_NOT_VISIBLE, "%s", buf_text(&text));
}

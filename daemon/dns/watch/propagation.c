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

/* The caller adds what the value was for. */
enum { SLOW_ROUNDS = 4, CONTEXT_LEN = 130, ROOM_MIN = 120 };

static void leave(struct op *op)
{
	poller_leave(CONTAINER_OF(op, struct propagation, op));
	op_end(op, NULL);
}

/* The time that publishing took counts, too. */
static struct duration deadline_left(struct duration deadline, struct instant asked)
{
	struct duration spent =
		instant_is_set(asked) ? instant_since(clock_now(), asked) : SECONDS(0);

	deadline.s -= spent.s > 0 ? spent.s : 0;
	return duration_max(deadline, SECONDS(1));
}

void propagation_wait(struct zones *zones, struct task *task, struct propagation *propagation,
	const struct propagation_args *args)
{
	const struct dns_conf *conf = &zones->conf->dns;

	propagation_done(propagation);
	*propagation = (struct propagation){ .single_round = args->single_round,
		.skip_extras = args->skip_extras,
		.told = args->told,
		.data = args->data,
		.policy = {
			.extra_required = conf->extra_required,
			.delay = conf->check_delay,
			.deadline = deadline_left(conf->deadline, args->asked),
			.published = clock_now(),
			.expires = args->expires,
		} };
	propagation->owner = mem_strdup(args->owner);
	propagation->value = args->value ? mem_strdup(args->value) : NULL;
	propagation->keeper_zone = args->zone ? mem_strdup(args->zone) : NULL;
	propagation->about = mem_strdup(args->about ? args->about : args->owner);
	propagation->name = args->name ? mem_strdup(args->name) : NULL;
	op_begin(&propagation->op, task, leave);
	if (zones->is_stopping) {
		err_set(&propagation->err, ERR_CANCELLED, "the daemon stops");
		op_end(&propagation->op, NULL);
		return;
	}
	propagation->zone = zone_of(zones, args->apex);
	poller_join(propagation, args->type);
}

void propagation_done(struct propagation *propagation)
{
	zone_release(mem_take(&propagation->zone));
	free(mem_take(&propagation->states));
	free(mem_take(&propagation->servers));
	free(mem_take(&propagation->owner));
	free(mem_take(&propagation->value));
	free(mem_take(&propagation->keeper_zone));
	free(mem_take(&propagation->about));
	free(mem_take(&propagation->name));
	propagation->n = 0;
}

void propagation_describe(const struct propagation *propagation, size_t room, struct buf *out)
{
	const struct zone *zone = propagation->zone;

	if (propagation->n == 0 && zone && zone->trouble)
		buf_printf(out, "no name server of %s is found to look at: %s", zone->apex,
			zone->trouble);
	else if (propagation->n == 0)
		buf_printf(out, "the name servers of %s are being looked for",
			zone ? zone->apex : propagation->owner);
	else
		evidence_describe(propagation->states, propagation->n, clock_now(), room, out);
}

/* "example.com/web: _acme-challenge.example.com for *.example.com" */
static void add_subject(const struct propagation *propagation, struct buf *out)
{
	buf_printf(out, "%s: %s", propagation->about, propagation->owner);
	if (propagation->name)
		buf_printf(out, " for %s", propagation->name);
}

void propagation_report_unserved(struct propagation *propagation)
{
	struct buf text AUTO_BUF = BUF_INIT;

	if (propagation->is_unserved || propagation->n > 0)
		return;
	propagation->is_unserved = true;
	add_subject(propagation, &text);
	buf_add_text(&text, ": ");
	propagation_describe(propagation, EVIDENCE_ROOM, &text);
	log_event(&propagation->op.task->log, EVENT_DNS_UNSERVED, NULL, "%s", buf_text(&text));
}

void propagation_report_slow(struct propagation *propagation)
{
	struct buf text AUTO_BUF = BUF_INIT;

	if (propagation->is_slow || propagation->rounds < SLOW_ROUNDS ||
		propagation->single_round)
		return;
	/* No value is missing yet: the next servers are asked at once. */
	if (!instant_before(clock_now(), propagation->judgement.again))
		return;
	propagation->is_slow = true;
	add_subject(propagation, &text);
	buf_add_text(&text, " is not seen everywhere yet: ");
	propagation_describe(propagation, EVIDENCE_ROOM, &text);
	log_event(&propagation->op.task->log, EVENT_DNS_SLOW, NULL, "%s", buf_text(&text));
}

void propagation_report_seen(const struct propagation *propagation)
{
	struct instant now = clock_now();
	struct buf text AUTO_BUF = BUF_INIT;

	add_subject(propagation, &text);
	buf_add_char(&text, ' ');
	evidence_describe_seen(propagation->states, propagation->n,
		instant_since(now, propagation->policy.published), now, &text);
	log_event(&propagation->op.task->log, EVENT_DNS_SEEN, NULL, "%s", buf_text(&text));
}

void propagation_fail_late(struct propagation *propagation)
{
	struct buf text AUTO_BUF = BUF_INIT;
	size_t room = sizeof(propagation->err.text) - CONTEXT_LEN;

	buf_printf(&text, "%s is not seen everywhere in time: ", propagation->owner);
	propagation_describe(
		propagation, room > text.len + ROOM_MIN ? room - text.len : ROOM_MIN, &text);
	err_set(&propagation->err, ERR_NOT_VISIBLE, "%s", buf_text(&text));
}

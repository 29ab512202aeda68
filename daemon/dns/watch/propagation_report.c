/* SPDX-License-Identifier: MIT */
#include "daemon/dns/watch/propagation.h"

#include "daemon/dns/watch/poller.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/log/log.h"

/* The state of a wait in sentences: for `why`, the log, and its error. */

/* The caller adds what the value was for. */
enum { SLOW_ROUNDS = 4, CONTEXT_LEN = 130, ROOM_MIN = 120 };

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

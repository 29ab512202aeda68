/* SPDX-License-Identifier: MIT */
#include "daemon/dns/rules/caa_look.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/dns/resolve/trace.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"

/* A set of more records than this is asked for each time, so that no zone fills the memory. */
enum { SEEN_KEPT = 1024, RECORDS_KEPT = 50 };

/*
 * The task that asks; in zones->caa_asked until it ends, or until the last waiting caller has
 * left.
 */
struct caa_asking {
	struct task task;
	struct zones *zones;
	char owner[DNS_NAME_LEN];
	struct tick begun;
	struct trace trace;
	struct list waiting; /* struct caa_look */
	bool is_stale;       /* by another configuration */
};

static void release(struct caa_seen *seen)
{
	if (!seen || --seen->n_users > 0)
		return;
	dns_message_done(&seen->message);
	free(seen);
}

void caa_look_done(struct caa_look *look)
{
	assert(!op_is_pending(&look->op));
	release(mem_take(&look->seen));
}

void caa_forget(struct zones *zones)
{
	struct caa_asking *asking;
	struct caa_seen *seen;
	size_t at = 0;

	while ((seen = map_next(&zones->caa_seen, &at)))
		release(seen);
	map_done(&zones->caa_seen);
	zones->caa_seen = (struct map){ 0 };
	at = 0;
	while ((asking = map_next(&zones->caa_asked, &at)))
		asking->is_stale = true;
}

void caa_stop(struct zones *zones)
{
	struct caa_asking *asking;
	size_t at = 0;

	while ((asking = map_next(&zones->caa_asked, &at)))
		task_cancel(&asking->task, "the daemon stops");
}

/* In seconds; RFC 2308, 5: that there is nothing is not cached without an SOA. */
static uint32_t ttl_of(const struct trace *trace, const struct dns_message *answer)
{
	const struct dns_record *record = NULL;
	uint32_t ttl = trace->alias_ttl;
	bool has_any = false;

	while ((record = dns_message_find(answer, DNS_ANSWER, DNS_CAA, trace->owner, record))) {
		has_any = true;
		ttl = record->ttl < ttl ? record->ttl : ttl;
	}
	if (has_any)
		return ttl;
	record = dns_message_find(answer, DNS_AUTHORITY, DNS_SOA, NULL, NULL);
	if (!record)
		return 0;
	ttl = record->ttl < ttl ? record->ttl : ttl;
	return record->soa.minimum < ttl ? record->soa.minimum : ttl;
}

/* The result of the trace, or NULL with the reason. */
static struct caa_seen *take(struct caa_asking *asking, struct err *err)
{
	struct trace *trace = &asking->trace;
	const struct dns_message *answer = trace_answer(trace);
	struct caa_seen *seen;
	int64_t kept_ms;

	if (trace->is_blind)
		err_set(err, ERR_DNS, "no server of %s can be asked", trace->apex);
	else if (!answer)
		*err = trace->err;
	if (!answer)
		return NULL;
	seen = mem_new(struct caa_seen);
	seen->n_users = 1;
	snprintf(seen->owner, sizeof(seen->owner), "%s", asking->owner);
	seen->asked = asking->begun;
	kept_ms = (int64_t)ttl_of(trace, answer) * 1000;
	seen->until.ms = clock_tick().ms + (kept_ms < CAA_KEPT_MS ? kept_ms : CAA_KEPT_MS);
	seen->is_found =
		dns_message_find(answer, DNS_ANSWER, DNS_CAA, trace->owner, NULL) != NULL;
	if (seen->is_found) {
		seen->message = trace->lookup.probe.answer;
		trace->lookup.probe.answer = (struct dns_message){ 0 };
	}
	return seen;
}

static void remember(struct zones *zones, struct caa_seen *seen)
{
	struct caa_seen *old;
	size_t at = 0;

	if (seen->until.ms <= clock_tick().ms || seen->message.n_records > RECORDS_KEPT)
		return;
	if (zones->caa_seen.n >= SEEN_KEPT && (old = map_next(&zones->caa_seen, &at))) {
		map_remove(&zones->caa_seen, old->owner);
		release(old);
	}
	seen->n_users++;
	/* The key is in the value, so that the old one has to go first. */
	release(map_remove(&zones->caa_seen, seen->owner));
	map_set(&zones->caa_seen, seen->owner, seen);
}

static void run(struct task *task)
{
	struct caa_asking *asking = TASK_OF(task, struct caa_asking);

	TASK_BEGIN(task)
	AWAIT(trace_start(&asking->trace, task, asking->zones, asking->owner, DNS_CAA));
	FINALLY
	TASK_END
}

static void forget_asking(struct caa_asking *asking)
{
	if (map_get(&asking->zones->caa_asked, asking->owner) == asking)
		map_remove(&asking->zones->caa_asked, asking->owner);
}

/* A waiting task may ask again at once, so the question is unlinked before any is resumed. */
static void ended(struct task *task)
{
	struct caa_asking *asking = TASK_OF(task, struct caa_asking);
	struct zones *zones = asking->zones;
	struct err err = task->err;
	struct caa_seen *seen = err_is_set(&err) ? NULL : take(asking, &err);

	forget_asking(asking);
	if (seen && !asking->is_stale)
		remember(zones, seen);
	while (!list_is_empty(&asking->waiting)) {
		struct caa_look *first =
			LIST_OF(list_first(&asking->waiting), struct caa_look, link);

		list_remove(&first->link);
		first->seen = seen;
		first->err = err;
		if (seen)
			seen->n_users++;
		op_end(&first->op, NULL);
	}
	release(seen);
	trace_done(&asking->trace);
	free(asking);
	zones_task_ended(zones);
}

static struct caa_asking *ask(struct zones *zones, const char *owner)
{
	struct caa_asking *asking = mem_new(struct caa_asking);

	asking->zones = zones;
	snprintf(asking->owner, sizeof(asking->owner), "%s", owner);
	asking->begun = clock_tick();
	list_init(&asking->waiting);
	map_set(&zones->caa_asked, asking->owner, asking);
	zones_task_began(zones);
	task_start(&asking->task, zones->loop, run, ended);
	return asking;
}

static void leave(struct op *op)
{
	struct caa_look *look = CONTAINER_OF(op, struct caa_look, op);
	struct caa_asking *asking = look->asking;

	list_remove(&look->link);
	if (list_is_empty(&asking->waiting)) {
		forget_asking(asking);
		task_cancel(&asking->task, "nobody wants to know any more");
	}
	op_end(op, NULL);
}

bool caa_recall(
	struct zones *zones, struct caa_look *look, const char *owner, struct tick since)
{
	struct caa_seen *seen = map_get(&zones->caa_seen, owner);

	if (!seen || seen->until.ms <= clock_tick().ms || seen->asked.ms < since.ms)
		return false;
	*look = (struct caa_look){ .seen = seen, .err = ERR_INIT };
	seen->n_users++;
	return true;
}

void caa_look(struct zones *zones, struct task *task, struct caa_look *look, const char *owner,
	struct tick since)
{
	if (caa_recall(zones, look, owner, since))
		return;
	*look = (struct caa_look){ .err = ERR_INIT };
	op_begin(&look->op, task, leave);
	if (zones->is_stopping) {
		err_set(&look->err, ERR_CANCELLED, "the daemon stops");
		op_end(&look->op, NULL);
		return;
	}
	look->asking = map_get(&zones->caa_asked, owner);
	if (!look->asking)
		look->asking = ask(zones, owner);
	list_append(&look->asking->waiting, &look->link);
}

/* SPDX-License-Identifier: MIT */
#include "daemon/job/failure.h"

#include <inttypes.h>

#include "daemon/cert/plan.h"
#include "daemon/job/fleet.h"
#include "daemon/link/keeper.h"
#include "lib/base/clock.h"
#include "proto/line.h"

struct failure failure_next(
	const struct failure *last, uint64_t digest, const struct err *err, struct instant now)
{
	bool is_first = !last || !failure_counts(last, digest);

	return (struct failure){
		.code = err->code,
		.tries = is_first ? 1 : last->tries + 1,
		.first = is_first ? now : last->first,
		.last = now,
		.not_before = err->not_before,
		.text = (char *)(uintptr_t)err->text,
		.digest = digest,
	};
}

static void add(struct buf *request, const struct failure *failure)
{
	line_add(request, "code", err_code_text(failure->code));
	line_add(request, "text", failure->text);
	line_add_int(request, "tries", failure->tries);
	line_add_instant(request, "first", failure->first);
	line_add_instant(request, "last", failure->last);
	line_add_instant(request, "not-before", failure->not_before);
	if (failure->digest)
		line_addf(request, "conf", "%016" PRIx64, failure->digest);
}

static struct failure next_of(const struct failed *failed)
{
	const struct cert_facts *facts = &failed->cert->facts;
	const struct target_facts *target =
		failed->target ? facts_target(facts, failed->target) : NULL;
	const struct failure *known = target ? &target->failure : &facts->failure;

	return failure_next(failed->target && !target ? NULL : known, failed->digest,
		failed->err, clock_now());
}

void failure_keep(const struct failed *failed, struct task *task, struct keeper_op *op)
{
	struct failure failure = next_of(failed);

	keeper_request(op, REQUEST_fail);
	line_add(&op->text, "cert", failed->cert->conf->name);
	if (failed->target)
		line_add(&op->text, "target", failed->target);
	add(&op->text, &failure);
	keeper_ask_soft(failed->fleet->keeper, task, op);
}

void failure_take_kept(const struct failed *failed, struct keeper_op *op)
{
	struct failure failure = next_of(failed);
	struct cert_facts kept;
	struct err err;

	if (!err_is_set(&op->err) && keeper_facts(op, &kept, &err) == 0)
		fleet_take_facts(failed->fleet, &kept);
	else
		facts_set_failure(&failed->cert->facts, failed->target, &failure);
}

/* True for the first failure after each full day since it began. */
bool failure_is_daily(const struct failure *failure, struct instant now)
{
	int64_t day = DAYS(1).s;

	return instant_since(now, failure->first).s / day >
	       instant_since(failure->last, failure->first).s / day;
}

/* SPDX-License-Identifier: MIT */
#include "daemon/dns/resolve/inflight.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"

enum { FAILED_KEPT = 256 };

bool inflight_is_on(const struct zones *zones, const char *apex)
{
	const struct inflight *inflight = map_get(&zones->inflights, apex);

	return inflight && inflight->is_on;
}

static void leave(struct op *op)
{
	list_remove(&CONTAINER_OF(op, struct inflight_op, op)->link);
	op_end(op, NULL);
}

void inflight_join(
	struct zones *zones, struct task *task, struct inflight_op *op, const char *apex)
{
	struct inflight *inflight = map_get(&zones->inflights, apex);

	assert(inflight && inflight->is_on);
	*op = (struct inflight_op){ .err = ERR_INIT };
	op_begin(&op->op, task, leave);
	list_append(&inflight->waiting, &op->link);
}

/* Drops searches that failed: all of them, or those whose error is too old to be used. */
static void forget(struct zones *zones, bool all)
{
	struct map kept = { 0 };
	struct inflight *inflight;
	size_t at = 0;

	while ((inflight = map_next(&zones->inflights, &at)))
		if (inflight->is_on || (!all && clock_tick().ms < inflight->until.ms))
			map_set(&kept, inflight->apex, inflight);
		else
			free(inflight);
	map_done(&zones->inflights);
	zones->inflights = kept;
}

void inflights_forget(struct zones *zones)
{
	forget(zones, true);
}

struct inflight *inflight_begin(struct zones *zones, const char *apex)
{
	struct inflight *inflight = map_get(&zones->inflights, apex);

	if (!inflight) {
		inflight = mem_new(struct inflight);
		inflight->zones = zones;
		snprintf(inflight->apex, sizeof(inflight->apex), "%s", apex);
		list_init(&inflight->waiting);
		map_set(&zones->inflights, inflight->apex, inflight);
	}
	assert(!inflight->is_on);
	inflight->is_on = true;
	return inflight;
}

static void tell(struct inflight *inflight, const struct err *err)
{
	while (!list_is_empty(&inflight->waiting)) {
		struct inflight_op *first =
			LIST_OF(list_first(&inflight->waiting), struct inflight_op, link);

		list_remove(&first->link);
		first->err = *err;
		op_end(&first->op, NULL);
	}
}

void inflight_end(struct inflight *inflight, const struct err *err)
{
	bool has_failed = err_is_set(err) && err->code != ERR_CANCELLED;

	if (!inflight)
		return;
	inflight->is_on = false;
	inflight->err = has_failed ? *err : (struct err)ERR_INIT;
	inflight->until.ms = has_failed ? clock_tick().ms + INFLIGHT_KEPT_MS : 0;
	tell(inflight, &inflight->err);
	if (inflight->zones->inflights.n > FAILED_KEPT) {
		forget(inflight->zones, false);
	} else if (!has_failed) {
		map_remove(&inflight->zones->inflights, inflight->apex);
		free(inflight);
	}
}

const struct err *inflight_failed(const struct zones *zones, const char *apex)
{
	const struct inflight *inflight = map_get(&zones->inflights, apex);

	return inflight && !inflight->is_on && clock_tick().ms < inflight->until.ms
		       ? &inflight->err
		       : NULL;
}

/* SPDX-License-Identifier: MIT */
#include "daemon/dns/resolve/inflight.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"

enum { FAILED_KEPT = 256 };

bool search_is_on(const struct zones *zones, const char *apex)
{
	const struct search *search = map_get(&zones->searches, apex);

	return search && search->is_on;
}

static void leave(struct op *op)
{
	list_remove(&CONTAINER_OF(op, struct search_op, op)->link);
	op_end(op, NULL);
}

void search_join(struct zones *zones, struct task *task, struct search_op *op, const char *apex)
{
	struct search *search = map_get(&zones->searches, apex);

	assert(search && search->is_on);
	*op = (struct search_op){ .err = ERR_INIT };
	op_begin(&op->op, task, leave);
	list_append(&search->waiting, &op->link);
}

/* Those that failed; all, or only those that nobody is interested in any more. */
static void forget(struct zones *zones, bool all)
{
	struct map kept = { 0 };
	struct search *search;
	size_t at = 0;

	while ((search = map_next(&zones->searches, &at)))
		if (search->is_on || (!all && clock_tick().ms < search->until.ms))
			map_set(&kept, search->apex, search);
		else
			free(search);
	map_done(&zones->searches);
	zones->searches = kept;
}

void searches_forget(struct zones *zones)
{
	forget(zones, true);
}

struct search *search_begin(struct zones *zones, const char *apex)
{
	struct search *search = map_get(&zones->searches, apex);

	if (!search) {
		search = mem_new(struct search);
		search->zones = zones;
		snprintf(search->apex, sizeof(search->apex), "%s", apex);
		list_init(&search->waiting);
		map_set(&zones->searches, search->apex, search);
	}
	assert(!search->is_on);
	search->is_on = true;
	return search;
}

static void tell(struct search *search, const struct err *err)
{
	while (!list_is_empty(&search->waiting)) {
		struct search_op *first =
			LIST_OF(list_first(&search->waiting), struct search_op, link);

		list_remove(&first->link);
		first->err = *err;
		op_end(&first->op, NULL);
	}
}

void search_end(struct search *search, const struct err *err)
{
	bool has_failed = err_is_set(err) && err->code != ERR_CANCELLED;

	if (!search)
		return;
	search->is_on = false;
	search->err = has_failed ? *err : (struct err)ERR_INIT;
	search->until.ms = has_failed ? clock_tick().ms + SEARCH_KEPT_MS : 0;
	tell(search, &search->err);
	if (search->zones->searches.n > FAILED_KEPT) {
		forget(search->zones, false);
	} else if (!has_failed) {
		map_remove(&search->zones->searches, search->apex);
		free(search);
	}
}

const struct err *search_failed(const struct zones *zones, const char *apex)
{
	const struct search *search = map_get(&zones->searches, apex);

	return search && !search->is_on && clock_tick().ms < search->until.ms ? &search->err
									      : NULL;
}

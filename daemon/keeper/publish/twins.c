/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "daemon/keeper/publish/challenge_private.h"
#include "lib/base/mem.h"

/*
 * What several orders have published at the same file or record.  As many challenges as there are at all
 * may lie at one place, most of them without a twin, so they are sorted and not compared each with each.
 */

/* Those that ask for the same file or record are equal: all of a command's place. */
static int compare_twins(const void *a, const void *b)
{
	const struct shown *const *x = a, *const *y = b;

	return (*x)->place->how == PUBLICATION_WEBROOT
		       ? strcmp((*x)->entry.token, (*y)->entry.token)
		       : 0;
}

static bool is_for_batch(const struct shown *challenge)
{
	return challenge->state == LEAVING || challenge->state == WANTED;
}

/* Those of a batch, sorted, and which of them have a twin that is published. */
static struct shown **sort_twins(struct place *place, size_t *n)
{
	struct shown **sorted, **found;

	*n = 0;
	list_each(at, &place->all)
		*n += is_for_batch(LIST_OF(at, struct shown, link));
	sorted = mem_zalloc((*n + 1) * sizeof(struct shown *));
	*n = 0;
	list_each(at, &place->all) {
		struct shown *challenge = LIST_OF(at, struct shown, link);

		challenge->has_twin = challenge->is_second = false;
		if (is_for_batch(challenge))
			sorted[(*n)++] = challenge;
	}
	if (*n > 1)
		qsort(sorted, *n, sizeof(*sorted), compare_twins);
	list_each(at, &place->all) {
		struct shown *challenge = LIST_OF(at, struct shown, link);

		if (challenge->state != PUBLISHED || *n == 0)
			continue;
		found = bsearch(&challenge, sorted, *n, sizeof(*sorted), compare_twins);
		if (found)
			(*found)->has_twin = true;
	}
	return sorted;
}

void twins_mark(struct place *place)
{
	struct shown **sorted AUTO_FREE = NULL;
	size_t n, from, to;

	if (place->how != PUBLICATION_WEBROOT && place->how != PUBLICATION_COMMAND)
		return;
	sorted = sort_twins(place, &n);
	for (from = 0; from < n; from = to) {
		bool has_twin = false, is_put = false;

		for (to = from; to < n && compare_twins(&sorted[from], &sorted[to]) == 0; to++)
			has_twin = has_twin || sorted[to]->has_twin;
		for (size_t i = from; i < to; i++) {
			sorted[i]->has_twin = has_twin;
			sorted[i]->is_second = is_put;
			is_put = is_put || sorted[i]->state == WANTED;
		}
	}
}

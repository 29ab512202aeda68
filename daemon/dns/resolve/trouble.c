/* SPDX-License-Identifier: MIT */
#include "daemon/dns/resolve/trouble.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

static void trouble_free(struct trouble *trouble)
{
	list_remove(&trouble->link);
	free(trouble->zone);
	free(trouble->text);
	free(trouble);
}

static void forget(struct zones *zones, const char *zone)
{
	list_each_safe(at, &zones->troubles) {
		struct trouble *trouble = LIST_OF(at, struct trouble, link);

		if (str_is(trouble->zone, zone))
			trouble_free(trouble);
	}
}

void trouble_note(struct zones *zones, const char *zone, const char *text, struct instant since,
	struct instant again)
{
	struct trouble *trouble;

	forget(zones, zone);
	if (!text || !*text)
		return;
	trouble = mem_new(struct trouble);
	trouble->zone = mem_strdup(zone);
	trouble->text = mem_strdup(text);
	trouble->since = since;
	trouble->again = again;
	list_append(&zones->troubles, &trouble->link);
}

static bool holds(const char *zone, const char *name)
{
	size_t len = strlen(zone), name_len = strlen(name);

	return name_len >= len && str_is(name + name_len - len, zone) &&
	       (name_len == len || name[name_len - len - 1] == '.');
}

const struct trouble *trouble_of(const struct zones *zones, const char *name)
{
	const struct trouble *found = NULL;

	list_each(at, &zones->troubles) {
		const struct trouble *trouble = LIST_OF(at, struct trouble, link);

		if (holds(trouble->zone, name) &&
			(!found || strlen(trouble->zone) > strlen(found->zone)))
			found = trouble;
	}
	return found;
}

void troubles_done(struct zones *zones)
{
	list_each_safe(at, &zones->troubles)
		trouble_free(LIST_OF(at, struct trouble, link));
}

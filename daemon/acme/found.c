/* SPDX-License-Identifier: MIT */
#include "daemon/acme/found.h"

#include <stdlib.h>

#include "daemon/dns/resolve/trace.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

void found_add(struct found_records *found, const char *name, const struct trace *trace)
{
	struct found_record *record;

	found->at = mem_grow(found->at, found->n + 1, sizeof(*found->at));
	record = &found->at[found->n++];
	*record = (struct found_record){ mem_strdup(name), mem_new(struct trace) };
	trace_settled(record->trace, trace);
}

const struct trace *found_get(const struct found_records *found, const char *name)
{
	for (size_t i = 0; i < found->n; i++)
		if (str_is(found->at[i].name, name))
			return found->at[i].trace;
	return NULL;
}

void found_done(struct found_records *found)
{
	for (size_t i = 0; i < found->n; i++) {
		free(found->at[i].name);
		trace_done(found->at[i].trace);
		free(found->at[i].trace);
	}
	free(mem_take(&found->at));
	found->n = 0;
}

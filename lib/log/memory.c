/* SPDX-License-Identifier: MIT */
#include "lib/log/memory.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"

struct log_kept {
	struct log_kept *next;
	enum event event;
	char *fields; /* "\nNAME=VALUE" each, ending in "\n" */
};

static void keep(const struct log_entry *entry, void *data)
{
	struct log_memory *memory = data;
	struct log_kept *kept = mem_new(struct log_kept);
	struct buf fields = BUF_INIT;

	buf_add_char(&fields, '\n');
	for (const struct log_field *f = entry->fields; f; f = f->up)
		if (f->value)
			buf_printf(&fields, "%s=%s\n", f->name, f->value);
	kept->event = entry->event;
	kept->fields = fields.data;
	*memory->last = kept;
	memory->last = &kept->next;
	memory->n++;
}

void log_memory_open(struct log_memory *memory)
{
	*memory = (struct log_memory){ 0 };
	memory->last = &memory->first;
	log_to(keep, memory);
}

void log_memory_close(struct log_memory *memory)
{
	while (memory->first) {
		struct log_kept *kept = memory->first;

		memory->first = kept->next;
		free(kept->fields);
		free(kept);
	}
	log_to(log_to_stderr, NULL);
}

size_t log_memory_count(
	const struct log_memory *memory, enum event event, const char *field, const char *value)
{
	char *wanted AUTO_FREE =
		field ? mem_printf("\n%s=%s\n", field, value) : mem_strdup("\n");
	size_t n = 0;

	for (const struct log_kept *kept = memory->first; kept; kept = kept->next)
		n += kept->event == event && strstr(kept->fields, wanted);
	return n;
}

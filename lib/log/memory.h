/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_LOG_MEMORY_H
#define CERTD_LIB_LOG_MEMORY_H

#include <stddef.h>

#include "lib/log/log.h"

/*
 * The memory sink keeps entries for tests, so that a test checks event names and fields, never
 * texts. log_memory_open() makes it the sink; log_memory_close() frees everything and restores
 * standard error.
 */

struct log_memory {
	struct log_kept *first, **last;
	size_t n;
};

void log_memory_open(struct log_memory *memory);
void log_memory_close(struct log_memory *memory);

/* The number of entries of the event, with FIELD=VALUE where `field` is not NULL. */
size_t log_memory_count(const struct log_memory *memory, enum event event, const char *field,
	const char *value);

#endif

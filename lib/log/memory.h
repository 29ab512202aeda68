/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_LOG_MEMORY_H
#define CERTD_LIB_LOG_MEMORY_H

#include <stddef.h>

#include "lib/log/log.h"

/*
 * The sink of tests: keeps what was logged, so that a test asks for event names and fields, never
 * for texts.  log_memory_open() makes it the sink; log_memory_close() frees everything and gives
 * standard error back.
 */

struct log_memory {
	struct log_kept *first, **last;
	size_t n;
};

void log_memory_open(struct log_memory *memory);
void log_memory_close(struct log_memory *memory);

/* How often the event came, with FIELD=VALUE where `field` is not NULL. */
size_t log_memory_count(const struct log_memory *memory, enum event event, const char *field,
	const char *value);

#endif

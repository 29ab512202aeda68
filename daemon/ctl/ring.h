/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CTL_RING_H
#define CERTD_DAEMON_CTL_RING_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/instant.h"
#include "lib/log/log.h"

/*
 * The ring holds the newest events, numbered, as lines of the protocol, for `watch` and `show`.
 *
 * Numbers begin with 1 and have no holes.  The ring is bounded by events and by bytes; the
 * oldest go first.  Readers keep a number, not a pointer: when theirs is gone they know how
 * much they lost.  Besides, it counts every event by kind, for metrics.
 */

#define RING_EVENTS_MAX 4096
#define RING_BYTES_MAX ((size_t)1024 * 1024)

struct ring_event {
	uint64_t seq;
	struct instant at;
	enum event event;
	uint64_t job, batch; /* 0: none */
	size_t size;         /* of the block */
	const char *cert;    /* NULL: none */
	const char *text;
	const char *line; /* the whole `event` line, LF included */
	size_t line_len;
};

struct ring {
	struct ring_event **slots; /* RING_EVENTS_MAX, by seq modulo that */
	uint64_t first, next;      /* kept are first <= seq < next */
	size_t bytes;
	uint64_t counts[EVENT_COUNT];
};

void ring_init(struct ring *ring);
void ring_done(struct ring *ring);

/* `batch` is the number of the batch that the event's job belongs to, or 0. */
void ring_add(
	struct ring *ring, const struct log_entry *entry, struct instant at, uint64_t batch);

/* The event with this number, or NULL when it is not there any more, or not yet. */
const struct ring_event *ring_get(const struct ring *ring, uint64_t seq);

#endif

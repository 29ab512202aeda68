/* SPDX-License-Identifier: MIT */
#include "daemon/ctl/ring.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "proto/line.h"
#include "proto/message.h"

/* So that a line stays far below what the protocol allows. */
enum { FIELDS_MAX = 16, VALUE_MAX = 512, TEXT_MAX = 2048 };

void ring_init(struct ring *ring)
{
	*ring = (struct ring){ .first = 1, .next = 1 };
	ring->slots = mem_zalloc(RING_EVENTS_MAX * sizeof(struct ring_event *));
}

void ring_done(struct ring *ring)
{
	if (!ring->slots)
		return;
	for (size_t i = 0; i < RING_EVENTS_MAX; i++)
		free(ring->slots[i]);
	free(ring->slots);
	*ring = (struct ring){ .first = 0 };
}

static struct ring_event **slot(const struct ring *ring, uint64_t seq)
{
	return &ring->slots[seq % RING_EVENTS_MAX];
}

static void drop_first(struct ring *ring)
{
	struct ring_event **first = slot(ring, ring->first);

	ring->bytes -= (*first)->size;
	free(*first);
	*first = NULL;
	ring->first++;
}

/* Once per name: the innermost says most. */
static bool is_repeated(const struct log_field *from, const struct log_field *field)
{
	for (; from != field; from = from->up)
		if (from->value && str_is(from->name, field->name))
			return true;
	return false;
}

static void add_fields(struct buf *out, const struct log_field *fields)
{
	int n = 0;

	for (const struct log_field *at = fields; at && n < FIELDS_MAX; at = at->up) {
		char key[32];
		size_t len = 0;

		if (!at->value || is_repeated(fields, at))
			continue;
		for (; at->name[len] && len < sizeof(key) - 1; len++)
			key[len] = (char)tolower((unsigned char)at->name[len]);
		key[len] = '\0';
		if (!line_key_is_valid(key))
			continue;
		line_addf(out, key, "%.*s", VALUE_MAX, at->value);
		n++;
	}
}

static uint64_t job_number(const struct log_field *fields)
{
	const char *text = log_field_get(fields, "JOB");
	int64_t number;

	return text && str_to_int(text, 1, INT64_MAX, &number) ? (uint64_t)number : 0;
}

void ring_add(
	struct ring *ring, const struct log_entry *entry, struct instant at, uint64_t batch)
{
	struct buf line AUTO_BUF = BUF_INIT;
	const char *cert = log_field_get(entry->fields, "CERT");
	size_t cert_size = cert ? strlen(cert) + 1 : 0;
	size_t text_len = strnlen(entry->text, TEXT_MAX), size;
	struct ring_event *event;
	char *tail;

	assert(entry->event < EVENT_COUNT);
	ring->counts[entry->event]++;
	message_event_begin(&line, ring->next, at, event_name(entry->event));
	add_fields(&line, entry->fields);
	line_addf(&line, "text", "%.*s", TEXT_MAX, entry->text);
	line_end(&line);
	size = sizeof(*event) + line.len + 1 + text_len + 1 + cert_size;
	event = mem_zalloc(size);
	tail = (char *)(event + 1);
	memcpy(tail, line.data, line.len);
	event->line = tail;
	event->line_len = line.len;
	tail += line.len + 1;
	memcpy(tail, entry->text, text_len);
	event->text = tail;
	tail += text_len + 1;
	if (cert)
		event->cert = memcpy(tail, cert, cert_size);
	event->seq = ring->next;
	event->at = at;
	event->event = entry->event;
	event->job = job_number(entry->fields);
	event->batch = batch;
	event->size = size;
	while (ring->first < ring->next && (ring->next - ring->first >= RING_EVENTS_MAX ||
						   ring->bytes + size > RING_BYTES_MAX))
		drop_first(ring);
	*slot(ring, ring->next) = event;
	ring->bytes += size;
	ring->next++;
}

const struct ring_event *ring_get(const struct ring *ring, uint64_t seq)
{
	return seq >= ring->first && seq < ring->next ? *slot(ring, seq) : NULL;
}

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_LOG_LOG_H
#define CERTD_LIB_LOG_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attr.h"

struct err;

/*
 * The log has one call for events that an administrator may act on, and one for debugging.
 *
 * Everything at notice or above is an entry of proto/events.def. One log_event() makes the
 * journal entry with MESSAGE_ID and fields, the line on a terminal, the `event` line of
 * `certctl watch` (through log_listen) and the record that tests check (log_memory_open).
 *
 * Context is a chain of struct log_field on the callers' stacks or in their structs: job ->
 * certificate -> target. A link names a field ("CERT", "TARGET") and borrows its value; the
 * journal shows it as CERTD_CERT=, watch as cert=. The text need not repeat names of the chain.
 *
 * The text makes sense alone: subject first, lower case, no final stop, no newline. Code in
 * lib/ outside this folder never logs; the function that handles an error does.
 */

enum event {
#define EVENT(id, name, priority, message_id, help) EVENT_##id,
#include "proto/events.def"
#undef EVENT
	EVENT_COUNT
};

struct log_field {
	const char *name;  /* upper case, without CERTD_ */
	const char *value; /* NULL: skipped */
	const struct log_field *up;
};

const char *event_name(enum event event);
int event_priority(enum event event); /* as syslog(3) */
const char *event_message_id(enum event event);
enum event event_parse(const char *name); /* EVENT_COUNT if unknown */

/* `err` may be NULL; otherwise its text is appended and its code becomes the field ERROR. */
void log_event(const struct log_field *context, enum event event, const struct err *err,
	const char *fmt, ...) PRINTF(4, 5);

/* Dropped unless log_set_debug(true) was called. */
void log_debug(const struct log_field *context, const char *fmt, ...) PRINTF(2, 3);
void log_set_debug(bool on);

/* One message for a sink. All texts are borrowed for the duration of the call. */
struct log_entry {
	enum event event; /* EVENT_COUNT: a debug message */
	int priority;
	const char *text;
	const struct log_field *fields; /* the chain, ERROR included */
};

/*
 * The sink of all entries. The default is standard error; log_open() chooses the journal when
 * standard error is connected to it ($JOURNAL_STREAM). A process that is to be locked in starts a
 * relay (relay.h).
 */
typedef void log_sink(const struct log_entry *entry, void *data);
void log_open(const char *identifier);

/*
 * For a process that is to be locked in: if log_open() chose the journal, another process
 * (relay.h) passes entries on to it from now on.  `lock_in` is called in that one.  -1: entries go
 * to standard error, as lines without fields.
 */
int log_relay_start(void (*lock_in)(void), struct err *err);

/* Waits until all entries have been passed on; later ones go to standard error. */
void log_relay_end(void);

bool log_is_journal(void); /* did log_open() choose the journal? */
void log_to(log_sink *sink, void *data);
log_sink log_to_stderr, log_to_journal;

/* One listener beside the sink, for the control socket's event stream. NULL removes it. */
void log_listen(log_sink *listener, void *data);

/* Passes an entry that another process has logged to the listener only. */
void log_relay(const struct log_entry *entry);

/* The value of a field in a chain, or NULL. */
const char *log_field_get(const struct log_field *fields, const char *name);

#endif

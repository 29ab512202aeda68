/* SPDX-License-Identifier: MIT */
#ifndef CERTD_PROTO_EVENT_NOTE_H
#define CERTD_PROTO_EVENT_NOTE_H

struct buf;
struct keeper_message;
struct log_entry;

/*
 * An event note carries an event from keeper to engine: `note event name=... text=...
 * cert=...`.
 *
 * Both processes log for themselves. The control socket is the engine's, and `certctl watch`,
 * `show` and `metrics` show the events of both. The engine takes no decision by a note: an
 * unknown name is dropped, and fields are shown only.
 */

/* Appends the packet. */
void event_note_write(const struct log_entry *entry, struct buf *out);

/* Passes the event to this process's listener (lib/log/log.h), not to its log. */
void event_note_relay(const struct keeper_message *note);

#endif

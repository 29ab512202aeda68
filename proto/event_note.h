/* SPDX-License-Identifier: MIT */
#ifndef CERTD_PROTO_EVENT_NOTE_H
#define CERTD_PROTO_EVENT_NOTE_H

struct buf;
struct keeper_message;
struct log_entry;

/*
 * Events on their way from keeper to engine: `note event name=... text=... cert=...`.
 *
 * Both processes log for themselves; the control socket is the engine's, and `certctl watch`, `show`
 * and `metrics` tell what either of them did.  The engine believes nothing here that matters: an
 * unknown name is dropped, and fields are shown, not acted on.
 */

/* Appends the packet. */
void event_note_write(const struct log_entry *entry, struct buf *out);

/* Gives it to the listener of this process (lib/log/log.h), not to its log. */
void event_note_relay(const struct keeper_message *note);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CTL_FAILED_LISTENERS_H
#define CERTD_DAEMON_CTL_FAILED_LISTENERS_H

/*
 * A failed listener is an address for challenges that the keeper could not bind, with the reason,
 * for `status` and the metrics.  An entry goes when the address is bound or leaves the
 * configuration.  The list is as long as the configuration of listeners.
 */

struct failed_listener {
	struct failed_listener *next;
	char *challenge, *at; /* the type, as in the configuration, and the address */
	char *text;           /* why, a sentence */
};

/* Keeps, replaces or, with a NULL text, removes the entry.  *list starts as NULL. */
void failed_listeners_note(
	struct failed_listener **list, const char *challenge, const char *at, const char *text);
void failed_listeners_done(struct failed_listener **list);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_LAUNCH_NOTES_H
#define CERTD_DAEMON_KEEPER_LAUNCH_NOTES_H

#include "daemon/conf/conf.h"

struct engine;
struct err;
struct log_entry;

/*
 * A note tells the engine something unasked, once; main.c sends the configuration and the stop
 * by itself.  `engine` of the callbacks is a struct engine; before it runs notes are dropped.
 */

/* An address is listened at, or not when `fd` is -1; `err`: why it cannot be, or NULL. */
void notes_listener(struct engine *engine, enum challenge type, const char *at, int fd,
	const struct err *err);

/* A zone has a dynamic update to be sent (challenge.h). */
void notes_update(void *engine, const char *zone);

/* Publishing in a zone fails, or works again (challenge.h). */
struct challenge_trouble;
void notes_trouble(void *engine, const struct challenge_trouble *trouble);

/* Log entries of the keeper are shown to watchers, too. */
void notes_event(const struct log_entry *entry, void *engine);

#endif

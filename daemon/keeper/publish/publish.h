/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_PUBLISH_PUBLISH_H
#define CERTD_DAEMON_KEEPER_PUBLISH_PUBLISH_H

#include "daemon/keeper/publish/journal.h"
#include "lib/base/err.h"

/*
 * One batch of changes at one place, as a thread carries it out: the journal first, for all of them with
 * one sync, then the files.  Everything it needs is in it; it shares nothing with the loop.
 *
 * A webroot's items succeed or fail one by one.  An include file is written as a whole, when it differs
 * from what lies there.  For the engine and for commands there is only the journal.
 */

struct publish_item {
	char id[JOURNAL_ID_LEN];
	bool is_put;        /* else it goes */
	bool is_idle;       /* there is nothing to do but the journal */
	struct buf journal; /* what has to be journalled before; empty: it is */
	char *token, *text; /* of a webroot's file */
	bool is_foreign;    /* what has its name is not ours, and nothing was done */
	struct err err;
};

struct publish_work {
	void *place; /* the loop's own; NULL when nobody waits any more */
	int journal; /* a descriptor that outlives the work */
	enum publication how;
	char *path, *zone;
	struct buf text; /* the whole include file */
	struct publish_item *items;
	size_t n_items;
	int64_t n_dirs;   /* of a webroot: how many directories we made so far */
	bool is_last;     /* nothing stays in the webroot: our directories go, too */
	bool is_changed;  /* the include file was */
	size_t n_foreign; /* lines of somebody else that stood in it, */
	char *foreign;    /* and the first of them, printable; or NULL */
	struct err err;
};

void publish_batch(struct publish_work *work);
void publish_free(struct publish_work *work);

/* One line of an include file, "OWNER. TTL IN TXT "VALUE"", with its LF. */
void publish_add_line(const struct journal_entry *entry, struct buf *out);

/*
 * The include file of a zone from such lines: a comment, and the lines sorted, each once.  `lines` is
 * changed.
 */
void publish_add_file(const char *zone, struct buf *lines, struct buf *out);

/* The name of a zone's include file. */
#define PUBLISH_FILE "acme-challenge."

#endif

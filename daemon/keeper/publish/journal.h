/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_PUBLISH_JOURNAL_H
#define CERTD_DAEMON_KEEPER_PUBLISH_JOURNAL_H

#include <stdbool.h>

#include "daemon/conf/conf.h"
#include "lib/base/buf.h"
#include "lib/base/instant.h"

struct err;

/*
 * The journal of challenges: <state_dir>/challenges holds one small file for everything that was or
 * may have been published, written and synced before the effect and removed after the undo.  What it
 * says is enough to undo it by name, in another life and under another configuration:
 *
 *	how: include                      what kind of place: webroot, directories, include, command, update
 *	type: dns-01
 *	cert: example.com/web             whose order it is for; with `test: yes` at the staging CA
 *	ca: letsencrypt
 *	name: www.example.com
 *	token: ...
 *	path: /etc/dns/include-acme       the webroot, or the folder of the include file
 *	value: ...                        the record's, or the text of the file
 *	zone: example.com                 these three for records
 *	apex: example.com                 only where the zone is none of its own in DNS: of the one that holds it
 *	owner: _acme-challenge.www.example.com
 *	ttl: 60
 *	n_dirs: 2                         of `directories`: how many of the webroot's two we made
 *	made: 2026-11-21T10:15:00Z
 *
 * The file's name is the challenge's id; `directories` are called dirs-DIGEST after their webroot.
 */

enum publication {
	PUBLICATION_ENGINE, /* only the engine answers: never in the journal */
	PUBLICATION_WEBROOT,
	PUBLICATION_DIRECTORIES,
	PUBLICATION_INCLUDE,
	PUBLICATION_COMMAND,
	PUBLICATION_UPDATE,
	PUBLICATION_COUNT
};

const char *publication_text(enum publication how);

/* 16 hexadecimal digits, or "dirs-" before them. */
#define JOURNAL_ID_LEN 24
#define JOURNAL_FILE_MAX ((size_t)8192)

#define JOURNAL_TEXTS(TEXT)                                                                    \
	TEXT(cert)                                                                             \
	TEXT(ca) TEXT(name) TEXT(token) TEXT(path) TEXT(zone) TEXT(apex) TEXT(owner) TEXT(value)

struct journal_entry {
	char id[JOURNAL_ID_LEN];
	enum publication how;
	enum challenge type;
	bool is_test;
#define JOURNAL_TEXT(key) char *key;
	JOURNAL_TEXTS(JOURNAL_TEXT) /* NULL: has none */
#undef JOURNAL_TEXT
	struct duration ttl;
	int64_t n_dirs;
	struct instant made;
};

void journal_entry_done(struct journal_entry *entry); /* zeroed is fine */

/* A fresh id, and the one of a webroot's directories. */
void journal_make_id(struct journal_entry *entry);
void journal_dirs_id(const char *webroot, char out[JOURNAL_ID_LEN]);

/* The text of an entry, and back: strict, because what it says is going to be undone. */
void journal_print(const struct journal_entry *entry, struct buf *out);
int journal_parse(const char *id, char *text, struct journal_entry *out, struct err *err);

/* Opens or makes the directory; a descriptor, or -1. */
int journal_open(const char *state_dir, struct err *err);

/* Writes one file and syncs it; the directory is synced by journal_sync(), once for many. */
int journal_write(int dir, const char *id, const struct buf *text, struct err *err);
int journal_sync(int dir, struct err *err);
void journal_remove(int dir, const char *id);

/*
 * Tells every entry, which is the callee's from then on; sweeps temporaries.  What cannot be read is set aside in
 * quarantine/ with an event and hinders nothing.
 */
int journal_each(int dir, void (*tell)(struct journal_entry *entry, void *data), void *data,
	struct err *err);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_POWER_DISK_H
#define CERTD_TESTS_POWER_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/buf.h"

/*
 * A directory tree in memory, and the operations that make it.
 *
 * A struct disk is what a disk holds: nodes, numbered as they were made, and the names that directories give
 * them.  disk_apply() carries out one operation; one whose names are not there does nothing, because what it
 * would act on was lost.  The content of a file is not kept in its node but follows from the writes of
 * the trace and from a choice among what a power cut may leave of them (enum content).
 *
 * A disk owns its names; operations own their texts and belong to the trace (trace.h).
 */

enum op_kind {
	OP_FILE,
	OP_DIR,
	OP_SYMLINK,
	OP_NAME,   /* link(2) */
	OP_REMOVE, /* unlink(2), rmdir(2) */
	OP_RENAME,
	OP_EXCHANGE,
	OP_ATTR,
	OP_WRITE,
	OP_SYNC,
	OP_TOLD,    /* something left the process: an answer, an event, a request to a CA */
	OP_SETTLED, /* everything before is on the disk */
};

struct attr {
	unsigned mode;
	uid_t uid;
	gid_t gid;
	int64_t mtime_ns; /* as it was set; 0: never set */
};

struct op {
	enum op_kind kind;
	int node;     /* what is made, moved, removed, written or synced */
	int other;    /* what an exchange moves the other way, or a rename replaces; -1 */
	int dir, to;  /* the directories of the two names; -1 */
	char *name;   /* in dir */
	char *target; /* the second name, in `to`; or what a symbolic link points at */
	struct buf data;
	size_t at; /* where a write begins */
	struct attr attr;
	char *label; /* of a sync, or of what was told */
};

enum node_kind { NODE_FILE, NODE_DIR, NODE_SYMLINK };

struct entry {
	const char *name; /* of the operation */
	int node;
};

/* The bytes that a power cut leaves of writes that no sync has followed. */
enum content { CONTENT_ALL, CONTENT_OLD, CONTENT_SHORT, CONTENT_ZEROS, CONTENT_COUNT };

struct node {
	enum node_kind kind;
	bool is_made;
	struct attr attr;
	const char *target;
	struct entry *entries;
	size_t n, size;
	int parent; /* of a directory */
	enum content content;
	size_t n_durable; /* operations before this one are synced, as far as they write this file */
	ino_t ino;        /* of the real one, while it is recorded */
};

struct disk {
	struct node *nodes;
	size_t n;
};

/* A disk with an empty root, which is node 0, and room for so many nodes. */
void disk_init(struct disk *disk, size_t n_nodes);
void disk_done(struct disk *disk);

/* The node that has this name; -1: none has. */
int disk_find(const struct disk *disk, int dir, const char *name);

/* False when nothing could be done. */
bool disk_apply(struct disk *disk, const struct op *op);

/* The path of a node below the root, with numbers of versions and the like as "#". */
void disk_label(const struct disk *disk, int node, struct buf *out);

/* The same names, attributes and contents have the same number. */
uint64_t disk_hash(const struct disk *disk);

/* The bytes of a file after the first n of these operations. */
void disk_content(
	const struct disk *disk, int node, const struct op *ops, size_t n, struct buf *out);

/* Makes the tree below an empty directory; `umask` is to be 0. */
void disk_write(const struct disk *disk, const struct op *ops, size_t n, int dir);

/* Is the tree below the directory this one?  Says what is not, on standard output. */
bool disk_is(const struct disk *disk, const struct op *ops, size_t n, int dir);

#endif

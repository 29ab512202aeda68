/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_POWER_DISK_H
#define CERTD_TESTS_POWER_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/buf.h"

/*
 * A disk is a directory tree in memory, built by operations.
 *
 * A struct disk holds nodes, numbered in the order of creation, and the names that directories
 * give them. disk_apply() carries out one operation; it has no effect when its names are
 * missing, because an earlier operation was lost. A node does not hold the content of its file:
 * that follows from the writes of the trace and from a choice of what a power cut leaves of
 * them (enum content).
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
	OP_TOLD,    /* a message left the process: an answer, an event, a request to a CA */
	OP_SETTLED, /* all earlier changes are on the disk */
};

struct attr {
	unsigned mode;
	uid_t uid;
	gid_t gid;
	int64_t mtime_ns; /* as set; 0: never set */
};

struct op {
	enum op_kind kind;
	int node;     /* the node made, moved, removed, written or synced */
	int other;    /* the node that an exchange moves back, or a rename replaces; -1 */
	int dir, to;  /* the directories of the two names; -1 */
	char *name;   /* in dir */
	char *target; /* the second name, in `to`; or the target of a symbolic link */
	struct buf data;
	size_t at; /* offset of a write */
	struct attr attr;
	char *label; /* of a sync, or of a told message */
};

enum node_kind { NODE_FILE, NODE_DIR, NODE_SYMLINK };

struct entry {
	const char *name; /* the operation's */
	int node;
};

/* The bytes that a power cut leaves of unsynced writes. */
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
	size_t n_durable; /* writes by operations before this one are synced */
	ino_t ino;        /* of the real file, while recording */
};

struct disk {
	struct node *nodes;
	size_t n;
};

/* Makes a disk with an empty root, node 0, and room for n_nodes nodes. */
void disk_init(struct disk *disk, size_t n_nodes);
void disk_done(struct disk *disk);

/* The node with this name; -1: none. */
int disk_find(const struct disk *disk, int dir, const char *name);

/* False when the operation had no effect. */
bool disk_apply(struct disk *disk, const struct op *op);

/* Appends the path of a node below the root, with numbers of versions and the like as "#". */
void disk_label(const struct disk *disk, int node, struct buf *out);

/* Equal names, attributes and contents have an equal hash. */
uint64_t disk_hash(const struct disk *disk);

/* Appends the bytes of a file after the first n operations. */
void disk_content(
	const struct disk *disk, int node, const struct op *ops, size_t n, struct buf *out);

/* Makes the tree below an empty directory; umask must be 0. */
void disk_write(const struct disk *disk, const struct op *ops, size_t n, int dir);

/* Is the tree below the directory equal to this one? Prints differences on standard output. */
bool disk_is(const struct disk *disk, const struct op *ops, size_t n, int dir);

#endif

/* SPDX-License-Identifier: MIT */
#include "tests/power/disk.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

void disk_init(struct disk *disk, size_t n_nodes)
{
	disk->n = n_nodes;
	disk->nodes = mem_zalloc(n_nodes * sizeof(*disk->nodes));
	disk->nodes[0] = (struct node){ .kind = NODE_DIR, .is_made = true, .attr.mode = 0755 };
}

void disk_done(struct disk *disk)
{
	for (size_t i = 0; i < disk->n; i++)
		free(disk->nodes[i].entries);
	free(disk->nodes);
	*disk = (struct disk){ NULL, 0 };
}

static struct entry *find(const struct disk *disk, int dir, const char *name)
{
	const struct node *node = &disk->nodes[dir];

	for (size_t i = 0; i < node->n; i++)
		if (str_is(node->entries[i].name, name))
			return &node->entries[i];
	return NULL;
}

int disk_find(const struct disk *disk, int dir, const char *name)
{
	const struct entry *entry = find(disk, dir, name);

	return entry ? entry->node : -1;
}

static void set(struct disk *disk, int dir, const char *name, int to)
{
	struct node *node = &disk->nodes[dir];
	struct entry *entry = find(disk, dir, name);

	if (!entry) {
		if (node->n == node->size) {
			node->size = node->size ? node->size * 2 : 8;
			node->entries =
				mem_grow(node->entries, node->size, sizeof(*node->entries));
		}
		entry = &node->entries[node->n++];
	}
	*entry = (struct entry){ name, to };
	if (disk->nodes[to].kind == NODE_DIR)
		disk->nodes[to].parent = dir;
}

static void drop(struct disk *disk, int dir, const char *name)
{
	struct entry *entry = find(disk, dir, name);

	*entry = disk->nodes[dir].entries[--disk->nodes[dir].n];
}

static bool make(struct disk *disk, const struct op *op, enum node_kind kind)
{
	struct node *node = &disk->nodes[op->node];

	node->kind = kind;
	node->is_made = true;
	node->attr = op->attr;
	node->target = op->target;
	set(disk, op->dir, op->name, op->node);
	return true;
}

static bool rename_node(struct disk *disk, const struct op *op)
{
	if (disk_find(disk, op->dir, op->name) != op->node)
		return false;
	drop(disk, op->dir, op->name);
	set(disk, op->to, op->target, op->node);
	return true;
}

static bool exchange(struct disk *disk, const struct op *op)
{
	if (disk_find(disk, op->dir, op->name) != op->node ||
		disk_find(disk, op->to, op->target) != op->other)
		return false;
	set(disk, op->dir, op->name, op->other);
	set(disk, op->to, op->target, op->node);
	return true;
}

bool disk_apply(struct disk *disk, const struct op *op)
{
	switch (op->kind) {
	case OP_FILE:
		return make(disk, op, NODE_FILE);
	case OP_DIR:
		return make(disk, op, NODE_DIR);
	case OP_SYMLINK:
		return make(disk, op, NODE_SYMLINK);
	case OP_NAME:
		if (!disk->nodes[op->node].is_made)
			return false;
		set(disk, op->to, op->target, op->node);
		return true;
	case OP_REMOVE:
		if (disk_find(disk, op->dir, op->name) != op->node)
			return false;
		drop(disk, op->dir, op->name);
		return true;
	case OP_RENAME:
		return rename_node(disk, op);
	case OP_EXCHANGE:
		return exchange(disk, op);
	case OP_ATTR:
		disk->nodes[op->node].attr = op->attr;
		return disk->nodes[op->node].is_made;
	case OP_WRITE:
	case OP_SYNC:
	case OP_TOLD:
	case OP_SETTLED:
	default:
		return false;
	}
}

/* Replaces numbers, times and digests by one character. */
static void add_plain(const char *name, struct buf *out)
{
	for (const char *p = name; *p;) {
		size_t n = strspn(p, "0123456789abcdefTZ-");
		bool is_number = n >= 8 || (n > 0 && strspn(p, "0123456789") == n);

		if (is_number)
			buf_add_char(out, '#');
		else
			buf_add(out, p, n ? n : 1);
		p += n ? n : 1;
	}
}

static bool label(const struct disk *disk, int at, int node, struct buf *out)
{
	for (size_t i = 0; i < disk->nodes[at].n; i++) {
		const struct entry *entry = &disk->nodes[at].entries[i];
		size_t len = out->len;

		buf_add_char(out, '/');
		add_plain(entry->name, out);
		if (entry->node == node || (disk->nodes[entry->node].kind == NODE_DIR &&
						   label(disk, entry->node, node, out)))
			return true;
		out->len = len;
	}
	return false;
}

void disk_label(const struct disk *disk, int node, struct buf *out)
{
	if (node == 0)
		buf_add_char(out, '/');
	else if (!label(disk, 0, node, out))
		buf_add_text(out, "(nameless)");
}

static uint64_t mix(uint64_t hash, uint64_t with)
{
	hash ^= with + UINT64_C(0x9e3779b97f4a7c15) + (hash << 6) + (hash >> 2);
	hash *= UINT64_C(0xff51afd7ed558ccd);
	return hash ^ (hash >> 33);
}

/* Hashes one node; names in a directory are unordered. */
static uint64_t hash_node(const struct disk *disk, int at)
{
	const struct node *node = &disk->nodes[at];
	uint64_t hash = mix(mix(node->kind, node->attr.mode),
			 mix(node->attr.uid, (uint64_t)node->attr.mtime_ns)),
		 sum = 0;

	if (node->kind == NODE_FILE)
		return mix(
			mix(hash, (uint64_t)at), mix((uint64_t)node->content, node->n_durable));
	if (node->kind == NODE_SYMLINK)
		return mix(hash, str_hash(node->target, strlen(node->target)));
	for (size_t i = 0; i < node->n; i++)
		sum += mix(str_hash(node->entries[i].name, strlen(node->entries[i].name)),
			hash_node(disk, node->entries[i].node));
	return mix(hash, sum);
}

uint64_t disk_hash(const struct disk *disk)
{
	return hash_node(disk, 0);
}

static void put(struct buf *out, const struct op *op, size_t len, bool is_zero)
{
	size_t end = op->at + len;

	if (end > out->len) {
		buf_reserve(out, end - out->len);
		memset(out->data + out->len, 0, end - out->len);
		out->len = end;
	}
	if (is_zero)
		memset(out->data + op->at, 0, len);
	else if (len)
		memcpy(out->data + op->at, op->data.data, len);
}

void disk_content(
	const struct disk *disk, int node, const struct op *ops, size_t n, struct buf *out)
{
	const struct node *file = &disk->nodes[node];

	for (size_t i = 0; i < n; i++) {
		const struct op *op = &ops[i];

		if (op->kind != OP_WRITE || op->node != node)
			continue;
		if (i < file->n_durable || file->content == CONTENT_ALL)
			put(out, op, op->data.len, false);
		else if (file->content == CONTENT_SHORT)
			put(out, op, op->data.len / 2, false);
		else if (file->content == CONTENT_ZEROS)
			put(out, op, op->data.len, true);
	}
}

static void write_file(const struct disk *disk, int at, const struct op *ops, size_t n, int fd)
{
	struct buf data AUTO_BUF = BUF_INIT;
	struct err err;
	int result;

	disk_content(disk, at, ops, n, &data);
	result = file_write_fd(fd, data.data, data.len, &err);
	assert(result == 0);
}

static void set_attr(const struct attr *attr, int fd)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ attr->mtime_ns / 1000000000, attr->mtime_ns % 1000000000 } };
	struct stat st;

	if (fstat(fd, &st) < 0 || fchmod(fd, attr->mode) < 0 ||
		((st.st_uid != attr->uid || st.st_gid != attr->gid) &&
			fchown(fd, attr->uid, attr->gid) < 0) ||
		(attr->mtime_ns && futimens(fd, times) < 0))
		abort();
}

static void write_node(const struct disk *disk, int at, const struct op *ops, size_t n, int dir,
	const char *name)
{
	const struct node *node = &disk->nodes[at];
	int fd AUTO_CLOSE = -1;

	if (node->kind == NODE_SYMLINK) {
		if (symlinkat(node->target, dir, name) < 0)
			abort();
		return;
	}
	if (node->kind == NODE_DIR && mkdirat(dir, name, 0700) < 0)
		abort();
	fd = openat(dir, name,
		node->kind == NODE_DIR ? O_RDONLY | O_DIRECTORY | O_CLOEXEC
				       : O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
		0600);
	assert(fd >= 0);
	if (node->kind == NODE_DIR)
		for (size_t i = 0; i < node->n; i++)
			write_node(
				disk, node->entries[i].node, ops, n, fd, node->entries[i].name);
	else
		write_file(disk, at, ops, n, fd);
	set_attr(&node->attr, fd);
}

/* Two names of one file become two files, which these tests cannot distinguish. */
void disk_write(const struct disk *disk, const struct op *ops, size_t n, int dir)
{
	for (size_t i = 0; i < disk->nodes[0].n; i++)
		write_node(disk, disk->nodes[0].entries[i].node, ops, n, dir,
			disk->nodes[0].entries[i].name);
}

static bool differs(const char *what, const char *name)
{
	printf("# %s of %s is not as recorded\n", what, name);
	return false;
}

static bool is_node(const struct disk *disk, int at, const struct op *ops, size_t n, int dir,
	const char *name)
{
	const struct node *node = &disk->nodes[at];
	struct buf want AUTO_BUF = BUF_INIT, have AUTO_BUF = BUF_INIT;
	int fd AUTO_CLOSE = -1;
	struct err err;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return differs("the name", name);
	if (node->kind == NODE_SYMLINK)
		return S_ISLNK(st.st_mode) ? true : differs("the kind", name);
	if ((st.st_mode & 07777) != node->attr.mode || st.st_uid != node->attr.uid)
		return differs("the mode", name);
	if (node->kind == NODE_DIR) {
		struct disk below = { disk->nodes, disk->n };

		fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		for (size_t i = 0; i < node->n; i++)
			if (!is_node(&below, node->entries[i].node, ops, n, fd,
				    node->entries[i].name))
				return false;
		return true;
	}
	disk_content(disk, at, ops, n, &want);
	if (file_read(dir, name, 1 << 24, &have, &err) < 0 || have.len != want.len ||
		(want.len && memcmp(have.data, want.data, want.len) != 0))
		return differs("the content", name);
	return true;
}

static size_t count_names(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fdopendir(fd);
	size_t n = 0;

	for (struct dirent *e; entries && (e = readdir(entries));)
		if (!str_is(e->d_name, ".") && !str_is(e->d_name, "..")) {
			int below AUTO_CLOSE = openat(dir, e->d_name,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

			n += 1 + (below < 0 ? 0 : count_names(below));
		}
	closedir(entries);
	return n;
}

static size_t count_entries(const struct disk *disk, int at)
{
	size_t n = disk->nodes[at].n;

	for (size_t i = 0; i < disk->nodes[at].n; i++)
		n += count_entries(disk, disk->nodes[at].entries[i].node);
	return n;
}

bool disk_is(const struct disk *disk, const struct op *ops, size_t n, int dir)
{
	for (size_t i = 0; i < disk->nodes[0].n; i++)
		if (!is_node(disk, disk->nodes[0].entries[i].node, ops, n, dir,
			    disk->nodes[0].entries[i].name))
			return false;
	return count_names(dir) == count_entries(disk, 0) ? true : differs("a name", "it");
}

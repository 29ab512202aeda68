/* SPDX-License-Identifier: MIT */
#include "tests/power/trace.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

/* More nodes than any scene makes. */
#define NODES_MAX 4096

/*
 * State: `lock` guards all of it, because the keeper's threads call at once. trace_begin() opens
 * the root and sets is_on; wrapped calls then add operations to `trace` and apply them to its live
 * tree, except while is_paused. trace_end() closes the root and frees the operations and the tree.
 * With no_exchange set an exchange fails before it reaches the kernel.
 */
struct trace trace;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[256];
static int root_fd = -1;
static bool is_on, is_paused, no_exchange;

/* The functions of the C library, and their replacements. */
#define WRAP(type, name, ...)                                                                  \
	type __real_##name(__VA_ARGS__);                                                       \
	type __wrap_##name(__VA_ARGS__);                                                       \
	type __wrap_##name(__VA_ARGS__)

static struct op *add(enum op_kind kind, int node)
{
	struct op *op;

	trace.ops = mem_grow(trace.ops, trace.n + 1, sizeof(*trace.ops));
	op = &trace.ops[trace.n++];
	*op = (struct op){ .kind = kind, .node = node, .other = -1, .dir = -1, .to = -1 };
	return op;
}

static int node_of_ino(ino_t ino)
{
	for (int i = trace.n_nodes; i-- > 0;)
		if (trace.live.nodes[i].ino == ino)
			return i;
	return -1;
}

static int node_of_fd(int fd)
{
	struct stat st;

	return is_on && !is_paused && fstat(fd, &st) == 0 ? node_of_ino(st.st_ino) : -1;
}

/* The name that a call acts on: false when it is not below the root. */
struct place {
	int dir;
	char name[256];
	int node; /* the node with the name, or -1 */
};

static bool find_place(int dirfd, const char *path, struct place *out)
{
	char copy[4096], *save, *at, *next;
	int dir = 0;

	if (!is_on || is_paused)
		return false;
	if (path[0] == '/') {
		if (!str_starts(path, root) || path[strlen(root)] != '/')
			return false;
		path += strlen(root) + 1;
	} else if (dirfd == AT_FDCWD || (dir = node_of_fd(dirfd)) < 0) {
		return false;
	}
	snprintf(copy, sizeof(copy), "%s", path);
	for (at = strtok_r(copy, "/", &save); at; at = next) {
		next = strtok_r(NULL, "/", &save);
		if (!next)
			break;
		dir = str_is(at, "..") ? trace.live.nodes[dir].parent
				       : disk_find(&trace.live, dir, at);
		if (dir < 0 || trace.live.nodes[dir].kind != NODE_DIR)
			return false;
	}
	if (!at || str_is(at, "."))
		return false;
	out->dir = dir;
	snprintf(out->name, sizeof(out->name), "%s", at);
	out->node = disk_find(&trace.live, dir, at);
	return true;
}

static struct attr attr_of(const struct stat *st)
{
	return (struct attr){ st->st_mode & 07777, st->st_uid, st->st_gid, 0 };
}

static void note_made(const struct place *place, enum op_kind kind, const char *target,
	int dirfd, const char *path)
{
	struct op *op = add(kind, trace.n_nodes++);
	struct stat st;
	int result = fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW);

	assert(result == 0 && trace.n_nodes < NODES_MAX);
	op->dir = place->dir;
	op->name = mem_strdup(place->name);
	op->target = target ? mem_strdup(target) : NULL;
	op->attr = attr_of(&st);
	(void)disk_apply(&trace.live, op);
	trace.live.nodes[op->node].ino = st.st_ino;
}

static void note_attr(int node, const struct attr *attr)
{
	const struct attr *old = &trace.live.nodes[node].attr;
	struct op *op;

	if (old->mode == attr->mode && old->uid == attr->uid && old->gid == attr->gid &&
		old->mtime_ns == attr->mtime_ns)
		return;
	op = add(OP_ATTR, node);
	op->attr = *attr;
	(void)disk_apply(&trace.live, op);
}

/* Records the attributes of an open file after a call that changed them. */
static void look_at_attr(int fd)
{
	int node = node_of_fd(fd);
	struct attr attr;
	struct stat st;

	if (node < 0 || fstat(fd, &st) < 0)
		return;
	attr = attr_of(&st);
	attr.mtime_ns = trace.live.nodes[node].attr.mtime_ns;
	note_attr(node, &attr);
}

static int open_file(int (*open_it)(int, const char *, int, ...), int dirfd, const char *path,
	int flags, mode_t mode)
{
	struct place place;
	bool is_new;
	int fd;

	pthread_mutex_lock(&lock);
	is_new = (flags & O_CREAT) && find_place(dirfd, path, &place) && place.node < 0;
	fd = open_it(dirfd, path, flags, mode);
	if (fd >= 0 && is_new)
		note_made(&place, OP_FILE, NULL, dirfd, path);
	assert(!(flags & O_TRUNC) || !find_place(dirfd, path, &place));
	pthread_mutex_unlock(&lock);
	return fd;
}

static mode_t mode_of(int flags, va_list ap)
{
	return flags & O_CREAT ? (mode_t)va_arg(ap, int) : 0;
}

WRAP(int, openat64, int dirfd, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return open_file(__real_openat64, dirfd, path, flags, mode);
}

WRAP(ssize_t, write, int fd, const void *data, size_t len)
{
	ssize_t n;
	int node;

	pthread_mutex_lock(&lock);
	n = __real_write(fd, data, len);
	node = n > 0 ? node_of_fd(fd) : -1;
	if (node >= 0) {
		struct op *op = add(OP_WRITE, node);

		buf_add(&op->data, data, (size_t)n);
		op->at = (size_t)(lseek(fd, 0, SEEK_CUR) - n);
	}
	pthread_mutex_unlock(&lock);
	return n;
}

static int sync_it(int fd)
{
	struct buf label AUTO_BUF = BUF_INIT;
	int node;

	pthread_mutex_lock(&lock);
	node = node_of_fd(fd);
	if (node >= 0) {
		disk_label(&trace.live, node, &label);
		add(OP_SYNC, node)->label = mem_strdup(label.data);
		trace.live.nodes[node].n_durable = trace.n;
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

WRAP(int, fsync, int fd)
{
	return sync_it(fd);
}

WRAP(int, fdatasync, int fd)
{
	return sync_it(fd);
}

WRAP(int, mkdirat, int dirfd, const char *path, mode_t mode)
{
	struct place place;
	bool is_ours;
	int result, sys;

	pthread_mutex_lock(&lock);
	is_ours = find_place(dirfd, path, &place);
	result = __real_mkdirat(dirfd, path, mode);
	sys = errno;
	if (result == 0 && is_ours)
		note_made(&place, OP_DIR, NULL, dirfd, path);
	pthread_mutex_unlock(&lock);
	errno = sys;
	return result;
}

WRAP(int, mkdir, const char *path, mode_t mode)
{
	return __wrap_mkdirat(AT_FDCWD, path, mode);
}

WRAP(int, symlinkat, const char *target, int dirfd, const char *path)
{
	struct place place;
	bool is_ours;
	int result, sys;

	pthread_mutex_lock(&lock);
	is_ours = find_place(dirfd, path, &place);
	result = __real_symlinkat(target, dirfd, path);
	sys = errno;
	if (result == 0 && is_ours)
		note_made(&place, OP_SYMLINK, target, dirfd, path);
	pthread_mutex_unlock(&lock);
	errno = sys;
	return result;
}

static void note_moved(enum op_kind kind, const struct place *from, const struct place *to)
{
	struct op *op = add(kind, from->node);

	op->dir = from->dir;
	op->name = mem_strdup(from->name);
	if (to) {
		op->other = to->node;
		op->to = to->dir;
		op->target = mem_strdup(to->name);
	}
	(void)disk_apply(&trace.live, op);
}

WRAP(int, unlinkat, int dirfd, const char *path, int flags)
{
	struct place place;
	bool is_ours;
	int result, sys;

	pthread_mutex_lock(&lock);
	is_ours = find_place(dirfd, path, &place);
	result = __real_unlinkat(dirfd, path, flags);
	sys = errno;
	if (result == 0 && is_ours)
		note_moved(OP_REMOVE, &place, NULL);
	pthread_mutex_unlock(&lock);
	errno = sys;
	return result;
}

WRAP(int, renameat2, int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	struct place a, b;
	bool is_ours, is_exchange = flags & RENAME_EXCHANGE;
	int result, sys;

	if (is_exchange && no_exchange) {
		errno = EINVAL;
		return -1;
	}
	pthread_mutex_lock(&lock);
	is_ours = find_place(from_fd, from, &a) && find_place(to_fd, to, &b);
	result = __real_renameat2(from_fd, from, to_fd, to, flags);
	sys = errno;
	if (result == 0 && is_ours)
		note_moved(is_exchange ? OP_EXCHANGE : OP_RENAME, &a, &b);
	pthread_mutex_unlock(&lock);
	errno = sys;
	return result;
}

WRAP(int, renameat, int from_fd, const char *from, int to_fd, const char *to)
{
	return __wrap_renameat2(from_fd, from, to_fd, to, 0);
}

WRAP(int, linkat, int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	struct place a, b;
	bool is_ours;
	int result, sys;

	pthread_mutex_lock(&lock);
	is_ours = find_place(from_fd, from, &a) && find_place(to_fd, to, &b);
	result = __real_linkat(from_fd, from, to_fd, to, flags);
	sys = errno;
	if (result == 0 && is_ours)
		note_moved(OP_NAME, &a, &b);
	pthread_mutex_unlock(&lock);
	errno = sys;
	return result;
}

WRAP(int, fchmod, int fd, mode_t mode)
{
	int result = __real_fchmod(fd, mode);

	pthread_mutex_lock(&lock);
	if (result == 0)
		look_at_attr(fd);
	pthread_mutex_unlock(&lock);
	return result;
}

WRAP(int, fchown, int fd, uid_t uid, gid_t gid)
{
	int result = __real_fchown(fd, uid, gid);

	pthread_mutex_lock(&lock);
	if (result == 0)
		look_at_attr(fd);
	pthread_mutex_unlock(&lock);
	return result;
}

WRAP(int, fchmodat, int dirfd, const char *path, mode_t mode, int flags)
{
	int result = __real_fchmodat(dirfd, path, mode, flags);
	struct place place;

	pthread_mutex_lock(&lock);
	if (result == 0 && find_place(dirfd, path, &place) && place.node >= 0) {
		struct attr attr = trace.live.nodes[place.node].attr;

		attr.mode = mode;
		note_attr(place.node, &attr);
	}
	pthread_mutex_unlock(&lock);
	return result;
}

WRAP(int, utimensat, int dirfd, const char *path, const struct timespec times[2], int flags)
{
	int result = __real_utimensat(dirfd, path, times, flags);
	struct place place;

	pthread_mutex_lock(&lock);
	if (result == 0 && find_place(dirfd, path, &place) && place.node >= 0) {
		struct attr attr = trace.live.nodes[place.node].attr;

		attr.mtime_ns = times[1].tv_sec * INT64_C(1000000000) + times[1].tv_nsec;
		note_attr(place.node, &attr);
	}
	pthread_mutex_unlock(&lock);
	return result;
}

void trace_begin(const char *path)
{
	struct stat st;

	snprintf(root, sizeof(root), "%s", path);
	root_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(root_fd >= 0 && trace.n == 0);
	disk_init(&trace.live, NODES_MAX);
	trace.n_nodes = 1;
	if (fstat(root_fd, &st) < 0)
		abort();
	trace.live.nodes[0].ino = st.st_ino;
	trace.live.nodes[0].attr = attr_of(&st);
	is_on = true;
}

void trace_end(void)
{
	is_on = is_paused = no_exchange = false;
	for (size_t i = 0; i < trace.n; i++) {
		struct op *op = &trace.ops[i];

		free(op->name);
		free(op->target);
		free(op->label);
		buf_done(&op->data);
	}
	free(trace.ops);
	disk_done(&trace.live);
	if (root_fd >= 0)
		close(root_fd);
	root_fd = -1;
	trace = (struct trace){ .ops = NULL };
}

bool trace_pause(bool paused)
{
	bool was_paused = is_paused;

	is_paused = paused;
	return was_paused;
}

void trace_told(const char *what)
{
	if (!is_on || is_paused)
		return;
	pthread_mutex_lock(&lock);
	add(OP_TOLD, -1)->label = mem_strdup(what);
	pthread_mutex_unlock(&lock);
}

void trace_settled(void)
{
	pthread_mutex_lock(&lock);
	add(OP_SETTLED, -1);
	pthread_mutex_unlock(&lock);
}

bool trace_is_whole(void)
{
	return disk_is(&trace.live, trace.ops, trace.n, root_fd);
}

void trace_forbid_exchange(bool is_forbidden)
{
	no_exchange = is_forbidden;
}

/* SPDX-License-Identifier: MIT */
#include "lib/base/trust.h"

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The verdicts when the owner is not root, when the group may write, and when all may write. */
static const struct {
	const char *what;
	enum trust_verdict owner, group, world;
} rules[] = {
	[TRUST_CONFIG] = { "a file of the configuration", TRUST_REFUSED, TRUST_REFUSED,
		TRUST_REFUSED },
	[TRUST_CONFIG_DIR] = { "a directory above the configuration", TRUST_REFUSED,
		TRUST_REFUSED, TRUST_REFUSED },
	[TRUST_PROGRAM] = { "a program that root runs", TRUST_WARNED, TRUST_WARNED,
		TRUST_REFUSED },
	[TRUST_PROGRAM_DIR] = { "a directory above a program that root runs", TRUST_WARNED,
		TRUST_WARNED, TRUST_REFUSED },
	[TRUST_SECRET] = { "a secret", TRUST_REFUSED, TRUST_WARNED, TRUST_REFUSED },
	[TRUST_SECRET_DIR] = { "a directory above a secret", TRUST_WARNED, TRUST_WARNED,
		TRUST_REFUSED },
};

/*
 * In a user namespace that does not map root, root's files, as / itself, belong to the overflow
 * user.
 */
#define OVERFLOW_UID 65534

static bool is_root(uid_t uid)
{
	struct stat st;

	return uid == 0 ||
	       (uid == OVERFLOW_UID && stat("/", &st) == 0 && st.st_uid == OVERFLOW_UID);
}

static bool is_owner_fine(enum trust kind, uid_t uid)
{
	if (geteuid() == 0)
		return is_root(uid);
	return kind != TRUST_SECRET || uid == geteuid() || is_root(uid);
}

enum trust_verdict trust_stat(
	enum trust kind, const char *path, const struct stat *st, char why[TRUST_WHY_LEN])
{
	bool is_sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX);

	assert(kind < sizeof(rules) / sizeof(rules[0]));
	why[0] = 0;
	if (geteuid() == 0 && (st->st_mode & S_IWOTH) && !is_sticky) {
		snprintf(why, TRUST_WHY_LEN,
			"%.250s is %s that all users can change; run \"chmod o-w\" on it", path,
			rules[kind].what);
		return rules[kind].world;
	}
	if (!is_owner_fine(kind, st->st_uid)) {
		snprintf(why, TRUST_WHY_LEN,
			"%.250s is %s that belongs to user %u; run \"chown\" on it so that it "
			"belongs to %s",
			path, rules[kind].what, (unsigned)st->st_uid,
			geteuid() == 0 ? "root" : "root or to the daemon's user");
		return rules[kind].owner;
	}
	if (geteuid() == 0 && (st->st_mode & S_IWGRP) && st->st_gid != 0 && !is_sticky) {
		snprintf(why, TRUST_WHY_LEN,
			"%.250s is %s that group %u can change; run \"chmod g-w\" on it", path,
			rules[kind].what, (unsigned)st->st_gid);
		return rules[kind].group;
	}
	return TRUST_FINE;
}

/* The verdict so far, and its sentence. */
struct judged {
	enum trust_verdict verdict;
	char *why;
};

static void judge(
	struct judged *judged, enum trust kind, const char *path, const struct stat *st)
{
	char why[TRUST_WHY_LEN];
	enum trust_verdict found = trust_stat(kind, path, st, why);

	if (found <= judged->verdict)
		return;
	judged->verdict = found;
	memcpy(judged->why, why, sizeof(why));
}

/* The way to a file: the resolved directory reached so far, and the path from there. */
struct way {
	char at[PATH_MAX], rest[PATH_MAX];
	int n_links;
};

#define LINKS_MAX 40 /* the kernel's own limit */

/* Removes the next component from the rest; false at the end. */
static bool next_name(struct way *way, char name[NAME_MAX + 1])
{
	size_t skip = strspn(way->rest, "/"), len = strcspn(way->rest + skip, "/");

	if (len == 0 || len > NAME_MAX)
		return false;
	memcpy(name, way->rest + skip, len);
	name[len] = 0;
	skip += len;
	memmove(way->rest, way->rest + skip, strlen(way->rest + skip) + 1);
	return true;
}

/* Puts the target of the link in front of the rest. */
static bool follow(struct way *way, const char *link)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t len = readlink(link, target, sizeof(target) - 1);

	if (len <= 0 || ++way->n_links > LINKS_MAX)
		return false;
	target[len] = 0;
	if ((size_t)snprintf(rest, sizeof(rest), "%s%s", target, way->rest) >= sizeof(rest))
		return false;
	memcpy(way->rest, rest, sizeof(rest));
	if (target[0] == '/')
		way->at[0] = 0;
	return true;
}

/*
 * In a directory where other users create files, only root's entries are safe, and only on the
 * way.
 */
static void judge_dir(struct judged *judged, enum trust kind, const struct way *way,
	bool is_own, const struct stat *entry)
{
	const char *path = way->at[0] ? way->at : "/";
	struct stat st;

	if (stat(path, &st) < 0)
		return;
	if (is_own || !is_root(entry->st_uid))
		st.st_mode &= (mode_t)~S_ISVTX;
	judge(judged, kind, path, &st);
}

/* Walks one component of the way; false at its end. */
static bool step(struct judged *judged, enum trust kind, struct way *way)
{
	char name[NAME_MAX + 1], path[PATH_MAX];
	struct stat st;

	if (!next_name(way, name))
		return false;
	if (strcmp(name, ".") == 0)
		return true;
	if (strcmp(name, "..") == 0) {
		char *slash = strrchr(way->at, '/');

		if (slash)
			*slash = 0;
		return true;
	}
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", way->at, name) >= sizeof(path) ||
		lstat(path, &st) < 0)
		return false;
	judge_dir(judged, kind, way, !way->rest[strspn(way->rest, "/")], &st);
	if (S_ISLNK(st.st_mode))
		return follow(way, path);
	memcpy(way->at, path, sizeof(path));
	return S_ISDIR(st.st_mode);
}

enum trust_verdict trust_dirs(enum trust kind, const char *path, char why[TRUST_WHY_LEN])
{
	struct judged judged = { TRUST_FINE, why };
	struct way way = { .at = "" };

	why[0] = 0;
	if (path[0] != '/' ||
		(size_t)snprintf(way.rest, sizeof(way.rest), "%s", path) >= sizeof(way.rest))
		return TRUST_FINE;
	while (step(&judged, kind, &way))
		;
	return judged.verdict;
}

static enum trust_verdict judge_both(
	enum trust kind, enum trust dir_kind, const char *path, char why[TRUST_WHY_LEN])
{
	struct judged judged = { trust_dirs(dir_kind, path, why), why };
	struct stat st;

	if (stat(path, &st) == 0)
		judge(&judged, kind, path, &st);
	return judged.verdict;
}

enum trust_verdict trust_program(const char *path, char why[TRUST_WHY_LEN])
{
	return judge_both(TRUST_PROGRAM, TRUST_PROGRAM_DIR, path, why);
}

enum trust_verdict trust_secret(const char *path, char why[TRUST_WHY_LEN])
{
	return judge_both(TRUST_SECRET, TRUST_SECRET_DIR, path, why);
}

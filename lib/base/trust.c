/* SPDX-License-Identifier: MIT */
#include "lib/base/trust.h"

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"

/* What happens when the owner is not root, when a group may write, when everybody may. */
static const struct {
	const char *what;
	enum trust_verdict owner, group, world;
} rules[] = {
	[TRUST_CONFIG] = { "a file of the configuration", TRUST_REFUSED, TRUST_REFUSED,
		TRUST_REFUSED },
	[TRUST_CONFIG_DIR] = { "a directory of the configuration", TRUST_REFUSED, TRUST_REFUSED,
		TRUST_REFUSED },
	[TRUST_PROGRAM] = { "a program that root runs", TRUST_WARNED, TRUST_WARNED,
		TRUST_REFUSED },
	[TRUST_PROGRAM_DIR] = { "the directory of a program that root runs", TRUST_WARNED,
		TRUST_WARNED, TRUST_REFUSED },
	[TRUST_SECRET] = { "a secret", TRUST_WARNED, TRUST_WARNED, TRUST_WARNED },
};

enum trust_verdict trust_stat(
	enum trust kind, const char *path, const struct stat *st, char why[TRUST_WHY_LEN])
{
	bool is_sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX);

	assert(kind < sizeof(rules) / sizeof(rules[0]));
	why[0] = 0;
	if (geteuid() != 0)
		return TRUST_FINE;
	if ((st->st_mode & S_IWOTH) && !is_sticky) {
		snprintf(why, TRUST_WHY_LEN,
			"%.250s is %s that everybody can change; run \"chmod o-w\" on it", path,
			rules[kind].what);
		return rules[kind].world;
	}
	if (st->st_uid != 0) {
		snprintf(why, TRUST_WHY_LEN,
			"%.250s is %s that belongs to user %u; run \"chown root\" on it", path,
			rules[kind].what, (unsigned)st->st_uid);
		return rules[kind].owner;
	}
	if ((st->st_mode & S_IWGRP) && st->st_gid != 0 && !is_sticky) {
		snprintf(why, TRUST_WHY_LEN,
			"%.250s is %s that group %u can change; run \"chmod g-w\" on it", path,
			rules[kind].what, (unsigned)st->st_gid);
		return rules[kind].group;
	}
	return TRUST_FINE;
}

/* Keeps the worse of two verdicts, and its sentence. */
static void worsen(
	enum trust_verdict *verdict, char why[TRUST_WHY_LEN], enum trust kind, const char *path)
{
	char other[TRUST_WHY_LEN];
	enum trust_verdict found;
	struct stat st;

	if (stat(path, &st) < 0)
		return;
	found = trust_stat(kind, path, &st, other);
	if (found <= *verdict)
		return;
	*verdict = found;
	memcpy(why, other, sizeof(other));
}

enum trust_verdict trust_path(enum trust kind, const char *path, char why[TRUST_WHY_LEN])
{
	enum trust_verdict verdict = TRUST_FINE;

	why[0] = 0;
	worsen(&verdict, why, kind, path);
	return verdict;
}

static void worsen_parent(
	enum trust_verdict *verdict, char why[TRUST_WHY_LEN], enum trust kind, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir AUTO_FREE = NULL;

	if (!slash)
		return;
	dir = slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
	worsen(verdict, why, kind, dir);
}

enum trust_verdict trust_dir_of(enum trust kind, const char *path, char why[TRUST_WHY_LEN])
{
	enum trust_verdict verdict = TRUST_FINE;
	char real[PATH_MAX];

	why[0] = 0;
	worsen_parent(&verdict, why, kind, path);
	if (realpath(path, real) && strcmp(real, path) != 0)
		worsen_parent(&verdict, why, kind, real);
	return verdict;
}

enum trust_verdict trust_program(const char *path, char why[TRUST_WHY_LEN])
{
	char of_dir[TRUST_WHY_LEN];
	enum trust_verdict verdict = trust_path(TRUST_PROGRAM, path, why),
			   dir = trust_dir_of(TRUST_PROGRAM_DIR, path, of_dir);

	if (dir <= verdict)
		return verdict;
	memcpy(why, of_dir, sizeof(of_dir));
	return dir;
}

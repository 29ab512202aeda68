/* SPDX-License-Identifier: MIT */
#include "client/dhparam.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/dh.h"

#define DEFAULT_GROUPS "ffdhe4096,ffdhe2048,ffdhe3072,ffdhe6144,ffdhe8192"
#define DEFAULT_DAYS 120
#define DAYS_MAX 36500
#define GROUPS_MAX 16

struct dhparam {
	char *groups[GROUPS_MAX];
	size_t n_groups;
	struct duration max_age;
	bool is_forced;
	struct instant now;
};

static void file_name(const char *group, char out[64])
{
	snprintf(out, 64, dh_is_named(group) ? "dh-%s.pem" : "dh%s.pem", group);
}

static bool is_wanted(const struct dhparam *what, int dirfd, const char *group)
{
	struct stat st;
	char name[64];

	file_name(group, name);
	if (what->is_forced || fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		!S_ISREG(st.st_mode))
		return true;
	return !dh_is_named(group) &&
	       instant_since(what->now, (struct instant){ st.st_mtime }).s > what->max_age.s;
}

static int write_group(int dirfd, const char *dir, const char *group, struct err *err)
{
	struct buf pem AUTO_BUF = BUF_INIT;
	char name[64];

	file_name(group, name);
	if (!dh_is_named(group))
		fprintf(stderr, "certctl: making %s/dh/%s, which may take minutes\n", dir,
			name);
	if (dh_make(group, &pem, err) < 0 ||
		file_replace(dirfd, name, pem.data, pem.len, FILE_PUBLIC, err) < 0)
		return -1;
	printf("%s/dh/%s\n", dir, name);
	return 0;
}

/* The link for servers: a custom size takes precedence over a group. */
static int write_link(const struct dhparam *what, int dirfd, struct err *err)
{
	const char *first = what->groups[0];
	char name[64], old[64];
	struct err ignored;

	for (size_t i = what->n_groups; i-- > 0;)
		if (!dh_is_named(what->groups[i]))
			first = what->groups[i];
	file_name(first, name);
	if (file_read_link(dirfd, "dhparam.pem", old, sizeof(old), &ignored) == 0 &&
		str_is(old, name))
		return 0;
	return file_replace_link(dirfd, "dhparam.pem", name, err);
}

static int write_dir(const struct dhparam *what, const char *dir, struct err *err)
{
	int parent AUTO_CLOSE = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		   fd AUTO_CLOSE = -1;

	if (parent < 0)
		return err_sys(err, ERR_NOT_FOUND, errno, "cannot open the directory %s", dir);
	if (file_make_dir(parent, "dh", 0755, err) < 0)
		return -1;
	fd = file_open_dir(parent, "dh", err);
	if (fd < 0)
		return -1;
	for (size_t i = 0; i < what->n_groups; i++)
		if (is_wanted(what, fd, what->groups[i]) &&
			write_group(fd, dir, what->groups[i], err) < 0)
			return -1;
	return write_link(what, fd, err);
}

static int take_groups(struct dhparam *what, char *list, struct err *err)
{
	char *rest = NULL;

	what->n_groups = 0;
	for (char *word = strtok_r(list, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		if (dh_check(word, err) < 0)
			return -1;
		if (what->n_groups == GROUPS_MAX)
			return err_set(err, ERR_BAD_ARGUMENT, "-k takes at most %d groups",
				GROUPS_MAX);
		what->groups[what->n_groups++] = word;
	}
	if (what->n_groups == 0)
		return err_set(err, ERR_BAD_ARGUMENT, "-k needs groups or sizes");
	return 0;
}

static int take_days(struct dhparam *what, const char *text, struct err *err)
{
	int64_t days;

	if (!str_to_int(text, 0, DAYS_MAX, &days))
		return err_set(
			err, ERR_BAD_ARGUMENT, "-a needs a number of days up to %d", DAYS_MAX);
	what->max_age = DAYS(days);
	return 0;
}

/* 0, or -1 with *err; errors that getopt printed are not printed again. */
static int take_options(struct dhparam *what, int argc, char **argv, struct err *err)
{
	static const struct option options[] = { { "keys", required_argument, NULL, 'k' },
		{ "age-days", required_argument, NULL, 'a' },
		{ "force", no_argument, NULL, 'f' }, { NULL, 0, NULL, 0 } };
	int c, ret = 0;

	optind = 0;
	opterr = 0;
	while (ret == 0 && (c = getopt_long(argc, argv, ":k:a:f", options, NULL)) != -1) {
		if (c == 'k')
			ret = take_groups(what, optarg, err);
		else if (c == 'a')
			ret = take_days(what, optarg, err);
		else if (c == 'f')
			what->is_forced = true;
		else
			ret = err_set(err, ERR_BAD_ARGUMENT, "dhparam %s %s",
				c == ':' ? "needs a value for" : "has no option",
				argv[optind - 1]);
	}
	if (ret == 0 && optind >= argc)
		return err_set(err, ERR_BAD_ARGUMENT, "dhparam needs a directory");
	return ret;
}

int dhparam_main(int argc, char **argv)
{
	char defaults[] = DEFAULT_GROUPS;
	struct dhparam what = { .max_age = DAYS(DEFAULT_DAYS), .now = clock_now() };
	struct err err = ERR_INIT;
	int status = 0;

	if (take_groups(&what, defaults, &err) < 0 ||
		take_options(&what, argc, argv, &err) < 0) {
		fprintf(stderr, "certctl: %s\n", err.text);
		return 2;
	}
	for (int i = optind; i < argc; i++)
		if (write_dir(&what, argv[i], &err) < 0) {
			fprintf(stderr, "certctl: %s: %s\n", argv[i], err.text);
			status = 1;
		}
	return status;
}

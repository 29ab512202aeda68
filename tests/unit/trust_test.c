/* SPDX-License-Identifier: MIT */
#include "lib/base/trust.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/conf/conf.h"
#include "daemon/keeper/run/spawn.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/yaml/diag.h"
#include "tests/test.h"

/* The table of files that root obeys, and who looks into it. */

static const struct {
	const char *name;
	uid_t uid;
	gid_t gid;
	mode_t mode;
} states[] = {
	{ "root's alone", 0, 0, 0755 },
	{ "root's group may write", 0, 0, 0775 },
	{ "a group may write", 0, 12, 0775 },
	{ "of a user", 1000, 0, 0755 },
	{ "everybody may write", 0, 0, 0757 },
	{ "everybody may write, sticky", 0, 0, 01777 },
};

enum { F = TRUST_FINE, W = TRUST_WARNED, R = TRUST_REFUSED };

static const struct {
	enum trust kind;
	bool is_dir;
	int want[6];
} rows[] = {
	{ TRUST_CONFIG, false, { F, F, R, R, R, R } },
	{ TRUST_CONFIG_DIR, true, { F, F, R, R, R, F } },
	{ TRUST_PROGRAM, false, { F, F, W, W, R, R } },
	{ TRUST_PROGRAM_DIR, true, { F, F, W, W, R, F } },
	{ TRUST_SECRET, false, { F, F, W, R, R, R } },
	{ TRUST_SECRET_DIR, true, { F, F, W, W, R, F } },
};

TEST(what_root_obeys_is_a_table)
{
	char why[TRUST_WHY_LEN];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t k = 0; k < ARRAY_LEN(states); k++) {
			struct stat st = { .st_uid = states[k].uid,
				.st_gid = states[k].gid,
				.st_mode =
					states[k].mode | (rows[i].is_dir ? S_IFDIR : S_IFREG) };
			int got = (int)trust_stat(rows[i].kind, "/x/y", &st, why);

			bool counts = geteuid() == 0 ||
				      (rows[i].kind == TRUST_SECRET && st.st_uid != 0 &&
					      st.st_uid != geteuid());

			if (got != (counts ? rows[i].want[k] : F))
				TEST_FAIL("kind %d, %s: %d", (int)rows[i].kind, states[k].name,
					got);
			CHECK_INT(got == F, why[0] == 0);
			CHECK(got == F || (strstr(why, "/x/y is ") && strstr(why, "; run \"")));
		}
}

static char dir[] = "/tmp/certd-trust-XXXXXX";

static char *put(const char *name, const char *text, mode_t mode, uid_t uid)
{
	char *path = mem_printf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	REQUIRE(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	REQUIRE(fchmod(fd, mode) == 0 && (geteuid() != 0 || fchown(fd, uid, (gid_t)-1) == 0));
	close(fd);
	return path;
}

static bool is_read(const char *path, size_t n_files)
{
	struct conf_files files = { 0 };
	struct yaml_diags diags = { 0 };
	bool result = conf_read_files(path, &files, &diags) == 0 && files.n == n_files;

	conf_files_done(&files);
	yaml_diags_done(&diags);
	return result;
}

TEST(configuration_of_others_is_refused)
{
	bool is_root = geteuid() == 0;
	char *sub = NULL, *main = NULL, *part = NULL;

	REQUIRE(mkdtemp(dir));
	sub = mem_printf("%s/conf.d", dir);
	REQUIRE(mkdir(sub, 0755) == 0);
	main = put("certd.yaml", "include: [conf.d/*.yaml]\n", 0644, 0);
	part = put("conf.d/a.yaml", "groups: {}\n", 0644, 0);
	CHECK(is_read(main, 2));
	CHECK(chmod(part, 0666) == 0 && is_read(main, 2) == !is_root);
	CHECK(chmod(part, 0644) == 0 && is_read(main, 2));
	CHECK(chmod(sub, 0777) == 0 && is_read(main, 2) == !is_root);
	/* Others make files there, which the pattern would find. */
	CHECK(chmod(sub, 01777) == 0 && is_read(main, 2) == !is_root);
	CHECK(chmod(sub, 0755) == 0 && is_read(main, 2));
	CHECK(chmod(dir, 0757) == 0 && is_read(main, 2) == !is_root);
	CHECK(chmod(dir, 0755) == 0 && is_read(main, 2));
	if (is_root) {
		CHECK(chown(part, 1000, 0) == 0 && !is_read(main, 2));
		CHECK(chown(part, 0, 0) == 0 && chown(sub, 1000, 0) == 0 && !is_read(main, 2));
		CHECK(chown(sub, 0, 0) == 0 && chown(main, 1000, 0) == 0 && !is_read(main, 2));
	}
	unlink(part);
	unlink(main);
	rmdir(sub);
	free(part);
	free(main);
	free(sub);
}

TEST(what_everybody_can_change_is_not_run)
{
	bool is_root = geteuid() == 0;
	char *program = put("program", "#!/bin/sh\n", 0755, 0), found[4096];
	struct err err = ERR_INIT;

	CHECK_INT(spawn_find_trusted(program, found, sizeof(found), &err), 0);
	CHECK(chmod(program, 0757) == 0);
	CHECK_INT(spawn_find_trusted(program, found, sizeof(found), &err), is_root ? -1 : 0);
	CHECK(!is_root ||
		(err.code == ERR_NOT_ALLOWED && strstr(err.text, "all users can change")));
	CHECK(chmod(program, 0755) == 0 && chmod(dir, 0777) == 0);
	CHECK_INT(spawn_find_trusted(program, found, sizeof(found), &err), is_root ? -1 : 0);
	CHECK(chmod(dir, 0755) == 0);
	CHECK_INT(spawn_find_trusted(program, found, sizeof(found), &err), 0);
	unlink(program);
	rmdir(dir);
	free(program);
}

/* The ways to one file: through directories and links, and what is wrong with one of the places. */
static void make_way(char top[64], const char *real, const char *link)
{
	char path[256];

	snprintf(top, 64, "/tmp/certd-way-XXXXXX");
	REQUIRE(mkdtemp(top) && chmod(top, 0755) == 0);
	for (const char *at = real; (at = strchr(at, '/')); at++) {
		snprintf(path, sizeof(path), "%s/%.*s", top, (int)(at - real), real);
		REQUIRE(mkdir(path, 0755) == 0);
	}
	snprintf(path, sizeof(path), "%s/%s", top, real);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	snprintf(path, sizeof(path), "%s/link", top);
	REQUIRE(!link || symlink(link, path) == 0);
}

static void remove_way(const char *top)
{
	struct err err;

	CHECK_INT(file_remove_tree(AT_FDCWD, top, &err), 0);
}

TEST(each_directory_and_link_on_the_way_counts)
{
	static const struct {
		const char *link, *path; /* what `link` leads to; the file that is judged */
		const char *place;       /* what is wrong there */
		mode_t mode;
		uid_t uid;
		int want; /* for a program */
	} ways[] = {
		{ NULL, "a/b/c/file", "a", 0755, 0, F },
		{ NULL, "a/b/c/file", "a", 0777, 0, R },
		{ NULL, "a/b/c/file", "a/b", 0777, 0, R },
		{ NULL, "a/b/c/file", "a/b/c", 0777, 0, R },
		{ NULL, "a/b/c/file", "a/b", 0775, 12, W }, /* a group's; see below */
		{ NULL, "a/b/c/file", "a", 0755, 1000, W },
		/* Sticky: safe from others on the way, and not in the file's own directory. */
		{ NULL, "a/b/c/file", "a/b", 01777, 0, F },
		{ NULL, "a/b/c/file", "a/b/c", 01777, 0, R },
		{ NULL, "a/b/c/file", "a/b", 01777, 1000, W },
		/* A link leads through another place, and its own counts as well. */
		{ "a/b", "link/c/file", "a", 0777, 0, R },
		{ "a/b/c/file", "link", "a/b", 0777, 0, R },
		{ "a/b/../b/c/file", "link", "a", 0777, 0, R },
		{ "./a//b/c/file", "link", "a/b/c", 0777, 0, R },
		{ "a/b/c/file", "link", "", 0777, 0, R },
		{ "a/b/c/file", "link", "", 01777, 0, R },
		{ "a/b/c", "link/file", "", 01777, 0, F },
		{ "link", "link/file", "a", 0777, 0, F },
		{ "a/b/c", "link/../../b/c/file", "a", 0777, 0, R },
	};

	if (geteuid() != 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		char top[64], why[TRUST_WHY_LEN];
		char *place = NULL, *path = NULL;
		bool is_group = ways[i].uid == 12;
		int got;

		make_way(top, "a/b/c/file", ways[i].link);
		place = mem_printf("%s/%s", top, ways[i].place);
		path = mem_printf("%s/%s", top, ways[i].path);
		REQUIRE(chown(place, is_group ? 0 : ways[i].uid, is_group ? 12 : 0) == 0 &&
			chmod(place, ways[i].mode) == 0);
		got = (int)trust_program(path, why);
		if (got != ways[i].want)
			TEST_FAIL("way %zu: %d, %s", i, got, why);
		got = (int)trust_dirs(TRUST_CONFIG_DIR, path, why);
		if (got != (ways[i].want == F ? F : R))
			TEST_FAIL("way %zu of a configuration: %d, %s", i, got, why);
		remove_way(top);
		free(place);
		free(path);
	}
}

/* In a sticky directory an entry of another user may be replaced by that one, a link as well. */
TEST(entries_of_others_on_the_way_count)
{
	char top[64], why[TRUST_WHY_LEN], path[128], link[128];

	if (geteuid() != 0)
		return;
	make_way(top, "a/b/c/file", "a/b");
	snprintf(path, sizeof(path), "%s/link/c/file", top);
	snprintf(link, sizeof(link), "%s/link", top);
	REQUIRE(chmod(top, 01777) == 0);
	CHECK_INT(trust_program(path, why), F);
	REQUIRE(lchown(link, 1000, 0) == 0);
	CHECK_INT(trust_program(path, why), R);
	CHECK(strstr(why, "a directory above a program"));
	remove_way(top);
}

TEST(secrets_of_others_are_not_used)
{
	char top[64], why[TRUST_WHY_LEN], path[128];

	make_way(top, "secret", NULL);
	snprintf(path, sizeof(path), "%s/secret", top);
	CHECK_INT(trust_secret(path, why), F);
	if (geteuid() == 0) {
		REQUIRE(chown(path, 1000, 0) == 0);
		CHECK_INT(trust_secret(path, why), R);
		REQUIRE(seteuid(1000) == 0);
		CHECK_INT(trust_secret(path, why), F);
		REQUIRE(seteuid(0) == 0 && seteuid(1001) == 0);
		CHECK_INT(trust_secret(path, why), R);
		CHECK(strstr(why, "belongs to root or to the daemon's user"));
		REQUIRE(seteuid(0) == 0 && chown(path, 0, 0) == 0);
		REQUIRE(seteuid(1001) == 0);
		CHECK_INT(trust_secret(path, why), F);
		REQUIRE(seteuid(0) == 0 && chmod(path, 0602) == 0);
		CHECK_INT(trust_secret(path, why), R);
	}
	remove_way(top);
}

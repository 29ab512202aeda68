/* SPDX-License-Identifier: MIT */
#include "lib/base/trust.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/conf/conf.h"
#include "daemon/keeper/run/spawn.h"
#include "lib/base/err.h"
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
	{ TRUST_SECRET, false, { F, F, W, W, W, W } },
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

			if (got != (geteuid() == 0 ? rows[i].want[k] : F))
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
	CHECK(chmod(sub, 01777) == 0 && is_read(main, 2));
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
		(err.code == ERR_NOT_ALLOWED && strstr(err.text, "everybody can change")));
	CHECK(chmod(program, 0755) == 0 && chmod(dir, 0777) == 0);
	CHECK_INT(spawn_find_trusted(program, found, sizeof(found), &err), is_root ? -1 : 0);
	CHECK(chmod(dir, 0755) == 0);
	CHECK_INT(spawn_find_trusted(program, found, sizeof(found), &err), 0);
	unlink(program);
	rmdir(dir);
	free(program);
}

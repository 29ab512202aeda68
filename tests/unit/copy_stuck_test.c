/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/copy/copy.h"

#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "tests/unit/copy_place.h"

/* Copies to places where something cannot be moved or removed. */

/* Sets or clears the immutable flag; false where the file system or the rights have none. */
static bool set_immutable(const struct place *place, const char *path, bool is_on)
{
	int fd = openat(place->fd, path, O_RDONLY | O_CLOEXEC), flags = 0;
	bool result = fd >= 0 && ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0;

	flags = is_on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
	result = result && ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
	if (fd >= 0)
		close(fd);
	return result;
}

static void free_leftovers(const struct place *place)
{
	char path[100];

	for (int i = 1; i < 10; i++) {
		snprintf(path, sizeof(path), HERE "/.certd-gone/%d/cert.pem", i);
		set_immutable(place, path, false);
	}
}

/* An old file that cannot be removed fails neither this deploy nor a later one, and goes when it can. */
static void leftovers(bool restores)
{
	struct place place;

	place_init(&place);
	do_switch(&place, 1, false, true);
	CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
	for (int version = 2; version < 6; version++) {
		if (!set_immutable(&place, HERE "/curr/cert.pem", true)) {
			place_done(&place);
			return;
		}
		do_switch(&place, version, false, true);
		if (restores) {
			CHECK(set_immutable(&place, HERE "/curr/cert.pem", true));
			CHECK_INT(do_step(&place, copy_restore), ERR_NONE);
			set_immutable(&place, HERE "/curr/cert.pem", false);
		} else {
			CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
		}
		CHECK_INT(version_in(&place, HERE "/curr"), restores ? 1 : version);
		CHECK(!file_exists(place.fd, HERE "/.certd-old"));
		/* The keys beside it are gone all the same. */
		CHECK(!file_exists(place.fd, HERE "/.certd-gone/1/privkey.pem"));
		CHECK(file_exists(place.fd, HERE "/.certd-gone/1/cert.pem"));
	}
	free_leftovers(&place);
	CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
	CHECK_INT(entries_in(&place, HERE), 1);
	place_done(&place);
}

TEST(what_cannot_be_removed_fails_no_deploy)
{
	leftovers(false);
}

TEST(what_cannot_be_removed_fails_no_restore)
{
	leftovers(true);
}

TEST(leftovers_are_told)
{
	struct copy copy = { .n_files = 0 };
	struct err err = ERR_INIT;
	struct place place;

	place_init(&place);
	do_switch(&place, 1, false, true);
	CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
	if (set_immutable(&place, HERE "/curr/cert.pem", true)) {
		do_switch(&place, 2, false, true);
		copy_init_place(&copy, &place.target, &place.cert);
		CHECK_INT(copy_settle(&copy, &err), 0);
		CHECK_STR(copy.untidy.text,
			".certd-gone: cannot remove cert.pem: Operation not permitted");
		copy_done(&copy);
		free_leftovers(&place);
	}
	place_done(&place);
}

/* In a child with mounts of its own: 0 when the sentence says what curr is, 2 without the rights. */
static int switch_over_mount(const struct place *place)
{
	struct err err = ERR_INIT;
	struct copy copy;
	char curr[128];
	bool changed;

	snprintf(curr, sizeof(curr), "%s/" HERE "/curr", place->dir);
	if (unshare(CLONE_NEWNS) < 0 ||
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("none", curr, "tmpfs", 0, NULL) < 0)
		return 2;
	copy_begin(&copy, place, 2, false);
	if (copy_switch(&copy, &changed, &err) == 0)
		return 1;
	return err.code == ERR_BAD_CONFIG && strstr(err.text, "is a mount point") ? 0 : 1;
}

TEST(a_mount_point_is_told_as_one)
{
	struct place place;
	int status = -1;
	pid_t pid;

	place_init(&place);
	do_switch(&place, 1, false, true);
	CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
	pid = fork();
	if (pid == 0)
		_exit(switch_over_mount(&place));
	REQUIRE(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 1);
	if (geteuid() == 0)
		CHECK_INT(WEXITSTATUS(status), 0);
	place_done(&place);
}

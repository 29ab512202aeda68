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

/* Mounts something over `name` of the target, for this process alone. */
static bool mount_over(const struct place *place, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/" HERE "/%s", place->dir, name);
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", path, "tmpfs", 0, NULL) == 0;
}

/* Each step that would move the mount point says what it is. */
static int run_switch(struct copy *copy, struct err *err)
{
	bool changed;

	return copy_switch(copy, &changed, err);
}

static const struct mounted {
	const char *name;
	int (*step)(struct copy *copy, struct err *err);
	bool waits; /* the second version waits for its check */
	enum layout layout;
} mounted[] = {
	{ "curr", run_switch, false, LAYOUT_EXCHANGE },
	{ "curr", run_switch, false, LAYOUT_LINK },
	{ "curr", copy_restore, true, LAYOUT_EXCHANGE },
	{ "next", copy_put_next, false, LAYOUT_EXCHANGE },
	{ "next", copy_drop_next, false, LAYOUT_EXCHANGE },
};

/* In a child with mounts of its own: 0 when the sentence says what it is, 2 without the rights. */
static int step_over_mount(struct place *place, const struct mounted *at)
{
	struct err err = ERR_INIT;
	struct copy copy;
	char want[64];

	if (!mount_over(place, at->name))
		return 2;
	snprintf(want, sizeof(want), HERE "/%s is a mount point", at->name);
	place->target.layout = at->layout;
	copy_begin(&copy, place, 3, false);
	if (at->step(&copy, &err) == 0)
		return 1;
	printf("# %s\n", err.text);
	fflush(stdout);
	return err.code == ERR_BAD_CONFIG && strstr(err.text, want) ? 0 : 1;
}

TEST(a_mount_point_is_told_as_one)
{
	for (size_t i = 0; i < ARRAY_LEN(mounted); i++) {
		struct place place;
		int status = -1;
		pid_t pid;

		place_init(&place);
		do_switch(&place, 1, false, true);
		CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
		CHECK_INT(do_step(&place, copy_put_next), ERR_NONE);
		if (mounted[i].waits)
			do_switch(&place, 2, false, true);
		pid = fork();
		if (pid == 0)
			_exit(step_over_mount(&place, &mounted[i]));
		REQUIRE(waitpid(pid, &status, 0) == pid);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 1);
		if (geteuid() == 0)
			CHECK_INT(WEXITSTATUS(status), 0);
		place_done(&place);
	}
}

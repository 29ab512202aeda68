/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/copy/copy.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/unit/copy_place.h"

/* Copies to places where something cannot be moved or removed. */

/*
 * Files that cannot be removed, as if they were immutable.  unlinkat() of the C library is replaced here, below
 * all functions of files, because neither every file system nor every user has that flag.
 */
enum { STUCK_MAX = 16 };

static struct stat stuck[STUCK_MAX];
static size_t n_stuck;

static bool is_stuck(int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	for (size_t i = 0; i < n_stuck; i++)
		if (stuck[i].st_dev == st.st_dev && stuck[i].st_ino == st.st_ino)
			return true;
	return false;
}

int unlinkat(int dirfd, const char *name, int flags)
{
	if (is_stuck(dirfd, name)) {
		errno = EPERM;
		return -1;
	}
	return (int)syscall(SYS_unlinkat, dirfd, name, flags);
}

static void stick(const struct place *place, const char *path)
{
	REQUIRE(n_stuck < STUCK_MAX &&
		fstatat(place->fd, path, &stuck[n_stuck], AT_SYMLINK_NOFOLLOW) == 0);
	n_stuck++;
}

/* An old file that cannot be removed fails neither this deploy nor a later one, and goes when it can. */
static void leftovers(bool restores)
{
	struct place place;

	place_init(&place);
	do_switch(&place, 1, false, true);
	CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
	for (int version = 2; version < 6; version++) {
		if (!restores)
			stick(&place, HERE "/curr/cert.pem");
		do_switch(&place, version, false, true);
		if (restores) {
			stick(&place, HERE "/curr/cert.pem");
			CHECK_INT(do_step(&place, copy_restore), ERR_NONE);
		} else {
			CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
		}
		CHECK_INT(version_in(&place, HERE "/curr"), restores ? 1 : version);
		CHECK(!file_exists(place.fd, HERE "/.certd-old"));
		/* The keys beside it are gone all the same. */
		CHECK(!file_exists(place.fd, HERE "/.certd-gone/1/privkey.pem"));
		CHECK(file_exists(place.fd, HERE "/.certd-gone/1/cert.pem"));
	}
	n_stuck = 0;
	CHECK_INT(do_step(&place, restores ? copy_tidy : copy_settle), ERR_NONE);
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
	stick(&place, HERE "/curr/cert.pem");
	do_switch(&place, 2, false, true);
	for (int step = 0; step < 3; step++) {
		copy = (struct copy){ .n_files = 0 };
		copy_init_place(&copy, &place.target, &place.cert);
		CHECK_INT((step == 0 ? copy_settle : copy_tidy)(&copy, &err), 0);
		CHECK_STR(copy.untidy.text,
			step < 2
				? ".certd-gone: cannot remove cert.pem: Operation not permitted"
				: "");
		copy_done(&copy);
		if (step == 1)
			n_stuck = 0;
	}
	CHECK_INT(entries_in(&place, HERE), 1);
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

/* The directory that an administrator kept at the name before certd came. */
static void lay_foreign(const struct place *place)
{
	struct err err = ERR_INIT;
	int fd;

	REQUIRE(mkdirat(place->fd, "example.com", 0755) == 0 &&
		mkdirat(place->fd, HERE, 0755) == 0 &&
		mkdirat(place->fd, HERE "/curr", 0700) == 0);
	fd = openat(place->fd, HERE "/curr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	REQUIRE(fd >= 0 && file_create(fd, "own.key", "precious", 8, FILE_SECRET, &err) == 0);
	close(fd);
}

static bool has_foreign(const struct place *place, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), HERE "/%s/own.key", name);
	return file_exists(place->fd, path);
}

static int first_switch(const struct place *place, int version, bool use_links)
{
	struct err err = ERR_INIT;
	struct copy copy;
	bool changed;
	int r;

	copy_begin(&copy, place, version, use_links);
	copy.is_first = true;
	r = copy_switch(&copy, &changed, &err);
	CHECK_STR(err.text, "");
	copy_done(&copy);
	return r;
}

static void first_settle(const struct place *place, const char *want)
{
	struct copy copy = { .n_files = 0 };
	struct err err = ERR_INIT;
	char path[200] = "";

	if (want)
		snprintf(path, sizeof(path), "%s/" HERE "/%s", place->dir, want);
	copy_init_place(&copy, &place->target, &place->cert);
	copy.is_first = true;
	CHECK_INT(copy_settle(&copy, &err), 0);
	CHECK_STR(err.text, "");
	CHECK_STR(copy.aside ? copy.aside : "", path);
	copy_done(&copy);
}

static void first_deploy(bool use_links)
{
	struct place place;

	place_init(&place);
	lay_foreign(&place);
	/* A check that refuses brings it back untouched. */
	CHECK_INT(first_switch(&place, 1, use_links), 0);
	CHECK_INT(do_step(&place, copy_restore), ERR_NONE);
	CHECK(has_foreign(&place, "curr") && !file_exists(place.fd, HERE "/curr.before-certd"));
	/* The name is taken already, and certd dies before the check of another version. */
	REQUIRE(mkdirat(place.fd, HERE "/curr.before-certd", 0700) == 0);
	CHECK_INT(first_switch(&place, 2, use_links), 0);
	CHECK_INT(first_switch(&place, 3, use_links), 0);
	first_settle(&place, "curr.before-certd.2");
	CHECK_INT(version_in(&place, HERE "/curr"), 3);
	CHECK(has_foreign(&place, "curr.before-certd.2"));
	/* A repeat moves nothing, and later versions replace certd's own. */
	first_settle(&place, NULL);
	do_switch(&place, 4, use_links, true);
	CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
	CHECK(has_foreign(&place, "curr.before-certd.2"));
	CHECK_INT(entries_in(&place, HERE), use_links ? 4 : 3);
	place_done(&place);
}

TEST(what_lay_at_curr_before_is_set_aside)
{
	first_deploy(false);
}

TEST(so_it_is_by_links)
{
	first_deploy(true);
}

TEST(what_was_just_exchanged_is_not_lost_to_a_crash)
{
	struct place place;

	place_init(&place);
	lay_foreign(&place);
	/* As after a death between the exchange and the next rename, and then there is another version. */
	CHECK_INT(first_switch(&place, 1, false), 0);
	REQUIRE(renameat(place.fd, HERE "/.certd-old", place.fd, HERE "/.certd-swap") == 0);
	CHECK_INT(first_switch(&place, 2, false), 0);
	CHECK(has_foreign(&place, "curr.before-certd"));
	place_done(&place);
}

static void after_a_crash(int (*act)(struct copy *copy, struct err *err))
{
	struct copy copy = { .n_files = 0 };
	struct err err = ERR_INIT;
	struct place place;

	place_init(&place);
	lay_foreign(&place);
	CHECK_INT(first_switch(&place, 1, false), 0);
	REQUIRE(renameat(place.fd, HERE "/.certd-old", place.fd, HERE "/.certd-swap") == 0);
	copy_init_place(&copy, &place.target, &place.cert);
	copy.is_first = true;
	CHECK_INT(act(&copy, &err), 0);
	CHECK(copy.aside && has_foreign(&place, "curr.before-certd"));
	copy_done(&copy);
	place_done(&place);
}

TEST(nor_to_a_settlement_after_it)
{
	after_a_crash(copy_settle);
}

TEST(nor_to_tidying_after_it)
{
	after_a_crash(copy_tidy);
}

TEST(what_could_not_be_moved_is_not_told_as_moved)
{
	struct copy copy = { .n_files = 0 };
	struct err err = ERR_INIT;
	struct place place;
	bool was_root;

	place_init(&place);
	lay_foreign(&place);
	CHECK_INT(first_switch(&place, 1, false), 0);
	copy_init_place(&copy, &place.target, &place.cert);
	copy.is_first = true;
	/* Nothing holds root back, so that another user tries it. */
	REQUIRE(chmod(place.dir, 0755) == 0 && fchmodat(place.fd, HERE, 0555, 0) == 0);
	was_root = geteuid() == 0;
	REQUIRE(!was_root || seteuid(65534) == 0);
	CHECK_INT(copy_settle(&copy, &err), -1);
	CHECK(!copy.aside);
	REQUIRE(!was_root || seteuid(0) == 0);
	REQUIRE(fchmodat(place.fd, HERE, 0755, 0) == 0);
	copy_done(&copy);
	place_done(&place);
}

TEST(tidying_lets_a_deploy_under_way_alone)
{
	struct place place;

	place_init(&place);
	do_switch(&place, 1, false, true);
	CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
	do_switch(&place, 2, false, true);
	CHECK_INT(do_step(&place, copy_tidy), ERR_BUSY);
	CHECK_INT(do_step(&place, copy_restore), ERR_NONE);
	CHECK_INT(version_in(&place, HERE "/curr"), 1);
	CHECK_INT(do_step(&place, copy_tidy), ERR_NONE);
	place_done(&place);
}

/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/copy/copy.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "tests/unit/copy_place.h"

/* Everything here holds whether or not the file system can exchange. */
static void life(bool use_links)
{
	size_t links = use_links ? 1 : 0;
	struct place place;

	place_init(&place);
	/* The first copy failed its check: there is nothing again. */
	do_switch(&place, 1, use_links, true);
	CHECK_INT(version_in(&place, HERE "/curr"), 1);
	CHECK_INT(do_step(&place, copy_restore), ERR_NONE);
	CHECK_INT(entries_in(&place, HERE), 0);
	CHECK_INT(do_step(&place, copy_restore), ERR_NOT_FOUND);

	do_switch(&place, 1, use_links, true);
	do_switch(&place, 1, use_links, false);
	CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
	CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
	CHECK_INT(entries_in(&place, HERE), 1 + links);
	CHECK_INT(do_step(&place, copy_restore), ERR_NOT_FOUND);
	CHECK_INT(version_in(&place, HERE "/curr"), 1);

	/* Two that were never checked: what comes back is the one that was. */
	do_switch(&place, 2, use_links, true);
	CHECK_INT(version_in(&place, HERE "/curr"), 2);
	do_switch(&place, 3, use_links, true);
	CHECK_INT(version_in(&place, HERE "/curr"), 3);
	CHECK_INT(do_step(&place, copy_restore), ERR_NONE);
	CHECK_INT(version_in(&place, HERE "/curr"), 1);
	CHECK_INT(entries_in(&place, HERE), 1 + links);

	do_switch(&place, 4, use_links, true);
	CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
	CHECK_INT(version_in(&place, HERE "/curr"), 4);
	CHECK_INT(entries_in(&place, HERE), 1 + links);
	if (use_links)
		CHECK_INT(entries_in(&place, HERE "/.versions"), 1);
	CHECK_INT(mode_of(&place, HERE), 0755);
	CHECK_INT(mode_of(&place, "example.com"), 0755);
	place_done(&place);
}

TEST(exchange)
{
	life(false);
}

TEST(links)
{
	life(true);
}

/* The same directory may move between file systems that can and cannot. */
TEST(between_exchange_and_links)
{
	struct place place;
	int version = 0;

	place_init(&place);
	for (int i = 0; i < 8; i++) {
		bool use_links = i & 1, fails = i & 2;

		do_switch(&place, i + 1, use_links, true);
		CHECK_INT(do_step(&place, fails ? copy_restore : copy_settle), ERR_NONE);
		version = fails ? version : i + 1;
		CHECK_INT(version_in(&place, HERE "/curr"), version);
		CHECK(!file_exists(place.fd, HERE "/.certd-old"));
	}
	place_done(&place);
}

TEST(modes_are_final)
{
	struct place place;

	umask(077);
	place_init(&place);
	place.target.dir = mem_printf("%s/a/b", place.dir);
	do_switch(&place, 1, false, true);
	CHECK_INT(mode_of(&place, "a"), 0755);
	CHECK_INT(mode_of(&place, "a/b/" HERE), 0755);
	CHECK_INT(mode_of(&place, "a/b/" HERE "/curr"), 0750);
	CHECK_INT(mode_of(&place, "a/b/" HERE "/curr/privkey.pem"), 0640);
	CHECK_INT(mode_of(&place, "a/b/" HERE "/curr/bundle.pem"), 0640);
	CHECK_INT(mode_of(&place, "a/b/" HERE "/curr/fullchain.pem"), 0644);
	free((char *)(uintptr_t)place.target.dir);
	place_done(&place);
	umask(022);
}

TEST(owners_are_final)
{
	static const char *const paths[] = { "example.com", HERE, HERE "/curr",
		HERE "/curr/privkey.pem", HERE "/curr/cert.pem" };
	struct place place;
	struct stat st;

	if (geteuid() != 0)
		return;
	place_init(&place);
	place.target.uid = 65533;
	place.target.gid = 65532;
	do_switch(&place, 1, false, true);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		REQUIRE(fstatat(place.fd, paths[i], &st, AT_SYMLINK_NOFOLLOW) == 0);
		CHECK_INT(st.st_uid, 65533);
		CHECK_INT(st.st_gid, 65532);
	}
	do_switch(&place, 1, false, false);
	place.target.gid = 65531;
	do_switch(&place, 1, false, true);
	place_done(&place);
}

static void tamper(const struct place *place, int how)
{
	switch (how) {
	case 0:
		CHECK_INT(fchmodat(place->fd, HERE "/curr/privkey.pem", 0644, 0), 0);
		break;
	case 1:
		CHECK_INT(unlinkat(place->fd, HERE "/curr/chain.pem", 0), 0);
		break;
	case 2:
		CHECK_INT(symlinkat("x", place->fd, HERE "/curr/more"), 0);
		break;
	case 3: {
		int fd = openat(place->fd, HERE "/curr/cert.pem", O_WRONLY | O_CLOEXEC);

		CHECK_INT(write(fd, "X", 1), 1);
		close(fd);
		break;
	}
	case 4:
		CHECK_INT(unlinkat(place->fd, HERE "/curr/cert.pem", 0), 0);
		CHECK_INT(symlinkat("fullchain.pem", place->fd, HERE "/curr/cert.pem"), 0);
		break;
	case 5:
		CHECK_INT(fchmodat(place->fd, HERE "/curr", 0777, 0), 0);
		break;
	case 6:
		CHECK_INT(renameat(place->fd, HERE "/curr", place->fd, HERE "/gone"), 0);
		break;
	}
}

TEST(changes_from_outside_are_seen_and_put_right)
{
	struct err err = ERR_INIT;
	struct place place;

	place_init(&place);
	do_switch(&place, 1, false, true);
	CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
	for (int how = 0; how <= 6; how++) {
		struct copy copy;
		bool is_there;

		copy_begin(&copy, &place, 1, false);
		CHECK_INT(copy_is_there(&copy, &is_there, &err), 0);
		CHECK(is_there);
		tamper(&place, how);
		CHECK_INT(copy_is_there(&copy, &is_there, &err), 0);
		CHECK(!is_there);
		copy_done(&copy);
		do_switch(&place, 1, false, true);
		CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
		CHECK_INT(version_in(&place, HERE "/curr"), 1);
	}
	place_done(&place);
}

/* Links that the owner of the directory might put there: nothing outside is ever touched. */
TEST(hostile_links)
{
	static const char *const names[] = { "example.com", HERE, HERE "/curr",
		HERE "/.certd-new", HERE "/.certd-swap", HERE "/.certd-old", HERE "/.versions",
		HERE "/next", HERE "/.certd-next" };

	for (size_t i = 0; i < ARRAY_LEN(names) * 2; i++) {
		const char *name = names[i / 2];
		struct place place, victim;
		struct err err = ERR_INIT;
		struct copy copy;
		bool changed;

		place_init(&place);
		place_init(&victim);
		do_switch(&victim, 9, false, true);
		CHECK_INT(do_step(&victim, copy_settle), ERR_NONE);
		if (strchr(name, '/'))
			CHECK_INT(mkdirat(place.fd, "example.com", 0755), 0);
		if (strchr(name, '/') != strrchr(name, '/'))
			CHECK_INT(mkdirat(place.fd, HERE, 0755), 0);
		CHECK_INT(symlinkat(victim.dir, place.fd, name), 0);
		copy_begin(&copy, &place, 1, i & 1);
		if (copy_switch(&copy, &changed, &err) == 0) {
			CHECK_INT(version_in(&place, HERE "/curr"), 1);
			(void)copy_put_next(&copy, &err);
			(void)copy_drop_next(&copy, &err);
			(void)(i & 2 ? copy_restore : copy_settle)(&copy, &err);
		} else {
			CHECK(i / 2 < 2 || str_ends(name, ".versions"));
		}
		copy_done(&copy);
		CHECK_INT(version_in(&victim, HERE "/curr"), 9);
		CHECK_INT(entries_in(&victim, "."), 1);
		CHECK_INT(entries_in(&victim, HERE), 1);
		place_done(&place);
		place_done(&victim);
	}
}

/* Who may look into the directory may also lock it. */
TEST(locked_by_somebody_else)
{
	struct place place;
	int fd;

	place_init(&place);
	do_switch(&place, 1, false, true);
	fd = openat(place.fd, HERE, O_RDONLY | O_DIRECTORY);
	REQUIRE(fd >= 0 && flock(fd, LOCK_EX) == 0);
	CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
	do_switch(&place, 2, false, true);
	CHECK_INT(version_in(&place, HERE "/curr"), 2);
	close(fd);
	place_done(&place);
}

/* A tree that would take all our descriptors to remove. */
TEST(deep_trees)
{
	struct err err = ERR_INIT;
	struct place place;
	int at, next;

	place_init(&place);
	for (int depth = 8; depth <= 40; depth *= 5) {
		REQUIRE(mkdirat(place.fd, "deep", 0700) == 0);
		at = openat(place.fd, "deep", O_RDONLY | O_DIRECTORY);
		for (int i = 1; i < depth; i++) {
			REQUIRE(mkdirat(at, "d", 0700) == 0);
			next = openat(at, "d", O_RDONLY | O_DIRECTORY);
			close(at);
			at = next;
		}
		close(at);
		CHECK_INT(file_remove_tree(place.fd, "deep", &err), depth < 32 ? 0 : -1);
	}
	CHECK_INT(err.code, ERR_TOO_LARGE);
	CHECK_INT(renameat(place.fd, "deep/d/d/d/d/d/d/d/d/d/d", place.fd, "rest"), 0);
	place_done(&place);
}

TEST(next_comes_and_goes)
{
	struct err err = ERR_INIT;
	struct place place;
	struct copy copy;

	place_init(&place);
	CHECK_INT(do_step(&place, copy_drop_next), ERR_NONE);
	do_switch(&place, 1, false, true);
	for (int version = 2; version < 4; version++) {
		copy_begin(&copy, &place, version, false);
		CHECK_INT(copy_put_next(&copy, &err), 0);
		CHECK_INT(copy_put_next(&copy, &err), 0);
		CHECK_INT(version_in(&place, HERE "/next"), version);
		copy_done(&copy);
	}
	CHECK_INT(do_step(&place, copy_drop_next), ERR_NONE);
	CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
	CHECK_INT(entries_in(&place, HERE), 1);
	CHECK_INT(version_in(&place, HERE "/curr"), 1);
	place_done(&place);
}

/*
 * Runs `act` in a child that is killed at its k-th system call.  False when it came to its end
 * before that.
 */
static bool killed_at(int k, void act(const struct place *place), const struct place *place)
{
	pid_t pid = fork();
	int status, n = 0;

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		act(place);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		if (n++ == k) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return true;
		}
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	}
	return false;
}

static bool crash_links; /* for the child, which inherits it */

static void act_switch(const struct place *place)
{
	do_switch(place, 2, crash_links, true);
	(void)do_step(place, copy_settle);
}

static void act_restore(const struct place *place)
{
	do_switch(place, 2, crash_links, true);
	(void)do_step(place, copy_restore);
}

/*
 * However far it came: curr is whole at every instant, and doing it again ends well.  Each call
 * is seen twice, when it begins and when it ends, so a stride of two meets all of them.
 */
static void crash_sweep(void act(const struct place *place), bool has_curr, int stride)
{
	bool goes_on = true;

	for (int k = 1; goes_on; k += stride) {
		struct place place;
		int version;

		place_init(&place);
		if (has_curr) {
			do_switch(&place, 1, crash_links, true);
			CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
		}
		goes_on = killed_at(k, act, &place);
		version = version_in(&place, HERE "/curr");
		CHECK(version == 1 || version == 2 || (version == 0 && !has_curr));
		if (act == act_restore) {
			struct copy copy;
			struct err err = ERR_INIT;
			bool changed;

			/* The engine asks again: copy, check, put back. */
			copy_begin(&copy, &place, 2, crash_links);
			CHECK_INT(copy_switch(&copy, &changed, &err), 0);
			copy_done(&copy);
			CHECK_INT(do_step(&place, copy_restore), ERR_NONE);
			CHECK_INT(version_in(&place, HERE "/curr"), has_curr ? 1 : 0);
		} else {
			struct copy copy;
			struct err err = ERR_INIT;
			bool changed;

			copy_begin(&copy, &place, 3, crash_links);
			CHECK_INT(copy_switch(&copy, &changed, &err), 0);
			copy_done(&copy);
			CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
			CHECK_INT(version_in(&place, HERE "/curr"), 3);
		}
		CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
		CHECK(!file_exists(place.fd, HERE "/.certd-new"));
		CHECK(entries_in(&place, HERE) <= 1 + (size_t)crash_links);
		place_done(&place);
	}
}

TEST(killed_at_every_system_call_of_a_switch)
{
	crash_links = false;
	crash_sweep(act_switch, true, 2);
	crash_sweep(act_switch, false, 10);
	crash_links = true;
	crash_sweep(act_switch, true, 10);
}

TEST(killed_at_every_system_call_of_a_restore)
{
	crash_links = false;
	crash_sweep(act_restore, true, 2);
	crash_sweep(act_restore, false, 10);
	crash_links = true;
	crash_sweep(act_restore, true, 10);
}

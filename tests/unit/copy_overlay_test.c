/* SPDX-License-Identifier: MIT */
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "daemon/keeper/copy/copy_lower.h"
#include "tests/unit/copy_place.h"

/*
 * A directory that came with a container's image lies on the lower layer of an overlay, where nothing can be
 * renamed or exchanged.  Each scenario runs in a child with mounts of its own: 0 when all holds, NO_RIGHTS when
 * there are no mounts to be had.
 */

enum { NO_RIGHTS = 1 };

#define EXPECT(is)                                                                             \
	do {                                                                                   \
		if (!(is)) {                                                                   \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #is);                      \
			return 2;                                                              \
		}                                                                              \
	} while (0)

static int put_next(const struct place *place, int version)
{
	struct err err = ERR_INIT;
	struct copy copy;
	int r;

	copy_begin(&copy, place, version, false);
	r = copy_put_next(&copy, &err);
	copy_done(&copy);
	return r;
}

/* Version 1 as curr and as next, in an image. */
static bool lay(struct place *place, char m[128], bool has_folder)
{
	char l[128], u[128], w[128], options[512];

	if (unshare(CLONE_NEWNS) < 0 ||
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("none", place->dir, "tmpfs", 0, "mode=0755") < 0)
		return false;
	snprintf(l, sizeof(l), "%s/lower", place->dir);
	snprintf(u, sizeof(u), "%s/upper", place->dir);
	snprintf(w, sizeof(w), "%s/work", place->dir);
	snprintf(m, 128, "%s/merged", place->dir);
	REQUIRE(mkdir(l, 0755) == 0 && mkdir(u, 0755) == 0 && mkdir(w, 0755) == 0 &&
		mkdir(m, 0755) == 0);
	place->target.dir = l;
	do_switch(place, 1, false, true);
	do_step(place, copy_settle);
	REQUIRE(put_next(place, 1) == 0);
	if (has_folder) {
		char folder[200];

		snprintf(folder, sizeof(folder), "%s/" HERE "/curr/folder", l);
		REQUIRE(mkdir(folder, 0755) == 0);
	}
	snprintf(options, sizeof(options),
		"lowerdir=%s,upperdir=%s,workdir=%s,redirect_dir=off", l, u, w);
	if (mount("overlay", m, "overlay", 0, options) < 0)
		return false;
	place->target.dir = m;
	place->fd = open(m, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return place->fd >= 0;
}

static int put(struct place *place, int version, struct err *err)
{
	struct copy copy;
	bool changed;
	int r;

	copy_begin(&copy, place, version, false);
	r = copy_switch(&copy, &changed, err);
	copy_done(&copy);
	return r < 0 || !changed ? -1 : 0;
}

static bool is_link(const struct place *place)
{
	struct stat st;

	return fstatat(place->fd, HERE "/curr", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISLNK(st.st_mode);
}

static int life(struct place *place, enum layout layout)
{
	struct err err = ERR_INIT;
	char m[128];

	if (!lay(place, m, false))
		return NO_RIGHTS;
	place->target.layout = layout;
	EXPECT(version_in(place, HERE "/curr") == 1);
	EXPECT(version_in(place, HERE "/next") == 1);
	if (layout == LAYOUT_LINK)
		EXPECT(do_step(place, copy_drop_next) == ERR_NONE);
	EXPECT(put_next(place, 2) == 0);
	EXPECT(version_in(place, HERE "/next") == 2);
	EXPECT(do_step(place, copy_drop_next) == ERR_NONE);
	EXPECT(!file_exists(place->fd, HERE "/next"));
	EXPECT(put(place, 2, &err) == 0);
	EXPECT(version_in(place, HERE "/curr") == 2 && is_link(place));
	EXPECT(version_in(place, HERE "/.certd-old") == 1);
	EXPECT(do_step(place, copy_restore) == ERR_NONE);
	EXPECT(version_in(place, HERE "/curr") == 1);
	for (int version = 2; version <= 4; version++) {
		EXPECT(put(place, version, &err) == 0);
		EXPECT(version_in(place, HERE "/curr") == version);
		EXPECT(do_step(place, copy_settle) == ERR_NONE);
		EXPECT(is_link(place) == (layout == LAYOUT_LINK));
		EXPECT(!file_exists(place->fd, HERE "/.certd-old"));
		EXPECT(!file_exists(place->fd, HERE "/.certd-gone"));
	}
	return 0;
}

static int exchanged(struct place *place)
{
	return life(place, LAYOUT_EXCHANGE);
}

static int linked(struct place *place)
{
	return life(place, LAYOUT_LINK);
}

/* The copy to be restored is complete before anything of curr is removed. */
static int cut_short(struct place *place)
{
	struct err err = ERR_INIT;
	char m[128];

	if (!lay(place, m, false))
		return NO_RIGHTS;
	EXPECT(put(place, 2, &err) == 0);
	EXPECT(do_step(place, copy_restore) == ERR_NONE);
	EXPECT(put(place, 2, &err) == 0);
	/* As after a death in the middle of removing curr: some of its files, and the link not yet there. */
	EXPECT(unlinkat(place->fd, HERE "/curr", 0) == 0 ||
		file_remove_tree(place->fd, HERE "/curr", &err) == 0);
	EXPECT(put(place, 2, &err) == 0);
	EXPECT(version_in(place, HERE "/curr") == 2);
	EXPECT(do_step(place, copy_restore) == ERR_NONE);
	EXPECT(version_in(place, HERE "/curr") == 1);
	return 0;
}

static int refused(struct place *place)
{
	struct err err = ERR_INIT;
	char m[128];

	if (!lay(place, m, true))
		return NO_RIGHTS;
	EXPECT(put(place, 2, &err) < 0);
	EXPECT(err.code == ERR_BAD_CONFIG);
	EXPECT(strstr(err.text, "lies on the lower layer of an overlay and holds folder"));
	EXPECT(version_in(place, HERE "/curr") == 1);
	return 0;
}

static void run(int scenario(struct place *place))
{
	struct place place;
	int status = -1;
	pid_t pid;

	place_init(&place);
	pid = fork();
	if (pid == 0) {
		status = scenario(&place);
		fflush(stdout);
		_exit(status);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status));
	if (geteuid() == 0 || WEXITSTATUS(status) != NO_RIGHTS)
		CHECK_INT(WEXITSTATUS(status), 0);
	place_done(&place);
}

static bool is_swapped;

/* Stands in for the C library's: the owner of the directory is as quick as can be. */
int fstatat(int dirfd, const char *name, struct stat *st, int flags)
{
	int fd AUTO_CLOSE = openat(dirfd, name,
		O_PATH | O_CLOEXEC | (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0));
	int r = fd < 0 ? -1 : fstat(fd, st);

	if (is_swapped && str_is(name, "a.pem"))
		is_swapped = renameat(dirfd, "secret", dirfd, "a.pem") < 0;
	return r;
}

TEST(a_file_that_is_copied_out_keeps_its_own_mode)
{
	struct err err = ERR_INIT;
	struct copy copy = { .n_files = 0 };
	struct place place;
	struct file_mode mode = { 0600, (uid_t)-1, (gid_t)-1 };
	struct stat st;

	place_init(&place);
	copy_init_place(&copy, &place.target, &place.cert);
	REQUIRE(mkdirat(place.fd, "from", 0755) == 0);
	REQUIRE(file_create(place.fd, "from/a.pem", "a", 1, FILE_PUBLIC, &err) == 0);
	REQUIRE(file_create(place.fd, "from/secret", "s", 1, mode, &err) == 0);
	is_swapped = true;
	CHECK(copy_lower_out(&copy, place.fd, "from", "to", &err) < 0 || !is_swapped);
	is_swapped = false;
	REQUIRE(fstatat(place.fd, "to/a.pem", &st, 0) == 0);
	CHECK_INT(st.st_size, 1);
	CHECK_INT(st.st_mode & 07777, 0600);
	copy_done(&copy);
	place_done(&place);
}

TEST(a_directory_on_the_lower_layer_of_an_overlay_is_replaced)
{
	run(exchanged);
}

TEST(so_it_is_by_links)
{
	run(linked);
}

TEST(a_replacement_that_is_cut_short_is_repeated)
{
	run(cut_short);
}

TEST(what_cannot_be_copied_out_of_the_lower_layer_is_told)
{
	run(refused);
}

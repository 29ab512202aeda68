/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_UNIT_COPY_PLACE_H
#define CERTD_TESTS_UNIT_COPY_PLACE_H

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/conf/conf.h"
#include "daemon/keeper/copy/copy.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "tests/test.h"

/*
 * For the tests of copies: one target in a directory of its own, and a store whose files say which
 * version they are of, so that one look at the directory tells whether what lies in it is whole.
 * place_init() first, place_done() at the end; in between the directory belongs to the test.
 */
struct place {
	char dir[64];
	int fd; /* of the parent of DIR/GROUP/SERVICE/... */
	struct target_conf target;
	struct cert_conf cert;
};

#define HERE "example.com/web"

static inline void place_init(struct place *place)
{
	/* In memory where that can be had: the sweeps sync some ten thousand times. */
	const char *in = access("/dev/shm", W_OK) == 0 ? "/dev/shm/copy-test-XXXXXX"
						       : "/tmp/copy-test-XXXXXX";

	memset(place, 0, sizeof(*place));
	memcpy(place->dir, in, strlen(in) + 1);
	REQUIRE(mkdtemp(place->dir));
	place->fd = open(place->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	place->target = (struct target_conf){ .name = "web",
		.dir = place->dir,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
		.key_mode = 0640,
		.formats = FORMAT_PEM };
	place->cert.name = HERE;
	place->cert.service = place->cert.name + strlen("example.com/");
}

static inline void place_done(struct place *place)
{
	struct err err = ERR_INIT;

	close(place->fd);
	CHECK_INT(file_remove_tree(AT_FDCWD, place->dir, &err), 0);
}

static inline int read_made(void *data, const char *file, struct buf *out, struct err *err)
{
	(void)err;
	buf_printf(out, "%s of version %d\n", file, *(const int *)data);
	return 0;
}

static inline void copy_begin(
	struct copy *copy, const struct place *place, int version, bool use_links)
{
	struct version_id id = { { 1700000000 + version }, 1 };
	struct err err = ERR_INIT;

	*copy = (struct copy){ .n_files = 0 };
	CHECK_INT(copy_init(copy, &place->target, &place->cert, &id, read_made, &version, &err),
		0);
	copy->use_links |= use_links;
}

static inline void do_switch(
	const struct place *place, int version, bool use_links, bool want_change)
{
	struct err err = ERR_INIT;
	struct copy copy;
	bool changed;

	copy_begin(&copy, place, version, use_links);
	CHECK_INT(copy_switch(&copy, &changed, &err), 0);
	CHECK_STR(err.text, "");
	CHECK_INT(changed, want_change);
	copy_done(&copy);
}

static inline int do_step(
	const struct place *place, int step(struct copy *copy, struct err *err))
{
	struct copy copy = { .n_files = 0 };
	struct err err = ERR_INIT;
	int r;

	copy_init_place(&copy, &place->target, &place->cert);
	r = step(&copy, &err);
	copy_done(&copy);
	return r == 0 ? ERR_NONE : (int)err.code;
}

/* Which version lies in `name`, whole: 0 for nothing there, -1 for anything else. */
static inline int version_in(const struct place *place, const char *name)
{
	static const char *const files[] = { "privkey.pem", "cert.pem", "chain.pem",
		"fullchain.pem", "bundle.pem" };
	int found = 0;

	if (!file_exists(place->fd, name))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char path[300], text[100] = "", of[100];
		struct buf data AUTO_BUF = BUF_INIT;
		struct err err = ERR_INIT;
		int version;

		snprintf(path, sizeof(path), "%s/%s", name, files[i]);
		if (file_read(place->fd, path, 1000, &data, &err) < 0)
			return -1;
		snprintf(text, sizeof(text), "%s", buf_text(&data));
		if (sscanf(text, "%99s of version %d\n", of, &version) != 2 ||
			!str_is(of, files[i]) || (found && found != version))
			return -1;
		found = version;
	}
	return found;
}

static inline size_t entries_in(const struct place *place, const char *name)
{
	int fd = openat(place->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n < 2 ? 0 : n - 2;
}

static inline mode_t mode_of(const struct place *place, const char *path)
{
	struct stat st;

	return fstatat(place->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : st.st_mode & 07777;
}

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_UNIT_STORE_WORLD_H
#define CERTD_TESTS_UNIT_STORE_WORLD_H

#include "tests/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/conf/conf.h"
#include "daemon/keeper/store/info.h"
#include "daemon/keeper/store/store.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/log/memory.h"
#include "tests/unit/store_fixture.h"

/*
 * What the tests of the store share: a real directory for each test, and its own log.  What a test
 * damages it damages through the file system, as an administrator or a bad disk would.  Included by
 * the one file of a test program, in place of tests/test.h.
 */

#define CERT "example.com/web"
#define AT "certs/" CERT

/* The clock of this program: the kernel's times of files cannot be set, so the clock moves. */
static int64_t clock_ahead;

struct instant clock_now(void)
{
	return (struct instant){ (int64_t)time(NULL) + clock_ahead };
}

/* Stands in for the configuration: the store only asks it for names. */
static struct conf conf;
static struct cert_conf conf_certs[8];

const struct cert_conf *conf_cert(const struct conf *all, const char *name)
{
	for (size_t i = 0; i < all->n_certs; i++)
		if (str_is(all->certs[i].name, name))
			return &all->certs[i];
	return NULL;
}

static inline void conf_add(const char *name, const char *was)
{
	conf.certs = conf_certs;
	conf_certs[conf.n_certs++] = (struct cert_conf){ .name = name, .was = was };
}

struct fixture {
	char path[64];
	int fd;
	struct store *store;
	struct log_memory log;
	struct err err;
};

static inline void reopen(struct fixture *f)
{
	store_close(f->store);
	f->store = NULL;
	if (store_open(f->path, &f->store, &f->err) < 0)
		TEST_FAIL("store_open: %s", f->err.text);
	REQUIRE(f->store);
}

static inline void setup(struct fixture *f)
{
	*f = (struct fixture){ .path = "/dev/shm/certd-store-XXXXXX" };
	if (!mkdtemp(f->path)) {
		strcpy(f->path, "/tmp/certd-store-XXXXXX");
		REQUIRE(mkdtemp(f->path));
	}
	f->fd = file_open_dir(AT_FDCWD, f->path, &f->err);
	REQUIRE(f->fd >= 0);
	log_memory_open(&f->log);
	conf = (struct conf){ 0 };
	clock_ahead = 0;
	reopen(f);
}

static inline void teardown(struct fixture *f)
{
	store_close(f->store);
	close(f->fd);
	CHECK_INT(file_remove_tree(AT_FDCWD, f->path, &f->err), 0);
	log_memory_close(&f->log);
	fixture_done();
}

#define FIXTURE CLEANUP(teardown)

static inline struct version_id add_with(
	struct fixture *f, const char *cert, struct instant created, struct duration life)
{
	struct version_files files;
	struct version_facts facts;

	fixture_version(&files, &facts, created, life);
	if (store_add(f->store, cert, &files, &facts, &f->err) < 0)
		TEST_FAIL("store_add: %s", f->err.text);
	version_files_done(&files);
	return facts.id;
}

static inline struct version_id add(struct fixture *f, int64_t ago)
{
	return add_with(f, CERT, instant_sub(clock_now(), SECONDS(ago)), DAYS(30));
}

static inline void roll(struct fixture *f)
{
	if (store_roll(f->store, CERT, clock_now(), &f->err) < 0)
		TEST_FAIL("store_roll: %s", f->err.text);
}

static inline struct version_id add_and_roll(struct fixture *f, int64_t ago)
{
	struct version_id id = add(f, ago);

	roll(f);
	return id;
}

static inline struct cert_facts read_facts(struct fixture *f, const char *cert)
{
	struct cert_facts facts = { 0 };

	if (store_read(f->store, cert, &facts, &f->err) < 0)
		TEST_FAIL("store_read: %s", f->err.text);
	return facts;
}

/* "A" of the three roles: indexes in `ids`, '-' for none, '?' for another. */
static inline void check_links(
	struct fixture *f, const struct version_id *ids, size_t n, const char *want)
{
	struct cert_facts facts CLEANUP(facts_done) = read_facts(f, CERT);
	const struct version_id *at[] = { &facts.curr.id, &facts.next.id, &facts.prev };
	char got[4] = "---";

	for (size_t i = 0; i < 3; i++) {
		if (version_is_set(at[i]))
			got[i] = '?';
		for (size_t k = 0; k < n; k++)
			if (version_id_equal(at[i], &ids[k]))
				got[i] = (char)('a' + k);
	}
	CHECK_STR(got, want);
}

static inline char *version_file(const struct version_id *id, const char *file, char out[300])
{
	char text[VERSION_ID_TEXT_LEN];

	snprintf(out, 300, AT "/versions/%s%s%s", version_id_text(id, text), *file ? "/" : "",
		file);
	return out;
}

static inline void overwrite(struct fixture *f, const char *path, const char *text)
{
	if (file_replace(f->fd, path, text, strlen(text), FILE_SECRET, &f->err) < 0)
		TEST_FAIL("%s", f->err.text);
}

static inline size_t count_entries(struct fixture *f, const char *path)
{
	int fd = openat(f->fd, path, O_RDONLY | O_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t n = 0;

	for (struct dirent *e; dir && (e = readdir(dir));)
		n += !str_is(e->d_name, ".") && !str_is(e->d_name, "..");
	if (dir)
		closedir(dir);
	return n;
}

#endif

/* SPDX-License-Identifier: MIT */
#include "tests/unit/store_world.h"

#include <signal.h>
#include <sys/resource.h>

#include "daemon/keeper/store/store_file.h"
#include "lib/base/mem.h"
#include "lib/crypt/secret.h"

/* The small files of the store, on a real disk. */

#define KEY "accounts/le/key.pem"

static bool has(struct fixture *f, const char *path, const char *text)
{
	struct secret got AUTO_SECRET = SECRET_INIT;

	return store_file_read(f->store, path, 100, &got, &f->err) == 0 &&
	       str_is(got.data ? got.data : "", text);
}

TEST(a_file_is_written_read_and_removed)
{
	struct fixture f FIXTURE;
	struct secret got AUTO_SECRET = SECRET_INIT;
	struct stat st;

	setup(&f);
	CHECK_INT(store_file_read(f.store, KEY, 100, &got, &f.err), -1);
	CHECK_INT(f.err.code, ERR_NOT_FOUND);
	CHECK_INT(store_file_remove(f.store, KEY, &f.err), 0);
	CHECK_INT(store_file_write(f.store, KEY, "one", 3, &f.err), 0);
	CHECK_INT(store_file_write(f.store, KEY, "two", 3, &f.err), 0);
	CHECK(has(&f, KEY, "two"));
	CHECK_INT(store_file_read(f.store, KEY, 2, &got, &f.err), -1);
	CHECK_INT(f.err.code, ERR_TOO_LARGE);
	CHECK(fstatat(f.fd, KEY, &st, 0) == 0 && (st.st_mode & 07777) == 0600);
	CHECK(fstatat(f.fd, "accounts/le", &st, 0) == 0 && (st.st_mode & 07777) == 0700);
	CHECK_INT(count_entries(&f, "accounts/le"), 1);
	CHECK_INT(count_entries(&f, "facts"), 0);
	reopen(&f);
	CHECK(has(&f, KEY, "two"));
	CHECK_INT(store_file_remove(f.store, KEY, &f.err), 0);
	CHECK_INT(count_entries(&f, "accounts/le"), 0);
}

TEST(lines_are_appended)
{
	struct fixture f FIXTURE;

	setup(&f);
	CHECK_INT(store_file_append(f.store, "accounts/le/ledger", "a\n", 2, 4, &f.err), 0);
	CHECK_INT(store_file_append(f.store, "accounts/le/ledger", "b\n", 2, 4, &f.err), 0);
	CHECK_INT(store_file_append(f.store, "accounts/le/ledger", "c", 1, 4, &f.err), -1);
	CHECK_INT(f.err.code, ERR_TOO_LARGE);
	CHECK(has(&f, "accounts/le/ledger", "a\nb\n"));
}

/* A file that may not grow stands for a disk that is full. */
TEST(a_part_of_a_line_does_not_stay)
{
	struct rlimit before, limit;
	struct fixture f FIXTURE;

	setup(&f);
	CHECK_INT(store_file_append(f.store, "accounts/le/ledger", "a\n", 2, 99, &f.err), 0);
	REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
	limit = before;
	limit.rlim_cur = 4;
	signal(SIGXFSZ, SIG_IGN);
	REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	CHECK_INT(
		store_file_append(f.store, "accounts/le/ledger", "torn\n", 5, 99, &f.err), -1);
	REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
	CHECK_INT(store_file_append(f.store, "accounts/le/ledger", "b\n", 2, 99, &f.err), 0);
	CHECK(has(&f, "accounts/le/ledger", "a\nb\n"));
}

static void count(const char *name, struct instant changed, void *data)
{
	CHECK(str_is(name, "a.pem") || str_is(name, "b.pem"));
	CHECK(changed.s > 1700000000);
	++*(int *)data;
}

TEST(files_are_listed)
{
	struct fixture f FIXTURE;
	int n = 0;

	setup(&f);
	CHECK_INT(store_file_list(f.store, AT "/keys", count, &n, &f.err), 0);
	CHECK_INT(n, 0);
	CHECK_INT(store_file_write(f.store, AT "/keys/a.pem", "", 0, &f.err), 0);
	CHECK_INT(store_file_write(f.store, AT "/keys/b.pem", "", 0, &f.err), 0);
	CHECK_INT(mkdirat(f.fd, AT "/keys/dir", 0700), 0);
	overwrite(&f, AT "/keys/.tmp-1", "");
	CHECK_INT(store_file_list(f.store, AT "/keys", count, &n, &f.err), 0);
	CHECK_INT(n, 2);
}

TEST(paths_that_lead_elsewhere_are_refused)
{
	static const char *const rows[] = { "", "/", "lock", "/etc/passwd", "accounts/",
		"accounts//x", "accounts/../x", "accounts/./x", "../x/y", "accounts/.x",
		"accounts/a\nb" };
	struct fixture f FIXTURE;
	char *longer AUTO_FREE = mem_printf("accounts/%01100d", 1);

	setup(&f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (store_file_write(f.store, rows[i], "x", 1, &f.err) == 0 ||
			store_file_remove(f.store, rows[i], &f.err) == 0)
			TEST_FAIL("\"%s\" was taken", rows[i]);
	CHECK_INT(store_file_write(f.store, longer, "x", 1, &f.err), -1);
	/* A link that somebody put there is not followed, neither as a directory nor as a file. */
	CHECK_INT(symlinkat("/tmp", f.fd, "test"), 0);
	CHECK_INT(store_file_write(f.store, "test/certd-never", "x", 1, &f.err), -1);
	CHECK_INT(symlinkat("/etc/hostname", f.fd, "facts/link"), 0);
	CHECK(!has(&f, "facts/link", ""));
	CHECK_INT(store_file_append(f.store, "facts/link", "x", 1, 9, &f.err), -1);
}

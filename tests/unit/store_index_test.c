/* SPDX-License-Identifier: MIT */
#include "tests/unit/store_world.h"

/* The index is quick where it agrees with the disk and harmless where not. */

struct told {
	struct buf lines;
	size_t n, n_failed;
};

static void tell(const char *cert, const char *line, const struct err *err, void *data)
{
	struct told *told = data;

	told->n++;
	told->n_failed += err != NULL;
	CHECK((line == NULL) == (err != NULL));
	buf_printf(&told->lines, "%s: %s\n", cert, line ? line : "failed");
}

/* The lines of all certificates, through a store opened anew. */
static char *read_all(struct fixture *f, size_t n_failed)
{
	struct told told = { .lines = BUF_INIT };

	reopen(f);
	store_read_all(f->store, &conf, tell, &told);
	CHECK_INT(told.n, conf.n_certs);
	CHECK_INT(told.n_failed, n_failed);
	return told.lines.data;
}

static void setup_three(struct fixture *f)
{
	setup(f);
	conf_add("example.com/a", NULL);
	conf_add("example.com/b", NULL);
	conf_add("example.com/c", NULL);
	add_with(f, "example.com/a", clock_now(), DAYS(30));
	add_with(f, "example.com/c", clock_now(), DAYS(30));
	CHECK_INT(store_roll(f->store, "example.com/c", clock_now(), &f->err), 0);
	clock_ahead = 60;
}

static void write_index(struct fixture *f)
{
	if (store_write_index(f->store, &conf, &f->err) < 0)
		TEST_FAIL("%s", f->err.text);
}

/* Makes the index say something that the disk does not, under a good checksum. */
static void forge_index(struct fixture *f, const char *old, const char *new)
{
	struct buf text AUTO_BUF = BUF_INIT, forged AUTO_BUF = BUF_INIT;
	uint64_t sum = UINT64_C(0xcbf29ce484222325);
	char *at, *end;

	CHECK_INT(file_read(f->fd, "facts/index", 1 << 20, &text, &f->err), 0);
	at = strstr(buf_text(&text), old);
	REQUIRE(at);
	end = strstr(text.data, "\nend ");
	REQUIRE(end);
	buf_add(&forged, text.data, (size_t)(at - text.data));
	buf_add_text(&forged, new);
	buf_add(&forged, at + strlen(old), (size_t)(end + 1 - at) - strlen(old));
	for (size_t i = 0; i < forged.len; i++)
		sum = (sum ^ (unsigned char)forged.data[i]) * UINT64_C(0x100000001b3);
	buf_printf(&forged, "end %d %016" PRIx64 "\n", atoi(end + 5), sum);
	overwrite(f, "facts/index", buf_text(&forged));
}

TEST(the_index_tells_what_the_disk_tells)
{
	struct fixture f FIXTURE;
	setup_three(&f);
	char *without AUTO_FREE = read_all(&f, 0);

	write_index(&f);
	CHECK(file_exists(f.fd, "facts/index"));
	char *with AUTO_FREE = read_all(&f, 0);

	CHECK_STR(with, without);
	/* It was used: what only it says is told. */
	forge_index(&f, "generation=", "generation=77");
	char *forged AUTO_FREE = read_all(&f, 0);

	CHECK(strstr(forged, "generation=77"));
	/* Nothing differs from the disk as far as the store can know, so nothing is written. */
	CHECK_INT(unlinkat(f.fd, "facts/index", 0), 0);
	write_index(&f);
	CHECK(!file_exists(f.fd, "facts/index"));
}

TEST(what_changed_lately_is_not_in_the_index)
{
	struct fixture f FIXTURE;
	setup_three(&f);
	struct buf text AUTO_BUF = BUF_INIT;

	clock_ahead = 0;
	write_index(&f);
	CHECK_INT(file_read(f.fd, "facts/index", 1 << 20, &text, &f.err), 0);
	CHECK(!strstr(buf_text(&text), "example.com/a"));
	CHECK(strstr(buf_text(&text), "example.com/b"));
	clock_ahead = 60;
	write_index(&f);
	buf_clear(&text);
	CHECK_INT(file_read(f.fd, "facts/index", 1 << 20, &text, &f.err), 0);
	CHECK(strstr(buf_text(&text), "example.com/a"));
}

TEST(a_change_is_seen_behind_the_index)
{
	static const struct {
		const char *what, *from, *to;
	} rows[] = {
		{ "a link removed", AT "/../c/curr", NULL },
		{ "all removed", "certs/example.com/c", "gone" },
		{ "versions emptied", "certs/example.com/c/versions", "gone" },
		{ "a facts file came", "facts/new", "facts/example.com/c" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f FIXTURE;
		setup_three(&f);
		mkdirat(f.fd, "certs/example.com/web", 0700);
		mkdirat(f.fd, "facts/example.com", 0700);
		overwrite(&f, "facts/new", "cert=example.com/c failure=io failure.tries=3\n");
		char *before AUTO_FREE = read_all(&f, 0);

		write_index(&f);
		if (rows[i].to)
			CHECK_INT(renameat(f.fd, rows[i].from, f.fd, rows[i].to), 0);
		else
			CHECK_INT(unlinkat(f.fd, rows[i].from, 0), 0);
		char *after AUTO_FREE = read_all(&f, 0);
		const char *c = strstr(before, "example.com/c: ");

		/* A link that was removed comes back; all else is told as it is now. */
		if (!c || (strstr(after, c) != NULL) != (rows[i].to == NULL))
			TEST_FAIL("%s", rows[i].what);
		CHECK(c && strncmp(before, after, (size_t)(c - before)) == 0);
	}
}

TEST(a_torn_index_is_not_believed)
{
	struct fixture f FIXTURE;
	setup_three(&f);
	struct buf whole AUTO_BUF = BUF_INIT;
	char *want AUTO_FREE = read_all(&f, 0);

	write_index(&f);
	CHECK_INT(file_read(f.fd, "facts/index", 1 << 20, &whole, &f.err), 0);
	for (size_t len = 0; len < whole.len; len += 1 + len / 16) {
		struct buf torn AUTO_BUF = BUF_INIT;

		buf_add(&torn, whole.data, len);
		if (len % 3 == 1) /* a hole of zeros, as file systems leave them */
			buf_add(&torn, (char[16]){ 0 }, 16);
		if (len % 3 == 2)
			buf_add(&torn, "\nend 3\n", 7);
		CHECK_INT(file_replace(f.fd, "facts/index", torn.data ? torn.data : "",
				  torn.len, FILE_SECRET, &f.err),
			0);
		char *got AUTO_FREE = read_all(&f, 0);

		CHECK_STR(got, want);
	}
	for (size_t at = 0; at < whole.len; at += 61) {
		whole.data[at] ^= 1;
		overwrite(&f, "facts/index", whole.data);
		whole.data[at] ^= 1;
		char *got AUTO_FREE = read_all(&f, 0);

		CHECK_STR(got, want);
	}
}

TEST(one_bad_certificate_does_not_stop_the_others)
{
	struct fixture f FIXTURE;
	setup_three(&f);
	if (geteuid() != 0)
		return;
	CHECK_INT(fchownat(f.fd, "certs/example.com/a", 65534, 65534, 0), 0);
	char *got AUTO_FREE = read_all(&f, 1);

	CHECK(strstr(got, "example.com/a: failed"));
	CHECK(strstr(got, "example.com/c: cert=example.com/c curr="));
	write_index(&f);
	free(read_all(&f, 1));
}

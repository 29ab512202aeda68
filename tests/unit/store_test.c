#include "tests/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/conf/conf.h"
#include "daemon/keeper/info.h"
#include "daemon/keeper/store.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/log/memory.h"
#include "tests/unit/store_fixture.h"

/*
 * The store on a real directory.  Each test has its own tree and its own log; what a test damages
 * it damages through the file system, as an administrator or a bad disk would.
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

static void conf_add(const char *name, const char *was)
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

static void reopen(struct fixture *f)
{
	store_close(f->store);
	f->store = NULL;
	if (store_open(f->path, &f->store, &f->err) < 0)
		TEST_FAIL("store_open: %s", f->err.text);
	REQUIRE(f->store);
}

static void setup(struct fixture *f)
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

static void teardown(struct fixture *f)
{
	store_close(f->store);
	close(f->fd);
	CHECK_INT(file_remove_tree(AT_FDCWD, f->path, &f->err), 0);
	log_memory_close(&f->log);
	fixture_done();
}

#define FIXTURE CLEANUP(teardown)

static struct version_id add_with(
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

static struct version_id add(struct fixture *f, int64_t ago)
{
	return add_with(f, CERT, instant_sub(clock_now(), SECONDS(ago)), DAYS(30));
}

static void roll(struct fixture *f)
{
	if (store_roll(f->store, CERT, clock_now(), &f->err) < 0)
		TEST_FAIL("store_roll: %s", f->err.text);
}

static struct version_id add_and_roll(struct fixture *f, int64_t ago)
{
	struct version_id id = add(f, ago);

	roll(f);
	return id;
}

static struct cert_facts read_facts(struct fixture *f, const char *cert)
{
	struct cert_facts facts = { 0 };

	if (store_read(f->store, cert, &facts, &f->err) < 0)
		TEST_FAIL("store_read: %s", f->err.text);
	return facts;
}

/* "A" of the three roles: indexes in `ids`, '-' for none, '?' for another. */
static void check_links(
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

static char *version_file(const struct version_id *id, const char *file, char out[300])
{
	char text[VERSION_ID_TEXT_LEN];

	snprintf(out, 300, AT "/versions/%s%s%s", version_id_text(id, text), *file ? "/" : "",
		file);
	return out;
}

static void overwrite(struct fixture *f, const char *path, const char *text)
{
	if (file_replace(f->fd, path, text, strlen(text), FILE_SECRET, &f->err) < 0)
		TEST_FAIL("%s", f->err.text);
}

static size_t count_entries(struct fixture *f, const char *path)
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

TEST(a_certificate_without_anything_has_empty_facts)
{
	struct fixture f FIXTURE;
	setup(&f);
	struct cert_facts facts CLEANUP(facts_done) = read_facts(&f, CERT);

	CHECK_STR(facts.cert, CERT);
	CHECK(!version_is_set(&facts.curr.id) && !version_is_set(&facts.next.id));
	CHECK(!file_exists(f.fd, AT));
}

TEST(versions_are_added_rolled_and_read_back)
{
	struct fixture f FIXTURE;
	struct version_id ids[3];
	struct instant now = clock_now();
	struct version_files files;
	struct version_facts facts;
	struct buf key AUTO_BUF = BUF_INIT;
	struct stat st;
	char path[300];

	setup(&f);
	fixture_version(&files, &facts, now, DAYS(30));
	CHECK_INT(store_add(f.store, CERT, &files, &facts, &f.err), 0);
	ids[0] = facts.id;
	CHECK_INT(ids[0].made.s, now.s);
	check_links(&f, ids, 1, "-a-");
	roll(&f);
	check_links(&f, ids, 1, "a--");
	CHECK_INT(store_read_file(f.store, CERT, NULL, "privkey.pem", 65536, &key, &f.err), 0);
	CHECK_STR(buf_text(&key), files.privkey.data);
	version_files_done(&files);
	ids[1] = add_with(&f, CERT, now, DAYS(30));
	CHECK_INT(ids[1].suffix, 2);
	check_links(&f, ids, 2, "ab-");
	roll(&f);
	check_links(&f, ids, 2, "b-a");
	ids[2] = add(&f, 0);
	roll(&f);
	reopen(&f);
	check_links(&f, ids, 3, "c-b");
	CHECK_INT(store_roll(f.store, CERT, now, &f.err), -1);
	CHECK_INT(f.err.code, ERR_NO_NEXT);

	static const struct {
		const char *file;
		mode_t mode;
	} modes[] = {
		{ "", 0700 },
		{ "privkey.pem", 0600 },
		{ "bundle.pem", 0600 },
		{ "cert.pem", 0644 },
		{ "csr.pem", 0644 },
		{ "chain.pem", 0644 },
		{ "fullchain.pem", 0644 },
		{ "tlsa.rr", 0644 },
		{ "info", 0644 },
	};
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		CHECK_INT(fstatat(f.fd, version_file(&ids[1], modes[i].file, path), &st,
				  AT_SYMLINK_NOFOLLOW),
			0);
		CHECK_INT(st.st_mode & 07777, modes[i].mode);
	}
	CHECK_INT(f.log.n, 0);
}

TEST(the_facts_of_a_version_survive)
{
	struct fixture f FIXTURE;
	struct instant now = clock_now();

	setup(&f);
	add_with(&f, CERT, instant_sub(now, HOURS(5)), DAYS(30));
	CHECK_INT(store_roll(f.store, CERT, now, &f.err), 0);
	struct cert_facts facts CLEANUP(facts_done) = read_facts(&f, CERT);

	CHECK_INT(facts.curr.rolled.s, now.s);
	CHECK_INT(facts.curr.created.s, now.s - 5 * 3600);
	CHECK_INT(facts.curr.not_after.s, now.s - 5 * 3600 + 30 * 86400);
	CHECK_INT(facts.curr.digest, 7);
}

TEST(next_is_dropped_and_replaced)
{
	struct fixture f FIXTURE;
	struct version_id ids[2];

	setup(&f);
	ids[0] = add(&f, 5);
	ids[1] = add(&f, 4);
	check_links(&f, ids, 2, "-b-");
	CHECK_INT(store_drop_next(f.store, CERT, &f.err), 0);
	CHECK_INT(store_drop_next(f.store, CERT, &f.err), 0);
	CHECK_INT(store_drop_next(f.store, "example.com/none", &f.err), 0);
	/* What was never current does not become it by a repair. */
	check_links(&f, ids, 2, "---");
	CHECK_INT(count_entries(&f, AT "/versions"), 2);
}

TEST(facts_are_kept)
{
	struct fixture f FIXTURE;
	struct target_facts target = { .name = "web", .copied = { { 1700000000 }, 1 } };
	struct cert_facts facts = { .cert = CERT,
		.failure = { ERR_IO, 3, { 1 }, { 2 }, { 3 }, "no \"luck\"" },
		.targets = &target,
		.n_targets = 1 };

	setup(&f);
	CHECK_INT(store_write_facts(f.store, &facts, &f.err), 0);
	reopen(&f);
	struct cert_facts got CLEANUP(facts_done) = read_facts(&f, CERT);

	CHECK_INT(got.failure.tries, 3);
	CHECK_STR(got.failure.text, "no \"luck\"");
	CHECK_INT(got.n_targets, 1);
	CHECK_STR(got.targets[0].name, "web");
	facts.failure = (struct failure){ 0 };
	facts.n_targets = 0;
	CHECK_INT(store_write_facts(f.store, &facts, &f.err), 0);
	CHECK(!file_exists(f.fd, "facts/" CERT));
}

TEST(unusable_facts_are_set_aside)
{
	static const char *const rows[] = { "", "cert=", "nonsense\n",
		"cert=x failure.tries=z\n", "cert=" CERT, "cert=" CERT "\ncert=" CERT "\n",
		"\xff\n" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f FIXTURE;

		setup(&f);
		mkdirat(f.fd, "facts/example.com", 0700);
		overwrite(&f, "facts/" CERT, rows[i]);
		struct cert_facts got CLEANUP(facts_done) = read_facts(&f, CERT);

		CHECK_INT(log_memory_count(&f.log, EVENT_STORE_QUARANTINED, "CERT", CERT), 1);
		CHECK_INT(got.failure.code, ERR_NONE);
		CHECK(!file_exists(f.fd, "facts/" CERT));
		CHECK_INT(count_entries(&f, "quarantine/example.com"), 1);
	}
}

TEST(names_that_are_no_names_are_refused)
{
	static const char *const rows[] = { "", "a", "a/", "/a", "../a", "a/..", "a/b/c",
		"a/.b", "index/a", "a/\x01" };
	struct fixture f FIXTURE;

	setup(&f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cert_facts facts;

		CHECK_INT(store_read(f.store, rows[i], &facts, &f.err), -1);
		CHECK_INT(f.err.code, ERR_BAD_VALUE);
	}
}

TEST(one_store_at_a_time)
{
	struct fixture f FIXTURE;
	struct store *second = NULL;

	setup(&f);
	CHECK_INT(store_open(f.path, &second, &f.err), -1);
	CHECK_INT(f.err.code, ERR_BUSY);
	CHECK(strstr(f.err.text, "another certd holds"));
}

TEST(an_open_state_directory_is_closed)
{
	struct fixture f FIXTURE;
	struct stat st;

	setup(&f);
	CHECK_INT(fchmod(f.fd, 0755), 0);
	reopen(&f);
	CHECK_INT(fstat(f.fd, &st), 0);
	CHECK_INT(st.st_mode & 07777, 0700);
}

TEST(foreign_owners_stop_their_certificate_only)
{
	static const char *const rows[] = { "certs/example.com", AT, "version", "privkey.pem" };

	for (size_t i = 0; i < ARRAY_LEN(rows) && geteuid() == 0; i++) {
		struct fixture f FIXTURE;
		struct cert_facts facts;
		struct version_id id;
		char path[300];

		setup(&f);
		id = add_and_roll(&f, 5);
		version_file(&id, i == 3 ? rows[i] : "", path);
		CHECK_INT(fchownat(f.fd, i < 2 ? rows[i] : path, 65534, 65534, 0), 0);
		CHECK_INT(store_read(f.store, CERT, &facts, &f.err), -1);
		CHECK_INT(f.err.code, ERR_BROKEN_STORE);
		CHECK(strstr(f.err.text, "user 65534"));
		CHECK(file_exists(f.fd, path));
		CHECK(!file_exists(f.fd, "quarantine"));
		facts = read_facts(&f, "example.org/other");
		facts_done(&facts);
		CHECK_INT(fchownat(f.fd, i < 2 ? rows[i] : path, 0, 0, 0), 0);
		check_links(&f, &id, 1, "a--");
	}
}

TEST(a_foreign_state_directory_is_refused)
{
	struct fixture f FIXTURE;
	struct store *store = NULL;

	setup(&f);
	if (geteuid() != 0)
		return;
	store_close(f.store);
	f.store = NULL;
	CHECK_INT(fchown(f.fd, 65534, 65534), 0);
	CHECK_INT(store_open(f.path, &store, &f.err), -1);
	CHECK_INT(f.err.code, ERR_BROKEN_STORE);
	CHECK_INT(fchown(f.fd, 0, 0), 0);
}

/* What can happen to the links of a certificate with prev a, curr b, next c, older z. */
TEST(links_are_repaired)
{
	static const struct {
		const char *link, *target; /* NULL: removed; "FILE": a file in its place */
		const char *want;          /* curr, next, prev */
		size_t n_repaired, n_quarantined;
	} rows[] = {
		{ "curr", NULL, "cdb", 1, 0 },
		{ "curr", "versions/20200101T000000Z-1", "cdb", 1, 0 },
		{ "curr", "../../../../etc", "cdb", 1, 0 },
		{ "curr", "FILE", "cdb", 1, 1 },
		{ "next", NULL, "c-b", 0, 0 },
		{ "next", "nowhere", "c-b", 1, 0 },
		{ "next", "FILE", "c-b", 1, 1 },
		{ "prev", NULL, "cd-", 0, 0 },
		{ "prev", "nowhere", "cdb", 1, 0 },
		{ "prev", "FILE", "cdb", 1, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f FIXTURE;
		struct version_id ids[4];
		char path[100];

		setup(&f);
		for (int k = 0; k < 4; k++) {
			ids[k] = add(&f, 40 - k);
			if (k < 3)
				CHECK_INT(store_roll(f.store, CERT,
						  instant_sub(clock_now(), SECONDS(20 - k)),
						  &f.err),
					0);
		}
		check_links(&f, ids, 4, "cdb");
		snprintf(path, sizeof(path), AT "/%s", rows[i].link);
		CHECK_INT(unlinkat(f.fd, path, 0), 0);
		if (rows[i].target && str_is(rows[i].target, "FILE"))
			overwrite(&f, path, "x");
		else if (rows[i].target)
			CHECK_INT(symlinkat(rows[i].target, f.fd, path), 0);
		check_links(&f, ids, 4, rows[i].want);
		CHECK_INT(log_memory_count(&f.log, EVENT_STORE_REPAIRED, "CERT", CERT),
			rows[i].n_repaired);
		CHECK_INT(log_memory_count(&f.log, EVENT_STORE_QUARANTINED, "CERT", CERT),
			rows[i].n_quarantined);
		check_links(&f, ids, 4, rows[i].want);
		CHECK_INT(log_memory_count(&f.log, EVENT_STORE_REPAIRED, "CERT", CERT),
			rows[i].n_repaired);
	}
}

TEST(a_repair_never_takes_an_expired_version_over_a_valid_one)
{
	struct fixture f FIXTURE;
	struct version_id ids[3];
	struct instant now = clock_now();

	setup(&f);
	ids[0] = add_with(&f, CERT, instant_sub(now, DAYS(3)), DAYS(30));
	roll(&f);
	ids[1] = add_with(&f, CERT, instant_sub(now, DAYS(2)), HOURS(2));
	roll(&f);
	ids[2] = add_with(&f, CERT, instant_sub(now, DAYS(1)), DAYS(30));
	roll(&f);
	char path[300];
	CHECK_INT(file_remove_tree(f.fd, version_file(&ids[2], "", path), &f.err), 0);
	check_links(&f, ids, 3, "a-b");
}

/* A damaged current version is set aside and the one before it takes its place. */
TEST(damaged_versions_are_set_aside)
{
	static const struct {
		const char *file, *text; /* NULL: removed */
	} rows[] = {
		{ "privkey.pem", NULL },
		{ "privkey.pem", "" },
		{ "privkey.pem", "nonsense" },
		{ "privkey.pem", "OTHER" },
		{ "cert.pem", NULL },
		{ "cert.pem",
			"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n" },
		{ "bundle.pem", NULL },
		{ "fullchain.pem", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f FIXTURE;
		struct version_id ids[2];
		struct buf other AUTO_BUF = BUF_INIT;
		char path[300];

		setup(&f);
		ids[0] = add_and_roll(&f, 9);
		CHECK_INT(store_read_file(
				  f.store, CERT, NULL, "privkey.pem", 9999, &other, &f.err),
			0);
		ids[1] = add_and_roll(&f, 8);
		version_file(&ids[1], rows[i].file, path);
		if (rows[i].text)
			overwrite(&f, path,
				str_is(rows[i].text, "OTHER") ? buf_text(&other)
							      : rows[i].text);
		else
			CHECK_INT(unlinkat(f.fd, path, 0), 0);
		buf_clear(&other);
		if (i % 2) {
			CHECK_INT(store_read_file(f.store, CERT, NULL, "privkey.pem", 9999,
					  &other, &f.err),
				-1);
			CHECK_INT(other.len, 0);
		}
		check_links(&f, ids, 2, "a--");
		CHECK_INT(log_memory_count(&f.log, EVENT_STORE_QUARANTINED, "CERT", CERT), 1);
		CHECK_INT(count_entries(&f, "quarantine/example.com"), 1);
		CHECK_INT(count_entries(&f, AT "/versions"), 1);
	}
}

TEST(a_lost_info_file_is_made_anew)
{
	static const char *const rows[] = { NULL, "", "nonsense", "not_after: never\n" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f FIXTURE;
		struct version_id id;
		char path[300];

		setup(&f);
		id = add_and_roll(&f, 9);
		struct cert_facts before CLEANUP(facts_done) = read_facts(&f, CERT);

		version_file(&id, "info", path);
		CHECK_INT(unlinkat(f.fd, path, 0), 0);
		if (rows[i])
			overwrite(&f, path, rows[i]);
		struct cert_facts after CLEANUP(facts_done) = read_facts(&f, CERT);

		CHECK_INT(log_memory_count(&f.log, EVENT_STORE_REPAIRED, "CERT", CERT), 1);
		CHECK_INT(after.curr.not_after.s, before.curr.not_after.s);
		CHECK_INT(after.curr.created.s, before.curr.created.s);
		CHECK(instant_is_set(after.curr.rolled));
		CHECK(memcmp(after.curr.spki, before.curr.spki, 32) == 0);
		struct cert_facts again CLEANUP(facts_done) = read_facts(&f, CERT);

		CHECK_INT(log_memory_count(&f.log, EVENT_STORE_REPAIRED, "CERT", CERT), 1);
		CHECK_INT(again.curr.rolled.s, after.curr.rolled.s);
	}
}

TEST(loose_modes_are_tightened)
{
	struct fixture f FIXTURE;
	struct version_id id;
	struct stat st;
	char path[300];

	setup(&f);
	id = add_and_roll(&f, 9);
	version_file(&id, "privkey.pem", path);
	CHECK_INT(fchmodat(f.fd, path, 0644, 0), 0);
	check_links(&f, &id, 1, "a--");
	CHECK_INT(fstatat(f.fd, path, &st, 0), 0);
	CHECK_INT(st.st_mode & 07777, 0600);
	CHECK_INT(log_memory_count(&f.log, EVENT_STORE_REPAIRED, "CERT", CERT), 1);
}

/* The states that a kill between two steps of a roll leaves, made by hand. */
TEST(a_roll_that_was_cut_short_ends_the_same)
{
	for (int step = 0; step < 2; step++) {
		struct fixture f FIXTURE;
		struct version_id ids[3];
		char text[VERSION_ID_TEXT_LEN], target[60];

		setup(&f);
		ids[0] = add_and_roll(&f, 9);
		ids[1] = add_and_roll(&f, 8);
		ids[2] = add(&f, 7);
		snprintf(target, sizeof(target), "versions/%s", version_id_text(&ids[1], text));
		CHECK_INT(file_replace_link(f.fd, AT "/prev", target, &f.err), 0);
		snprintf(target, sizeof(target), "versions/%s", version_id_text(&ids[2], text));
		if (step == 1)
			CHECK_INT(file_replace_link(f.fd, AT "/curr", target, &f.err), 0);
		check_links(&f, ids, 3, step ? "c-b" : "bca");
		CHECK_INT(store_roll(f.store, CERT, clock_now(), &f.err), step ? -1 : 0);
		check_links(&f, ids, 3, "c-b");
	}
}

TEST(temporaries_are_swept)
{
	struct fixture f FIXTURE;
	struct version_id id;

	setup(&f);
	id = add_and_roll(&f, 9);
	CHECK_INT(mkdirat(f.fd, AT "/.tmp-0123", 0700), 0);
	overwrite(&f, AT "/.tmp-0123/privkey.pem", "x");
	overwrite(&f, "facts/.tmp-4567", "x");
	reopen(&f);
	check_links(&f, &id, 1, "a--");
	CHECK(!file_exists(f.fd, AT "/.tmp-0123"));
	CHECK(!file_exists(f.fd, "facts/.tmp-4567"));
}

static void count_version(const struct version_facts *version, const char *role, void *data)
{
	char *text = data;

	(void)version;
	strcat(text, *role ? role : "-");
	strcat(text, " ");
}

TEST(pruning_keeps_links_and_the_newest)
{
	struct fixture f FIXTURE;
	char roles[200] = "";
	size_t n;

	setup(&f);
	for (int i = 0; i < 8; i++)
		add_and_roll(&f, 50 - i);
	add(&f, 1);
	CHECK_INT(store_prune(f.store, CERT, 2, &n, &f.err), 0);
	CHECK_INT(n, 4);
	CHECK_INT(log_memory_count(&f.log, EVENT_CERT_PRUNED, "CERT", CERT), 1);
	CHECK_INT(store_versions(f.store, CERT, count_version, roles, &f.err), 0);
	CHECK_STR(roles, "next curr prev - - ");
	CHECK_INT(store_prune(f.store, CERT, 2, &n, &f.err), 0);
	CHECK_INT(n, 0);
	CHECK_INT(store_prune(f.store, "example.com/none", 2, &n, &f.err), 0);
	CHECK_INT(count_entries(&f, AT), 4);
}

TEST(certificates_leave_come_back_and_change_names)
{
	struct fixture f FIXTURE;
	struct cert_facts facts = { .cert = CERT, .failure = { .code = ERR_IO, .tries = 4 } };
	struct version_id id;
	struct cert_facts got;

	setup(&f);
	id = add_and_roll(&f, 9);
	CHECK_INT(store_write_facts(f.store, &facts, &f.err), 0);
	facts.cert = (char *)"example.org/never-issued";
	CHECK_INT(store_write_facts(f.store, &facts, &f.err), 0);
	conf_add("example.org/other", NULL);
	CHECK_INT(store_align(f.store, &conf, &f.err), 0);
	CHECK(!file_exists(f.fd, AT) && !file_exists(f.fd, "facts/" CERT));
	CHECK_INT(log_memory_count(&f.log, EVENT_CERT_ARCHIVED, "CERT", CERT), 1);
	CHECK_INT(log_memory_count(&f.log, EVENT_CERT_ARCHIVED, NULL, NULL), 2);
	conf.n_certs = 0;
	conf_add(CERT, NULL);
	CHECK_INT(store_align(f.store, &conf, &f.err), 0);
	CHECK_INT(log_memory_count(&f.log, EVENT_CERT_RESTORED, "CERT", CERT), 1);
	check_links(&f, &id, 1, "a--");
	got = read_facts(&f, CERT);
	CHECK_INT(got.failure.tries, 4);
	facts_done(&got);
	conf.n_certs = 0;
	conf_add("example.net/new", CERT);
	CHECK_INT(store_align(f.store, &conf, &f.err), 0);
	got = read_facts(&f, "example.net/new");
	CHECK(version_id_equal(&got.curr.id, &id));
	CHECK_INT(got.failure.tries, 4);
	CHECK_STR(got.cert, "example.net/new");
	facts_done(&got);
	CHECK(!file_exists(f.fd, "certs/example.com"));
	CHECK_INT(log_memory_count(&f.log, EVENT_CERT_RESTORED, "CERT", "example.net/new"), 1);
	conf.n_certs = 0;
	CHECK_INT(store_align(f.store, &conf, &f.err), 0);
	conf_add("example.org/newest", "example.net/new");
	CHECK_INT(store_align(f.store, &conf, &f.err), 0);
	got = read_facts(&f, "example.org/newest");
	CHECK(version_id_equal(&got.curr.id, &id));
	facts_done(&got);
	CHECK_INT(log_memory_count(&f.log, EVENT_CERT_FAILED, NULL, NULL), 0);
}

TEST(a_move_that_was_cut_short_loses_no_facts)
{
	struct fixture f FIXTURE;
	struct cert_facts facts = { .cert = CERT, .failure = { .code = ERR_IO, .tries = 4 } };
	struct cert_facts got;

	setup(&f);
	add_and_roll(&f, 9);
	CHECK_INT(store_write_facts(f.store, &facts, &f.err), 0);
	CHECK_INT(renameat(f.fd, "facts/" CERT, f.fd, AT "/facts"), 0);
	got = read_facts(&f, CERT);
	CHECK_INT(got.failure.tries, 4);
	facts_done(&got);
	CHECK(!file_exists(f.fd, AT "/facts"));
}

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

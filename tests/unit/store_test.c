/* SPDX-License-Identifier: MIT */
#include "tests/unit/store_world.h"

/* The store as it is meant to be used, and what it refuses. */

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

/* Facts, targets and marks of root name versions by their ids. */
TEST(no_id_is_given_twice)
{
	struct fixture f FIXTURE;
	struct instant then;
	struct version_id last = { .suffix = 0 }, id;
	size_t n;

	setup(&f);
	then = instant_sub(clock_now(), SECONDS(50));
	add_and_roll(&f, 60);
	for (int i = 0; i < 6; i++) {
		/* In one second, and after the clock was set back. */
		id = add_with(&f, CERT, instant_sub(then, SECONDS(i / 2 * 20)), DAYS(30));
		CHECK(version_id_compare(&id, &last) > 0);
		last = id;
		CHECK_INT(store_drop_next(f.store, CERT, &f.err), 0);
		if (i % 2)
			reopen(&f);
		CHECK_INT(store_prune(f.store, CERT, 0, &n, &f.err), 0);
		CHECK_INT(n, 1);
	}
}

TEST(pruning_keeps_what_a_target_has)
{
	struct fixture f FIXTURE;
	struct version_id copied, confirmed;
	struct buf file AUTO_BUF = BUF_INIT;
	struct cert_facts facts;
	size_t n;

	setup(&f);
	copied = add(&f, 50);
	confirmed = add(&f, 49);
	for (int i = 0; i < 5; i++)
		add(&f, 48 - i);
	REQUIRE(store_read(f.store, CERT, &facts, &f.err) == 0);
	facts_want_target(&facts, "away")->copied = copied;
	facts_want_target(&facts, "near")->confirmed = confirmed;
	REQUIRE(store_write_facts(f.store, &facts, &f.err) == 0);
	facts_done(&facts);
	CHECK_INT(store_prune(f.store, CERT, 1, &n, &f.err), 0);
	CHECK_INT(n, 3);
	CHECK_INT(count_entries(&f, AT "/versions"), 4);
	CHECK_INT(store_read_file(f.store, CERT, &copied, "cert.pem", 10000, &file, &f.err), 0);
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

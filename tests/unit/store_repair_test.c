/* SPDX-License-Identifier: MIT */
#include "tests/unit/store_world.h"

/* What a crash, an administrator or a bad disk may leave, and what the store makes of it. */

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

TEST(what_was_revoked_is_current_only_when_nothing_else_is)
{
	struct fixture f FIXTURE;
	struct version_id ids[3];
	char path[300];
	struct err err = ERR_INIT;

	setup(&f);
	for (int i = 0; i < 3; i++)
		ids[i] = add_and_roll(&f, 9 - 3 * i);
	CHECK_INT(store_set_revoked(f.store, CERT, &ids[1], clock_now(), &err), 0);
	CHECK_INT(store_set_revoked(f.store, CERT, &ids[1], clock_now(), &err), 0);
	version_file(&ids[2], "cert.pem", path);
	CHECK_INT(unlinkat(f.fd, path, 0), 0);
	struct cert_facts older CLEANUP(facts_done) = read_facts(&f, CERT);

	CHECK(version_id_equal(&older.curr.id, &ids[0]));
	CHECK(!instant_is_set(older.curr.revoked));
	version_file(&ids[0], "cert.pem", path);
	CHECK_INT(unlinkat(f.fd, path, 0), 0);
	struct cert_facts last CLEANUP(facts_done) = read_facts(&f, CERT);

	CHECK(version_id_equal(&last.curr.id, &ids[1]));
	CHECK(instant_is_set(last.curr.revoked));
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

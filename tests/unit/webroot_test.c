/* SPDX-License-Identifier: MIT */
#include "tests/unit/challenge_world.h"

/* Files of http-01 in directories that belong to others. */

#define PLACE "www/.well-known/acme-challenge"

TEST(webroot_files_and_our_directories_come_and_go)
{
	struct stat st;
	size_t a, b;

	begin();
	use_webroot();
	a = present(CHALLENGE_HTTP, "www." APEX, TOKEN);
	b = present(CHALLENGE_HTTP, APEX, "token-2");
	settle();
	check_text(PLACE "/" TOKEN, KEYAUTH);
	REQUIRE(fstatat(w.fd, PLACE "/" TOKEN, &st, 0) == 0);
	CHECK_INT(st.st_mode & 07777, 0644);
	REQUIRE(fstatat(w.fd, PLACE, &st, 0) == 0);
	CHECK_INT(st.st_mode & 07777, 0755);
	CHECK_INT(count(PLACE), 2);
	withdraw(a);
	settle();
	CHECK_INT(count(PLACE), 1);
	withdraw(b);
	settle();
	CHECK_INT(count("www"), 0);
	CHECK_INT(count("challenges"), 0);
	end();
}

TEST(directories_of_others_stay)
{
	size_t a;

	begin();
	use_webroot();
	REQUIRE(mkdirat(w.fd, "www/.well-known", 0755) == 0);
	a = present(CHALLENGE_HTTP, APEX, TOKEN);
	settle();
	withdraw(a);
	settle();
	CHECK_INT(count("www/.well-known"), 0);
	CHECK_INT(count("challenges"), 0);
	end();
}

/* The same authorization may belong to the orders of two certificates, or be asked for twice. */
TEST(what_two_need_stays_until_both_are_done)
{
	size_t a, b;
	struct challenge_wish wish;

	begin();
	use_webroot();
	a = present(CHALLENGE_HTTP, APEX, TOKEN);
	b = present(CHALLENGE_HTTP, APEX, TOKEN);
	settle();
	CHECK_STR(w.told[a].id, w.told[b].id);
	wish = (struct challenge_wish){ .cert = conf_cert(w.conf, "example.com/web"),
		.ca = "other",
		.type = CHALLENGE_HTTP,
		.name = APEX,
		.token = TOKEN,
		.thumbprint = "thumb" };
	CHECK(challenge_present(w.challenges, w.conf, &wish, told,
		(void *)(uintptr_t)w.n_asked++, &w.told[2].err));
	settle();
	CHECK(!err_is_set(&w.told[2].err));
	CHECK_INT(count("challenges"), 3); /* two, and the directories */
	withdraw(a);
	settle();
	check_text(PLACE "/" TOKEN, KEYAUTH);
	withdraw(2);
	settle();
	CHECK_INT(count("www"), 0);
	CHECK_INT(count("challenges"), 0);
	end();
}

/* What lies where our file or directory should be, and what must be true afterwards. */
static const struct attack {
	const char *make;  /* in the webroot's parent */
	const char *part;  /* of the sentence */
	const char *check; /* must succeed afterwards */
} attacks[] = {
	{ "mkdir out; ln -s ../out www/.well-known", "not followed",
		"test -L www/.well-known && test -z \"$(ls -A out)\"" },
	{ "mkdir -p out www/.well-known; ln -s ../../out www/.well-known/acme-challenge",
		"not followed", "test -z \"$(ls -A out)\"" },
	{ "mkdir www/.well-known; echo x > www/.well-known/acme-challenge", "not followed",
		"test \"$(cat www/.well-known/acme-challenge)\" = x" },
	{ "mkdir -p " PLACE "; echo secret > out; ln -s ../../../out " PLACE "/" TOKEN,
		"somebody else", "test \"$(cat out)\" = secret && test -L " PLACE "/" TOKEN },
	{ "mkdir -p " PLACE "; mkfifo " PLACE "/" TOKEN, "somebody else",
		"test -p " PLACE "/" TOKEN },
	{ "mkdir -p " PLACE "; echo mine > " PLACE "/" TOKEN, "somebody else",
		"test \"$(cat " PLACE "/" TOKEN ")\" = mine" },
	{ "rmdir www", "cannot open the directory", "test ! -e www" },
};

TEST(what_others_put_in_the_way_is_refused_and_stays)
{
	for (size_t i = 0; i < ARRAY_LEN(attacks); i++) {
		size_t a;

		begin();
		use_webroot();
		REQUIRE(run(attacks[i].make) == 0);
		a = present(CHALLENGE_HTTP, APEX, TOKEN);
		settle();
		CHECK(err_is_set(&w.told[a].err));
		if (!strstr(w.told[a].err.text, attacks[i].part))
			TEST_FAIL("%s: %s", attacks[i].make, w.told[a].err.text);
		if (run(attacks[i].check) != 0)
			TEST_FAIL("%s: %s", attacks[i].make, attacks[i].check);
		end();
	}
}

/* What replaces our file after it was published is not ours to remove. */
TEST(a_file_that_was_exchanged_stays)
{
	size_t a;

	begin();
	use_webroot();
	a = present(CHALLENGE_HTTP, APEX, TOKEN);
	settle();
	REQUIRE(run("rm " PLACE "/" TOKEN "; echo other > " PLACE "/" TOKEN) == 0);
	withdraw(a);
	settle();
	check_text(PLACE "/" TOKEN, "other\n");
	CHECK_INT(log_memory_count(&w.log, EVENT_CHALLENGE_LEFT, NULL, NULL), 1);
	CHECK_INT(count("challenges"), 1); /* the directories, which are not empty */
	end();
}

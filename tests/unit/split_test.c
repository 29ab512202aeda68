/* SPDX-License-Identifier: MIT */
#include "tests/unit/update_world.h"

/* One record that a server does not want, in a message with many that it wants. */

static struct {
	const char *forbidden[128]; /* labels: nothing at such a name is carried out */
	size_t n_forbidden;
	bool is_whole; /* nor is anything else */
	bool is_knot;  /* which then says that it does not know the key */
	enum dns_rcode rcode;
	size_t n_messages, n_empty;
	size_t n_changes; /* of what was carried out */
} server;

static void use_server(enum dns_rcode rcode)
{
	memset(&server, 0, sizeof(server));
	server.rcode = rcode;
	use_update();
}

static void forbid(const char *label)
{
	server.forbidden[server.n_forbidden++] = label;
}

static bool is_wanted(void)
{
	for (size_t i = 0; i < server.n_forbidden; i++)
		if (memmem(wire.data, wire.len, server.forbidden[i],
			    strlen(server.forbidden[i])))
			return false;
	return !server.is_whole;
}

/* Not signed, as by a server that has no key in common with us. */
static void refuse_key(void)
{
	struct dns_update_answer ours;
	struct err err;

	answer(&ours, DNS_NOTAUTH);
	ours.mac_len = 0;
	ours.tsig_error = DNS_BADKEY;
	CHECK_INT(judge(&ours, &err), -1);
	dns_update_answer_done(&ours);
}

/* One message, from its signing to what becomes of it. */
static void turn(void)
{
	const uint8_t *header;
	size_t n;

	sign();
	header = (const uint8_t *)wire.data;
	n = (size_t)header[8] << 8 | header[9];
	server.n_messages++;
	server.n_empty += n == 0;
	if (is_wanted())
		carry_out();
	else if (server.is_knot)
		refuse_key();
	else
		refuse(server.rcode);
	server.n_changes += is_wanted() ? n : 0;
}

static void turn_until_told(size_t n)
{
	while (w.n_told < n)
		turn();
}

static void present_many(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char token[24], owner[64];

		snprintf(token, sizeof(token), "many-%zu", i);
		snprintf(owner, sizeof(owner), "x%03zu." APEX, i);
		present_at(CHALLENGE_DNS, APEX, token, owner);
	}
}

static size_t count_failed(size_t n)
{
	size_t n_failed = 0;

	for (size_t i = 0; i < n; i++) {
		CHECK(w.told[i].is_done);
		n_failed += err_is_set(&w.told[i].err);
	}
	return n_failed;
}

static void check_failed(size_t i, const char *owner)
{
	char *want AUTO_FREE = mem_printf("the record %s: ", owner);

	CHECK_INT(w.told[i].err.code, ERR_ZONE_REFUSED);
	if (!strstr(w.told[i].err.text, want))
		TEST_FAIL("\"%s\" does not tell of %s", w.told[i].err.text, owner);
}

enum { MANY = UPDATING_MAX };

static const struct {
	const char *label;
	size_t at;
} places[] = {
	{ "x000", 0 },
	{ "x037", 37 },
	{ "x099", 99 },
};

TEST(one_bad_record_starves_nobody)
{
	static const enum dns_rcode rcodes[] = { DNS_YXRRSET, DNS_NOTZONE, DNS_REFUSED,
		DNS_NOTAUTH, DNS_FORMERR };

	for (size_t i = 0; i < ARRAY_LEN(rcodes) * ARRAY_LEN(places); i++) {
		size_t bad = places[i % ARRAY_LEN(places)].at;
		enum dns_rcode rcode = rcodes[i / ARRAY_LEN(places)];
		char owner[64];

		use_server(rcode);
		forbid(places[i % ARRAY_LEN(places)].label);
		present_many(MANY);
		turn_until_told(MANY);
		settle();
		snprintf(owner, sizeof(owner), "%s." APEX, places[i % ARRAY_LEN(places)].label);
		check_failed(bad, owner);
		CHECK_INT(count_failed(MANY), 1);
		CHECK_INT(server.n_changes, MANY - 1);
		CHECK_INT(server.n_empty, rcode != DNS_YXRRSET && rcode != DNS_NOTZONE);
		/* Down to one, and up again. */
		CHECK(server.n_messages <= 16);
		/* It is told once for all, and once for the one. */
		CHECK_INT(log_memory_count(&w.log, EVENT_DNS_REFUSED, NULL, NULL), 2);
		/* What was refused is not there and nothing is left of it. */
		CHECK_INT(count("challenges"), MANY - 1);
		finish_update();
	}
}

/* Whoever refuses everything is asked once more, and not for every record. */
TEST(a_whole_zone_is_not_tried_one_by_one)
{
	static const enum dns_rcode rcodes[] = { DNS_REFUSED, DNS_NOTAUTH, DNS_NOTIMP };

	for (size_t i = 0; i < ARRAY_LEN(rcodes); i++) {
		use_server(rcodes[i]);
		server.is_whole = true;
		present_many(MANY);
		turn_until_told(MANY);
		settle();
		CHECK_INT(count_failed(MANY), MANY);
		CHECK_INT(server.n_messages, rcodes[i] == DNS_NOTIMP ? 1 : 2);
		CHECK_INT(count("challenges"), 0);
		finish_update();
	}
}

/* What nobody signed proves nothing, so all of it is removed, too, where that is possible. */
TEST(a_wrong_key_is_not_tried_one_by_one)
{
	use_server(DNS_NOTAUTH);
	server.is_whole = server.is_knot = true;
	present_many(MANY);
	turn_until_told(MANY);
	CHECK_INT(count_failed(MANY), MANY);
	CHECK_INT(server.n_messages, 2);
	turn();
	turn();
	settle();
	CHECK_INT(server.n_messages, 4);
	CHECK_INT(count("challenges"), 0);
	finish_update();
}

/* Knot says BADKEY of a name that its access list keeps from a key. */
TEST(a_name_that_is_kept_from_a_key)
{
	use_server(DNS_NOTAUTH);
	server.is_knot = true;
	forbid("x037");
	present_many(MANY);
	turn_until_told(MANY);
	check_failed(37, "x037." APEX);
	CHECK_INT(count_failed(MANY), 1);
	CHECK_INT(server.n_changes, MANY - 1);
	/* It may be there for all that is proven; that it may not be removed is what was said before. */
	while (server.n_messages < 18 && count("challenges") == MANY)
		turn();
	settle();
	CHECK_INT(count("challenges"), MANY - 1);
	finish_update();
}

TEST(all_bad_takes_each_of_them_once)
{
	static char labels[MANY][8], owner[1024];

	use_server(DNS_REFUSED);
	for (size_t i = 0; i < MANY; i++) {
		snprintf(labels[i], sizeof(labels[i]), "x%03zu", i);
		forbid(labels[i]);
	}
	present_many(MANY);
	turn_until_told(MANY);
	settle();
	for (size_t i = 0; i < MANY; i++) {
		snprintf(owner, sizeof(owner), "%s." APEX, labels[i]);
		check_failed(i, owner);
	}
	CHECK(server.n_messages <= MANY + 8);
	CHECK_INT(count("challenges"), 0);
	finish_update();
}

TEST(bad_ones_in_between)
{
	use_server(DNS_REFUSED);
	forbid("x000");
	forbid("x001");
	forbid("x050");
	forbid("x098");
	present_many(MANY);
	turn_until_told(MANY);
	settle();
	CHECK_INT(count_failed(MANY), 4);
	CHECK_INT(server.n_changes, MANY - 4);
	CHECK(server.n_messages <= 50);
	/* What comes later is not tried in parts any more. */
	server.n_messages = 0;
	present(CHALLENGE_DNS, APEX, "later-1");
	present(CHALLENGE_DNS, APEX, "later-2");
	turn_until_told(MANY + 2);
	CHECK_INT(server.n_messages, 1);
	finish_update();
}

/* A server that is away for a while is no reason to tell anybody anything. */
TEST(a_part_without_an_answer_is_tried_again)
{
	struct err why, err;

	use_server(DNS_YXRRSET);
	forbid("x001");
	present_many(4);
	turn(); /* 4 */
	sign(); /* 2 */
	err_set(&why, ERR_TIMEOUT, "no answer");
	CHECK_INT(challenges_fail_update(w.challenges, APEX, number, &why, &err), 0);
	CHECK_INT(w.n_told, 0);
	turn_until_told(4);
	CHECK_INT(count_failed(4), 1);
	CHECK_INT(server.n_changes, 3);
	finish_update();
}

TEST(parts_keep_a_pace)
{
	struct tick began;

	use_server(DNS_YXRRSET);
	forbid("x001");
	w.challenges->split_ms = 40;
	present_many(4);
	began = clock_tick();
	turn_until_told(4);
	/* 4, 2, 1, 1, 1, 1 or 2 */
	CHECK(clock_tick().ms - began.ms >= 4 * 40);
	finish_update();
}

/* All that is there is sent again, but for what is not wanted any more. */
TEST(a_refresh_tells_what_failed_and_does_the_rest)
{
	struct challenge_wait *wait;
	struct err err = ERR_INIT;
	size_t i;

	use_server(DNS_REFUSED);
	present_many(MANY);
	turn_until_told(MANY);
	forbid("x002");
	server.n_changes = 0;
	i = w.n_asked++;
	REQUIRE(challenges_refresh(w.challenges, APEX, true, told, (void *)(uintptr_t)i, &wait,
			&err) == 0);
	turn_until_told(MANY + 1);
	check_failed(i, "x002." APEX);
	CHECK_INT(server.n_changes, MANY - 1);
	CHECK_INT(count("challenges"), MANY);
	finish_update();
}

/* An owner that is too long is no reason for the others to wait. */
TEST(a_record_that_makes_no_message)
{
	static char long_name[] =
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa." APEX;
	size_t bad, good;

	use_server(DNS_REFUSED);
	bad = present(CHALLENGE_DNS, long_name, TOKEN);
	good = present(CHALLENGE_DNS, APEX, TOKEN);
	while (!w.told[good].is_done || !w.told[bad].is_done) {
		struct err err = ERR_INIT;
		const char *at;

		loop_step(w.loop);
		if (n_wanted == n_served)
			continue;
		n_served = n_wanted;
		buf_clear(&wire);
		if (challenges_sign_update(
			    w.challenges, APEX, SERVER, &wire, &number, &at, &err) == 0)
			carry_out();
		else
			CHECK_INT(err.code, ERR_BAD_VALUE);
	}
	CHECK_INT(w.told[bad].err.code, ERR_BAD_VALUE);
	CHECK(!err_is_set(&w.told[good].err));
	settle();
	CHECK_INT(count("challenges"), 1);
	finish_update();
}

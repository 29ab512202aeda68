/* SPDX-License-Identifier: MIT */
#include "tests/unit/update_world.h"

/* Zones of dynamic updates: an engine that does as it should, one that lies, and none at all. */

TEST(one_message_for_all_that_came)
{
	size_t a, b, c;

	use_update();
	w.challenges->quiet_ms = 50;
	a = present(CHALLENGE_DNS, APEX, "one");
	b = present(CHALLENGE_DNS, APEX, "two");
	c = present(CHALLENGE_DNS, "www." APEX, "three");
	sign();
	CHECK_INT(count("challenges"), 3);
	CHECK_INT(w.n_told, 0);
	carry_out();
	settle();
	CHECK_INT(w.n_told, 3);
	CHECK_INT(found(w.told[a].value), 1);
	CHECK_INT(found(w.told[b].value), 1);
	CHECK_INT(found(w.told[c].value), 1);
	withdraw(b);
	serve();
	settle();
	CHECK_INT(found(w.told[b].value), -1);
	CHECK_INT(found(w.told[a].value), 0);
	CHECK_INT(count("challenges"), 2);
	withdraw(a);
	withdraw(c);
	serve();
	settle();
	CHECK_INT(count("challenges"), 0);
	CHECK_INT(n_wanted, 3);
	CHECK_INT(log_memory_count(&w.log, EVENT_DNS_UPDATED, NULL, NULL), 3);
	finish_update();
}

/* What a stolen engine may bring instead, and what is said of it. */
static void lie(struct dns_update_answer *a, size_t how)
{
	switch (how) {
	case 0:
		a->mac[0] ^= 1;
		break;
	case 1:
		a->is_signed = false;
		break;
	case 2:
		a->mac_len = 0;
		break;
	case 3: /* another server, another key */
		snprintf(a->key_name, sizeof(a->key_name), "other");
		break;
	case 4: /* an answer to another message */
		a->input.data[0] ^= 1;
		break;
	case 5: /* the error is made a success */
		a->input.data[3] = 0;
		break;
	default:
		a->signed_at.s += 7200;
		break;
	}
}

TEST(an_engine_that_lies_gets_nothing_done)
{
	for (size_t how = 0; how < 7; how++) {
		struct dns_update_answer ours;
		struct err err;

		use_update();
		present(CHALLENGE_DNS, APEX, TOKEN);
		sign();
		answer(&ours, how == 5 ? DNS_REFUSED : DNS_NOERROR);
		lie(&ours, how);
		CHECK_INT(judge(&ours, &err), -1);
		CHECK_INT(err.code, ERR_DNS);
		dns_update_answer_done(&ours);
		CHECK_INT(w.n_told, 0);
		CHECK_INT(log_memory_count(&w.log, EVENT_CHALLENGE_PUBLISHED, NULL, NULL), 0);
		/* It may be sent again, and then count. */
		serve();
		settle();
		CHECK_INT(w.n_told, 1);
		CHECK(!err_is_set(&w.told[0].err));
		finish_update();
	}
}

TEST(only_the_last_signed_message_counts)
{
	struct dns_update_answer old, new;
	struct err err, why;
	int64_t first;

	use_update();
	present(CHALLENGE_DNS, APEX, TOKEN);
	sign();
	first = number;
	answer(&old, DNS_NOERROR);
	n_served = 0;
	sign();
	CHECK(number != first);
	answer(&new, DNS_NOERROR);
	/* Its own number is over, and under the new one it is an answer to another message. */
	CHECK_INT(challenges_judge_update(w.challenges, APEX, first, &old, &err), -1);
	CHECK_INT(err.code, ERR_NOT_FOUND);
	CHECK_INT(challenges_judge_update(w.challenges, "example.org", number, &new, &err), -1);
	CHECK_INT(err.code, ERR_NOT_FOUND);
	err_set(&why, ERR_TIMEOUT, "no answer");
	CHECK_INT(challenges_fail_update(w.challenges, APEX, first, &why, &err), -1);
	CHECK_INT(w.n_told, 0);
	CHECK_INT(judge(&new, &err), 0);
	/* Twice is once. */
	CHECK_INT(judge(&new, &err), -1);
	settle();
	CHECK_INT(w.n_told, 1);
	CHECK(!err_is_set(&w.told[0].err));
	dns_update_answer_done(&old);
	dns_update_answer_done(&new);
	finish_update();
}

/* A message that was signed before may have been carried out, too. */
TEST(a_refusal_is_told_at_once_and_undone_where_that_may_be_needed)
{
	for (int n_before = 0; n_before < 2; n_before++) {
		use_update();
		present(CHALLENGE_DNS, APEX, TOKEN);
		if (n_before > 0)
			sign();
		n_served = 0;
		sign();
		refuse(DNS_REFUSED);
		CHECK_INT(w.n_told, 1);
		CHECK_INT(w.told[0].err.code, ERR_ZONE_REFUSED);
		CHECK(strstr(w.told[0].err.text, "REFUSED"));
		CHECK(strstr(w.told[0].err.text, "the record _acme-challenge." APEX ": "));
		if (n_before > 0) {
			serve();
			CHECK_INT(found(w.told[0].value), -1);
		}
		settle();
		CHECK_INT(n_wanted, 1 + n_before);
		CHECK_INT(count("challenges"), 0);
		CHECK_INT(log_memory_count(&w.log, EVENT_DNS_REFUSED, NULL, NULL), 1);
		finish_update();
	}
}

TEST(a_value_that_another_wants_stays)
{
	size_t a, b;

	use_update();
	a = present_at(CHALLENGE_DNS, APEX, TOKEN, "x." APEX);
	b = present_at(CHALLENGE_DNS, "www." APEX, TOKEN, "x." APEX);
	serve();
	settle();
	CHECK_STR(w.told[a].value, w.told[b].value);
	withdraw(a);
	settle();
	/* There was nothing to say to the server. */
	CHECK_INT(n_wanted, 1);
	CHECK_INT(count("challenges"), 1);
	withdraw(b);
	serve();
	settle();
	CHECK_INT(found(w.told[b].value), -1);
	CHECK_INT(count("challenges"), 0);
	finish_update();
}

TEST(what_a_former_life_left_waits_for_the_engine)
{
	use_update();
	present(CHALLENGE_DNS, APEX, TOKEN);
	serve();
	settle();
	restart();
	CHECK_INT(challenges_sweep(w.challenges), 1);
	CHECK(challenges_settle(w.challenges, 0));
	CHECK_INT(n_wanted, 1);
	CHECK_INT(count("challenges"), 1);
	challenges_use_engine(w.challenges, wanted, NULL);
	serve();
	settle();
	CHECK_INT(found(w.told[0].value), -1);
	CHECK_INT(count("challenges"), 0);
	finish_update();
}

TEST(without_an_engine_nothing_is_waited_for)
{
	struct err err;
	const char *server;

	use_update();
	present(CHALLENGE_DNS, APEX, "one");
	serve();
	settle();
	present(CHALLENGE_DNS, APEX, "two");
	sign();
	challenges_use_engine(w.challenges, NULL, NULL);
	CHECK_INT(w.n_told, 2);
	CHECK_INT(w.told[1].err.code, ERR_CANCELLED);
	challenges_sweep(w.challenges);
	CHECK(challenges_settle(w.challenges, 0));
	CHECK_INT(count("challenges"), 2);
	CHECK_INT(challenges_sign_update(
			  w.challenges, APEX, SERVER, &wire, &number, &server, &err),
		-1);
	finish_update();
}

TEST(a_key_that_cannot_be_read_is_told)
{
	struct err err;
	const char *server;

	use_update();
	REQUIRE(unlinkat(w.fd, "secret", 0) == 0);
	present(CHALLENGE_DNS, APEX, TOKEN);
	while (n_wanted == 0)
		loop_step(w.loop);
	CHECK_INT(challenges_sign_update(
			  w.challenges, APEX, SERVER, &wire, &number, &server, &err),
		-1);
	CHECK(strstr(err.text, "the TSIG key key"));
	CHECK_INT(wire.len, 0);
	finish_update();
}

static void ask_refresh(void)
{
	struct challenge_wait *wait;
	struct err err = ERR_INIT;
	size_t i = w.n_asked++;

	REQUIRE(challenges_refresh(w.challenges, APEX, true, told, (void *)(uintptr_t)i, &wait,
			&err) == 0);
	CHECK(wait);
}

TEST(a_refresh_sends_all_that_is_wanted_again)
{
	enum { MANY = 2 * UPDATING_MAX + 50 };
	size_t n = 0;

	use_update();
	for (size_t i = 0; i < MANY; i++) {
		char token[24];

		snprintf(token, sizeof(token), "many-%zu", i);
		present(CHALLENGE_DNS, APEX, token);
	}
	for (size_t i = 0; i < 3; i++)
		serve();
	settle();
	CHECK_INT(w.n_told, MANY);
	CHECK_INT(n_wanted, 3);
	ask_refresh();
	for (size_t i = 0; i < 3; i++) {
		CHECK_INT(w.n_told, MANY);
		serve();
		for (size_t k = 0; k < MANY; k++)
			n += found(w.told[k].value) == 1;
	}
	settle();
	CHECK_INT(n, MANY);
	CHECK_INT(w.n_told, MANY + 1);
	CHECK(!err_is_set(&w.told[MANY].err));
	finish_update();
}

/* What is asked for afterwards does not wait for the deadline. */
TEST(a_refresh_that_fails_holds_up_nothing)
{
	struct err err, why = ERR_INIT;
	size_t tries = 0;

	use_update();
	w.challenges->retry_ms = 20;
	present(CHALLENGE_DNS, APEX, "one");
	serve();
	settle();
	ask_refresh();
	sign();
	err_set(&why, ERR_TIMEOUT, "no answer");
	CHECK_INT(challenges_fail_update(w.challenges, APEX, number, &why, &err), 0);
	CHECK_INT(w.told[1].err.code, ERR_TIMEOUT);
	challenges_settle(w.challenges, 200);
	present(CHALLENGE_DNS, APEX, "two");
	while (!w.told[2].is_done && tries++ < 3)
		serve();
	CHECK(w.told[2].is_done && !err_is_set(&w.told[2].err));
	finish_update();
}

/* A key may be good for a part of a zone alone, which the server knows by its apex. */
TEST(the_message_names_the_zone_that_holds_the_record)
{
	static const char zone[] = "\3com\0\0\6\0\1";

	for (int is_below = 0; is_below < 2; is_below++) {
		use_update();
		present_in(CHALLENGE_DNS, APEX, TOKEN, NULL, is_below ? "com" : APEX);
		sign();
		CHECK_INT(memcmp((const char *)wire.data + 12, zone, sizeof(zone) - 1) == 0,
			is_below);
		carry_out();
		settle();
		CHECK_INT(w.told[0].err.code, ERR_NONE);
		/* Another life withdraws it there, too. */
		restart();
		challenges_use_engine(w.challenges, wanted, NULL);
		CHECK_INT(challenges_sweep(w.challenges), 1);
		sign();
		CHECK_INT(memcmp((const char *)wire.data + 12, zone, sizeof(zone) - 1) == 0,
			is_below);
		carry_out();
		settle();
		finish_update();
	}
}

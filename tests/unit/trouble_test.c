/* SPDX-License-Identifier: MIT */
#include "tests/unit/challenge_world.h"

#include "lib/base/clock.h"

/* Publishing that fails: until when it is tried again, what is told of it, and how a stop ends it. */

static void begin_quickly(int64_t deadline_s)
{
	begin();
	w.challenges->retry_ms = 20;
	w.conf->dns.deadline.s = deadline_s;
}

static size_t n_failed(void)
{
	return log_memory_count(&w.log, EVENT_ZONE_FAILED, NULL, NULL);
}

/* What fails for a while, as with a signer's lock, and then works. */
#define UNTIL_THE_SIXTH "echo x >> calls; test $(grep -c x calls) -ge 6"

TEST(a_lock_that_is_held_for_a_while_fails_nothing)
{
	begin_quickly(1800);
	use_include("test ! -e begun || { " UNTIL_THE_SIXTH "; }");
	REQUIRE(mkdirat(w.fd, "begun", 0755) == 0);
	present(CHALLENGE_DNS, APEX, TOKEN);
	settle();
	CHECK_INT(w.n_told, 1);
	CHECK(!err_is_set(&w.told[0].err));
	check_text("calls", "x\nx\nx\nx\nx\nx\n");
	CHECK_INT(n_failed(), 1);
	CHECK_INT(log_memory_count(&w.log, EVENT_ZONE_RECOVERED, NULL, NULL), 1);
	end();
}

TEST(programs_and_programs_that_are_not_there_yet_are_tried_again)
{
	begin_quickly(1800);
	use_command(UNTIL_THE_SIXTH, "true");
	present(CHALLENGE_DNS, APEX, TOKEN);
	settle();
	CHECK(!err_is_set(&w.told[0].err));
	check_text("calls", "x\nx\nx\nx\nx\nx\n");
	CHECK_INT(n_failed(), 1);
	end();
}

TEST(an_operator_has_what_failed_tried_at_once)
{
	begin_quickly(1800);
	w.challenges->retry_ms = 600000;
	use_include("test ! -e bad");
	REQUIRE(mkdirat(w.fd, "bad", 0755) == 0);
	present(CHALLENGE_DNS, APEX, TOKEN);
	CHECK(!challenges_settle(w.challenges, 1000));
	CHECK_INT(n_failed(), 1);
	REQUIRE(unlinkat(w.fd, "bad", AT_REMOVEDIR) == 0);
	challenges_retry_now(w.challenges);
	settle();
	CHECK_INT(w.n_told, 1);
	CHECK(!err_is_set(&w.told[0].err));
	end();
}

TEST(another_reason_is_told_as_well)
{
	begin_quickly(1800);
	use_include(
		"test ! -e begun || { echo x >> calls; n=$(grep -c x calls); test $n -ge 6 || "
		"exit $((n / 3 + 1)); }");
	REQUIRE(mkdirat(w.fd, "begun", 0755) == 0);
	present(CHALLENGE_DNS, APEX, TOKEN);
	settle();
	CHECK(!err_is_set(&w.told[0].err));
	CHECK_INT(n_failed(), 2);
	end();
}

/* Whatever goes wrong: the deadline ends it, neither much before nor behind. */
TEST(the_deadline_ends_it)
{
	static const struct {
		const char *refresh;
		enum err_code code;
	} rows[] = {
		{ "test ! -e begun", ERR_COMMAND_FAILED },
		{ "test ! -e begun || exec sleep 1000", ERR_TIMEOUT },
		{ "trap '' TERM; test ! -e begun || while :; do sleep 1; done", ERR_TIMEOUT },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tick began;
		int64_t ms;

		begin_quickly(3);
		use_include(rows[i].refresh);
		REQUIRE(mkdirat(w.fd, "begun", 0755) == 0);
		began = clock_tick();
		present(CHALLENGE_DNS, APEX, TOKEN);
		while (!w.told[0].is_done) {

			loop_step(w.loop);
		}
		ms = clock_tick().ms - began.ms;
		CHECK_INT(w.told[0].err.code, rows[i].code);
		CHECK(ms >= 1500 && ms < 4500);
		CHECK_INT(n_failed() <= 1, true);
		end();
	}
}

/* A hanging command costs a stop some seconds, and nothing is forgotten. */
TEST(a_stop_ends_commands)
{
	static const struct {
		bool is_include;
		const char *command;
	} rows[] = {
		{ true, "test ! -e begun || exec sleep 1000" },
		{ true, "trap '' TERM; test ! -e begun || while :; do sleep 1; done" },
		{ false, "exec sleep 1000" },
		{ true, "test ! -e begun" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tick began;

		begin_quickly(1800);
		w.challenges->stop_ms = 2000;
		if (rows[i].is_include)
			use_include(rows[i].command);
		else
			use_command(rows[i].command, rows[i].command);
		REQUIRE(mkdirat(w.fd, "begun", 0755) == 0);
		present(CHALLENGE_DNS, APEX, TOKEN);
		CHECK(!challenges_settle(w.challenges, 300));
		CHECK_INT(w.n_told, 0);
		began = clock_tick();
		challenges_hurry(w.challenges);
		settle();
		challenges_sweep(w.challenges);
		settle();
		CHECK(clock_tick().ms - began.ms < 6000);
		CHECK_INT(w.n_told, 1);
		CHECK(err_is_set(&w.told[0].err));
		CHECK_INT(count("challenges"), 1);
		/* The next life sweeps it. */
		REQUIRE(unlinkat(w.fd, "begun", AT_REMOVEDIR) == 0);
		w.n_words = 0;
		if (rows[i].is_include)
			w.zone.publish.refresh = shell("true");
		else
			w.zone.publish.remove = shell("true");
		restart();
		challenges_sweep(w.challenges);
		settle();
		CHECK_INT(count("challenges"), 0);
		end();
	}
}

/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/task/loop.h"

/* The real loop, for a few milliseconds. */

static struct loop *loop;
static char seen[16];

static void note(char c)
{
	seen[strlen(seen)] = c;
}

static void first(struct timer *timer)
{
	(void)timer;
	note('1');
}

static void wall(struct timer *timer)
{
	(void)timer;
	note('w');
}

static void last(struct timer *timer)
{
	(void)timer;
	note('2');
	loop_stop(loop);
}

static void readable(struct watch *watch, unsigned what)
{
	CHECK_INT(what, LOOP_READ);
	note('r');
	loop_watch_stop(watch);
}

TEST(timers_and_descriptors_come_in_order)
{
	struct timer a = { .fire = first }, b = { .fire = last }, c = { .fire = wall };
	struct timer never = { .fire = first };
	struct watch watch = { .ready = readable };
	int fds[2];

	loop = loop_new();
	REQUIRE(pipe(fds) == 0);
	watch.fd = fds[0];
	loop_watch(loop, &watch, LOOP_READ);
	CHECK_INT(write(fds[1], "x", 1), 1);
	loop_timer_at(loop, &c, clock_now());
	loop_timer_in(loop, &a, 20);
	loop_timer_in(loop, &b, 40);
	loop_timer_at(loop, &never, INSTANT_NEVER);
	loop_timer_in(loop, &never, 30);
	loop_timer_stop(loop, &never);
	loop_run(loop);
	CHECK_INT(strlen(seen), 4);
	CHECK(strchr(seen, 'r') && strchr(seen, 'w'));
	CHECK_STR(seen + 2, "12");
	close(fds[0]);
	close(fds[1]);
	loop_free(loop);
}

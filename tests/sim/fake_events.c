/* SPDX-License-Identifier: MIT */
#include "tests/sim/fake_events.h"

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/task/loop_virtual.h"

static struct fake_events *fake_of(struct events *events)
{
	return CONTAINER_OF(events, struct fake_events, events);
}

static void arm(struct fake_events *fake)
{
	struct heap_node *first = heap_first(&fake->events.timers);
	int64_t ms = first ? first->key - clock_tick().ms : 0;

	loop_timer_stop(fake->loop, &fake->timer);
	if (first)
		loop_timer_in(fake->loop, &fake->timer, ms > 0 ? ms : 0);
}

/* One at a time, so that a death can come between any two. */
static void fire(struct timer *in)
{
	struct fake_events *fake = CONTAINER_OF(in, struct fake_events, timer);
	struct heap_node *first = heap_first(&fake->events.timers);
	struct event_timer *timer = CONTAINER_OF(first, struct event_timer, node);

	heap_remove(&fake->events.timers, first);
	arm(fake);
	timer->fired(timer->data);
}

void fake_events_init(struct fake_events *fake, struct loop *loop)
{
	*fake = (struct fake_events){ .loop = loop, .timer.fire = fire };
}

void fake_events_done(struct fake_events *fake)
{
	loop_timer_stop(fake->loop, &fake->timer);
	heap_done(&fake->events.timers);
}

void events_set_timer(struct events *events, struct event_timer *timer, struct tick at)
{
	heap_set(&events->timers, &timer->node, at.ms);
	arm(fake_of(events));
}

void events_set_timer_in(struct events *events, struct event_timer *timer, int64_t ms)
{
	events_set_timer(events, timer, (struct tick){ clock_tick().ms + ms });
}

void events_stop_timer(struct events *events, struct event_timer *timer)
{
	if (heap_has(&timer->node))
		heap_remove(&events->timers, &timer->node);
	arm(fake_of(events));
}

int events_run_until(struct events *events, const bool *flag, int timeout_ms, struct err *err)
{
	struct tick end = { clock_tick().ms + timeout_ms };
	struct instant limit = instant_add(clock_now(), SECONDS(timeout_ms / 1000 + 1));

	while (!*flag)
		if (clock_tick().ms >= end.ms || !virtual_step(fake_of(events)->loop, limit))
			return err_set(
				err, ERR_TIMEOUT, "nothing happened in %d ms", timeout_ms);
	return 0;
}

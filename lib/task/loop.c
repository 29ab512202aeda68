/* SPDX-License-Identifier: MIT */
#include "lib/task/loop.h"

#include "lib/base/attr.h"
#include "lib/base/clock.h"
#include "lib/task/loop_private.h"

/* Tasks that keep each other ready must not keep the loop from its descriptors. */
enum { ROUNDS = 64 };

void loop_init(struct loop *loop, const struct loop_backend *backend)
{
	loop->backend = backend;
	list_init(&loop->ready);
}

void loop_done(struct loop *loop)
{
	heap_done(&loop->since_boot);
	heap_done(&loop->on_wall);
}

void loop_free(struct loop *loop)
{
	if (loop)
		loop->backend->free(loop);
}

bool loop_step(struct loop *loop)
{
	return loop->backend->step(loop);
}

void loop_watch(struct loop *loop, struct watch *watch, unsigned what)
{
	watch->loop = loop;
	if (what)
		loop->backend->watch(loop, watch, what);
	else
		loop_watch_stop(watch);
}

void loop_watch_stop(struct watch *watch)
{
	if (watch->impl)
		watch->loop->backend->watch_stop(watch);
	watch->impl = NULL;
}

void loop_timer_in(struct loop *loop, struct timer *timer, int64_t ms)
{
	loop_timer_stop(loop, timer);
	heap_set(&loop->since_boot, &timer->node, clock_tick().ms + (ms > 0 ? ms : 0));
}

void loop_timer_at(struct loop *loop, struct timer *timer, struct instant at)
{
	loop_timer_stop(loop, timer);
	if (at.s != INT64_MAX)
		heap_set(&loop->on_wall, &timer->node, at.s);
}

/* The array entry at its place tells which heap it is in. */
void loop_timer_stop(struct loop *loop, struct timer *timer)
{
	struct heap_node *node = &timer->node;

	if (!heap_has(node))
		return;
	if (node->at <= loop->since_boot.n && loop->since_boot.nodes[node->at - 1] == node)
		heap_remove(&loop->since_boot, node);
	else
		heap_remove(&loop->on_wall, node);
}

void loop_fire(struct heap *heap, int64_t now)
{
	struct heap_node *first;

	while ((first = heap_first(heap)) && first->key <= now) {
		struct timer *timer = CONTAINER_OF(first, struct timer, node);

		heap_remove(heap, first);
		timer->fire(timer);
	}
}

void loop_on_clock_set(struct loop *loop, void (*set)(void *data), void *data)
{
	loop->clock_set = set;
	loop->clock_set_data = data;
}

void loop_ready(struct loop *loop, struct ready *ready)
{
	list_append(&loop->ready, &ready->link);
}

void loop_resume(struct loop *loop)
{
	struct list *ready = &loop->ready, *first;
	struct list round;

	if (list_is_empty(ready))
		return;
	list_init(&round);
	round.next = ready->next;
	round.prev = ready->prev;
	round.next->prev = round.prev->next = &round;
	list_init(ready);
	while ((first = list_first(&round))) {
		struct ready *next = LIST_OF(first, struct ready, link);

		list_remove(first);
		next->go_on(next);
	}
}

void loop_run_ready(struct loop *loop)
{
	for (int i = 0; i < ROUNDS && !list_is_empty(&loop->ready); i++)
		loop_resume(loop);
}

void loop_run(struct loop *loop)
{
	loop->is_stopping = false;
	while (!loop->is_stopping && loop_step(loop))
		;
}

struct deadline {
	struct timer timer;
	bool is_over;
};

static void on_deadline(struct timer *timer)
{
	CONTAINER_OF(timer, struct deadline, timer)->is_over = true;
}

bool loop_run_until(struct loop *loop, const bool *flag, int64_t ms)
{
	struct deadline deadline = { .timer.fire = on_deadline };

	loop_timer_in(loop, &deadline.timer, ms);
	while (!*flag && !deadline.is_over && loop_step(loop))
		;
	loop_timer_stop(loop, &deadline.timer);
	return *flag;
}

void loop_stop(struct loop *loop)
{
	loop->is_stopping = true;
}

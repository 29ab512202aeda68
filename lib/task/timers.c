/* SPDX-License-Identifier: MIT */
#include "lib/task/timers.h"

#include "lib/base/attr.h"
#include "lib/task/task.h"

void timers_set_in(struct timers *timers, struct timer *timer, struct tick now, int64_t ms)
{
	timers_stop(timers, timer);
	heap_set(&timers->since_boot, &timer->node, now.ms + (ms > 0 ? ms : 0));
}

void timers_set_at(struct timers *timers, struct timer *timer, struct instant at)
{
	timers_stop(timers, timer);
	if (at.s != INT64_MAX)
		heap_set(&timers->on_wall, &timer->node, at.s);
}

/* The array entry at the timer's index tells which heap holds it. */
void timers_stop(struct timers *timers, struct timer *timer)
{
	struct heap_node *node = &timer->node;

	if (!heap_has(node))
		return;
	if (node->at <= timers->since_boot.n && timers->since_boot.nodes[node->at - 1] == node)
		heap_remove(&timers->since_boot, node);
	else
		heap_remove(&timers->on_wall, node);
}

void timers_done(struct timers *timers)
{
	heap_done(&timers->since_boot);
	heap_done(&timers->on_wall);
}

void timers_fire(struct heap *heap, int64_t now)
{
	struct heap_node *first;

	while ((first = heap_first(heap)) && first->key <= now) {
		struct timer *timer = CONTAINER_OF(first, struct timer, node);

		heap_remove(heap, first);
		timer->fire(timer);
	}
}

void tasks_resume(struct list *ready)
{
	struct list round;

	if (list_is_empty(ready))
		return;
	list_init(&round);
	round.next = ready->next;
	round.prev = ready->prev;
	round.next->prev = round.prev->next = &round;
	list_init(ready);
	while (!list_is_empty(&round))
		task_resume(list_first(&round));
}

#include "lib/task/timers.h"

#include "lib/base/attr.h"
#include "lib/task/task.h"

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

/* SPDX-License-Identifier: MIT */
#include "lib/task/worker.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "tests/sim/town.h"

/*
 * Work that happens at one moment and is told at a later one, so that a restart can come before,
 * between and after.
 */

struct worker {
	struct town *town;
	struct list items;
};

struct item {
	struct list link;
	struct worker *worker;
	struct timer timer;
	const struct work *kind;
	void *in, *data;
};

struct worker *fake_worker_new(struct town *town)
{
	struct worker *worker = mem_new(struct worker);

	worker->town = town;
	list_init(&worker->items);
	return worker;
}

static void item_free(struct item *item)
{
	loop_timer_stop(item->worker->town->loop, &item->timer);
	item->worker->town->n_ended++;
	list_remove(&item->link);
	free(item);
}

void fake_worker_free(struct worker *worker)
{
	list_each_safe(at, &worker->items) {
		struct item *item = LIST_OF(at, struct item, link);

		item->kind->drop(item->in);
		item_free(item);
	}
	free(worker);
}

static void told(struct timer *timer)
{
	struct item *item = CONTAINER_OF(timer, struct item, timer);
	const struct work *kind = item->kind;
	void *in = item->in, *data = item->data;

	item_free(item);
	kind->done(in, data);
}

static void done(struct timer *timer)
{
	struct item *item = CONTAINER_OF(timer, struct item, timer);

	item->kind->run(item->in);
	item->timer.fire = told;
	loop_timer_in(item->worker->town->loop, timer, town_delay(item->worker->town, 5));
}

void worker_start(struct worker *worker, const struct work *kind, void *in, void *data)
{
	struct item *item = mem_new(struct item);

	item->worker = worker;
	item->kind = kind;
	item->in = in;
	item->data = data;
	item->timer.fire = done;
	worker->town->n_begun++;
	list_append(&worker->items, &item->link);
	loop_timer_in(worker->town->loop, &item->timer, town_delay(worker->town, 5));
}

/* SPDX-License-Identifier: MIT */
#include "lib/task/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/list.h"
#include "lib/base/mem.h"
#include "lib/task/loop.h"

struct item {
	struct list link;
	const struct work *kind;
	void *in, *data;
};

/*
 * Shared by the loop and the threads, under the lock; freed by the last one that leaves.  The
 * loop's own part is `watch` and `threads`, which no thread touches.
 */
struct worker {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct list queue, finished;
	size_t n_running, n_threads, n_idle;
	size_t refs; /* threads, and the loop */
	int event_fd;
	bool is_closed;
	struct watch watch;
	pthread_t threads[WORKER_THREADS];
};

static struct item *take(struct list *list)
{
	struct list *link = list_first(list);

	if (!link)
		return NULL;
	list_remove(link);
	return LIST_OF(link, struct item, link);
}

/* Gives one reference back and unlocks. */
static void release(struct worker *worker)
{
	bool is_last = --worker->refs == 0;

	pthread_mutex_unlock(&worker->lock);
	if (!is_last)
		return;
	file_closep(&worker->event_fd);
	pthread_cond_destroy(&worker->wake);
	pthread_mutex_destroy(&worker->lock);
	free(worker);
}

static void finish(struct worker *worker, struct item *item)
{
	uint64_t one = 1;

	if (worker->is_closed) {
		item->kind->drop(item->in);
		free(item);
		return;
	}
	list_append(&worker->finished, &item->link);
	/* Fails only when the counter is full, and then the loop wakes up anyway. */
	if (write(worker->event_fd, &one, sizeof(one)) < 0)
		return;
}

static void *thread_main(void *data)
{
	struct worker *worker = data;
	struct item *item;

	/* The loop goes first: its callers wait for milliseconds, those of a thread for seconds. */
	setpriority(PRIO_PROCESS, (id_t)gettid(), 10);
	pthread_mutex_lock(&worker->lock);
	while (!worker->is_closed) {
		item = take(&worker->queue);
		if (!item) {
			worker->n_idle++;
			pthread_cond_wait(&worker->wake, &worker->lock);
			worker->n_idle--;
			continue;
		}
		worker->n_running++;
		pthread_mutex_unlock(&worker->lock);
		item->kind->run(item->in);
		pthread_mutex_lock(&worker->lock);
		worker->n_running--;
		finish(worker, item);
	}
	release(worker);
	return NULL;
}

static void tell_finished(struct watch *watch, unsigned what)
{
	struct worker *worker = CONTAINER_OF(watch, struct worker, watch);
	struct item *item;
	uint64_t count;

	(void)what;
	if (read(worker->event_fd, &count, sizeof(count)) < 0)
		return;
	pthread_mutex_lock(&worker->lock);
	worker->refs++; /* `done` may free the worker */
	while (!worker->is_closed && (item = take(&worker->finished))) {
		pthread_mutex_unlock(&worker->lock);
		item->kind->done(item->in, item->data);
		free(item);
		pthread_mutex_lock(&worker->lock);
	}
	release(worker);
}

int worker_new(struct loop *loop, struct worker **out, struct err *err)
{
	struct worker *worker = mem_new(struct worker);

	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->wake, NULL);
	list_init(&worker->queue);
	list_init(&worker->finished);
	worker->refs = 1;
	worker->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->event_fd < 0) {
		err_sys(err, ERR_IO, errno, "cannot make the worker");
		worker_free(worker);
		return -1;
	}
	worker->watch = (struct watch){ .ready = tell_finished, .fd = worker->event_fd };
	loop_watch(loop, &worker->watch, LOOP_READ);
	*out = worker;
	return 0;
}

/* Threads are made when there is work for them, with all signals left to the loop. */
static int add_thread(struct worker *worker)
{
	pthread_t *thread = &worker->threads[worker->n_threads];
	sigset_t all, before;
	int sys;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	sys = pthread_create(thread, NULL, thread_main, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (sys != 0)
		return -1;
	worker->n_threads++;
	worker->refs++;
	return 0;
}

void worker_start(struct worker *worker, const struct work *kind, void *in, void *data)
{
	struct item *item = mem_new(struct item);
	bool has_thread = true;

	item->kind = kind;
	item->in = in;
	item->data = data;
	pthread_mutex_lock(&worker->lock);
	if (worker->n_idle == 0 && worker->n_threads < WORKER_THREADS)
		has_thread = add_thread(worker) == 0 || worker->n_threads > 0;
	if (has_thread) {
		list_append(&worker->queue, &item->link);
		pthread_cond_signal(&worker->wake);
	} else {
		/* A machine without threads still gets its keys, only not beside the loop. */
		kind->run(in);
		finish(worker, item);
	}
	pthread_mutex_unlock(&worker->lock);
}

bool worker_is_busy(const struct worker *worker)
{
	struct worker *w = (struct worker *)(uintptr_t)worker;
	bool is_busy;

	pthread_mutex_lock(&w->lock);
	is_busy = w->n_running > 0 || !list_is_empty(&w->queue) || !list_is_empty(&w->finished);
	pthread_mutex_unlock(&w->lock);
	return is_busy;
}

static void drop_all(struct list *list)
{
	struct item *item;

	while ((item = take(list))) {
		item->kind->drop(item->in);
		free(item);
	}
}

bool worker_free(struct worker *worker)
{
	bool is_clean;

	if (!worker)
		return true;
	loop_watch_stop(&worker->watch);
	pthread_mutex_lock(&worker->lock);
	worker->is_closed = true;
	drop_all(&worker->queue);
	drop_all(&worker->finished);
	is_clean = worker->n_running == 0;
	pthread_cond_broadcast(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
	/*
	 * A thread without work only has to leave, but is waited for: libcrypto frees the memory of
	 * a thread when that ends, and the memory of all threads in exit().
	 */
	for (size_t i = 0; i < worker->n_threads; i++)
		if (is_clean)
			pthread_join(worker->threads[i], NULL);
		else
			pthread_detach(worker->threads[i]);
	pthread_mutex_lock(&worker->lock);
	release(worker);
	return is_clean;
}

/* SPDX-License-Identifier: MIT */
#include "lib/task/worker.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/task/loop.h"
#include "tests/test.h"

struct world {
	struct loop *loop;
	int n;
	bool is_done;
};

static void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->loop = loop_new();
}

static void run(struct world *w)
{
	CHECK(loop_run_until(w->loop, &w->is_done, 5000));
}

/* What a piece of work computes, and who has seen it. */
struct sum {
	int n, sum;
	bool is_done, is_dropped;
	int gate;  /* readable when it may go on, -1: at once */
	int begun; /* told when it begins, -1: not */
};

static void compute(void *in)
{
	struct sum *sum = in;
	char c;

	if (sum->begun >= 0 && write(sum->begun, "b", 1) < 0)
		return;
	if (sum->gate >= 0 && read(sum->gate, &c, 1) < 0)
		return;
	for (int i = 1; i <= sum->n; i++)
		sum->sum += i;
}

static void computed(void *in, void *data)
{
	struct sum *sum = in;
	struct world *w = data;

	sum->is_done = true;
	w->is_done = --w->n == 0;
}

static void dropped(void *in)
{
	struct sum *sum = in;

	sum->is_dropped = true;
}

static const struct work work = { compute, computed, dropped };

TEST(work_is_done_beside_the_loop_and_told_in_it)
{
	struct sum sums[20] = { { 0 } };
	struct err err = ERR_INIT;
	struct worker *worker;
	struct world w;

	world_init(&w);
	REQUIRE(worker_new(w.loop, &worker, &err) == 0);
	for (int i = 0; i < 20; i++) {
		sums[i] = (struct sum){ .n = i, .gate = -1, .begun = -1 };
		worker_start(worker, &work, &sums[i], &w);
		w.n++;
	}
	CHECK(!sums[0].is_done); /* never from worker_start() */
	run(&w);
	for (int i = 0; i < 20; i++) {
		CHECK(sums[i].is_done && !sums[i].is_dropped);
		CHECK_INT(sums[i].sum, i * (i + 1) / 2);
	}
	CHECK(!worker_is_busy(worker));
	CHECK(worker_free(worker));
	loop_free(w.loop);
}

/* What a library keeps for a thread, as libcrypto its generators, and frees when the thread ends. */
static pthread_key_t kept;
static atomic_int n_kept;

static void keep(void *in)
{
	atomic_fetch_add(&n_kept, pthread_getspecific(kept) ? 0 : 1);
	pthread_setspecific(kept, &n_kept);
	compute(in);
}

static void give_back(void *data)
{
	for (int i = 0; i < 1000; i++)
		sched_yield();
	atomic_fetch_sub((atomic_int *)data, 1);
}

static const struct work keeping_work = { keep, computed, dropped };

TEST(no_thread_ends_after_its_worker)
{
	struct sum sums[WORKER_THREADS] = { { 0 } };
	struct err err = ERR_INIT;
	struct worker *worker;
	struct world w;

	REQUIRE(pthread_key_create(&kept, give_back) == 0);
	world_init(&w);
	REQUIRE(worker_new(w.loop, &worker, &err) == 0);
	for (size_t i = 0; i < ARRAY_LEN(sums); i++) {
		sums[i] = (struct sum){ .n = 1, .gate = -1, .begun = -1 };
		worker_start(worker, &keeping_work, &sums[i], &w);
		w.n++;
	}
	run(&w);
	CHECK(atomic_load(&n_kept) > 0);
	CHECK(worker_free(worker));
	CHECK_INT(atomic_load(&n_kept), 0);
	pthread_key_delete(kept);
	loop_free(w.loop);
}

TEST(closing_a_worker_does_not_wait)
{
	enum { WAITING = 3 };
	/* Outlive the test: the threads are left behind with them. */
	static struct sum sums[WORKER_THREADS + WAITING];
	int64_t start = clock_tick().ms;
	struct err err = ERR_INIT;
	struct worker *worker;
	struct world w;
	int gate[2], begun[2];
	char c;

	REQUIRE(pipe2(gate, O_CLOEXEC) == 0 && pipe2(begun, O_CLOEXEC) == 0);
	world_init(&w);
	REQUIRE(worker_new(w.loop, &worker, &err) == 0);
	for (size_t i = 0; i < ARRAY_LEN(sums); i++) {
		sums[i] = (struct sum){ .n = 1, .gate = gate[0], .begun = begun[1] };
		worker_start(worker, &work, &sums[i], &w);
	}
	/* Every thread is in the middle of its own, and stays there. */
	for (int i = 0; i < WORKER_THREADS; i++)
		REQUIRE(read(begun[0], &c, 1) == 1);
	CHECK(worker_is_busy(worker));
	CHECK(!worker_free(worker));
	CHECK(clock_tick().ms - start < 20000);
	for (size_t i = 0; i < ARRAY_LEN(sums); i++)
		CHECK(!sums[i].is_done);
	for (int i = 0; i < WAITING; i++)
		CHECK(sums[WORKER_THREADS + i].is_dropped);
	/* Lets the threads go, so that the leak checker sees them end; they may still read. */
	close(gate[1]);
	(void)loop_run_until(w.loop, &w.is_done, 50);
	close(begun[0]);
	close(begun[1]);
	loop_free(w.loop);
}

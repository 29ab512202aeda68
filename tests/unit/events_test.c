/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/loop/events.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/keeper/loop/worker.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "tests/test.h"

/* One loop with everything a test may want to note. */
struct world {
	struct events events;
	struct event_fd a, b;
	struct event_timer timers[5];
	struct event_child child;
	int n, order[16], signal;
	bool is_done;
};

static void world_init(struct world *w)
{
	struct err err = ERR_INIT;

	memset(w, 0, sizeof(*w));
	REQUIRE(events_init(&w->events, &err) == 0);
}

static void run(struct world *w)
{
	struct err err = ERR_INIT;

	CHECK_INT(events_run_until(&w->events, &w->is_done, 5000, &err), 0);
}

/* Both ends are readable at once; whoever comes first removes both. */
static void remove_both(void *data, uint32_t what)
{
	struct world *w = data;

	CHECK(what & EPOLLIN);
	w->n++;
	events_unwatch_fd(&w->events, &w->a);
	events_unwatch_fd(&w->events, &w->b);
}

TEST(a_removed_descriptor_is_never_called)
{
	struct err err = ERR_INIT;
	struct world w;
	int a[2], b[2];

	world_init(&w);
	REQUIRE(pipe2(a, O_CLOEXEC) == 0 && pipe2(b, O_CLOEXEC) == 0);
	w.a = (struct event_fd){ remove_both, &w, a[0], 0, false };
	w.b = (struct event_fd){ remove_both, &w, b[0], 0, false };
	CHECK_INT(events_watch_fd(&w.events, &w.a, EPOLLIN, &err), 0);
	CHECK_INT(events_watch_fd(&w.events, &w.b, EPOLLIN, &err), 0);
	CHECK_INT(write(a[1], "x", 1) + write(b[1], "x", 1), 2);
	CHECK_INT(events_run_once(&w.events, 100, &err), 0);
	CHECK_INT(events_run_once(&w.events, 0, &err), 0);
	CHECK_INT(w.n, 1);
	for (int i = 0; i < 2; i++)
		close(a[i]), close(b[i]);
	events_done(&w.events);
}

static void note_timer(struct world *w, int i)
{
	w->order[w->n++] = i;
	w->is_done = i == 4;
}

static void fired_0(void *data)
{
	note_timer(data, 0);
}

/* Sets itself off and another one away. */
static void fired_1(void *data)
{
	struct world *w = data;

	note_timer(w, 1);
	events_stop_timer(&w->events, &w->timers[2]);
	if (w->n < 4)
		events_set_timer_in(&w->events, &w->timers[1], 0);
}

static void fired_2(void *data)
{
	note_timer(data, 2);
}

static void fired_4(void *data)
{
	note_timer(data, 4);
}

TEST(timers_come_in_order_and_can_be_stopped)
{
	static const int want[] = { 0, 1, 1, 1, 4 };
	int64_t start = clock_tick().ms;
	struct world w;

	world_init(&w);
	w.timers[0] = (struct event_timer){ .fired = fired_0, .data = &w };
	w.timers[1] = (struct event_timer){ .fired = fired_1, .data = &w };
	w.timers[2] = (struct event_timer){ .fired = fired_2, .data = &w };
	w.timers[4] = (struct event_timer){ .fired = fired_4, .data = &w };
	events_set_timer_in(&w.events, &w.timers[4], 30);
	events_set_timer(&w.events, &w.timers[2], (struct tick){ start + 1 });
	events_set_timer(&w.events, &w.timers[1], (struct tick){ start });
	events_set_timer(&w.events, &w.timers[0], (struct tick){ start - 1000 });
	run(&w);
	CHECK_INT(w.n, 5);
	for (int i = 0; i < 5; i++)
		CHECK_INT(w.order[i], want[i]);
	CHECK(clock_tick().ms - start >= 30);
	events_done(&w.events);
}

TEST(a_loop_that_waits_does_not_spin)
{
	struct err err = ERR_INIT;
	struct world w;
	int rounds = 0;

	world_init(&w);
	w.timers[4] = (struct event_timer){ .fired = fired_4, .data = &w };
	events_set_timer_in(&w.events, &w.timers[4], 50);
	while (!w.is_done && rounds++ < 1000)
		CHECK_INT(events_run_once(&w.events, -1, &err), 0);
	CHECK(rounds <= 3);
	CHECK_INT(events_run_once(&w.events, 0, &err), 0);
	CHECK_INT(w.n, 1);
	events_done(&w.events);
}

static void child_ended(void *data)
{
	struct world *w = data;
	int status = 0;

	CHECK_INT(events_reap_child(&w->events, &w->child, &status), 0);
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), 42);
	w->is_done = true;
}

TEST(a_child_is_told_and_reaped)
{
	struct err err = ERR_INIT;
	struct world w;
	pid_t pid;

	world_init(&w);
	pid = fork();
	if (pid == 0)
		_exit(42);
	w.child = (struct event_child){ .ended = child_ended, .data = &w };
	CHECK_INT(events_watch_child(&w.events, &w.child, pid, &err), 0);
	run(&w);
	CHECK_INT(waitpid(pid, NULL, WNOHANG), -1);
	CHECK_INT(errno, ECHILD);
	events_unwatch_child(&w.events, &w.child);
	events_done(&w.events);
}

static void signalled(void *data, int signal)
{
	struct world *w = data;

	w->signal = signal;
	events_stop(&w->events);
}

TEST(signals_come_through_the_loop)
{
	struct err err = ERR_INIT;
	struct world w;
	sigset_t set;

	world_init(&w);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	CHECK_INT(events_catch_signals(&w.events, &set, signalled, &w, &err), 0);
	CHECK_INT(kill(getpid(), SIGHUP), 0);
	CHECK_INT(events_run(&w.events, &err), 0);
	CHECK_INT(w.signal, SIGHUP);
	events_done(&w.events);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
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
	REQUIRE(worker_new(&w.events, &worker, &err) == 0);
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
	events_done(&w.events);
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
	REQUIRE(worker_new(&w.events, &worker, &err) == 0);
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
	events_done(&w.events);
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
	REQUIRE(worker_new(&w.events, &worker, &err) == 0);
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
	events_run_once(&w.events, 50, &err);
	close(begun[0]);
	close(begun[1]);
	events_done(&w.events);
}

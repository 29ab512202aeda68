/* SPDX-License-Identifier: MIT */
#include "lib/task/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/task/loop_virtual.h"
#include "lib/task/process.h"
#include "lib/task/task.h"
#include "tests/test.h"

/*
 * The promises of lib/task/loop.h, kept by each of the three loops: this file is linked with one after
 * the other.  The last part needs descriptors, which the virtual loop has not (LOOP_HAS_DESCRIPTORS).
 */

#ifndef LOOP_HAS_DESCRIPTORS
#define LOOP_HAS_DESCRIPTORS 0
#endif

static struct {
	struct loop *loop;
	struct timer timers[6];
	char seen[16];
	bool is_done;
} w;

static void begin(void)
{
#if !LOOP_HAS_DESCRIPTORS
	virtual_start((struct instant){ 1800000000 });
#endif
	memset(&w, 0, sizeof(w));
	w.loop = loop_new();
}

static void note(char c)
{
	if (strlen(w.seen) < sizeof(w.seen) - 1)
		w.seen[strlen(w.seen)] = c;
}

static void run(void)
{
	CHECK(loop_run_until(w.loop, &w.is_done, 5000));
}

static void on_timer(struct timer *timer)
{
	note((char)('0' + (timer - w.timers)));
}

static void on_last(struct timer *timer)
{
	on_timer(timer);
	w.is_done = true;
}

TEST(timers_come_in_the_order_of_their_moments)
{
	int64_t start;

	begin();
	start = clock_tick().ms;
	for (size_t i = 0; i < 5; i++)
		w.timers[i].fire = on_timer;
	w.timers[4].fire = on_last;
	loop_timer_in(w.loop, &w.timers[4], 30);
	loop_timer_in(w.loop, &w.timers[1], 10);
	loop_timer_in(w.loop, &w.timers[3], 20);
	loop_timer_in(w.loop, &w.timers[0], -1000);
	loop_timer_in(w.loop, &w.timers[2], 60000);
	loop_timer_in(w.loop, &w.timers[2], 15); /* is moved */
	run();
	CHECK_STR(w.seen, "01234");
	CHECK(clock_tick().ms - start >= 30);
	loop_free(w.loop);
}

/* Sets itself again, and keeps another one from coming. */
static void on_busy(struct timer *timer)
{
	on_timer(timer);
	loop_timer_stop(w.loop, &w.timers[2]);
	if (strlen(w.seen) < 3)
		loop_timer_in(w.loop, timer, 1);
}

TEST(a_callback_may_set_its_own_timer_and_stop_others)
{
	begin();
	w.timers[1].fire = on_busy;
	w.timers[2].fire = on_timer;
	w.timers[4].fire = on_last;
	loop_timer_in(w.loop, &w.timers[1], 0);
	loop_timer_in(w.loop, &w.timers[2], 2);
	loop_timer_in(w.loop, &w.timers[4], 40);
	CHECK(loop_timer_is_set(&w.timers[2]));
	run();
	CHECK(!loop_timer_is_set(&w.timers[2]));
	CHECK_STR(w.seen, "1114");
	loop_free(w.loop);
}

TEST(a_wall_timer_comes_when_its_date_is_reached)
{
	begin();
	w.timers[1].fire = on_timer;
	w.timers[2].fire = on_timer;
	w.timers[3].fire = on_last;
	loop_timer_at(w.loop, &w.timers[1], clock_now());
	loop_timer_at(w.loop, &w.timers[2], INSTANT_NEVER);
	loop_timer_at(w.loop, &w.timers[3], instant_add(clock_now(), SECONDS(1)));
	run();
	CHECK_STR(w.seen, "13");
	CHECK(!loop_timer_is_set(&w.timers[2]));
	loop_free(w.loop);
}

/* A timer of one kind becomes one of the other. */
TEST(a_timer_is_of_one_clock_at_a_time)
{
	begin();
	w.timers[1].fire = on_timer;
	w.timers[4].fire = on_last;
	loop_timer_at(w.loop, &w.timers[1], clock_now());
	loop_timer_in(w.loop, &w.timers[1], 60000);
	loop_timer_in(w.loop, &w.timers[4], 60000);
	loop_timer_at(w.loop, &w.timers[4], clock_now());
	run();
	CHECK_STR(w.seen, "4");
	loop_free(w.loop);
}

static void on_stop(struct timer *timer)
{
	on_timer(timer);
	loop_stop(w.loop);
}

TEST(a_loop_that_is_stopped_can_run_again)
{
	begin();
	w.timers[1].fire = on_stop;
	w.timers[2].fire = on_stop;
	loop_timer_in(w.loop, &w.timers[1], 1);
	loop_timer_in(w.loop, &w.timers[2], 20);
	loop_run(w.loop);
	CHECK_STR(w.seen, "1");
	loop_run(w.loop);
	CHECK_STR(w.seen, "12");
	loop_free(w.loop);
}

TEST(a_loop_that_waits_for_a_flag_gives_up)
{
	int64_t start;

	begin();
	start = clock_tick().ms;
	CHECK(!loop_run_until(w.loop, &w.is_done, 20));
	CHECK(clock_tick().ms - start >= 20);
	w.is_done = true;
	CHECK(loop_run_until(w.loop, &w.is_done, 60000));
	loop_free(w.loop);
}

TEST(a_loop_that_waits_does_not_spin)
{
	int steps = 0;

	begin();
	w.timers[4].fire = on_last;
	loop_timer_in(w.loop, &w.timers[4], 50);
	while (!w.is_done && steps++ < 1000)
		CHECK(loop_step(w.loop));
	CHECK(steps <= 3);
	loop_free(w.loop);
}

struct sleeper {
	struct task task;
	struct sleep_op sleep;
	int n;
	bool has_ended;
};

static void sleep_thrice(struct task *task)
{
	struct sleeper *s = TASK_OF(task, struct sleeper);

	TASK_BEGIN(task);
	for (s->n = 0; s->n < 3; s->n++)
		AWAIT(task_sleep(task, &s->sleep, 5));
	FINALLY
	s->has_ended = true;
	TASK_END
}

TEST(tasks_go_on_when_what_they_wait_for_has_come)
{
	struct sleeper s = { .n = -1 };

	begin();
	task_start(&s.task, w.loop, sleep_thrice, NULL);
	CHECK_INT(s.n, -1); /* never from task_start() */
	CHECK(loop_run_until(w.loop, &s.has_ended, 5000));
	CHECK_INT(s.n, 3);
	loop_free(w.loop);
}

TEST(a_cancelled_task_ends_without_waiting)
{
	struct sleeper s = { .n = -1 };

	begin();
	task_start(&s.task, w.loop, sleep_thrice, NULL);
	loop_run_ready(w.loop);
	CHECK_INT(s.n, 0);
	task_cancel(&s.task, "enough");
	CHECK(!s.has_ended);
	loop_run_ready(w.loop);
	CHECK(s.has_ended);
	CHECK_INT(s.task.err.code, ERR_CANCELLED);
	loop_free(w.loop);
}

#if LOOP_HAS_DESCRIPTORS

static struct watch watches[2];
static int pipes[2][2], n_ready;

static void begin_pipes(void (*ready)(struct watch *watch, unsigned what))
{
	begin();
	n_ready = 0;
	for (int i = 0; i < 2; i++) {
		REQUIRE(pipe2(pipes[i], O_CLOEXEC | O_NONBLOCK) == 0);
		watches[i] = (struct watch){ .ready = ready, .fd = pipes[i][0] };
		loop_watch(w.loop, &watches[i], LOOP_READ);
	}
}

static void end_pipes(void)
{
	for (int i = 0; i < 2; i++) {
		loop_watch_stop(&watches[i]);
		close(pipes[i][0]);
		if (pipes[i][1] >= 0)
			close(pipes[i][1]);
	}
	loop_free(w.loop);
}

/* Both are readable at once; the one that comes first stops both. */
static void stop_both(struct watch *watch, unsigned what)
{
	(void)watch;
	CHECK_INT(what, LOOP_READ);
	n_ready++;
	loop_watch_stop(&watches[0]);
	loop_watch_stop(&watches[1]);
}

/*
 * Stands in for the C library's.  Once it answers as the kernel does when the clock was set since
 * the last wait: the timer is armed, and nothing but this answer tells it.
 */
static bool clock_was_set;
static int n_clock_sets;

int timerfd_settime(int fd, int flags, const struct itimerspec *spec, struct itimerspec *before)
{
	if (clock_was_set && (flags & TFD_TIMER_CANCEL_ON_SET)) {
		clock_was_set = false;
		errno = ECANCELED;
		return -1;
	}
	return (int)syscall(SYS_timerfd_settime, fd, flags, spec, before);
}

static void on_clock_set(void *data)
{
	n_clock_sets++;
	loop_timer_in(data, &w.timers[1], 0);
}

TEST(a_clock_that_is_set_while_timers_change_is_told)
{
	begin();
	loop_on_clock_set(w.loop, on_clock_set, w.loop);
	w.timers[1].fire = on_last;
	clock_was_set = true;
	loop_timer_at(w.loop, &w.timers[2], instant_add(clock_now(), SECONDS(3600)));
	run();
	CHECK_INT(n_clock_sets, 1);
	loop_timer_stop(w.loop, &w.timers[2]);
	loop_free(w.loop);
}

TEST(a_descriptor_that_is_not_watched_any_more_is_never_told)
{
	begin_pipes(stop_both);
	CHECK_INT(write(pipes[0][1], "x", 1) + write(pipes[1][1], "x", 1), 2);
	CHECK(!loop_run_until(w.loop, &w.is_done, 50));
	CHECK_INT(n_ready, 1);
	end_pipes();
}

static void count(struct watch *watch, unsigned what)
{
	char data[8];

	CHECK_INT(what, LOOP_READ);
	n_ready++;
	if (read(watch->fd, data, sizeof(data)) == 0)
		loop_watch_stop(watch);
}

TEST(a_watch_can_rest_and_go_on)
{
	begin_pipes(count);
	loop_watch(w.loop, &watches[0], 0);
	CHECK_INT(write(pipes[0][1], "x", 1), 1);
	CHECK(!loop_run_until(w.loop, &w.is_done, 20));
	CHECK_INT(n_ready, 0);
	loop_watch(w.loop, &watches[0], LOOP_READ);
	CHECK(!loop_run_until(w.loop, &w.is_done, 20));
	CHECK_INT(n_ready, 1);
	end_pipes();
}

TEST(the_end_of_a_descriptor_is_told_as_what_is_watched)
{
	begin_pipes(count);
	close(pipes[0][1]);
	pipes[0][1] = -1;
	CHECK(!loop_run_until(w.loop, &w.is_done, 20));
	CHECK_INT(n_ready, 1);
	end_pipes();
}

static struct loop_child child;

static void on_child(struct loop_child *ended)
{
	int status = 0;

	CHECK_INT(kill(ended->pid, 0), 0); /* its number is nobody else's yet */
	CHECK_INT(loop_child_reap(ended, &status), 0);
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), 42);
	w.is_done = true;
}

TEST(a_child_is_told_and_reaped)
{
	struct err err = ERR_INIT;
	pid_t pid;

	begin();
	pid = fork();
	if (pid == 0)
		_exit(42);
	child = (struct loop_child){ .ended = on_child };
	CHECK_INT(loop_child_watch(w.loop, &child, pid, &err), 0);
	run();
	CHECK_INT(waitpid(pid, NULL, WNOHANG), -1);
	CHECK_INT(errno, ECHILD);
	CHECK_INT(child.pid, 0);
	loop_child_forget(&child);
	loop_free(w.loop);
}

static void on_lingering(struct loop_child *ended)
{
	(void)ended;
	n_ready++;
}

TEST(a_child_that_is_not_reaped_is_told_once)
{
	struct err err = ERR_INIT;
	pid_t pid;

	begin();
	n_ready = 0;
	pid = fork();
	if (pid == 0)
		_exit(0);
	child = (struct loop_child){ .ended = on_lingering };
	CHECK_INT(loop_child_watch(w.loop, &child, pid, &err), 0);
	CHECK(!loop_run_until(w.loop, &w.is_done, 200));
	CHECK_INT(n_ready, 1);
	loop_child_forget(&child);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	loop_free(w.loop);
}

static int caught[4], n_caught;

static void on_signal(struct loop_signals *signals, int signal)
{
	(void)signals;
	caught[n_caught++ % 4] = signal;
	w.is_done = n_caught == 2;
}

TEST(signals_come_through_the_loop)
{
	struct loop_signals signals = { .came = on_signal };
	struct err err = ERR_INIT;
	sigset_t set;

	begin();
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	CHECK_INT(loop_signals_catch(w.loop, &signals, &set, &err), 0);
	CHECK_INT(kill(getpid(), SIGHUP), 0);
	CHECK_INT(kill(getpid(), SIGTERM), 0);
	run();
	CHECK_INT(caught[0] + caught[1], SIGHUP + SIGTERM);
	loop_signals_forget(&signals);
	loop_free(w.loop);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

#endif

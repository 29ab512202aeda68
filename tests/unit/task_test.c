/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "lib/base/clock.h"
#include "lib/task/loop_virtual.h"
#include "lib/task/task.h"

/*
 * A job like the real ones: publishes, waits for two children side by side, sleeps, withdraws in its
 * cleanup.  The sweeps below cancel it before every step and fail it at every operation.
 */

static int published, withdrawn, finished, ops_started, fail_at;

struct flaky_op {
	struct op op;
	struct timer timer;
	bool fails;
};

static void flaky_over(struct timer *timer)
{
	struct flaky_op *flaky = CONTAINER_OF(timer, struct flaky_op, timer);
	struct err err = ERR_INIT;

	if (flaky->fails)
		err_set(&err, ERR_IO, "it broke");
	op_end(&flaky->op, &err);
}

static void flaky_cancel(struct op *op)
{
	loop_timer_stop(op->task->loop, &CONTAINER_OF(op, struct flaky_op, op)->timer);
	op_end(op, NULL);
}

static void flaky_start(struct task *task, struct flaky_op *flaky, int64_t ms)
{
	flaky->fails = ++ops_started == fail_at;
	flaky->timer.fire = flaky_over;
	op_begin(&flaky->op, task, flaky_cancel);
	loop_timer_in(task->loop, &flaky->timer, ms);
}

struct child {
	struct task task;
	struct flaky_op op;
	int64_t ms;
	int rounds;
};

static void child_run(struct task *task)
{
	struct child *c = TASK_OF(task, struct child);

	TASK_BEGIN(task)
	for (c->rounds = 0; c->rounds < 3; c->rounds++)
		AWAIT(flaky_start(task, &c->op, c->ms));
	FINALLY
	TASK_END
}

struct job {
	struct task task;
	struct child child[2];
	struct flaky_op op;
	struct sleep_op sleep;
	bool is_published;
};

static void job_run(struct task *task)
{
	struct job *j = TASK_OF(task, struct job);

	TASK_BEGIN(task)
	j->is_published = true;
	published++;
	AWAIT(flaky_start(task, &j->op, 10));
	for (int i = 0; i < 2; i++) {
		j->child[i].ms = 100 * (i + 1);
		task_start_child(&j->child[i].task, task, child_run);
	}
	JOIN();
	AWAIT(task_sleep(task, &j->sleep, 3600 * 1000));
	finished++;
	FINALLY
	if (j->is_published) {
		AWAIT(flaky_start(task, &j->op, 5));
		withdrawn++;
	}
	TASK_END
}

static struct loop *fresh(struct job *job)
{
	struct loop *loop;

	virtual_start((struct instant){ 1800000000 });
	loop = loop_new();
	published = withdrawn = finished = ops_started = 0;
	*job = (struct job){ 0 };
	task_start(&job->task, loop, job_run, NULL);
	return loop;
}

TEST(a_job_runs_to_its_end_in_virtual_time)
{
	struct job job;
	struct loop *loop = fresh(&job);

	fail_at = 0;
	loop_run(loop);
	CHECK(job.task.is_ended);
	CHECK_INT(job.task.err.code, ERR_NONE);
	CHECK_INT(finished, 1);
	CHECK_INT(withdrawn, 1);
	CHECK_INT(clock_now().s, 1800000000 + 3600);
	loop_free(loop);
}

TEST(cancelled_before_every_step_it_withdraws)
{
	fail_at = 0;
	for (uint64_t at = 0;; at++) {
		struct job job;
		struct loop *loop = fresh(&job);
		bool more = true;

		while (more && virtual_steps() < at)
			more = virtual_step(loop, INSTANT_NEVER);
		if (job.task.is_ended) {
			loop_free(loop);
			CHECK(at > 10);
			break;
		}
		task_cancel(&job.task, "the test says so");
		loop_run(loop);
		CHECK(job.task.is_ended);
		CHECK_INT(withdrawn, published);
		CHECK(finished == 0 || job.task.err.code == ERR_NONE);
		CHECK(finished == 1 || job.task.err.code == ERR_CANCELLED);
		loop_free(loop);
	}
}

TEST(failed_at_every_operation_it_withdraws_and_leaves_nobody_running)
{
	for (fail_at = 1; fail_at < 20; fail_at++) {
		struct job job;
		struct loop *loop = fresh(&job);

		loop_run(loop);
		CHECK(job.task.is_ended);
		CHECK_INT(withdrawn, published);
		CHECK(!op_is_pending(&job.child[0].task.as_op));
		if (fail_at <= 7)
			CHECK_STR(job.task.err.text, "it broke");
		CHECK_INT(finished, fail_at <= 7 ? 0 : 1);
		loop_free(loop);
	}
	fail_at = 0;
}

static int fired, jumped;

static void count_fire(struct timer *timer)
{
	(void)timer;
	fired++;
}

static void count_jump(void *data)
{
	(void)data;
	jumped++;
}

TEST(wall_timers_follow_the_clock_that_was_set)
{
	struct timer timer = { .fire = count_fire };
	struct loop *loop;

	virtual_start((struct instant){ 1000 });
	loop = loop_new();
	fired = jumped = 0;
	loop_on_clock_set(loop, count_jump, NULL);
	loop_timer_at(loop, &timer, (struct instant){ 5000 });
	virtual_run_until(loop, (struct instant){ 2000 });
	CHECK_INT(fired, 0);
	virtual_set_wall(loop, (struct instant){ 6000 });
	CHECK_INT(jumped, 1);
	virtual_run_until(loop, (struct instant){ 6001 });
	CHECK_INT(fired, 1);
	loop_timer_at(loop, &timer, (struct instant){ 7000 });
	loop_timer_stop(loop, &timer);
	virtual_run_until(loop, (struct instant){ 9000 });
	CHECK_INT(fired, 1);
	loop_free(loop);
}

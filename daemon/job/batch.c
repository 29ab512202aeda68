/* SPDX-License-Identifier: MIT */
#include "daemon/job/batch.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/job/kinds.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"

/* Orders of an ACME CA mostly wait; the CA's own limit (in_flight) comes on top. */
enum { SIDE_BY_SIDE = 64 };

static int compare(const void *a, const void *b)
{
	const struct cert *x = *(struct cert *const *)a, *y = *(struct cert *const *)b;
	struct instant now = clock_now();
	int64_t s = cert_deadline(&x->facts, ACTION_ISSUE, now).s;
	int64_t t = cert_deadline(&y->facts, ACTION_ISSUE, now).s;

	return s != t ? (s > t) - (s < t) : strcmp(x->conf->name, y->conf->name);
}

struct job *batch_start(struct runner *runner, enum job_kind kind, struct cert *const *certs,
	size_t n, const struct job_options *options)
{
	struct batch *batch = mem_new(struct batch);
	struct cert **sorted AUTO_FREE = mem_zalloc((n + 1) * sizeof(*sorted));

	batch->job.about = "several certificates";
	batch->kind = kind;
	batch->options = *options;
	batch->n = n;
	batch->names = mem_zalloc(n * sizeof(*batch->names));
	memcpy(sorted, certs, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare);
	for (size_t i = 0; i < n; i++)
		batch->names[i] = mem_strdup(sorted[i]->conf->name);
	batch->job.verb = job_kinds[kind].text;
	runner_add(runner, &batch->job, JOB_BATCH, NULL);
	runner_begin(&batch->job);
	return &batch->job;
}

void batch_done(struct job *job)
{
	struct batch *batch = CONTAINER_OF(job, struct batch, job);

	for (size_t i = 0; i < batch->n; i++)
		free(batch->names[i]);
	free(batch->names);
}

static void child_ended(struct task *task);

/* A certificate that left, or that has a job of its own meanwhile, needs none of ours. */
static void start_next(struct batch *batch)
{
	struct runner *runner = batch->job.runner;

	while (batch->running < SIDE_BY_SIDE && batch->at < batch->n) {
		struct cert *cert = fleet_find(runner->fleet, batch->names[batch->at++]);
		struct err err;
		struct job *child;

		if (!cert)
			continue;
		child = runner_start(runner, batch->kind, cert, &batch->options, &err);
		if (!child)
			continue;
		child->batch = &batch->job;
		child->task.done = child_ended;
		batch->running++;
	}
}

static void child_ended(struct task *task)
{
	struct job *child = TASK_OF(task, struct job);
	struct batch *batch = CONTAINER_OF(child->batch, struct batch, job);

	if (err_is_set(&task->err) && !err_is_set(&batch->first_err))
		batch->first_err = task->err;
	runner_end(child);
	batch->running--;
	start_next(batch);
	if (batch->running == 0)
		op_end(&batch->wait, NULL);
}

/* No more are started, and those that run are asked to end; the last one ends the wait. */
static void cancel(struct op *op)
{
	struct batch *batch = CONTAINER_OF(op, struct batch, wait);

	batch->at = batch->n;
	list_each(at, &batch->job.runner->jobs) {
		struct job *job = LIST_OF(at, struct job, link);

		if (job->batch == &batch->job)
			task_cancel(&job->task, "its batch was cancelled");
	}
}

static void run_all(struct batch *batch)
{
	op_begin(&batch->wait, &batch->job.task, cancel);
	start_next(batch);
	if (batch->running == 0)
		op_end(&batch->wait, NULL);
}

void batch_run(struct task *task)
{
	struct batch *batch = CONTAINER_OF(TASK_OF(task, struct job), struct batch, job);

	TASK_BEGIN(task)
	AWAIT(run_all(batch));
	FINALLY
	if (!err_is_set(&task->err))
		task->err = batch->first_err;
	TASK_END
}

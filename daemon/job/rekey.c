/* SPDX-License-Identifier: MIT */
#include "daemon/job/rekey.h"

#include <stdlib.h>

#include "daemon/conf/conf.h"
#include "daemon/job/kinds.h"
#include "daemon/job/runner.h"
#include "lib/base/mem.h"

struct job *rekey_start(struct runner *runner, const struct ca_conf *ca, struct err *err)
{
	char *about AUTO_FREE = mem_printf("the account at %s", ca->name);
	struct rekey *rekey;

	if (!runner->acme || runner->is_stopping) {
		err_set(err, ERR_CA_DOWN, "no CA can be asked now");
		return NULL;
	}
	if (runner_has_same(runner, JOB_ROLLOVER, about, err))
		return NULL;
	rekey = mem_new(struct rekey);
	rekey->ca = acme_ca(runner->acme, ca, false);
	rekey->about = mem_take(&about);
	rekey->job.about = rekey->about;
	runner_add(runner, &rekey->job, JOB_ROLLOVER, NULL);
	runner_begin(&rekey->job);
	return &rekey->job;
}

void rekey_done(struct job *job)
{
	struct rekey *rekey = CONTAINER_OF(job, struct rekey, job);

	rollover_done(&rekey->rollover);
	acme_ca_release(rekey->ca);
	free(rekey->about);
}

void rekey_run(struct task *task)
{
	struct rekey *rekey = CONTAINER_OF(TASK_OF(task, struct job), struct rekey, job);

	TASK_BEGIN(task)
	job_step(&rekey->job, "account");
	AWAIT(account_open(rekey->ca, task, &rekey->account));
	job_step(&rekey->job, "key-change");
	AWAIT(rollover_start(&rekey->rollover, rekey->ca, task));
	FINALLY
	TASK_END
}

/* SPDX-License-Identifier: MIT */
#include "daemon/job/rekey.h"

#include <stdlib.h>

#include "daemon/conf/conf.h"
#include "daemon/job/runner.h"
#include "lib/base/mem.h"

struct rekey *rekey_new(struct runner *runner, const struct ca_conf *ca)
{
	struct rekey *rekey = mem_new(struct rekey);

	rekey->ca = acme_ca(runner->acme, ca, false);
	rekey->about = mem_printf("the account at %s", ca->name);
	rekey->job.about = rekey->about;
	return rekey;
}

void rekey_done(struct rekey *rekey)
{
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

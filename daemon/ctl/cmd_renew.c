#include "daemon/conf/conf.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/work.h"
#include "lib/base/clock.h"

/* What only an operator renews is due for one when its renewal moment has come. */
static bool is_due(const struct plan *plan, struct instant now)
{
	if (plan->why == WHY_MANUAL)
		return instant_is_set(plan->renewal) && !instant_before(now, plan->renewal);
	return plan->action == ACTION_ISSUE && !instant_before(now, plan->at);
}

static enum verdict judge(struct work *work, const struct cert *cert, const struct plan *plan)
{
	(void)cert;
	return work->options.is_forced || is_due(plan, clock_now()) ? WORK_TAKE : WORK_TELL;
}

static int none(const struct work *work, struct err *err)
{
	(void)work;
	(void)err;
	return 0;
}

int cmd_renew(struct session *session, struct err *err)
{
	static const struct work_rules rules = { JOB_ISSUE, judge, none };

	return work_begin(session, &rules, err);
}

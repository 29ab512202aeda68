#include "daemon/conf/index.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/work.h"
#include "lib/base/clock.h"

/* What only an operator renews is due for one when its renewal moment has come, or clients refuse it. */
static bool is_due(const struct plan *plan, struct instant now)
{
	if (plan->why == WHY_MANUAL && plan->refusal != WHY_NONE)
		return true;
	if (plan->why == WHY_MANUAL)
		return instant_is_set(plan->renewal) && !instant_before(now, plan->renewal);
	return plan->action == ACTION_ISSUE && !instant_before(now, plan->at);
}

/* The first CA of the list that would take an order, limits considered; -1: none would. */
static int check_limits(struct work *work, const struct cert *cert, struct err *err)
{
	const struct conf *conf = work->answer.session->ctl->fleet->conf;
	struct manners *manners = &work->answer.session->ctl->runner->manners;
	struct err first = ERR_INIT;

	for (size_t i = 0; i < cert->conf->n_cas; i++) {
		const struct ca_conf *ca = cert_conf_nth_acme(conf, cert->conf, i);

		if (!ca || manners_check(manners, conf, cert, ca, true, false, err) == 0)
			return 0;
		if (!err_is_set(&first))
			first = *err;
	}
	*err = first;
	return err_is_set(&first) ? -1 : 0;
}

/* Forcing skips what the plan waits for, but not what a CA would refuse. */
static enum verdict judge(struct work *work, const struct cert *cert, const struct plan *plan)
{
	struct err err = ERR_INIT;

	if (work->options.is_test)
		return WORK_TAKE;
	if (!work->options.is_forced)
		return is_due(plan, clock_now()) ? WORK_TAKE : WORK_TELL;
	if (check_limits(work, cert, &err) == 0)
		return WORK_TAKE;
	err_add(&err, "%s", cert->conf->name);
	if (!err_is_set(&work->refused) ||
		instant_before(err.not_before, work->refused.not_before))
		work->refused = err;
	return WORK_TELL;
}

static int none(const struct work *work, struct err *err)
{
	if (!err_is_set(&work->refused))
		return 0;
	*err = work->refused;
	return -1;
}

int cmd_renew(struct session *session, struct err *err)
{
	static const struct work_rules rules = { JOB_ISSUE, judge, none };

	if (line_has(session->request.line, "--test") &&
		(line_has(session->request.line, "--force") ||
			line_has(session->request.line, "--reuse-key")))
		return err_set(err, ERR_BAD_ARGUMENT,
			"--test makes no version, so it goes with neither --force nor "
			"--reuse-key");
	return work_begin(session, &rules, err);
}

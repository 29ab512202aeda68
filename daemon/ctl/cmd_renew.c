/* SPDX-License-Identifier: MIT */
#include "daemon/conf/index.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/work.h"
#include "lib/base/clock.h"

/*
 * A certificate that only an operator renews is due when its renewal moment has come, or
 * clients refuse it.
 */
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

		if (!ca || manners_check(manners, conf, cert, ca, work->options.is_forced,
				   false, err) == 0)
			return 0;
		if (!err_is_set(&first))
			first = *err;
	}
	*err = first;
	return err_is_set(&first) ? -1 : 0;
}

/* Is a certificate that is due kept from its next try? */
static bool is_held_back(const struct plan *plan)
{
	switch (plan->why) {
	case WHY_BACKOFF:
	case WHY_CA_DOWN:
	case WHY_CLOCK:
	case WHY_LIMIT:
	case WHY_RETRY_AFTER:
		return plan->action == ACTION_ISSUE;
	default:
		return false;
	}
}

/* Of all that are refused the one that may be tried first is told. */
static enum verdict refuse(struct work *work, const struct cert *cert, struct err *err)
{
	err_add(err, "%s", cert->conf->name);
	if (!err_is_set(&work->refused) ||
		instant_before(err->not_before, work->refused.not_before))
		work->refused = *err;
	return WORK_TELL;
}

static enum verdict refuse_by_plan(
	struct work *work, const struct cert *cert, const struct plan *plan)
{
	struct err err = ERR_INIT;
	char until[INSTANT_TEXT_LEN];

	err_set(&err, plan->why == WHY_LIMIT ? ERR_RATE_LIMITED : ERR_TOO_EARLY,
		"%s, until %s; --force %s", why_sentence(plan->why),
		instant_text(plan->at, until),
		plan->why == WHY_LIMIT ? "does not override what the CA asked for"
				       : "tries at once");
	err.not_before = plan->at;
	return refuse(work, cert, &err);
}

static enum verdict refuse_by_limit(
	struct work *work, const struct cert *cert, const struct err *limit)
{
	struct err err = ERR_INIT;
	char until[INSTANT_TEXT_LEN];

	err_set(&err, limit->code, "%s, until %s%s", limit->text,
		instant_text(limit->not_before, until),
		work->options.is_forced ? "; --force does not override a limit of a CA" : "");
	err.not_before = limit->not_before;
	return refuse(work, cert, &err);
}

/*
 * A forced renewal replaces a CA, or what only an operator renews, only when the request names
 * it in full: every leaf below a replaced CA has to be replaced, too.
 */
static bool is_spared(const struct work *work, const struct cert *cert)
{
	return work->options.is_forced && (cert->conf->is_ca || !cert->conf->is_auto) &&
	       !selection_has_name(&work->selection, cert->conf->name);
}

static enum verdict spare(struct work *work, const struct cert *cert)
{
	struct err err = ERR_INIT;

	err_set(&err, ERR_NOT_NAMED,
		"--force renews it only when it is named in full, because %s",
		cert->conf->is_ca ? "it is in the group ca"
				  : "only an operator renews it (auto: false)");
	return refuse(work, cert, &err);
}

/* A CA that was down is asked again, and with --force one that had refused the account. */
static void look_anew(const struct work *work, const struct cert *cert)
{
	const struct ctl *ctl = work->answer.session->ctl;

	for (size_t i = 0; ctl->runner->acme && i < cert->conf->n_cas; i++) {
		const struct ca_conf *conf =
			cert_conf_nth_acme(ctl->fleet->conf, cert->conf, i);
		struct acme_ca *ca = conf ? acme_ca_find(ctl->runner->acme, conf, false) : NULL;

		if (ca)
			acme_ca_look_anew(ca, work->options.is_forced);
	}
}

/*
 * Forcing skips what the plan waits for, but not what a CA would refuse.  A certificate that is
 * due and held by a limit or a back-off is refused, so that --wait does not wait for a job that
 * never was.
 */
static enum verdict judge(struct work *work, const struct cert *cert, const struct plan *plan)
{
	bool is_held = is_held_back(plan), is_forced = work->options.is_forced;
	struct err err = ERR_INIT;

	if (work->options.is_test)
		return WORK_TAKE;
	if (is_spared(work, cert))
		return spare(work, cert);
	look_anew(work, cert);
	if (!is_forced && is_held)
		return refuse_by_plan(work, cert, plan);
	if (!is_forced && !is_due(plan, clock_now()))
		return WORK_TELL;
	if (check_limits(work, cert, &err) < 0)
		return refuse_by_limit(work, cert, &err);
	return is_held ? WORK_TAKE_TELL : WORK_TAKE;
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
	static const struct work_rules rules = { JOB_ISSUE, false, judge, none };

	if (line_has(session->request.line, "--test") &&
		(line_has(session->request.line, "--force") ||
			line_has(session->request.line, "--reuse-key")))
		return err_set(err, ERR_BAD_ARGUMENT,
			"--test makes no version, so it goes with neither --force nor "
			"--reuse-key");
	return work_begin(session, &rules, err);
}

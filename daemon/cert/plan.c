/* SPDX-License-Identifier: MIT */
#include "daemon/cert/plan.h"

#include <string.h>

#include "daemon/cert/plan_at.h"
#include "daemon/cert/renewal.h"
#include "daemon/cert/target.h"
#include "daemon/cert/window.h"
#include "daemon/conf/index.h"
#include "lib/base/attr.h"
#include "lib/base/str.h"

/*
 * The ladder.  Each rung looks at the facts and either answers with a step or leaves it to the
 * next one; a new guard is a new rung.  Two ladders, one of versions (issue, roll) and one of
 * targets (deploy), are climbed separately, so that a target that fails never holds back a
 * renewal; cert_plan() picks the step that is due first.
 */

/*
 * States: a ladder lives for one call of cert_plan() and owns nothing: it is the arguments with
 * what several rungs need of them.  Each rung_...() either fills the step and returns true,
 * which ends the climb, or leaves it to the next one.
 */
struct ladder {
	const struct cert_conf *conf;
	const struct conf *all;
	const struct cert_facts *facts;
	const struct issuer *issuer;
	struct instant now;
	struct instant renewal, reserve; /* NONE without curr */
	bool is_by_ca;                   /* the renewal moment is one of its CA's window */
	enum why refusal;                /* as in struct plan */
};

struct step {
	enum action action;
	enum why why;
	struct instant at;
	const char *target;
};

static struct step step_of(enum action action, enum why why, struct instant at)
{
	return (struct step){ .action = action, .why = why, .at = at };
}

static struct step asleep(enum why why, struct instant at)
{
	return step_of(ACTION_SLEEP, why, at);
}

/* Is there a version, and has it not ended? */
static bool is_valid(const struct version_facts *version, struct instant now)
{
	return version_is_set(&version->id) && !version_is_expired(version, now);
}

static bool is_changed(const struct ladder *on, const struct version_facts *version)
{
	return version->digest && on->conf->digest && version->digest != on->conf->digest;
}

static bool is_zero(const uint8_t spki[32])
{
	static const uint8_t zero[32];

	return memcmp(spki, zero, sizeof(zero)) == 0;
}

static bool can_sign(const struct ladder *on)
{
	return issuer_is_valid(on->issuer, on->now);
}

/* When all of the chain of the current version has begun. */
static struct instant curr_start(const struct ladder *on)
{
	return instant_max(on->facts->curr.not_before, on->issuer->curr.from);
}

/* A version that has ended is told of as that. */
static enum why refusal(const struct ladder *on)
{
	const struct version_facts *curr = &on->facts->curr;

	if (!is_valid(curr, on->now) || !instant_before(on->now, curr_start(on)))
		return WHY_NONE;
	return version_is_early(curr, on->now) ? WHY_NOT_YET_VALID : WHY_ISSUER_NOT_YET_VALID;
}

/*
 * Is next worth waiting for?  A version that begins in the future although the clock was past
 * its making is one from before the clock was set back: another one is made where it would come
 * too late.  One that was made so begins soon, and another one from the same CA would do no
 * better.
 */
static bool next_counts(const struct ladder *on)
{
	const struct version_facts *next = &on->facts->next;

	if (!is_valid(next, on->now))
		return false;
	if (!version_is_early(next, on->now) || !instant_before(on->now, next->created))
		return true;
	return is_valid(&on->facts->curr, on->now) && on->refusal == WHY_NONE &&
	       !instant_is_set(on->facts->curr.revoked) && !facts_are_doomed(on->facts) &&
	       instant_before(next->not_before, on->reserve);
}

/* Does the local CA sign with another key than the one that signed the version? */
static bool is_other_issuer(const struct ladder *on, const struct version_facts *version)
{
	return on->issuer->is_local && can_sign(on) && !is_zero(version->issuer_spki) &&
	       memcmp(version->issuer_spki, on->issuer->spki, 32) != 0;
}

/* The version by whose life it is measured when issuing or rolling may be tried again. */
static const struct version_facts *held(const struct ladder *on)
{
	const struct cert_facts *facts = on->facts;

	return version_is_set(&facts->curr.id) ? &facts->curr : &facts->next;
}

static struct instant retry_moment(const struct ladder *on)
{
	return failure_retry(
		failure_holds(cert_failure(on->conf, on->facts), on->facts), held(on), on->now);
}

static enum why retry_why(const struct ladder *on)
{
	return failure_why(cert_failure(on->conf, on->facts), held(on));
}

/* Issue at `at`, held back by the last failure and by a CA that cannot sign. */
static struct step issue(const struct ladder *on, enum why why, struct instant at)
{
	struct instant retry = retry_moment(on);

	if (on->issuer->is_local && !can_sign(on))
		return step_of(ACTION_ISSUE, WHY_NO_ISSUER,
			instant_before(on->now, on->issuer->start.from) ? on->issuer->start.from
									: INSTANT_NEVER);
	/* The account's moment, not the certificate's, decides; its change plans anew. */
	if (on->issuer->refusal && !instant_before(on->now, at))
		return step_of(ACTION_ISSUE, WHY_ACCOUNT, INSTANT_NEVER);
	if (instant_before(at, retry) && instant_before(on->now, retry))
		return step_of(ACTION_ISSUE, retry_why(on), retry);
	return step_of(ACTION_ISSUE, why, at);
}

/* The same for a certificate that has been issued before: perhaps only an operator may. */
static struct step issue_again(const struct ladder *on, enum why why, struct instant at)
{
	if (!on->conf->is_auto)
		return asleep(WHY_MANUAL, INSTANT_NEVER);
	return issue(on, why, at);
}

static bool rung_inactive(const struct ladder *on, struct step *out)
{
	*out = asleep(WHY_INACTIVE, INSTANT_NEVER);
	return !on->conf->is_active;
}

/* Neither curr nor a next that could become it. */
static bool rung_nothing(const struct ladder *on, struct step *out)
{
	const struct version_facts *next = &on->facts->next;

	if (version_is_set(&on->facts->curr.id) || next_counts(on))
		return false;
	*out = issue(on,
		is_valid(next, on->now)     ? WHY_NOT_YET_VALID
		: version_is_set(&next->id) ? WHY_NEXT_EXPIRED
					    : WHY_ABSENT,
		on->now);
	return true;
}

/* The current version is to be revoked; what takes its place must not have its key. */
static bool rung_doomed(const struct ladder *on, struct step *out)
{
	const struct cert_facts *facts = on->facts;

	if (!facts_are_doomed(facts) ||
		(next_counts(on) && memcmp(facts->next.spki, facts->curr.spki,
					    sizeof(facts->curr.spki)) != 0))
		return false;
	*out = issue(on, WHY_DOOMED, on->now);
	return true;
}

/* A next that is no longer what the configuration wants is made anew before it rolls. */
static bool rung_next_obsolete(const struct ladder *on, struct step *out)
{
	if (!next_counts(on) || !is_changed(on, &on->facts->next))
		return false;
	if (version_is_set(&on->facts->curr.id))
		*out = issue_again(on, WHY_CONFIG_CHANGED, on->now);
	else
		*out = issue(on, WHY_CONFIG_CHANGED, on->now);
	return true;
}

/* When age and window let next roll, and which of them is the last to. */
static struct step roll_wish(const struct ladder *on)
{
	const struct roll_conf *roll = on->conf->roll;
	const struct version_facts *next = &on->facts->next;
	struct instant old_enough =
		instant_max(instant_add(next->created, roll->min_age), next->not_before);
	struct instant from = instant_max(old_enough, on->now);
	struct instant open = window_next(roll->windows, roll->n_windows, from);

	if (open.s <= on->now.s)
		return step_of(ACTION_ROLL, WHY_READY, on->now);
	return step_of(
		ACTION_ROLL, open.s == old_enough.s ? WHY_MIN_AGE : WHY_ROLL_WINDOW, open);
}

static struct step roll(const struct ladder *on)
{
	struct step wish;

	if (!version_is_set(&on->facts->curr.id))
		return step_of(ACTION_ROLL, WHY_FIRST, on->now);
	if (instant_is_set(on->facts->curr.revoked))
		return step_of(ACTION_ROLL, WHY_REVOKED, on->now);
	if (facts_are_doomed(on->facts))
		return step_of(ACTION_ROLL, WHY_DOOMED, on->now);
	if (on->refusal != WHY_NONE)
		return step_of(ACTION_ROLL, on->refusal, on->now);
	wish = roll_wish(on);
	if (wish.at.s <= on->now.s || instant_before(wish.at, on->reserve))
		return wish;
	if (on->reserve.s <= on->now.s)
		return step_of(ACTION_ROLL, WHY_LATE, on->now);
	return step_of(ACTION_ROLL, WHY_LATE, on->reserve);
}

static bool rung_roll(const struct ladder *on, struct step *out)
{
	const struct version_facts *next = &on->facts->next;
	struct instant retry;

	if (!next_counts(on))
		return false;
	*out = roll(on);
	/* Not even a late one may roll before its own beginning. */
	if (instant_before(out->at, next->not_before))
		*out = step_of(ACTION_ROLL, WHY_MIN_AGE, next->not_before);
	retry = retry_moment(on);
	if (instant_before(out->at, retry) && instant_before(on->now, retry))
		*out = step_of(ACTION_ROLL, retry_why(on), retry);
	return true;
}

static bool rung_revoked(const struct ladder *on, struct step *out)
{
	if (!instant_is_set(on->facts->curr.revoked))
		return false;
	*out = issue_again(on, WHY_REVOKED, on->now);
	return true;
}

static bool rung_expired(const struct ladder *on, struct step *out)
{
	if (!version_is_expired(&on->facts->curr, on->now))
		return false;
	*out = issue_again(on, WHY_EXPIRED, on->facts->curr.not_after);
	return true;
}

/* Served, it is refused; so it is replaced without waiting for its beginning. */
static bool rung_refused(const struct ladder *on, struct step *out)
{
	if (on->refusal == WHY_NONE)
		return false;
	*out = issue_again(on, on->refusal, on->now);
	return true;
}

static bool rung_changed(const struct ladder *on, struct step *out)
{
	if (!is_changed(on, &on->facts->curr))
		return false;
	*out = issue_again(on, WHY_CONFIG_CHANGED, on->now);
	return true;
}

/*
 * All that a CA signed is renewed after it rolled, spread so that a hundred thousand leaves do not
 * come in one second.  There is no haste: the old CA certificate lasts as long as what it signed.
 */
static bool rung_issuer_rolled(const struct ladder *on, struct step *out)
{
	const struct version_facts *curr = &on->facts->curr;
	struct instant rolled = on->issuer->rolled, moment;
	struct duration width;

	if (!is_other_issuer(on, curr))
		return false;
	width = duration_min(HOURS(1), SECONDS(instant_since(on->renewal, rolled).s / 8));
	moment = instant_add(rolled,
		renewal_stable(on->conf->name, curr->generation, STABLE_ISSUER_ROLLED, width));
	*out = issue_again(on, WHY_ISSUER_ROLLED, instant_min(moment, on->renewal));
	return true;
}

/* A certificate that its CA signs today would end when this one ends. */
static bool rung_issuer_ends(const struct ladder *on, struct step *out)
{
	if (!on->issuer->is_local || !can_sign(on) ||
		on->facts->curr.not_after.s < on->issuer->not_after.s - 1)
		return false;
	*out = asleep(on->conf->is_auto ? WHY_ISSUER_ENDS : WHY_MANUAL, INSTANT_NEVER);
	return true;
}

static bool rung_renewal(const struct ladder *on, struct step *out)
{
	enum why why = on->is_by_ca ? WHY_ARI : WHY_RENEWAL;

	*out = issue_again(on, why, on->renewal);
	if (out->action == ACTION_ISSUE && out->why == why &&
		instant_before(on->now, on->renewal))
		*out = asleep(on->is_by_ca ? WHY_ARI_WINDOW : WHY_WINDOW, on->renewal);
	return true;
}

static bool (*const rungs[])(const struct ladder *on, struct step *out) = {
	rung_inactive,
	rung_nothing,
	rung_doomed,
	rung_next_obsolete,
	rung_roll,
	rung_revoked,
	rung_expired,
	rung_refused,
	rung_changed,
	rung_issuer_rolled,
	rung_issuer_ends,
	rung_renewal,
};

static struct step version_step(const struct ladder *on)
{
	struct step step = asleep(WHY_NONE, INSTANT_NEVER);

	for (size_t i = 0; i < ARRAY_LEN(rungs); i++)
		if (rungs[i](on, &step))
			break;
	return step;
}

static struct step target_step(const struct ladder *on, const struct target_conf *target)
{
	const struct cert_facts *facts = on->facts;
	const struct failure *failure = target_failure(facts, target);
	struct step step = step_of(ACTION_DEPLOY, WHY_NOT_DEPLOYED, on->now);
	struct instant retry;

	step.target = target->name;
	/* The version at the target is no worse than one that clients refuse. */
	if (on->refusal != WHY_NONE) {
		step.why = on->refusal;
		step.at = curr_start(on);
		return step;
	}
	if (target_waits_for(on->conf, on->all, facts, target)) {
		step.why = WHY_TARGET_ORDER;
		step.at = INSTANT_NEVER;
		return step;
	}
	if (!failure)
		return step;
	retry = failure_retry(failure_holds(failure, facts), &facts->curr, on->now);
	if (instant_before(on->now, retry)) {
		step.why = failure_why(failure, &facts->curr);
		step.at = retry;
	}
	return step;
}

/* The target that is due first; false when all have the current version. */
static bool deploy_step(const struct ladder *on, struct step *out)
{
	bool is_found = false;

	if (!on->conf->is_active || !is_valid(&on->facts->curr, on->now))
		return false;
	for (size_t i = 0; i < on->conf->n_targets; i++) {
		const struct target_conf *target = cert_conf_nth_target(on->all, on->conf, i);
		struct step step;

		if (target_has_curr(on->facts, target))
			continue;
		step = target_step(on, target);
		if (!is_found || instant_before(step.at, out->at))
			*out = step;
		is_found = true;
	}
	return is_found;
}

/* A replaced version that no target has any more is to be revoked. */
static bool revoke_step(const struct ladder *on, struct step *out)
{
	const struct revocation_facts *wish = &on->facts->revocation;
	struct instant retry = failure_retry(&wish->failure, held(on), on->now);

	if (!on->conf->is_active || !version_is_set(&wish->of) || facts_are_doomed(on->facts))
		return false;
	*out = step_of(ACTION_REVOKE, WHY_DOOMED, on->now);
	if (instant_before(on->now, retry))
		*out = step_of(ACTION_REVOKE, failure_why(&wish->failure, held(on)), retry);
	return true;
}

static bool is_due(const struct step *step, struct instant now)
{
	return step->action != ACTION_SLEEP && step->at.s <= now.s;
}

/* Deploying goes before issuing, unless the current version nears its end; a roll before both. */
static bool deploys_first(
	const struct ladder *on, const struct step *version, const struct step *deploy)
{
	if (!is_due(deploy, on->now))
		return !is_due(version, on->now) && instant_before(deploy->at, version->at);
	if (!is_due(version, on->now))
		return true;
	return version->action == ACTION_ISSUE && instant_before(on->now, on->reserve);
}

/*
 * A hold that ends later than it can have been set for is one from before the clock was set
 * back.
 */
static bool is_held(const struct cert_facts *facts, struct instant now)
{
	return instant_before(now, facts->held) &&
	       instant_since(facts->held, now).s <= PLAN_HOLD.s;
}

static void hold(struct step *step, const struct cert_facts *facts, struct instant now)
{
	if (!is_held(facts, now) || step->action == ACTION_SLEEP ||
		!instant_before(step->at, facts->held))
		return;
	step->why = WHY_HELD;
	step->at = facts->held;
}

struct plan plan_at(const struct cert_conf *conf, const struct conf *all,
	const struct cert_facts *facts, const struct issuer *issuer, struct instant now)
{
	struct ladder on = { conf, all, facts, issuer, now, INSTANT_NONE, INSTANT_NONE, false,
		WHY_NONE };
	struct step step, deploy = { .action = ACTION_SLEEP }, revoke = deploy;

	if (version_is_set(&facts->curr.id)) {
		on.renewal = renewal_of_curr(conf, facts, &on.is_by_ca);
		on.reserve = renewal_late(&facts->curr, on.renewal);
		on.refusal = refusal(&on);
	}
	step = version_step(&on);
	if (deploy_step(&on, &deploy)) {
		if (deploys_first(&on, &step, &deploy))
			step = deploy;
	} else if (revoke_step(&on, &revoke) &&
		   (is_due(&revoke, now) || instant_before(revoke.at, step.at))) {
		step = revoke;
	}
	hold(&step, facts, now);
	return (struct plan){ step.action, step.why, step.at, step.target, on.renewal,
		on.reserve, on.refusal };
}

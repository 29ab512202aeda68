/* SPDX-License-Identifier: MIT */
#include "daemon/cert/explain.h"

#include <stdarg.h>
#include <stdio.h>

#include "daemon/cert/clock_judge.h"
#include "daemon/cert/renewal.h"
#include "daemon/cert/target.h"
#include "daemon/cert/window.h"
#include "daemon/conf/index.h"
#include "lib/base/err.h"

/*
 * States: a story lives for one call of explain and owns nothing.  The plan is made once at its
 * beginning; every say_...() reads it and tells whole sentences, in the order in which
 * cert_explain() calls them.
 */
struct story {
	const struct cert_conf *conf;
	const struct conf *all;
	const struct cert_facts *facts;
	const struct issuer *issuer;
	struct plan plan;
	struct instant now;
	void (*tell)(const char *sentence, void *data);
	void *data;
};

static void say(struct story *story, const char *fmt, ...) PRINTF(2, 3);
static void say(struct story *story, const char *fmt, ...)
{
	va_list ap;
	char text[1024];

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	story->tell(text, story->data);
}

/* "2026-11-21T10:15:00Z (in 3d 4h)" */
static const char *when(const struct story *story, struct instant at, char out[80])
{
	char text[INSTANT_TEXT_LEN], brief[DURATION_TEXT_LEN];
	int64_t away = instant_since(at, story->now).s;

	instant_text(at, text);
	if (!instant_is_set(at) || at.s == INSTANT_NEVER.s)
		snprintf(out, 80, "%s", text);
	else if (away > 0)
		snprintf(out, 80, "%s (in %s)", text, duration_brief(SECONDS(away), brief));
	else if (away < 0)
		snprintf(out, 80, "%s (%s ago)", text, duration_brief(SECONDS(-away), brief));
	else
		snprintf(out, 80, "%s (now)", text);
	return out;
}

static void say_version(struct story *story, const char *which, const struct version_facts *v)
{
	char id[VERSION_ID_TEXT_LEN], end[80];

	if (!version_is_set(&v->id))
		return;
	say(story, "The %s version is %s; it %s at %s.", which, version_id_text(&v->id, id),
		version_is_expired(v, story->now) ? "ended" : "ends",
		when(story, v->not_after, end));
	if (version_is_early(v, story->now))
		say(story, "It is not valid before %s.", when(story, v->not_before, end));
	if (instant_is_set(v->revoked))
		say(story, "It was revoked at %s.", when(story, v->revoked, end));
}

/* Goes before the plan, which may have nothing to do about it. */
static void say_refusal(struct story *story)
{
	const struct chain_start *start = &story->issuer->curr;
	char at[80];

	if (story->plan.refusal == WHY_NOT_YET_VALID)
		say(story,
			"Every client refuses the current version before %s: it begins then.",
			when(story, story->facts->curr.not_before, at));
	else if (story->plan.refusal == WHY_ISSUER_NOT_YET_VALID)
		say(story,
			"Every client refuses the current version before %s: the version of %s "
			"above "
			"it begins then.",
			when(story, start->from, at),
			conf_cert_at(story->all, start->place)->name);
	else
		return;
	say(story, "If the clock is wrong, correct it; else the version is replaced, by an "
		   "operator "
		   "where the plan may not.");
}

static void say_held(struct story *story)
{
	const struct cert_facts *facts = story->facts;

	if (!version_is_set(&facts->curr.id) && !version_is_set(&facts->next.id))
		say(story, "There is no version of %s.", story->conf->name);
	say_version(story, "current", &facts->curr);
	say_version(story, "next", &facts->next);
}

static void say_next_step(struct story *story)
{
	static const char *const verbs[ACTION_COUNT] = { [ACTION_ISSUE] = "issue a new version",
		[ACTION_ROLL] = "make the next version the current one",
		[ACTION_DEPLOY] = "deploy to",
		[ACTION_REVOKE] = "tell the CA to revoke a version" };
	const struct plan *plan = &story->plan;
	const char *verb = verbs[plan->action], *target = plan->target ? plan->target : "";
	const char *gap = plan->target ? " " : "", *reason = why_sentence(plan->why);
	char at[80];

	if (!verb)
		verb = action_text(plan->action);
	if (plan->action == ACTION_SLEEP && plan->at.s == INSTANT_NEVER.s)
		say(story, "Nothing is to come by itself: %s.", reason);
	else if (plan->action == ACTION_SLEEP)
		say(story, "Nothing is to be done before %s: %s.", when(story, plan->at, at),
			reason);
	else if (plan->at.s == INSTANT_NEVER.s)
		say(story, "What comes next is to %s%s%s, once that changes: %s.", verb, gap,
			target, reason);
	else if (plan->at.s <= story->now.s)
		say(story, "Due now is to %s%s%s: %s.", verb, gap, target, reason);
	else
		say(story, "What comes next is to %s%s%s at %s: %s.", verb, gap, target,
			when(story, plan->at, at), reason);
}

static void say_renewal(struct story *story)
{
	const struct version_facts *curr = &story->facts->curr;
	char life[DURATION_TEXT_LEN], left[DURATION_TEXT_LEN], at[80], reserve[80];

	if (!version_is_set(&curr->id))
		return;
	say(story,
		"The current version lives %s; its renewal moment is %s, with %s left; from %s "
		"age "
		"and window yield.",
		duration_brief(version_life(curr), life), when(story, story->plan.renewal, at),
		duration_brief(instant_since(curr->not_after, story->plan.renewal), left),
		when(story, story->plan.reserve, reserve));
}

/* The CA's renewal information about this version, and the state of that request. */
static void say_ari(struct story *story)
{
	const struct ari_facts *ari = &story->facts->ari;
	char start[INSTANT_TEXT_LEN], end[INSTANT_TEXT_LEN], at[80];
	bool by_ca;

	if (!version_is_set(&ari->of) || !version_id_equal(&ari->of, &story->facts->curr.id))
		return;
	if (!story->conf->renew->ari) {
		say(story, "What the CA says about its renewal is not followed (ari: false).");
		return;
	}
	if (instant_is_set(ari->moment)) {
		renewal_of_curr(story->conf, story->facts, &by_ca);
		say(story,
			"The CA wants it renewed between %s and %s; the moment chosen in that "
			"window is %s%s.",
			instant_text(ari->start, start), instant_text(ari->end, end),
			when(story, ari->moment, at), by_ca ? "" : ", too late to follow");
	} else {
		say(story, "The CA gives no window for its renewal, so the curve decides.");
	}
	if (ari->url)
		say(story, "The CA explains that at %.500s.", ari->url);
	if (instant_is_set(ari->again))
		say(story, "The CA is asked about it again at %s.",
			when(story, ari->again, at));
}

static void say_order(struct story *story)
{
	const struct order_facts *order = &story->facts->order;
	char at[80], end[80];

	if (!order->url)
		return;
	say(story, "An order is in flight at the CA %s, placed at %s.",
		order->ca ? order->ca : "that is not known", when(story, order->at, at));
	if (instant_is_set(order->expires))
		say(story, "The CA keeps it until %s.", when(story, order->expires, end));
}

static void say_revocation(struct story *story)
{
	const struct revocation_facts *wish = &story->facts->revocation;
	char id[VERSION_ID_TEXT_LEN], asked[80];

	if (!version_is_set(&wish->of))
		return;
	say(story, "The version %s waits to be revoked since %s: %s.",
		version_id_text(&wish->of, id), when(story, wish->asked, asked),
		facts_are_doomed(story->facts)
			? "another one, on a new key, has to take its place first"
			: "its CA is told once every target has the current version");
	if (wish->failure.code != ERR_NONE)
		say(story, "The CA could not be told %u time%s in a row, last at %s (%s).",
			wish->failure.tries, wish->failure.tries == 1 ? "" : "s",
			when(story, wish->failure.last, asked),
			err_code_text(wish->failure.code));
}

static void say_roll_guards(struct story *story)
{
	const struct roll_conf *roll = story->conf->roll;
	const struct version_facts *next = &story->facts->next;
	struct instant old_enough = instant_add(next->created, roll->min_age);
	char created[INSTANT_TEXT_LEN], age[DURATION_TEXT_LEN], at[80];

	if (!version_is_set(&next->id) || !version_is_set(&story->facts->curr.id))
		return;
	say(story, "The next version was stored at %s and min_age is %s, so age %s %s.",
		instant_text(next->created, created), duration_text(roll->min_age, age),
		instant_before(story->now, old_enough) ? "lets it roll from"
						       : "has let it roll since",
		when(story, old_enough, at));
	if (roll->n_windows == 0)
		return;
	if (window_is_open(roll->windows, roll->n_windows, story->now))
		say(story, "A roll window is open now.");
	else
		say(story, "The roll window is closed; the next one opens at %s.",
			when(story,
				window_next(roll->windows, roll->n_windows,
					instant_max(old_enough, story->now)),
				at));
}

/* The state of the account, and that the certificate itself needs nothing. */
static void say_account(struct story *story)
{
	const struct failure *refusal = story->issuer->refusal;
	char first[INSTANT_TEXT_LEN], again[80];

	if (!refusal)
		return;
	say(story, "Our account is refused since %s, %u time%s in a row, last as: %s (%s).",
		instant_text(refusal->first, first), (unsigned)refusal->tries,
		refusal->tries == 1 ? "" : "s", refusal->text, err_code_text(refusal->code));
	say(story,
		"The CA is asked for the account again at %s, or at once by a reload or renew "
		"--force; when it is let in, or a new one is registered, the certificate goes "
		"on "
		"by itself.",
		when(story, story->issuer->asked_again, again));
}

static void say_issuer(struct story *story)
{
	const struct issuer *issuer = story->issuer;
	const struct ca_conf *ca;
	const char *name;
	char end[80];

	if (!issuer->is_local)
		return;
	ca = conf_ca_at(story->all, issuer->ca);
	name = conf_cert_at(story->all, ca->issuer)->name;
	if (!issuer->is_set)
		say(story, "The CA %s, certificate %s, has no current version.", ca->name,
			name);
	else if (instant_before(story->now, issuer->start.from))
		say(story, "The CA %s cannot sign before %s, when the version of %s begins.",
			ca->name, when(story, issuer->start.from, end),
			conf_cert_at(story->all, issuer->start.place)->name);
	else
		say(story, "The CA %s signs with %s, which %s at %s.", ca->name, name,
			instant_before(story->now, issuer->not_after) ? "ends" : "ended",
			when(story, issuer->not_after, end));
}

/* Why the next try comes later than the ladder alone would have it. */
static void say_wish(
	struct story *story, const struct failure *failure, const struct version_facts *held)
{
	enum why why = failure_why(failure, held);
	char at[80];

	if (!instant_before(story->now, failure->not_before))
		return;
	when(story, failure->not_before, at);
	if (why == WHY_CA_DOWN)
		say(story, "The CA is not asked before %s.", at);
	else if (why == WHY_LIMIT)
		say(story, "The limit lets the next order through at %s.", at);
	else if (why == WHY_RETRY_AFTER)
		say(story, "The CA asks not to come back before %s.", at);
}

/* Tells that `what` failed, how often, when last, why, and when the next try comes. */
static void say_failure(struct story *story, const char *what, const struct failure *failure)
{
	const struct version_facts *held = version_is_set(&story->facts->curr.id)
						   ? &story->facts->curr
						   : &story->facts->next;
	const struct failure *holds = failure_holds(failure, story->facts);
	char first[INSTANT_TEXT_LEN], last[80], retry[80];

	if (!failure)
		return;
	say(story, "%s failed %u time%s in a row since %s, last at %s: %s (%s); %s%s.", what,
		failure->tries, failure->tries == 1 ? "" : "s",
		instant_text(failure->first, first), when(story, failure->last, last),
		failure->text ? failure->text : "no reason is known",
		err_code_text(failure->code),
		holds ? "the next try is not before "
		      : "an operator ended the wait for the next try",
		holds ? when(story, failure_retry(holds, held, story->now), retry) : "");
	if (holds)
		say_wish(story, holds, held);
}

static void say_target(struct story *story, const struct target_conf *target)
{
	const struct target_facts *facts = facts_target(story->facts, target->name);
	const struct failure *failure = target_failure(story->facts, target);
	char id[VERSION_ID_TEXT_LEN], what[320];

	if (target_has_curr(story->facts, target))
		say(story, "Target %s has the current version%s.", target->name,
			story->plan.refusal == WHY_NONE ? "" : ", and clients refuse it");
	else if (facts && version_is_set(&facts->confirmed))
		say(story, "Target %s still has version %s.", target->name,
			version_id_text(&facts->confirmed, id));
	else
		say(story, "Target %s has no version yet.", target->name);
	snprintf(what, sizeof(what), "Deploying to %.250s", target->name);
	say_failure(story, what, failure);
}

static void say_clock(struct story *story, const struct clock_verdict *clock)
{
	if (!clock_is_doubted(clock))
		return;
	say(story, "The clock of this machine is not trusted: %s.", clock->text);
	say(story, "Until that is settled certd does what cannot wait, deletes nothing, and "
		   "tries one "
		   "order at each CA; --force does not wait.");
}

void cert_explain(const struct cert_conf *conf, const struct conf *all,
	const struct cert_facts *facts, const struct issuer *issuer, struct instant now,
	const struct clock_verdict *clock, void (*tell)(const char *sentence, void *data),
	void *data)
{
	struct story story = { .conf = conf,
		.all = all,
		.facts = facts,
		.issuer = issuer,
		.plan = cert_plan(conf, all, facts, issuer, now, clock),
		.now = now,
		.tell = tell,
		.data = data };

	say_clock(&story, clock);
	say_refusal(&story);
	say_next_step(&story);
	say_held(&story);
	say_renewal(&story);
	say_ari(&story);
	say_order(&story);
	say_revocation(&story);
	say_roll_guards(&story);
	say_issuer(&story);
	say_account(&story);
	say_failure(&story, "Issuing or rolling", cert_failure(conf, facts));
	if (!version_is_set(&facts->curr.id))
		return;
	for (size_t i = 0; i < conf->n_targets; i++)
		say_target(&story, cert_conf_nth_target(all, conf, i));
}

/* SPDX-License-Identifier: MIT */
#include "daemon/cert/forecast.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/conf/index.h"
#include "lib/base/heap.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/*
 * Every certificate that takes part has a shadow: its facts as they would be, with room for every
 * configured target.  Texts stay those of the facts passed in.
 */
struct shadow {
	struct heap_node look;
	struct cert_facts facts;
	bool takes_part, is_told;
};

/*
 * States: a run begins with a shadow of each certificate that takes part, all of them due at
 * `now` in the schedule.  Each turn takes the earliest, moves `now` there, plans it, tells the
 * action and puts its effect into the shadow's facts, which makes its dependents due as well.
 * The run owns the shadows, the schedule and the arena of all texts, and frees them together at
 * the end.
 */
struct run {
	const struct forecast *ask;
	const struct conf *conf;
	struct shadow *shadows; /* by place */
	uint32_t *dependents;   /* places, grouped by the place of what signs them */
	size_t *dependents_at;  /* where each group begins; one more than certificates */
	struct heap schedule;
	struct arena arena;
	struct instant now;
};

static const struct cert_facts *facts_at(uint32_t place, void *data)
{
	const struct run *run = data;

	return &run->shadows[place].facts;
}

static struct issuer issuer_now(struct run *run, const struct cert_conf *cert)
{
	return cert_issuer(cert, run->conf, facts_at, run, run->now);
}

/* The place of the certificate that signs for one of its CAs; false when none of ours does. */
static bool signer(
	const struct conf *conf, const struct cert_conf *cert, size_t nth, uint32_t *place)
{
	*place = conf_issuer(conf, cert_conf_ca(cert, nth));
	return *place != CA_NO_ISSUER;
}

static void init_shadow(struct run *run, const struct cert_conf *cert)
{
	struct shadow *shadow = &run->shadows[cert->place];
	const struct cert_facts *known = run->ask->facts[cert->place];
	struct target_facts *targets = NULL;

	if (known)
		shadow->facts = *known;
	if (cert->n_targets)
		targets = arena_zalloc(&run->arena, cert->n_targets * sizeof(*targets));
	for (size_t i = 0; i < cert->n_targets; i++) {
		const char *name = cert_conf_nth_target(run->conf, cert, i)->name;
		const struct target_facts *target = known ? facts_target(known, name) : NULL;

		if (target)
			targets[i] = *target;
		else
			targets[i].name = arena_strdup(&run->arena, name);
	}
	shadow->facts.targets = targets;
	shadow->facts.n_targets = cert->n_targets;
}

/* Takes the certificate in, and what signs it, and what signs that. */
static void take_part(struct run *run, const struct cert_conf *cert)
{
	if (run->shadows[cert->place].takes_part)
		return;
	run->shadows[cert->place].takes_part = true;
	init_shadow(run, cert);
	for (size_t i = 0; i < cert->n_cas; i++) {
		uint32_t place;

		if (signer(run->conf, cert, i, &place))
			take_part(run, conf_cert_at(run->conf, place));
	}
}

/* Counting sort of all pairs of signer and signed. */
static void find_dependents(struct run *run)
{
	const struct conf *conf = run->conf;
	size_t *at = mem_zalloc((conf->n_certs + 2) * sizeof(*at));
	uint32_t place;
	size_t n = 0;

	for (size_t i = 0; i < conf->n_certs; i++)
		for (size_t k = 0; k < conf_cert_at(conf, i)->n_cas; k++)
			if (signer(conf, conf_cert_at(conf, i), k, &place)) {
				at[place + 2]++;
				n++;
			}
	for (size_t i = 2; i < conf->n_certs + 2; i++)
		at[i] += at[i - 1];
	run->dependents = mem_zalloc((n + 1) * sizeof(*run->dependents));
	for (size_t i = 0; i < conf->n_certs; i++)
		for (size_t k = 0; k < conf_cert_at(conf, i)->n_cas; k++)
			if (signer(conf, conf_cert_at(conf, i), k, &place))
				run->dependents[at[place + 1]++] = (uint32_t)i;
	run->dependents_at = at;
}

/* The doubt holds for the present moment; its end cannot be foreseen. */
static const struct clock_verdict *clock_at(const struct run *run)
{
	return run->now.s == run->ask->now.s ? run->ask->clock : NULL;
}

/* The action is due, and the time at which it will be done cannot be foreseen. */
static void tell_held(
	const struct run *run, const struct cert_conf *cert, const struct plan *plan)
{
	struct forecast_event event = { run->now, cert, plan->action, plan->why, plan->target };

	if (run->shadows[cert->place].is_told)
		run->ask->tell(&event, run->ask->data);
}

static void look(struct run *run, const struct cert_conf *cert)
{
	struct shadow *shadow = &run->shadows[cert->place];
	struct issuer issuer = issuer_now(run, cert);
	struct plan plan =
		cert_plan(cert, run->conf, &shadow->facts, &issuer, run->now, clock_at(run));

	if (plan.why == WHY_CLOCK && plan.at.s == INSTANT_NEVER.s)
		tell_held(run, cert, &plan);
	if (plan.at.s == INSTANT_NEVER.s)
		heap_remove(&run->schedule, &shadow->look);
	else
		heap_set(&run->schedule, &shadow->look, instant_max(plan.at, run->now).s);
}

static void init_run(struct run *run, const struct forecast *ask)
{
	run->ask = ask;
	run->conf = ask->conf;
	run->now = ask->now;
	run->shadows = mem_zalloc((ask->conf->n_certs + 1) * sizeof(*run->shadows));
	for (size_t i = 0; i < ask->conf->n_certs; i++) {
		if (ask->wanted && !ask->wanted[i])
			continue;
		run->shadows[i].is_told = true;
		take_part(run, conf_cert_at(ask->conf, i));
	}
	find_dependents(run);
	for (size_t i = 0; i < ask->conf->n_certs; i++)
		if (run->shadows[i].takes_part)
			look(run, conf_cert_at(ask->conf, i));
}

static void done_run(struct run *run)
{
	heap_done(&run->schedule);
	arena_done(&run->arena);
	free(run->dependents);
	free(run->dependents_at);
	free(run->shadows);
}

/* A key that no other version has. */
static void invent_key(const struct cert_conf *cert, uint32_t generation, uint8_t out[32])
{
	uint64_t hash[4] = { str_hash(cert->name, strlen(cert->name)), generation, cert->place,
		1 };

	memcpy(out, hash, sizeof(hash));
}

static bool keeps_key(
	const struct run *run, const struct cert_conf *cert, const struct cert_facts *facts)
{
	const struct version_facts *old = &facts->curr;

	return cert->reuse_key && version_is_set(&old->id) && !facts_are_doomed(facts) &&
	       instant_since(run->now, old->key_created).s < cert->key_max_age.s;
}

static void assume_issued(
	struct run *run, const struct cert_conf *cert, struct cert_facts *facts)
{
	struct issuer issuer = issuer_now(run, cert);
	const struct version_facts *old =
		version_is_set(&facts->next.id) ? &facts->next : &facts->curr;
	struct version_facts made = { .id = { run->now, 0 },
		.created = run->now,
		.not_before = run->now,
		.not_after = cert_new_end(cert, run->conf, &issuer, run->now),
		.key_created = run->now,
		.digest = cert->digest,
		.generation = old->generation + 1 };

	if (keeps_key(run, cert, facts)) {
		memcpy(made.spki, facts->curr.spki, sizeof(made.spki));
		made.key_created = facts->curr.key_created;
	} else {
		invent_key(cert, made.generation, made.spki);
	}
	memcpy(made.issuer_spki, issuer.is_local ? issuer.spki : made.spki,
		sizeof(made.issuer_spki));
	facts->next = made;
	facts->failure = (struct failure){ .code = ERR_NONE };
}

static void assume_rolled(struct run *run, struct cert_facts *facts)
{
	facts->prev = facts->curr.id;
	facts->curr = facts->next;
	facts->curr.rolled = run->now;
	facts->next = (struct version_facts){ 0 };
	facts->failure = (struct failure){ .code = ERR_NONE };
}

static void assume_deployed(struct cert_facts *facts, const char *name)
{
	for (size_t i = 0; i < facts->n_targets; i++) {
		struct target_facts *target = &facts->targets[i];

		if (!str_is(target->name, name))
			continue;
		target->copied = target->confirmed = facts->curr.id;
		target->failure = (struct failure){ .code = ERR_NONE };
	}
}

static void look_at_dependents(struct run *run, uint32_t place)
{
	for (size_t i = run->dependents_at[place]; i < run->dependents_at[place + 1]; i++)
		if (run->shadows[run->dependents[i]].takes_part)
			look(run, conf_cert_at(run->conf, run->dependents[i]));
}

static void act(struct run *run, const struct cert_conf *cert, const struct plan *plan)
{
	struct shadow *shadow = &run->shadows[cert->place];
	struct forecast_event event = { run->now, cert, plan->action, plan->why, plan->target };

	if (shadow->is_told)
		run->ask->tell(&event, run->ask->data);
	switch (plan->action) {
	case ACTION_ISSUE:
		assume_issued(run, cert, &shadow->facts);
		break;
	case ACTION_ROLL:
		assume_rolled(run, &shadow->facts);
		look_at_dependents(run, cert->place);
		break;
	case ACTION_DEPLOY:
		assume_deployed(&shadow->facts, plan->target);
		break;
	case ACTION_REVOKE:
		shadow->facts.revocation = (struct revocation_facts){ .reason = 0 };
		break;
	default:
		break;
	}
}

bool forecast_run(const struct forecast *forecast)
{
	struct run run = { 0 };
	struct heap_node *node;
	size_t steps = 0;

	init_run(&run, forecast);
	while ((node = heap_first(&run.schedule)) && node->key <= forecast->until.s) {
		struct shadow *shadow = CONTAINER_OF(node, struct shadow, look);
		const struct cert_conf *cert =
			conf_cert_at(run.conf, (size_t)(shadow - run.shadows));
		struct issuer issuer;
		struct plan plan;

		if (steps++ >= forecast->max_steps)
			break;
		run.now.s = node->key;
		issuer = issuer_now(&run, cert);
		plan = cert_plan(
			cert, run.conf, &shadow->facts, &issuer, run.now, clock_at(&run));
		if (plan.at.s <= run.now.s)
			act(&run, cert, &plan);
		look(&run, cert);
	}
	done_run(&run);
	return steps <= forecast->max_steps;
}

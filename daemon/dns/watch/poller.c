/* SPDX-License-Identifier: MIT */
#include "daemon/dns/watch/poller.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/dns/watch/classify.h"
#include "daemon/link/keeper.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/*
 * After this time without the value at any server the publisher has done nothing, and the
 * keeper is asked to publish again.
 */
enum { UNPUBLISHED_S = 60, REFRESH_MS = 5 * 60 * 1000, SURVEY_PAUSE_MS = 10000 };

/*
 * The time for all tries at a server that was silent last time, so that it does not hold up
 * other questions of its zone.
 */
enum { SILENT_MS = 4000 };

/* One address that is asked in this round. */
struct question {
	const struct name_server *server; /* of the zone, until the answers are awaited */
	char text[DNS_ADDRESS_TEXT_LEN];
	bool wants_serial;
	bool is_unresolved; /* there is no address to ask */
	bool was_silent;    /* in the round before, for all who wait */
	struct dns_probe_op probe;
	struct dns_probe_op *serial; /* NULL: it is not asked for */
};

/*
 * States: a poller is in zone->pollers from its first wait until its last has left.  Each turn
 * of its task opens the zone, asks all addresses that are due for some wait, side by side,
 * gives each wait the answers, and removes the waits that are decided.  Then it sleeps
 * (is_paused) until the earliest moment at which a wait looks again; a new wait ends the
 * sleep.  The poller owns its questions, a caller owns its wait.  A task that is cancelled ends
 * its waits with ERR_CANCELLED and is freed.
 */
struct poller {
	struct task task;
	struct list link; /* in the zone */
	struct zone *zone;
	char *owner;
	uint16_t type;
	struct list waits; /* struct propagation */
	struct zone_op open;
	struct sleep_op pause;
	struct keeper_op keeper;
	struct question *questions;
	size_t n_questions;
	bool is_paused; /* it sleeps; a new wait ends the sleep */
};

static struct propagation *propagation_at(struct list *at)
{
	return LIST_OF(at, struct propagation, link);
}

static void forget_questions(struct poller *l)
{
	for (size_t i = 0; i < l->n_questions; i++) {
		dns_probe_done(&l->questions[i].probe);
		if (l->questions[i].serial)
			dns_probe_done(l->questions[i].serial);
		free(l->questions[i].serial);
	}
	free(mem_take(&l->questions));
	l->n_questions = 0;
}

/* The wait is over; its caller reads what is left in it. */
static void finish(struct propagation *v)
{
	list_remove(&v->link);
	v->poller = NULL;
	op_end(&v->op, NULL);
}

/* The state of an address stays as long as the address is one of the zone's. */
static const struct server_state *heard(
	const struct server_state *states, size_t n, const struct name_server *server)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(states[i].address, server->text))
			return &states[i];
	return NULL;
}

/* One state for each address. */
static void sync_servers(struct propagation *v)
{
	const struct zone *zone = v->zone;
	struct server_state *old = v->states;
	struct name_server *servers = v->servers;
	size_t n_old = v->n;

	if (old && v->n_surveys == zone->n_surveys)
		return;
	v->n = zone->n_servers;
	v->n_surveys = zone->n_surveys;
	v->states = mem_zalloc((v->n + 1) * sizeof(*v->states));
	v->servers = mem_zalloc((v->n + 1) * sizeof(*v->servers));
	for (size_t i = 0; i < v->n; i++) {
		const struct server_state *known = heard(old, n_old, &zone->servers[i]);
		struct server_state *state = &v->states[i];

		v->servers[i] = zone->servers[i];
		if (known)
			*state = *known;
		state->address = v->servers[i].text;
		state->server = v->servers[i].name;
		state->role = v->servers[i].role;
		state->is_listed = v->servers[i].is_listed;
		state->is_anycast = v->servers[i].is_anycast;
	}
	free(old);
	free(servers);
}

/* Judges one wait; those that are decided end. */
static void judge(struct propagation *v)
{
	struct instant now = clock_now();

	v->judgement = evidence_judge(v->states, v->n, v->rounds, &v->policy, now);
	if (!v->judgement.is_unpublished)
		v->unpublished = INSTANT_NONE;
	else if (!instant_is_set(v->unpublished))
		v->unpublished = now;
	if (v->single_round && v->rounds > 0) {
		finish(v);
		return;
	}
	switch (v->judgement.verdict) {
	case VERDICT_SEEN:
		if (!v->single_round && v->poller->type != DNS_CNAME)
			propagation_report_seen(v);
		finish(v);
		break;
	case VERDICT_LATE:
		propagation_fail_late(v);
		finish(v);
		break;
	case VERDICT_WAIT:
	default:
		propagation_report_slow(v);
		break;
	}
}

static void judge_all(struct poller *l)
{
	list_each_safe(at, &l->waits) {
		sync_servers(propagation_at(at));
		judge(propagation_at(at));
	}
}

/* The servers of the zone are not found; that may pass before the deadline of some wait. */
static void take_trouble(struct poller *l)
{
	list_each_safe(at, &l->waits) {
		struct propagation *v = propagation_at(at);

		if (!v->single_round && l->open.err.code != ERR_CANCELLED &&
			!evidence_is_late(&v->policy, clock_now())) {
			propagation_report_unserved(v);
			continue;
		}
		v->err = l->open.err;
		finish(v);
	}
}

static void pause_for_survey(struct poller *l)
{
	zone_invalidate(l->zone);
	task_sleep(&l->task, &l->pause, SURVEY_PAUSE_MS);
}

/* Until the earliest moment at which a wait looks again. */
static void pause_until_due(struct poller *l)
{
	struct instant now = clock_now(), first = INSTANT_NEVER;
	int64_t ms;

	list_each(at, &l->waits)
		first = instant_min(first, propagation_at(at)->single_round
						   ? now
						   : propagation_at(at)->judgement.again);
	ms = instant_since(first, now).s * 1000;
	l->is_paused = true;
	task_sleep(&l->task, &l->pause, ms > 0 ? ms : 0);
}

static bool is_due(const struct propagation *v, size_t i, struct instant now)
{
	if (v->single_round)
		return !v->skip_extras || v->states[i].role != ROLE_EXTRA;
	return !instant_before(now, v->judgement.again) &&
	       server_state_is_due(&v->states[i], &v->judgement, now);
}

/* Serials explain why a server lacks the value once another one shows it. */
static bool wants_serials(const struct propagation *v)
{
	bool some = false, all = true;

	for (size_t i = 0; i < v->n; i++) {
		if (v->states[i].role == ROLE_EXTRA)
			continue;
		some = some || v->states[i].observation == OBSERVED_MATCH;
		all = all && v->states[i].observation == OBSERVED_MATCH;
	}
	return v->single_round || (some && !all);
}

static void choose(struct poller *l)
{
	struct instant now = clock_now();

	forget_questions(l);
	l->is_paused = false;
	l->questions = mem_zalloc((l->zone->n_servers + 1) * sizeof(*l->questions));
	for (size_t i = 0; i < l->zone->n_servers; i++) {
		struct question *question = &l->questions[l->n_questions];
		bool is_asked = false;

		list_each(at, &l->waits) {
			const struct propagation *v = propagation_at(at);

			if (v->n_surveys != l->zone->n_surveys || !is_due(v, i, now))
				continue;
			question->was_silent = (question->was_silent || !is_asked) &&
					       v->states[i].observation == OBSERVED_TIMEOUT;
			is_asked = true;
			question->wants_serial |=
				wants_serials(v) && v->states[i].role != ROLE_EXTRA;
		}
		if (!is_asked)
			continue;
		question->server = &l->zone->servers[i];
		question->is_unresolved = question->server->address.len == 0;
		memcpy(question->text, question->server->text, sizeof(question->text));
		l->n_questions++;
	}
}

static void ask(struct poller *l)
{
	struct dns *dns = l->zone->zones->dns;

	for (size_t i = 0; i < l->n_questions; i++) {
		struct question *question = &l->questions[i];
		const struct name_server *server = question->server;

		if (question->is_unresolved)
			continue;
		dns_question(&question->probe, l->owner, l->type, &server->address);
		question->probe.recurse = server->role == ROLE_EXTRA;
		question->probe.zone = l->zone->apex;
		question->probe.time_ms = question->was_silent ? SILENT_MS : 0;
		dns_probe(dns, &l->task, &question->probe);
		if (!question->wants_serial)
			continue;
		question->serial = mem_new(struct dns_probe_op);
		dns_question(question->serial, l->zone->apex, DNS_SOA, &server->address);
		question->serial->zone = l->zone->apex;
		question->serial->time_ms = question->probe.time_ms;
		dns_probe(dns, &l->task, question->serial);
	}
}

/* Another survey may have replaced the zone's servers while this one was asked. */
static struct server_state *state_of(struct propagation *v, const struct question *question)
{
	for (size_t i = 0; i < v->n; i++)
		if (str_is(v->servers[i].text, question->text))
			return &v->states[i];
	return NULL;
}

static void note_one(struct poller *l, struct propagation *v, const struct question *question)
{
	struct server_state *state = state_of(v, question);
	enum observation observation;

	if (!state)
		return;
	state->rtt_ms = -1;
	observation = question->is_unresolved ? OBSERVED_UNRESOLVED
					      : classify(&question->probe, v->value, state);
	if (question->serial)
		classify_serial(question->serial, state);
	server_state_note(state, observation, clock_now());
	if (observation == OBSERVED_LAME || observation == OBSERVED_REFUSED ||
		observation == OBSERVED_UNRESOLVED)
		zone_invalidate(l->zone);
	if (v->told)
		v->told(v->data, state);
}

/* A wait that joined while the questions were under way has no answers yet, and gets these, too. */
static void note_all(struct poller *l)
{
	list_each(at, &l->waits) {
		struct propagation *v = propagation_at(at);

		sync_servers(v);
		/* Answers fetched early for another wait do not count as a round for this one. */
		if (!v->single_round && v->rounds > 0 &&
			instant_before(clock_now(), v->judgement.again))
			continue;
		for (size_t i = 0; i < l->n_questions; i++)
			note_one(l, v, &l->questions[i]);
		v->rounds += l->n_questions > 0;
	}
	forget_questions(l);
}

static struct propagation *unpublished(const struct poller *l)
{
	list_each(at, &l->waits) {
		struct propagation *v = propagation_at(at);

		if (v->keeper_zone && instant_is_set(v->unpublished) &&
			instant_since(clock_now(), v->unpublished).s >= UNPUBLISHED_S)
			return v;
	}
	return NULL;
}

static bool must_refresh(const struct poller *l)
{
	const struct zone *zone = l->zone;

	return (zone->refreshed.ms == 0 ||
		       clock_tick().ms - zone->refreshed.ms >= REFRESH_MS) &&
	       unpublished(l);
}

static void refresh(struct poller *l)
{
	l->zone->refreshed = clock_tick();
	keeper_request(&l->keeper, REQUEST_refresh);
	line_add(&l->keeper.text, "zone", unpublished(l)->keeper_zone);
	keeper_ask_soft(l->zone->zones->keeper, &l->task, &l->keeper);
}

/* A value that was published again may be there soon, however long it was missing. */
static void look_soon(struct poller *l)
{
	struct instant soon = instant_add(clock_now(), SECONDS(evidence_ramp_s(0)));

	list_each(at, &l->waits) {
		struct judgement *judgement = &propagation_at(at)->judgement;

		judgement->again = instant_min(judgement->again, soon);
	}
}

static void run(struct task *task)
{
	struct poller *l = TASK_OF(task, struct poller);

	TASK_BEGIN(task)
	while (!list_is_empty(&l->waits)) {
		AWAIT(zone_open(l->zone, task, &l->open));
		if (err_is_set(&l->open.err)) {
			take_trouble(l);
			if (list_is_empty(&l->waits))
				break;
			AWAIT(pause_for_survey(l));
			continue;
		}
		judge_all(l);
		if (list_is_empty(&l->waits))
			break;
		if (must_refresh(l)) {
			AWAIT(refresh(l));
			look_soon(l);
		}
		AWAIT(pause_until_due(l));
		choose(l);
		AWAIT(ask(l));
		note_all(l);
	}
	FINALLY
	TASK_END
}

/* A poller whose task was ended from outside takes its waits along. */
static void ended(struct task *task)
{
	struct poller *l = TASK_OF(task, struct poller);
	struct zone *zone = l->zone;
	struct err err = task->err;

	list_remove(&l->link);
	list_each_safe(at, &l->waits) {
		struct propagation *v = propagation_at(at);

		v->err = err;
		finish(v);
	}
	forget_questions(l);
	keeper_op_done(&l->keeper);
	free(l->owner);
	free(l);
	zones_task_ended(zone->zones);
	zone_release(zone);
}

static struct poller *find(const struct zone *zone, const char *owner, uint16_t type)
{
	list_each(at, &zone->pollers) {
		struct poller *l = LIST_OF(at, struct poller, link);

		if (l->type == type && str_is(l->owner, owner) && !l->task.is_finishing &&
			!err_is_set(&l->task.err))
			return l;
	}
	return NULL;
}

const char *propagation_wanted(
	struct zones *zones, const char *apex, const char *owner, uint16_t type)
{
	const struct zone *zone = map_get(&zones->by_apex, apex);
	const struct poller *l = zone ? find(zone, owner, type) : NULL;

	if (!l)
		return NULL;
	list_each(at, &l->waits)
		if (propagation_at(at)->value)
			return propagation_at(at)->value;
	return NULL;
}

void poller_join(struct propagation *propagation, uint16_t type)
{
	struct zone *zone = propagation->zone;
	struct poller *l = find(zone, propagation->owner, type);

	propagation->poller = l;
	if (l) {
		list_append(&l->waits, &propagation->link);
		/* The sleep that is under way does not know of it. */
		if (l->is_paused && op_is_pending(&l->pause.op))
			loop_timer_in(zone->zones->loop, &l->pause.timer, 0);
		return;
	}
	l = mem_new(struct poller);
	propagation->poller = l;
	l->zone = zone;
	l->owner = mem_strdup(propagation->owner);
	l->type = type;
	list_init(&l->waits);
	list_append(&l->waits, &propagation->link);
	list_append(&zone->pollers, &l->link);
	zone->n_users++;
	zones_task_began(zone->zones);
	task_start(&l->task, zone->zones->loop, run, ended);
}

void poller_leave(struct propagation *propagation)
{
	struct poller *l = propagation->poller;

	list_remove(&propagation->link);
	propagation->poller = NULL;
	if (l && list_is_empty(&l->waits))
		task_cancel(&l->task, "nobody waits for it any more");
}

void pollers_stop(struct zone *zone)
{
	list_each(at, &zone->pollers)
		task_cancel(&LIST_OF(at, struct poller, link)->task, "the daemon stops");
}

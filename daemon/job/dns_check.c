/* SPDX-License-Identifier: MIT */
#include "daemon/job/dns_check.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/challenge.h"
#include "daemon/acme/acme.h"
#include "daemon/conf/conf.h"
#include "daemon/job/kinds.h"
#include "daemon/job/runner.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/wire/name.h"

enum { CHECK_COSTS_MS = 1000, ANSWER_COSTS_MS = 100, CREDIT_MS = 30 * 1000 };

/*
 * States: a check traces the name, then asks in rounds until all that count agree, its time is
 * over, or its asker has gone.  It owns its propagation and a told_answer for each address, by
 * which a round tells changes only.  job_free() frees it with its job.
 */
struct told_answer {
	char address[DNS_ADDRESS_TEXT_LEN];
	enum observation observation;
	uint64_t content;
	bool has_serial;
	uint32_t serial;
	unsigned silent; /* rounds in a row */
};

/* "_25._tcp.": where TLSA records stand (RFC 6698, 3). */
static bool is_of_port(const char *name)
{
	size_t digits = *name == '_' ? strspn(name + 1, "0123456789") : 0;

	return digits > 0 && str_starts(name + 1 + digits, "._");
}

int dns_check_target(
	const char *text, char owner[DNS_NAME_LEN], uint16_t *type, struct err *err)
{
	char asked[DNS_NAME_LEN + sizeof("_acme-challenge.")];
	const char *name = owner;

	if (!*text)
		return err_set(err, ERR_BAD_ARGUMENT, "the name is empty");
	if (name_is_ip(text))
		return err_set(err, ERR_BAD_ARGUMENT, "%.80s is an address, not a name", text);
	if (dns_name_canonical(text, owner, err) < 0)
		return -1;
	if (!*name)
		return err_set(err, ERR_BAD_ARGUMENT, "a name is needed, not the root");
	*type = is_of_port(name) ? DNS_TLSA : DNS_TXT;
	if (*name == '_')
		return 0;
	if (name_is_wildcard(name))
		name += strlen("*.");
	if (strchr(name, '*'))
		return err_set(err, ERR_BAD_ARGUMENT,
			"%.80s is not the name of a certificate: a wildcard is the whole first "
			"label",
			text);
	snprintf(asked, sizeof(asked), "_acme-challenge.%s", name);
	return dns_name_canonical(asked, owner, err);
}

static struct dns_purse *purse_of(struct dns_purses *purses, uid_t uid)
{
	struct dns_purse *fullest = &purses->of[0];

	for (size_t i = 0; i < ARRAY_LEN(purses->of); i++) {
		struct dns_purse *purse = &purses->of[i];

		if (purse->uid == uid && purse->paid_ms > 0)
			return purse;
		if (purse->paid_ms < fullest->paid_ms)
			fullest = purse;
	}
	*fullest = (struct dns_purse){ .uid = uid };
	return fullest;
}

static void pay(const struct dns_check *check, int64_t ms)
{
	int64_t now = clock_tick().ms;
	struct dns_purse *purse = check->purses ? purse_of(check->purses, check->uid) : NULL;

	if (purse)
		purse->paid_ms = (purse->paid_ms > now ? purse->paid_ms : now) + ms;
}

/* How long until the user has spent less than there is in advance. */
static int64_t owed_ms(const struct dns_check *check)
{
	struct dns_purse *purse = check->purses ? purse_of(check->purses, check->uid) : NULL;

	return purse ? purse->paid_ms - CREDIT_MS - clock_tick().ms : 0;
}

static int admit(const struct list *jobs, const struct dns_check_wish *wish, struct err *err)
{
	size_t n = 0, n_own = 0;

	list_each(at, jobs) {
		struct job *job = LIST_OF(at, struct job, link);
		const struct dns_check *check = CONTAINER_OF(job, struct dns_check, job);

		if (job->kind != JOB_DNS_CHECK)
			continue;
		n_own += check->uid == wish->uid;
		n += check->purses != NULL;
	}
	if (n_own >= DNS_CHECKS_OF_USER)
		return err_set(err, ERR_BUSY,
			"%d of your checks of name servers are under way already; certctl jobs "
			"lists them",
			DNS_CHECKS_OF_USER);
	if (wish->is_paced && n >= DNS_CHECKS_MAX)
		return err_set(err, ERR_BUSY, "%d checks of name servers are under way already",
			DNS_CHECKS_MAX);
	return 0;
}

void dns_check_left(const struct list *jobs, const void *asker)
{
	list_each_safe(at, jobs) {
		struct job *job = LIST_OF(at, struct job, link);
		struct dns_check *check = CONTAINER_OF(job, struct dns_check, job);

		if (job->kind != JOB_DNS_CHECK || check->asker != asker)
			continue;
		check->asker = NULL;
		if (check->is_waiting)
			task_cancel(&job->task, "who asked for it has gone");
	}
}

static struct dns_check *check_new(
	struct zones *zones, struct dns_purses *purses, const struct dns_check_wish *wish)
{
	struct dns_check *check = mem_new(struct dns_check);

	check->zones = zones;
	snprintf(check->owner, sizeof(check->owner), "%s", wish->owner);
	check->type = wish->type;
	check->is_waiting = wish->is_waiting;
	check->asker = wish->asker;
	check->uid = wish->uid;
	check->purses = wish->is_paced ? purses : NULL;
	check->job.about = check->owner;
	return check;
}

struct job *dns_check_start(
	struct runner *runner, const struct dns_check_wish *wish, struct err *err)
{
	struct dns_check *check;

	if (!runner->acme || runner->is_stopping) {
		err_set(err, ERR_DNS, "no name server can be asked now");
		return NULL;
	}
	if (admit(&runner->jobs, wish, err) < 0)
		return NULL;
	if (!runner->dns_purses)
		runner->dns_purses = mem_new(struct dns_purses);
	check = check_new(runner->acme->zones, runner->dns_purses, wish);
	runner_add(runner, &check->job, JOB_DNS_CHECK, NULL);
	runner_begin(&check->job);
	return &check->job;
}

void dns_check_done(struct job *job)
{
	struct dns_check *check = CONTAINER_OF(job, struct dns_check, job);

	trace_done(&check->trace);
	propagation_done(&check->propagation);
	free(check->told);
}

/*
 * Where we publish, the place counts where a record would stand; else that to which the world
 * is led.
 */
static void find_zone(struct dns_check *check)
{
	struct task *task = &check->job.task;

	if (check->type == DNS_TLSA || challenge_is_owner(check->owner))
		trace_start_publish(
			&check->trace, task, check->zones, check->owner, check->type);
	else
		trace_start(&check->trace, task, check->zones, check->owner, check->type);
}

static void look(struct dns_check *check)
{
	const char *owner = check->trace.owner, *apex = check->trace.apex;
	struct propagation_args args = {
		.apex = apex,
		.owner = owner,
		.type = check->type,
		.value = propagation_wanted(check->zones, apex, owner, check->type),
		.single_round = true,
		.skip_extras = !check->asks_extras,
	};

	job_step(&check->job, "servers");
	propagation_wait(check->zones, &check->job.task, &check->propagation, &args);
}

static struct told_answer *told_of(struct dns_check *check, const char *address)
{
	struct told_answer *told;

	for (size_t i = 0; i < check->n_told; i++)
		if (str_is(check->told[i].address, address))
			return &check->told[i];
	check->told = mem_grow(check->told, check->n_told + 1, sizeof(*told));
	told = &check->told[check->n_told++];
	*told = (struct told_answer){ .observation = OBSERVED_UNASKED };
	snprintf(told->address, sizeof(told->address), "%s", address);
	return told;
}

static const char *number(char *out, size_t size, bool is_known, int64_t value)
{
	if (is_known)
		snprintf(out, size, "%lld", (long long)value);
	return is_known ? out : NULL;
}

static void say(const struct dns_check *check, const struct server_state *state,
	enum observation observation)
{
	bool is_proper = observation_is_proper(observation),
	     has_name = state->server && *state->server;
	uint32_t ttl_s = state->content ? state->ttl : state->negative_ttl;
	const char *said = *state->said ? state->said : NULL;
	char serial_text[24], ttl_text[24], rtt_text[24];
	const struct log_field rtt = { "RTT",
		number(rtt_text, sizeof(rtt_text),
			observation != OBSERVED_UNASKED && state->rtt_ms >= 0, state->rtt_ms),
		&check->job.task.log },
			       ttl = { "TTL",
				       number(ttl_text, sizeof(ttl_text),
					       is_proper && (state->content || ttl_s > 0),
					       ttl_s),
				       &rtt },
			       serial = { "SERIAL",
				       number(serial_text, sizeof(serial_text),
					       state->has_serial, state->serial),
				       &ttl },
			       words = { "SAID", said, &serial },
			       seen = { "OBSERVATION", observation_text(observation), &words },
			       role = { "ROLE", server_role_text(state->role), &seen },
			       server = { "SERVER", has_name ? state->server : NULL, &role },
			       address = { "ADDRESS", state->address, &server };

	pay(check, ANSWER_COSTS_MS);
	log_event(&address, EVENT_DNS_ANSWER, NULL, "%s: %s%s%s%s says %s%s%s",
		check->trace.owner, state->address, has_name ? " (" : "",
		has_name ? state->server : "", has_name ? ")" : "",
		observation_text(observation), said ? ": " : "", said ? said : "");
}

/* Answers that did not change since the last round are not told again. */
static void note(struct dns_check *check, size_t i)
{
	const struct server_state *state = &check->propagation.states[i];
	enum observation observation =
		evidence_observation(check->propagation.states, check->propagation.n, i);
	struct told_answer *told = told_of(check, state->address);
	bool is_news = told->observation != observation || told->content != state->content ||
		       told->has_serial != state->has_serial || told->serial != state->serial;

	if (observation == OBSERVED_UNASKED)
		return;
	told->silent = observation_is_proper(observation) ? 0 : told->silent + 1;
	told->observation = observation;
	told->content = state->content;
	told->has_serial = state->has_serial;
	told->serial = state->serial;
	if (is_news)
		say(check, state, observation);
}

static bool counts(struct dns_check *check, const struct server_state *state)
{
	if (state->role == ROLE_EXTRA)
		return check->propagation.policy.extra_required &&
		       observation_is_proper(state->observation);
	return told_of(check, state->address)->silent < SILENT_ROUNDS;
}

/*
 * Do all servers that count give the same answer?  An awaited value must be there, and with
 * `wait` a record.
 */
static bool agree(struct dns_check *check)
{
	const struct propagation *v = &check->propagation;
	bool must_match = v->value || check->is_waiting, is_anybody = false;

	for (size_t i = 0; i < v->n; i++) {
		const struct server_state *state = &v->states[i];

		if (!counts(check, state))
			continue;
		if (must_match && state->observation != OBSERVED_MATCH)
			return false;
		if (!v->value && !state->agrees)
			return false;
		is_anybody = true;
	}
	return is_anybody;
}

/* 0, or -1: the zone's servers were not found, so there are no answers. */
static int take(struct dns_check *check, struct err *err)
{
	const struct propagation *v = &check->propagation;

	if (err_is_set(&v->err)) {
		*err = v->err;
		return -1;
	}
	if (!v->value)
		evidence_compare(v->states, v->n);
	for (size_t i = 0; i < v->n; i++)
		note(check, i);
	check->rounds++;
	check->has_agreed = agree(check);
	return 0;
}

/*
 * Resolvers are asked once the zone's own servers agree on a record, so that their caches do
 * not learn that there is none, or what a wildcard makes in its place; or at once when there
 * are no others to ask.
 */
static bool turn_to_extras(struct dns_check *check)
{
	const struct propagation *v = &check->propagation;
	size_t n_extra = 0, n_shown = 0;

	for (size_t i = 0; i < v->n; i++) {
		n_extra += v->states[i].role == ROLE_EXTRA;
		n_shown += v->states[i].observation == OBSERVED_MATCH &&
			   (v->value || !check->trace.is_made);
	}
	if (check->asks_extras || n_extra == 0 ||
		(n_extra < v->n && !(check->has_agreed && n_shown > 0)))
		return false;
	check->asks_extras = true;
	return true;
}

static bool must_look_again(const struct dns_check *check)
{
	struct instant end =
		instant_add(check->job.started, check->propagation.policy.deadline);

	return check->is_waiting && !check->has_agreed && instant_before(clock_now(), end);
}

static void pause_for_round(struct dns_check *check)
{
	job_step(&check->job, "wait");
	task_sleep(&check->job.task, &check->pause, evidence_ramp_s(check->rounds - 1) * 1000);
}

/* Servers that were spared to the end have a row, too. */
static void tell_unasked(const struct dns_check *check)
{
	for (size_t i = 0; i < check->propagation.n; i++)
		if (check->propagation.states[i].observation == OBSERVED_UNASKED)
			say(check, &check->propagation.states[i], OBSERVED_UNASKED);
}

static bool all_answer(const struct propagation *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->states[i].observation != OBSERVED_UNASKED &&
			!observation_is_proper(v->states[i].observation))
			return false;
	return true;
}

static bool some_show(const struct propagation *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->states[i].content)
			return true;
	return false;
}

/* The evidence behind the words that are there already, as much of it as an error has room for. */
static int fail(
	const struct dns_check *check, struct buf *text, bool is_silent, struct err *err)
{
	const struct propagation *v = &check->propagation;
	/* The printer puts "OWNER: dns-check failed: " in front. */
	size_t room = sizeof(err->text) - 1, used = text->len + strlen(check->owner) + 20;

	room = used < room ? room - used : 0;
	if (is_silent)
		evidence_describe_silent(v->states, v->n, clock_now(), room, text);
	else
		propagation_describe(v, room, text);
	return err_set(err, ERR_NOT_VISIBLE, "%s", buf_text(text));
}

static int conclude(const struct dns_check *check, struct err *err)
{
	const struct propagation *v = &check->propagation;
	const char *apex = check->trace.apex, *owner = check->trace.owner;
	struct buf text AUTO_BUF = BUF_INIT;

	tell_unasked(check);
	if (check->has_agreed)
		return 0;
	if (v->n == 0)
		return err_set(err, ERR_NOT_VISIBLE,
			"nobody can be asked about %s: dns.zones says that %s has no name "
			"server, and there are no extra ones",
			owner, apex);
	if (v->value) {
		buf_printf(&text, "not all name servers of %s show %s: ", apex, owner);
		return fail(check, &text, false, err);
	}
	if (some_show(v)) {
		buf_printf(
			&text, "not all name servers of %s show the same at %s: ", apex, owner);
		return fail(check, &text, false, err);
	}
	/* A record is not missing where no server has it. */
	if (check->is_waiting && all_answer(v))
		return err_set(err, ERR_NOT_VISIBLE,
			"none of the %zu name servers of %s that were asked shows a record at "
			"%s",
			v->n, apex, owner);
	buf_printf(&text, "not all name servers of %s answer about %s: ", apex, owner);
	return fail(check, &text, true, err);
}

static int check_trace(const struct dns_check *check, struct err *err)
{
	if (err_is_set(&check->trace.err))
		*err = check->trace.err;
	return err_is_set(err) ? -1 : 0;
}

static void wait_for_turn(struct dns_check *check)
{
	job_step(&check->job, "turn");
	task_sleep(&check->job.task, &check->pause, owed_ms(check));
}

void dns_check_run(struct task *task)
{
	struct dns_check *check =
		CONTAINER_OF(TASK_OF(task, struct job), struct dns_check, job);

	TASK_BEGIN(task)
	while (owed_ms(check) > 0)
		AWAIT(wait_for_turn(check));
	pay(check, CHECK_COSTS_MS);
	job_step(&check->job, "zone");
	AWAIT(find_zone(check));
	TRY(check_trace(check, &task->err));
	for (;;) {
		AWAIT(look(check));
		TRY(take(check, &task->err));
		if (turn_to_extras(check))
			continue;
		if (!must_look_again(check))
			break;
		AWAIT(pause_for_round(check));
	}
	TRY(conclude(check, &task->err));
	FINALLY
	TASK_END
}

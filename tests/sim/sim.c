/* SPDX-License-Identifier: MIT */
#include "tests/sim/sim.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/acme/acme.h"
#include "daemon/acme/responder.h"
#include "daemon/conf/conf.h"
#include "daemon/ctl/session.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/task/loop_virtual.h"
#include "lib/wire/dns_message.h"
#include "lib/yaml/diag.h"

/* A daemon that gives up this often in one scenario never recovers. */
enum { FAILURES_MAX = 20, COMPLAINTS_MAX = 10 };

void sim_break(struct sim *sim, const char *fmt, ...)
{
	char text[600], now[INSTANT_TEXT_LEN], line[700];
	va_list args;

	if (++sim->n_complaints > COMPLAINTS_MAX)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(line, sizeof(line), "%s: %s", instant_text(clock_now(), now), text);
	sim_complain(line);
}

static char *copy_field(const struct log_entry *entry, const char *name)
{
	const char *value = log_field_get(entry->fields, name);

	return value ? mem_strdup(value) : NULL;
}

static void keep_event(const struct log_entry *entry, void *data)
{
	struct sim *sim = data;
	char now[INSTANT_TEXT_LEN];

	if (getenv("SIM_TRACE") && *getenv("SIM_TRACE"))
		printf("# %s %s%s: %s\n", instant_text(clock_now(), now),
			sim->is_dying ? "(dying) " : "",
			entry->event < EVENT_COUNT ? event_name(entry->event) : "debug",
			entry->text);
	if (sim->is_dying || entry->event == EVENT_COUNT)
		return;
	if ((sim->n_events & (sim->n_events - 1)) == 0)
		sim->events = mem_grow(sim->events, sim->n_events ? sim->n_events * 2 : 1,
			sizeof(*sim->events));
	sim->events[sim->n_events++] =
		(struct sim_event){ entry->event, clock_now(), copy_field(entry, "CERT"),
			copy_field(entry, "TARGET"), copy_field(entry, "JOB") };
}

void sim_open(struct sim *sim, const char *config, uint64_t seed)
{
	sim_open_filled(sim, config, seed, NULL);
}

void sim_open_filled(
	struct sim *sim, const char *config, uint64_t seed, void (*fill)(struct store *store))
{
	*sim = (struct sim){ .config = mem_strdup(config) };
	setenv("TZ", "UTC", 1);
	tzset();
	virtual_start(SIM_START);
	sim->loop = loop_new();
	town_open(&sim->town, sim->loop, seed);
	internet_open(&sim->internet, &sim->town);
	wires_open(&sim->wires, &sim->town);
	sim->store = store_memory_new();
	if (fill)
		fill(sim->store);
	log_to(keep_event, sim);
	sim_start(sim);
}

static bool has_persist(const struct sim *sim, const char *name)
{
	char *owner AUTO_FREE = mem_printf("_validation-persist.%s", name);

	return wires_holds(&sim->wires, owner, DNS_TXT, NULL);
}

/* A challenge that only the engine answers has to be known to both. */
static bool shows(void *data, const char *word, const char *name, const char *token,
	const char *key_authorization)
{
	const struct sim *sim = data;
	enum challenge type = challenge_parse(word);
	const char *answer;

	if (type == CHALLENGE_DNS_PERSIST)
		return has_persist(sim, name);
	if (sim->is_dying ||
		!fake_challenges_show(sim->challenges, type, name, token, key_authorization))
		return false;
	if (challenge_is_dns(type) ||
		(type == CHALLENGE_HTTP && sim->server.conf->http.webroot))
		return true;
	answer = responder_find(sim->responder, type, name, token);
	return answer && str_is(answer, key_authorization);
}

struct fake_acme *sim_acme(struct sim *sim, const char *origin)
{
	struct fake_acme *acme = fake_acme_new(&sim->internet, origin, shows, sim);

	assert(sim->n_acmes < SIM_ACMES);
	sim->acmes[sim->n_acmes++] = acme;
	return acme;
}

static void drop_events(struct sim *sim)
{
	for (size_t i = 0; i < sim->n_events; i++) {
		free(sim->events[i].cert);
		free(sim->events[i].target);
		free(sim->events[i].job);
	}
	free(sim->events);
}

void sim_close(struct sim *sim)
{
	sim_kill(sim);
	if (sim->town.n_begun != sim->town.n_ended)
		sim_break(sim, "%u commands and works began, %u ended", sim->town.n_begun,
			sim->town.n_ended);
	for (size_t i = 0; i < sim->n_acmes; i++)
		fake_acme_free(sim->acmes[i]);
	internet_close(&sim->internet);
	wires_close(&sim->wires);
	town_close(&sim->town);
	store_memory_free(sim->store);
	sim_check_done(sim);
	loop_free(sim->loop);
	drop_events(sim);
	buf_done(&sim->said);
	free(sim->config);
	log_to(log_to_stderr, NULL);
}

void sim_restart(struct sim *sim)
{
	sim_kill(sim);
	sim->n_restarts++;
	sim_start(sim);
}

bool sim_step(struct sim *sim, struct instant limit)
{
	bool has_more = virtual_step(sim->loop, limit);

	if (sim->world.has_failed) {
		if (++sim->n_failures > FAILURES_MAX) {
			fprintf(stderr, "the daemon gives up again and again\n");
			abort();
		}
		sim_restart(sim);
		has_more = true;
	}
	sim_check(sim);
	return has_more;
}

void sim_advance(struct sim *sim, struct duration d)
{
	struct instant until = instant_add(clock_now(), d);

	while (sim_step(sim, until))
		;
	virtual_run_until(sim->loop, until);
	sim_check(sim);
}

static bool is_event(const struct sim_event *e, enum event event, const char *cert)
{
	return e->event == event && (!cert || (e->cert && str_is(e->cert, cert)));
}

size_t sim_count(const struct sim *sim, enum event event, const char *cert)
{
	size_t n = 0;

	for (size_t i = 0; i < sim->n_events; i++)
		n += is_event(&sim->events[i], event, cert);
	return n;
}

struct instant sim_last(const struct sim *sim, enum event event, const char *cert)
{
	for (size_t i = sim->n_events; i > 0; i--)
		if (is_event(&sim->events[i - 1], event, cert))
			return sim->events[i - 1].at;
	return INSTANT_NONE;
}

bool sim_until(struct sim *sim, enum event event, const char *cert, struct duration at_most)
{
	struct instant limit = instant_add(clock_now(), at_most);
	size_t at = sim->n_events;
	char most[DURATION_TEXT_LEN];

	for (;;) {
		for (; at < sim->n_events; at++)
			if (is_event(&sim->events[at], event, cert))
				return true;
		if (!sim_step(sim, limit))
			break;
	}
	sim_break(sim, "%s of %s did not come within %s", event_name(event),
		cert ? cert : "any", duration_brief(at_most, most));
	return false;
}

size_t sim_jobs(const struct sim *sim)
{
	return sim->world.runner ? sim->world.runner->n_jobs : 0;
}

/* Is anything going on, or about to this second? */
static bool is_resting(const struct sim *sim)
{
	const struct fleet *fleet = sim->world.fleet;
	struct heap_node *first;

	if (!sim->world.is_ready || sim->world.facts.is_running || sim_jobs(sim) > 0 ||
		!keeper_direct_is_idle(sim->world.keeper) ||
		sim->town.n_begun != sim->town.n_ended)
		return false;
	first = heap_first((struct heap *)(uintptr_t)&fleet->schedule);
	return !first || first->key > clock_now().s + 1;
}

bool sim_rest(struct sim *sim, struct duration at_most)
{
	struct instant limit = instant_add(clock_now(), at_most);
	char most[DURATION_TEXT_LEN];

	while (!is_resting(sim))
		if (!sim_step(sim, limit)) {
			sim_break(sim, "there is no rest within %s",
				duration_brief(at_most, most));
			return false;
		}
	return true;
}

int sim_reload(struct sim *sim, const char *config)
{
	char *before = sim->config;
	struct buf rows AUTO_BUF = BUF_INIT;
	struct err err;

	sim->config = mem_strdup(config);
	if (serve_reload(&sim->server, &rows, &err) == 0) {
		free(before);
		return 0;
	}
	free(sim->config);
	sim->config = before;
	return -1;
}

void sim_set_clock(struct sim *sim, struct instant wall)
{
	virtual_set_wall(sim->loop, wall);
	sim_check(sim);
}

void sim_suspend(struct sim *sim, struct duration d)
{
	(void)sim;
	virtual_suspend(d);
}

static void wake(struct session *session)
{
	(void)session;
}

struct sim_asker {
	struct session session;
	struct sim_asker *next;
};

void sim_leave(struct sim *sim)
{
	while (sim->askers) {
		struct sim_asker *asker = sim->askers;

		sim->askers = asker->next;
		session_done(&asker->session);
		free(asker);
	}
}

/* It says no more than its queue holds before the queue is emptied. */
void sim_pull(struct sim *sim, struct session *session)
{
	bool has_more = true;

	while (has_more) {
		has_more = session_pull(session);
		buf_add(&sim->said, buf_text(&session->out), session->out.len);
		buf_clear(&session->out);
	}
}

const char *sim_command(struct sim *sim, const char *line)
{
	struct instant limit = instant_add(clock_now(), MINUTES(1));
	struct peer peer = { .uid = sim->user };
	struct sim_asker *asker = mem_new(struct sim_asker);
	struct session *session = &asker->session;

	/* Nobody can connect before. */
	while (!sim->world.is_ready && sim_step(sim, limit))
		;
	session_init(session, &sim->world.ctl, &peer, wake);
	buf_clear(&session->out);
	session_feed(session, line, strlen(line));
	session_feed(session, "\n", 1);
	buf_clear(&sim->said);
	do
		sim_pull(sim, session);
	while (session->answer && sim_step(sim, limit));
	if (strstr(line, " --wait")) {
		asker->next = sim->askers;
		sim->askers = asker;
		return buf_text(&sim->said);
	}
	session_done(session);
	free(asker);
	return buf_text(&sim->said);
}

const struct cert_facts *sim_facts(const struct sim *sim, const char *cert)
{
	static const struct cert_facts none;
	struct cert *found = sim->world.fleet ? fleet_find(sim->world.fleet, cert) : NULL;

	return found ? &found->facts : &none;
}

void sim_cancel_all(struct sim *sim)
{
	if (!sim->world.runner)
		return;
	list_each(at, &sim->world.runner->jobs) {
		struct err ignored;

		runner_cancel(
			sim->world.runner, LIST_OF(at, struct job, link)->number, &ignored);
	}
}

bool sim_is_long(void)
{
	const char *wanted = getenv("LONG");

	return wanted && str_is(wanted, "1");
}

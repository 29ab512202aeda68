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

/* The files of the configuration, and what they decode to. */
static struct conf *read_conf(const char *text, struct conf_files *files, struct buf *told)
{
	struct yaml_diags diags = { 0 };
	struct conf *conf;

	*files = (struct conf_files){ .at = mem_zalloc(sizeof(struct conf_file)), .n = 1 };
	files->at[0] = (struct conf_file){ mem_strdup("/sim/certd.yaml"), mem_strdup(text),
		strlen(text) };
	conf = conf_load(files, &diags);
	if (!conf)
		yaml_diags_print(&diags, told);
	yaml_diags_done(&diags);
	return conf;
}

/* What daemon/keeper/main.c does with a new configuration. */
static void note_conf(struct sim *sim, const struct conf_files *files)
{
	struct buf packed AUTO_BUF = BUF_INIT, note AUTO_BUF = BUF_INIT;
	int fd AUTO_CLOSE = -1;
	struct err err;

	conf_files_pack(files, &packed);
	fd = keeper_seal("certd-config", packed.data, packed.len, &err);
	keeper_begin_note(&note, "config");
	keeper_direct_send(sim->world.keeper, &note, fd);
}

static struct sim *sim_of(struct server *server)
{
	return CONTAINER_OF(server, struct sim, server);
}

static int reread(struct server *server, struct conf **out, struct buf *rows, struct err *err)
{
	struct sim *sim = sim_of(server);
	struct buf told AUTO_BUF = BUF_INIT;
	struct conf_files files;

	*out = read_conf(sim->config, &files, &told);
	if (*out)
		note_conf(sim, &files);
	conf_files_done(&files);
	if (*out)
		return 0;
	line_add(rows, "text", "the configuration is wrong");
	return err_set(err, ERR_BAD_CONFIG, "%.300s", buf_text(&told));
}

static void send_packet(struct server *server, const struct buf *packet, int fd)
{
	keeper_direct_send(sim_of(server)->world.keeper, packet, fd);
}

static int listens(struct server *server, enum challenge type, struct err *err)
{
	(void)server, (void)type, (void)err;
	return 0;
}

static void signer_is_idle(struct timer *timer)
{
	serve_forget_signer(&CONTAINER_OF(timer, struct sim, signer_timer)->server);
}

static void signer_used(struct server *server)
{
	struct sim *sim = sim_of(server);

	sim->signer_timer.fire = signer_is_idle;
	loop_timer_in(sim->loop, &sim->signer_timer, SERVE_SIGNER_MS);
}

static void be_ready(struct server *server)
{
	(void)server;
	log_event(NULL, EVENT_DAEMON_READY, NULL, "the daemon is ready");
}

static void be_alive(struct server *server, const char *status)
{
	(void)server, (void)status;
}

static void start_daemon(struct sim *sim)
{
	struct buf told AUTO_BUF = BUF_INIT;
	struct conf_files files;
	struct conf *conf = read_conf(sim->config, &files, &told);
	struct err err;

	if (!conf) {
		fprintf(stderr, "%s", buf_text(&told));
		abort();
	}
	sim->commands = fake_commands_new(&sim->town);
	sim->worker = fake_worker_new(&sim->town);
	sim->challenges = fake_challenges_new(&sim->town);
	sim->server = (struct server){ .store = sim->store,
		.commands = sim->commands,
		.challenges = sim->challenges,
		.keys = sim->worker,
		.disks = sim->worker,
		.send = send_packet,
		.reread = reread,
		.listens = listens,
		.signer_used = signer_used,
		.ready = be_ready,
		.alive = be_alive };
	serve_init(&sim->server, conf);
	if (store_align(sim->store, conf, &err) < 0)
		sim_break(sim, "%s", err.text);
	sim->http = http_new(sim->loop, "certd");
	http_fake_connect(sim->http, &sim->internet);
	sim->responder = responder_new(sim->loop);
	world_init(&sim->world, sim->loop, -1);
	sim->world.http = sim->http;
	sim->world.dns = dns_new(sim->loop);
	sim->world.responder = sim->responder;
	sim->world.keeper = keeper_new(sim->loop, -1, world_note, world_lost, &sim->world);
	keeper_direct_serve(sim->world.keeper, &sim->server, &sim->town);
	note_conf(sim, &files);
	conf_files_done(&files);
}

/*
 * The keeper dies first, so nothing that the engine does afterwards has any effect; then the
 * engine's jobs are brought to their ends, only so that no memory is lost.
 */
static void kill_daemon(struct sim *sim)
{
	struct world *world = &sim->world;
	struct instant limit = instant_add(clock_now(), SECONDS(3));

	sim->is_dying = true;
	sim->n_keepers_asked += keeper_direct_asked(world->keeper);
	keeper_direct_cut(world->keeper);
	loop_timer_stop(sim->loop, &sim->signer_timer);
	http_fake_cut(sim->http);
	dns_fake_cut(world->dns);
	serve_done(&sim->server);
	fake_worker_free(sim->worker);
	fake_commands_free(sim->commands);
	fake_challenges_free(sim->challenges);
	world_stop(world);
	for (int i = 0; i < 100000; i++) {
		bool is_empty = world->is_idle && !world->facts.is_running &&
				keeper_direct_is_idle(world->keeper);

		if (!virtual_step(sim->loop, limit) && is_empty)
			break;
	}
	world_done(world);
	responder_free(sim->responder);
	http_free(sim->http);
	dns_free(world->dns);
	keeper_free(world->keeper);
	loop_on_clock_set(sim->loop, NULL, NULL);
	sim->is_dying = false;
}

void sim_open(struct sim *sim, const char *config, uint64_t seed)
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
	log_to(keep_event, sim);
	start_daemon(sim);
}

/* A challenge that only the engine answers has to be known to both. */
static bool shows(void *data, const char *word, const char *name, const char *token,
	const char *key_authorization)
{
	const struct sim *sim = data;
	enum challenge type = challenge_parse(word);
	const char *answer;

	if (type == CHALLENGE_DNS_PERSIST)
		return wires_has(&sim->wires, "_validation-persist", name);
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
	kill_daemon(sim);
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
	kill_daemon(sim);
	sim->n_restarts++;
	start_daemon(sim);
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

const char *sim_command(struct sim *sim, const char *line)
{
	struct instant limit = instant_add(clock_now(), MINUTES(1));
	struct peer root = { .uid = 0 };
	struct session session;

	/* Nobody can connect before. */
	while (!sim->world.is_ready && sim_step(sim, limit))
		;
	session_init(&session, &sim->world.ctl, &root, wake);
	buf_clear(&session.out);
	session_feed(&session, line, strlen(line));
	session_feed(&session, "\n", 1);
	do
		while (session_pull(&session))
			;
	while (session.answer && sim_step(sim, limit));
	buf_clear(&sim->said);
	buf_add(&sim->said, buf_text(&session.out), session.out.len);
	session_done(&session);
	return buf_text(&sim->said);
}

const struct cert_facts *sim_facts(const struct sim *sim, const char *cert)
{
	static const struct cert_facts none;
	struct cert *found = sim->world.fleet ? fleet_find(sim->world.fleet, cert) : NULL;

	return found ? &found->facts : &none;
}

bool sim_stop(struct sim *sim)
{
	struct instant limit = instant_add(clock_now(), MINUTES(2));

	world_stop(&sim->world);
	while (sim_jobs(sim) > 0)
		if (!virtual_step(sim->loop, limit))
			return false;
	sim_restart(sim);
	return true;
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

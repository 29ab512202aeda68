/* SPDX-License-Identifier: MIT */
#include "daemon/engine/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/acme/acme.h"
#include "daemon/acme/responder.h"
#include "daemon/conf/conf.h"
#include "daemon/ctl/failed_listeners.h"
#include "daemon/ctl/server.h"
#include "daemon/dns/resolve/trouble.h"
#include "daemon/dns/update/updater.h"
#include "daemon/dns/zones_life.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/yaml/diag.h"
#include "proto/event_note.h"

/* A scheduler that is this late with what is due does not count as alive. */
enum { LATE_S = 30 };

static void fail(struct world *world, const struct err *err, const char *what)
{
	log_event(NULL, EVENT_DAEMON_FAILED, err, "%s", what);
	world->has_failed = true;
	loop_stop(world->loop);
}

/* The whole of a sealed file, for one call of `use`. */
static int with_file(int fd,
	int (*use)(const char *data, size_t len, void *out, struct err *err), void *out,
	struct err *err)
{
	struct stat st;
	void *data;
	int result;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < 0)
		return err_set(err, ERR_KEEPER, "the keeper sent no file");
	if (st.st_size == 0)
		return use("", 0, out, err);
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return err_set(err, ERR_KEEPER, "the keeper's file cannot be mapped");
	result = use(data, (size_t)st.st_size, out, err);
	munmap(data, (size_t)st.st_size);
	return result;
}

static int use_conf(const char *data, size_t len, void *out, struct err *err)
{
	struct yaml_diags diags = { 0 };
	struct conf_files files = { 0 };
	struct conf *conf = NULL;

	if (conf_files_unpack(data, len, &files, err) < 0)
		return -1;
	conf = conf_load(&files, &diags);
	conf_files_done(&files);
	yaml_diags_done(&diags);
	if (!conf)
		return err_set(err, ERR_KEEPER,
			"the configuration that the keeper took is refused here");
	*(struct conf **)out = conf;
	return 0;
}

/* One line of facts a certificate; one that cannot be read says so and hides no other. */
static int use_facts(const char *data, size_t len, void *out, struct err *err)
{
	struct world *world = out;
	struct buf line AUTO_BUF = BUF_INIT;

	(void)err;
	for (const char *end; len > 0 && (end = memchr(data, '\n', len));
		len -= (size_t)(end - data) + 1, data = end + 1) {
		struct cert_facts facts;
		struct err bad;

		buf_clear(&line);
		buf_add(&line, data, (size_t)(end - data));
		if (facts_parse(buf_text(&line), &facts, &bad) == 0)
			fleet_take_facts(world->fleet, &facts);
		else
			log_event(NULL, EVENT_STORE_QUARANTINED, &bad,
				"a line of facts is unreadable");
	}
	return 0;
}

static void say_alive(struct timer *timer)
{
	struct world *world = CONTAINER_OF(timer, struct world, alive);
	struct heap_node *first = heap_first(&world->fleet->schedule);
	char status[128];

	loop_timer_in(world->loop, &world->alive, world->watchdog_ms / 3);
	if (first && !world->fleet->is_paused && first->key + LATE_S < clock_now().s)
		return;
	snprintf(status, sizeof(status), "%zu certificate%s, %zu job%s",
		world->fleet->conf->n_certs, world->fleet->conf->n_certs == 1 ? "" : "s",
		world->runner->n_jobs, world->runner->n_jobs == 1 ? "" : "s");
	keeper_tell(world->keeper, REQUEST_alive, status);
}

/* The first time: everything that was waiting for the facts may begin. */
static void become_ready(struct world *world)
{
	if (world->is_ready)
		return;
	world->is_ready = true;
	if (world->listener >= 0)
		world->server = server_new(&world->ctl, world->listener);
	world->listener = -1;
	keeper_tell(world->keeper, REQUEST_ready, NULL);
	if (world->watchdog_ms > 0)
		say_alive(&world->alive);
}

static void facts_run(struct task *task)
{
	struct facts_task *f = TASK_OF(task, struct facts_task);
	struct world *world = CONTAINER_OF(f, struct world, facts);

	TASK_BEGIN(task)
	do {
		f->is_stale = false;
		keeper_request(&f->keeper, REQUEST_facts);
		AWAIT(keeper_ask(world->keeper, task, &f->keeper));
	} while (f->is_stale);
	fleet_pause(world->fleet);
	TRY(with_file(f->keeper.fd, use_facts, world, &task->err));
	if (!world->is_stopping) {
		clock_watch_open(&world->clock_watch);
		fleet_start(world->fleet);
		tidier_start(&world->tidier);
	}
	FINALLY
	keeper_op_done(&f->keeper);
	TASK_END
}

static void facts_ended(struct task *task)
{
	struct facts_task *f = TASK_OF(task, struct facts_task);
	struct world *world = CONTAINER_OF(f, struct world, facts);
	char what[160];

	f->is_running = false;
	if (world->is_stopping)
		return;
	if (err_is_set(&task->err)) {
		fail(world, &task->err, "the facts cannot be read");
		return;
	}
	become_ready(world);
	snprintf(what, sizeof(what),
		"%zu certificate%s in force: %zu added, %zu changed, %zu archived\n",
		world->fleet->conf->n_certs, world->fleet->conf->n_certs == 1 ? " is" : "s are",
		world->difference.n_added, world->difference.n_changed,
		world->difference.n_removed);
	ctl_reloaded(&world->ctl, NULL, what);
}

static void ask_facts(struct world *world)
{
	world->facts.is_stale = true;
	if (world->facts.is_running)
		return;
	world->facts.is_running = true;
	task_start(&world->facts.task, world->loop, facts_run, facts_ended);
}

static void reload_run(struct task *task)
{
	struct world *world = CONTAINER_OF(task, struct world, reload_task);

	TASK_BEGIN(task)
	keeper_request(&world->reload, REQUEST_reload);
	AWAIT(keeper_ask(world->keeper, task, &world->reload));
	FINALLY
	TASK_END
}

/* The rows carry text="..." each; the sessions want the texts. */
static void tell_refused(struct world *world, const struct err *err)
{
	struct buf texts AUTO_BUF = BUF_INIT;
	struct line line = { 0 };
	char *rows = world->reload.answer.rows, *save, *row;
	struct err ignored;

	for (row = rows ? strtok_r(rows, "\n", &save) : NULL; row;
		row = strtok_r(NULL, "\n", &save))
		if (line_parse(&line, row, strlen(row), KEEPER_MESSAGE_MAX, &ignored) == 0 &&
			line_get(&line, "text"))
			buf_printf(&texts, "%s\n", line_get(&line, "text"));
	line_done(&line);
	ctl_reloaded(&world->ctl, err, buf_text(&texts));
}

static void reload_ended(struct task *task)
{
	struct world *world = CONTAINER_OF(task, struct world, reload_task);

	world->is_reloading = false;
	/* A reload that worked is told when the new facts are there. */
	if (err_is_set(&task->err))
		tell_refused(world, &task->err);
	keeper_op_done(&world->reload);
}

static void reload(void *data)
{
	struct world *world = data;

	if (world->is_reloading || world->is_stopping)
		return;
	world->is_reloading = true;
	task_start(&world->reload_task, world->loop, reload_run, reload_ended);
}

static void retry_run(struct task *task)
{
	struct world *world = CONTAINER_OF(task, struct world, retry_task);

	TASK_BEGIN(task)
	keeper_request(&world->retry, REQUEST_retry);
	AWAIT(keeper_ask(world->keeper, task, &world->retry));
	FINALLY
	TASK_END
}

static void retry_ended(struct task *task)
{
	struct world *world = CONTAINER_OF(task, struct world, retry_task);

	world->is_retrying = false;
	keeper_op_done(&world->retry);
}

/* The keeper's part of it; a request that is under way was made a moment ago. */
static void look_anew(void *data)
{
	struct world *world = data;

	if (world->is_stopping)
		return;
	zones_look_anew(world->zones);
	if (world->is_retrying)
		return;
	world->is_retrying = true;
	task_start(&world->retry_task, world->loop, retry_run, retry_ended);
}

static void first_configure(struct world *world, struct conf *conf)
{
	world->fleet = fleet_new(world->loop, world->keeper, conf);
	world->zones = zones_new(world->loop, world->dns, world->keeper, conf);
	world->acme = acme_new(
		world->loop, world->keeper, world->http, world->zones, world->responder, conf);
	world->runner = runner_new(world->fleet, world->acme);
	if (world->http) {
		informer_init(&world->informer, world->fleet, world->acme);
		fleet_follow(world->fleet, &world->informer.follower);
	}
	clock_watch_init(&world->clock_watch, world->fleet, world->acme);
	tidier_init(&world->tidier, world->fleet);
	world->ctl.loop = world->loop;
	world->ctl.keeper = world->keeper;
	world->ctl.fleet = world->fleet;
	world->ctl.runner = world->runner;
	world->ctl.version = CERTD_VERSION;
	world->ctl.own_uid = geteuid();
	world->ctl.is_own_admin = !world->is_root;
	world->ctl.reload = reload;
	world->ctl.look_anew = look_anew;
	world->ctl.data = world;
	ctl_init(&world->ctl);
}

static void count_difference(
	const struct cert_conf *old, const struct cert_conf *new, void *data)
{
	struct world_difference *difference = data;

	difference->n_added += !old;
	difference->n_removed += !new;
	difference->n_changed += old && new;
}

static void configure(struct world *world, const struct keeper_message *note, int fd)
{
	struct conf *conf = NULL;
	struct err err = ERR_INIT;

	if (line_get_bool(&note->line, "root", &world->is_root, &err) < 0 ||
		line_get_int(&note->line, "watchdog_ms", 0, INT64_MAX, &world->watchdog_ms,
			&err) < 0 ||
		with_file(fd, use_conf, &conf, &err) < 0) {
		fail(world, &err, "the configuration cannot be taken over");
		return;
	}
	if (!world->fleet) {
		first_configure(world, conf);
	} else {
		/*
		 * A certificate that is new here may have a history: nothing is planned before
		 * its facts are there.
		 */
		fleet_pause(world->fleet);
		world->difference = (struct world_difference){ 0, 0, 0 };
		conf_differ(world->fleet->conf, conf, count_difference, &world->difference);
		zones_set_conf(world->zones, conf);
		acme_set_conf(world->acme, conf);
		fleet_set_conf(world->fleet, conf);
	}
	ask_facts(world);
}

/* The keeper binds, we accept. */
static void listen_at(struct world *world, const struct keeper_message *note, int fd)
{
	const char *kind = line_get(&note->line, "kind"), *at = line_get(&note->line, "at");
	enum challenge type = kind ? challenge_parse(kind) : CHALLENGE_COUNT;

	if (kind && at && type != CHALLENGE_COUNT)
		failed_listeners_note(&world->ctl.failed_listeners, kind, at,
			line_get(&note->line, "failed"));
	if (world->responder && at && (type == CHALLENGE_HTTP || type == CHALLENGE_TLS_ALPN))
		responder_listen(world->responder, type, at, fd);
	else
		file_closep(&fd);
}

/* The keeper cannot publish in a zone, or can again. */
static void note_trouble(struct world *world, const struct line *line)
{
	struct instant since = INSTANT_NONE, again = INSTANT_NONE;
	const char *zone = line_get(line, "zone");
	struct err err;

	if (zone && line_get_instant(line, "since", &since, &err) == 0 &&
		line_get_instant(line, "again", &again, &err) == 0)
		trouble_note(world->zones, zone, line_get(line, "text"), since, again);
}

void world_note(const struct keeper_message *note, int fd, void *data)
{
	struct world *world = data;

	if (str_is(note->note, "listener")) {
		listen_at(world, note, fd);
		return;
	}
	if (str_is(note->note, "config") && !world->is_stopping)
		configure(world, note, fd);
	else if (str_is(note->note, "clock") && world->fleet)
		clock_watch_synced(
			&world->clock_watch, line_get(&note->line, "synced") != NULL);
	else if (str_is(note->note, "stop"))
		world_stop(world);
	else if (str_is(note->note, "update") && world->zones && line_get(&note->line, "zone"))
		updater_note(world->zones, line_get(&note->line, "zone"));
	else if (str_is(note->note, "trouble") && world->zones)
		note_trouble(world, &note->line);
	else if (str_is(note->note, "event"))
		event_note_relay(note);
	file_closep(&fd);
}

void world_lost(const struct err *err, void *data)
{
	struct world *world = data;

	if (!world->is_stopping)
		fail(world, err, "the keeper is gone");
	loop_stop(world->loop);
}

void world_init(struct world *world, struct loop *loop, int listener)
{
	*world = (struct world){ .loop = loop, .listener = listener };
	world->alive.fire = say_alive;
}

static void is_idle(void *data)
{
	struct world *world = data;

	world->is_idle = true;
	loop_stop(world->loop);
}

static void acme_stopped(void *data)
{
	struct world *world = data;

	zones_stop(world->zones, is_idle, world);
}

static void informed(void *data)
{
	struct world *world = data;

	acme_stop(world->acme, acme_stopped, world);
}

static void jobs_ended(void *data)
{
	struct world *world = data;

	if (world->informer.fleet)
		informer_stop(&world->informer, informed, world);
	else
		informed(world);
}

void world_stop(struct world *world)
{
	if (world->is_stopping)
		return;
	world->is_stopping = true;
	loop_timer_stop(world->loop, &world->alive);
	if (world->facts.is_running)
		task_cancel(&world->facts.task, "the daemon stops");
	if (world->server)
		server_close(world->server);
	if (!world->fleet) {
		is_idle(world);
		return;
	}
	fleet_pause(world->fleet);
	tidier_stop(&world->tidier);
	runner_stop(world->runner, jobs_ended, world);
}

void world_done(struct world *world)
{
	server_free(world->server);
	if (world->fleet)
		ctl_done(&world->ctl);
	failed_listeners_done(&world->ctl.failed_listeners);
	keeper_op_done(&world->facts.keeper);
	keeper_op_done(&world->reload);
	keeper_op_done(&world->retry);
	runner_free(world->runner);
	clock_watch_done(&world->clock_watch);
	tidier_done(&world->tidier);
	informer_done(&world->informer);
	acme_free(world->acme);
	zones_free(world->zones);
	fleet_free(world->fleet);
	file_closep(&world->listener);
}

/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/acme/responder.h"
#include "daemon/conf/conf.h"
#include "daemon/keeper/publish/challenge.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/task/loop_virtual.h"
#include "lib/yaml/diag.h"
#include "tests/sim/sim.h"

/* The two processes come to life, stop and die, as daemon/keeper/main.c has it. */

enum { SWEEP_MS = 5000 };

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

static void signer_is_idle(struct timer *timer)
{
	serve_forget_signer(&CONTAINER_OF(timer, struct sim, signer_timer)->server);
}

static void record_may_go_on(struct timer *timer)
{
	serve_record_waiting(&CONTAINER_OF(timer, struct sim, record_timer)->server);
}

static void record_waits(struct server *server, int64_t ms)
{
	struct sim *sim = sim_of(server);

	sim->record_timer.fire = record_may_go_on;
	loop_timer_in(sim->loop, &sim->record_timer, ms);
}

static void signer_used(struct server *server)
{
	struct sim *sim = sim_of(server);

	sim->signer_timer.fire = signer_is_idle;
	loop_timer_in(sim->loop, &sim->signer_timer, SERVE_SIGNER_MS);
}

/* What daemon/keeper/launch/notes.c does. */
static void note_update(void *data, const char *zone)
{
	const struct sim *sim = data;
	struct buf note AUTO_BUF = BUF_INIT;

	keeper_begin_note(&note, "update");
	line_add(&note, "zone", zone);
	keeper_direct_send(sim->world.keeper, &note, -1);
}

static void be_ready(struct server *server)
{
	challenges_use_engine(server->challenges, note_update, sim_of(server));
	log_event(NULL, EVENT_DAEMON_READY, NULL, "the daemon is ready");
}

static void be_alive(struct server *server, const char *status)
{
	(void)server, (void)status;
}

void sim_start(struct sim *sim)
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
	sim->challenges = fake_challenges_new(&sim->town, sim->commands, sim->worker);
	sim->server = (struct server){ .store = sim->store,
		.commands = sim->commands,
		.challenges = sim->challenges,
		.keys = sim->worker,
		.disks = sim->worker,
		.send = send_packet,
		.reread = reread,
		.signer_used = signer_used,
		.record_waits = record_waits,
		.ready = be_ready,
		.alive = be_alive };
	serve_init(&sim->server, conf);
	if (store_align(sim->store, conf, &err) < 0)
		sim_break(sim, "%s", err.text);
	challenges_use(sim->challenges, conf);
	challenges_sweep(sim->challenges);
	challenges_settle(sim->challenges, SWEEP_MS);
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
void sim_kill(struct sim *sim)
{
	struct world *world = &sim->world;
	struct instant limit = instant_add(clock_now(), SECONDS(3));

	sim->is_dying = true;
	sim_leave(sim);
	sim->n_keepers_asked += keeper_direct_asked(world->keeper);
	keeper_direct_cut(world->keeper);
	loop_timer_stop(sim->loop, &sim->signer_timer);
	loop_timer_stop(sim->loop, &sim->record_timer);
	http_fake_cut(sim->http);
	dns_fake_cut(world->dns);
	serve_done(&sim->server);
	fake_challenges_free(sim->challenges);
	fake_worker_free(sim->worker);
	fake_commands_free(sim->commands);
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

bool sim_stop(struct sim *sim)
{
	struct instant limit = instant_add(clock_now(), MINUTES(2));

	challenges_hurry(sim->challenges);
	world_stop(&sim->world);
	while (!sim->world.is_idle)
		if (!virtual_step(sim->loop, limit))
			return false;
	challenges_use_engine(sim->challenges, NULL, NULL);
	challenges_sweep(sim->challenges);
	challenges_settle(sim->challenges, SWEEP_MS);
	sim_restart(sim);
	return true;
}

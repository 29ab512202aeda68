/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/conf/conf.h"
#include "daemon/keeper/check/read.h"
#include "daemon/keeper/launch/conf_report.h"
#include "daemon/keeper/launch/engine.h"
#include "daemon/keeper/launch/listen.h"
#include "daemon/keeper/launch/listeners.h"
#include "daemon/keeper/launch/notes.h"
#include "daemon/keeper/offline.h"
#include "daemon/keeper/publish/challenge.h"
#include "daemon/keeper/run/command.h"
#include "daemon/keeper/serve/serve.h"
#include "daemon/keeper/store/store.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/bus/notify.h"
#include "lib/log/log.h"
#include "lib/task/process.h"
#include "lib/task/worker.h"
#include "lib/yaml/diag.h"

/*
 * certd, the keeper: reads the configuration, opens the store, binds the control socket, starts the
 * engine, and then serves it until one of the two ends.  It alone speaks to systemd.
 */

/*
 * How long the engine may take to withdraw what it has to after SIGTERM; and how long the index
 * may lag behind what changed, all of which is read afresh after a crash.
 */
enum { STOP_MS = 20000, INDEX_MS = 3600000 };

/*
 * How long the start waits for what another life left published to be withdrawn, which then
 * goes on beside; and how long the end does, after which the next start has to.
 */
enum { SWEEP_AT_START_MS = 10000, SWEEP_AT_STOP_MS = 15000 };

#define CONFIG_PATH "/etc/certd/certd.yaml"

static struct keeper_process {
	const char *config;
	struct loop *loop;
	struct loop_signals signals;
	struct server server;
	struct engine engine;
	struct listeners listeners;
	struct timer stop_timer, index_timer, signer_timer, record_timer;
	struct notify manager;
	bool is_root, is_stopping, has_failed, wants_reload;
} keeper;

static const char usage[] = "usage: certd [-c FILE] [--foreground] [--debug]\n"
			    "       certd [-c FILE] --check\n"
			    "       certd --explain [KEY] | --schema | --manual | --version\n";

static int send_conf(const struct conf_files *files, struct err *err)
{
	struct buf packed AUTO_BUF = BUF_INIT, packet AUTO_BUF = BUF_INIT;
	int fd AUTO_CLOSE = -1;

	conf_files_pack(files, &packed);
	fd = keeper_seal("certd-config", packed.data, packed.len, err);
	if (fd < 0)
		return -1;
	keeper_begin_note(&packet, "config");
	line_add_bool(&packet, "root", keeper.is_root);
	line_add_int(&packet, "watchdog_ms", keeper.manager.watchdog_ms);
	engine_send(&keeper.engine, &packet, fd);
	return 0;
}

static int reread(struct server *server, struct conf **out, struct buf *rows, struct err *err)
{
	struct yaml_diags diags = { 0 };
	struct conf_files files = { 0 };
	struct conf *conf = read_checked(keeper.config, &files, &diags);
	int result = -1;

	(void)server;
	conf_report_rows(&diags, rows);
	conf_report_log(&diags);
	if (!conf || diags.n_errors)
		err_set(err, ERR_BAD_CONFIG, "%s has %zu mistake%s and nothing was changed",
			keeper.config, diags.n_errors, diags.n_errors == 1 ? "" : "s");
	else if (!str_is(conf->state_dir, keeper.server.conf->state_dir) ||
		 !str_is(conf->socket, keeper.server.conf->socket))
		err_set(err, ERR_BAD_CONFIG,
			"state_dir and control.socket change with a restart only; nothing was "
			"changed");
	else
		result = send_conf(&files, err);
	if (result < 0) {
		log_event(NULL, EVENT_CONFIG_REJECTED, err,
			"the configuration was not taken over");
		conf_unref(conf);
	} else {
		*out = conf;
		listeners_use(&keeper.listeners, conf);
		log_event(NULL, EVENT_CONFIG_LOADED, NULL,
			"%s is in force with %zu certificate%s", keeper.config, conf->n_certs,
			conf->n_certs == 1 ? "" : "s");
	}
	conf_files_done(&files);
	yaml_diags_done(&diags);
	return result;
}

static void look_anew(struct server *server)
{
	(void)server;
	listeners_retry(&keeper.listeners);
}

static int begin_listening(enum challenge type, struct err *err)
{
	return listeners_begin(&keeper.listeners, type, err);
}

static void end_listening(enum challenge type)
{
	listeners_end(&keeper.listeners, type);
}

static void tell_listener(enum challenge type, const char *at, int fd, const struct err *err)
{
	notes_listener(&keeper.engine, type, at, fd, err);
}

static void reload(void)
{
	struct buf rows AUTO_BUF = BUF_INIT;
	struct err err;

	notify_reloading();
	serve_reload(&keeper.server, &rows, &err);
	notify_ready(NULL);
}

static void stop_is_late(struct timer *timer)
{
	(void)timer;
	engine_kill(&keeper.engine);
}

static void stop(void)
{
	struct buf packet AUTO_BUF = BUF_INIT;

	if (keeper.is_stopping)
		return;
	keeper.is_stopping = true;
	log_event(NULL, EVENT_DAEMON_STOPPING, NULL, "the daemon stops");
	notify_stopping("withdrawing what was published");
	challenges_hurry(keeper.server.challenges);
	keeper_begin_note(&packet, "stop");
	engine_send(&keeper.engine, &packet, -1);
	loop_timer_in(keeper.loop, &keeper.stop_timer, STOP_MS);
}

static void signalled(struct loop_signals *signals, int signal)
{
	(void)signals;
	/* During the sweep before the engine runs. */
	if (!keeper.engine.loop && signal == SIGHUP)
		keeper.wants_reload = true;
	else if (!keeper.engine.loop) {
		keeper.is_stopping = true;
		challenges_hurry(keeper.server.challenges);
	} else if (signal == SIGHUP)
		reload();
	else
		stop();
}

/* An answer is the time to see whether the store has changed: an idle daemon never wakes for it. */
static void send_packet(struct server *server, const struct buf *packet, int fd)
{
	engine_send(&keeper.engine, packet, fd);
	if (store_has_changed(server->store) && !loop_timer_is_set(&keeper.index_timer))
		loop_timer_in(keeper.loop, &keeper.index_timer, INDEX_MS);
}

static void signer_is_idle(struct timer *timer)
{
	(void)timer;
	serve_forget_signer(&keeper.server);
}

static void signer_used(struct server *server)
{
	(void)server;
	loop_timer_in(keeper.loop, &keeper.signer_timer, SERVE_SIGNER_MS);
}

static void record_may_go_on(struct timer *timer)
{
	(void)timer;
	serve_record_waiting(&keeper.server);
}

static void record_waits(struct server *server, int64_t ms)
{
	(void)server;
	loop_timer_in(keeper.loop, &keeper.record_timer, ms);
}

static void is_ready(struct server *server)
{
	challenges_use_engine(server->challenges, notes_update, &keeper.engine);
	challenges_tell(server->challenges, notes_trouble);
	log_event(NULL, EVENT_DAEMON_READY, NULL, "the daemon serves %zu certificate%s",
		keeper.server.conf->n_certs, keeper.server.conf->n_certs == 1 ? "" : "s");
	notify_ready(NULL);
}

static void is_alive(struct server *server, const char *status)
{
	(void)server;
	notify_alive();
	if (status)
		notify_status(status);
}

static void on_packet(void *data, const char *packet, size_t len)
{
	struct err err;

	(void)data;
	if (serve_packet(&keeper.server, packet, len, &err) == 0)
		return;
	log_event(NULL, EVENT_DAEMON_FAILED, &err, "the engine broke the rules");
	keeper.has_failed = true;
	engine_refuse(&keeper.engine);
}

static void on_lost(void *data, const struct err *err)
{
	(void)data;
	if (!keeper.is_stopping || err_is_set(err)) {
		keeper.has_failed = true;
		log_event(NULL, EVENT_DAEMON_FAILED, err, "the engine is gone");
	}
	loop_stop(keeper.loop);
}

static void write_index(struct timer *timer)
{
	struct err err;

	(void)timer;
	if (store_write_index(keeper.server.store, keeper.server.conf, &err) < 0)
		log_debug(NULL, "the index cannot be written: %s", err.text);
}

/* Beside our own program in the build tree, in libexec when installed. */
static const char *engine_program(void)
{
	const char *wanted = getenv("CERTD_ENGINE");

	return wanted ? wanted : CERTD_ENGINE_PATH;
}

static int open_all(struct conf *conf, struct err *err)
{
	sigset_t signals;

	serve_init(&keeper.server, conf);
	keeper.server.send = send_packet;
	keeper.server.reread = reread;
	keeper.server.look_anew = look_anew;
	keeper.server.signer_used = signer_used;
	keeper.server.record_waits = record_waits;
	keeper.server.ready = is_ready;
	keeper.server.alive = is_alive;
	keeper.engine.packet = on_packet;
	keeper.engine.lost = on_lost;
	keeper.stop_timer.fire = stop_is_late;
	keeper.index_timer.fire = write_index;
	keeper.signer_timer.fire = signer_is_idle;
	keeper.record_timer.fire = record_may_go_on;
	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	signal(SIGPIPE, SIG_IGN);
	keeper.loop = loop_new();
	keeper.signals.came = signalled;
	if (loop_signals_catch(keeper.loop, &keeper.signals, &signals, err) < 0 ||
		store_open(conf->state_dir, &keeper.server.store, err) < 0 ||
		store_align(keeper.server.store, conf, err) < 0 ||
		commands_new(keeper.loop, &keeper.server.commands, err) < 0 ||
		worker_new(keeper.loop, &keeper.server.keys, err) < 0 ||
		worker_new(keeper.loop, &keeper.server.disks, err) < 0 ||
		challenges_new(conf->state_dir, keeper.server.commands, keeper.server.disks,
			&keeper.server.challenges, err) < 0)
		return -1;
	listeners_init(&keeper.listeners, keeper.loop, tell_listener);
	challenges_use_listening(keeper.server.challenges,
		&(struct challenge_listening){ begin_listening, end_listening });
	return 0;
}

/* Records that an earlier life published have no waiting order: orders will ask for new ones. */
static void sweep_left_over(void)
{
	struct challenges *challenges = keeper.server.challenges;
	size_t n;

	challenges_use(challenges, keeper.server.conf);
	n = challenges_sweep(challenges);
	challenges_settle(challenges, SWEEP_AT_START_MS);
	if (n > 0)
		log_event(NULL, EVENT_CHALLENGE_SWEPT, NULL,
			"%zu challenge%s of an earlier life of the daemon %s swept", n,
			n == 1 ? "" : "s", n == 1 ? "was" : "were");
}

static int start(const struct conf_files *files, struct err *err)
{
	const struct conf *conf = keeper.server.conf;
	int control AUTO_CLOSE = -1;

	if (!keeper.is_root)
		log_event(NULL, EVENT_DAEMON_ONE_USER, NULL,
			"not started as root: keys and network are handled by the same user");
	notify_adopt(conf->socket, &keeper.manager);
	sweep_left_over();
	if (keeper.is_stopping)
		return 0;
	control = keeper.manager.listener;
	if ((control < 0 && listen_control(conf->socket, &control, err) < 0) ||
		engine_start(&keeper.engine, keeper.loop, engine_program(),
			keeper.is_root ? conf->user : NULL, control, err) < 0)
		return -1;
	listeners_use(&keeper.listeners, conf);
	if (send_conf(files, err) < 0)
		return -1;
	if (keeper.wants_reload)
		reload();
	serve_facts_ahead(&keeper.server);
	return 0;
}

static int run(void)
{
	struct yaml_diags diags = { 0 };
	struct conf_files files = { 0 };
	struct conf *conf = read_checked(keeper.config, &files, &diags);
	struct err err = ERR_INIT;
	bool left_behind;
	int result = -1;

	conf_report_start(&diags);
	yaml_diags_done(&diags);
	if (!conf) {
		log_event(NULL, EVENT_CONFIG_REJECTED, NULL,
			"%s has mistakes and certd does not start", keeper.config);
		conf_files_done(&files);
		return EX_CONFIG;
	}
	if (open_all(conf, &err) == 0)
		result = start(&files, &err);
	conf_files_done(&files);
	if (result == 0 && !keeper.is_stopping)
		loop_run(keeper.loop);
	if (result < 0) {
		log_event(NULL, EVENT_DAEMON_FAILED, &err, "the daemon cannot go on");
		notify_failed(err.text, err.sys);
	}
	if (result == 0 && store_write_index(keeper.server.store, keeper.server.conf, &err) < 0)
		log_debug(NULL, "the index cannot be written: %s", err.text);
	listen_remove();
	engine_kill(&keeper.engine);
	if (keeper.server.challenges) {
		challenges_use_engine(keeper.server.challenges, NULL, NULL);
		challenges_hurry(keeper.server.challenges);
		challenges_sweep(keeper.server.challenges);
		challenges_settle(keeper.server.challenges, SWEEP_AT_STOP_MS);
	}
	engine_done(&keeper.engine);
	listeners_done(&keeper.listeners);
	/* The requests let go of their work first, because the workers free what has not begun. */
	serve_done(&keeper.server);
	loop_run_ready(keeper.loop);
	challenges_free(keeper.server.challenges);
	left_behind = !worker_free(keeper.server.keys);
	left_behind |= !worker_free(keeper.server.disks);
	commands_free(keeper.server.commands);
	store_close(keeper.server.store);
	loop_signals_forget(&keeper.signals);
	loop_free(keeper.loop);
	result = result < 0 || keeper.has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
	if (left_behind)
		_exit(result);
	return result;
}

int main(int argc, char **argv)
{
	enum { CHECK = 256, EXPLAIN, SCHEMA, MANUAL, VERSION, FOREGROUND, DEBUG, HELP };
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, CHECK },
		{ "explain", no_argument, NULL, EXPLAIN },
		{ "schema", no_argument, NULL, SCHEMA },
		{ "manual", no_argument, NULL, MANUAL },
		{ "version", no_argument, NULL, VERSION },
		{ "foreground", no_argument, NULL, FOREGROUND },
		{ "debug", no_argument, NULL, DEBUG },
		{ "help", no_argument, NULL, HELP },
		{ NULL, 0, NULL, 0 },
	};
	int mode = 0, option;

	keeper.config = CONFIG_PATH;
	keeper.is_root = geteuid() == 0;
	while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		if (option == 'c')
			keeper.config = optarg;
		else if (option == DEBUG)
			log_set_debug(true);
		else if (option == '?')
			return fputs(usage, stderr), EX_USAGE;
		else if (option != FOREGROUND)
			mode = option;
	}
	if (optind < argc && mode != EXPLAIN)
		return fputs(usage, stderr), EX_USAGE;
	umask(077);
	switch (mode) {
	case CHECK:
		return offline_check(keeper.config, str_is(keeper.config, CONFIG_PATH));
	case EXPLAIN:
		return offline_explain(optind < argc ? argv[optind] : NULL);
	case SCHEMA:
		return offline_schema();
	case MANUAL:
		return offline_manual();
	case VERSION:
		return printf("certd %s\n", CERTD_VERSION), EXIT_SUCCESS;
	case HELP:
		return fputs(usage, stdout), EXIT_SUCCESS;
	default:
		log_open("certd");
		log_listen(notes_event, &keeper.engine);
		/* Neither cores nor a debugger of another user may hold a key. */
		prctl(PR_SET_DUMPABLE, 0);
		return run();
	}
}

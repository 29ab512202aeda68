/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_SIM_SIM_H
#define CERTD_TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/engine/world.h"
#include "daemon/keeper/serve/serve.h"
#include "lib/log/log.h"
#include "tests/sim/dns_fake.h"
#include "tests/sim/fake_acme.h"
#include "tests/sim/http_fake.h"
#include "tests/sim/keeper_direct.h"
#include "tests/sim/store_memory.h"
#include "tests/sim/town.h"
#include "tests/sim/wires.h"

/*
 * The whole daemon in a test: the engine's world on virtual time, the keeper's request code in the
 * same process, a store in memory and a town of fake servers around it.
 *
 *	struct sim sim;
 *
 *	sim_open(&sim, "cas: ...", 1);
 *	sim_until(&sim, EVENT_CERT_DEPLOYED, "example.com/web", MINUTES(1));
 *	town_script(&sim.town, "check-web", NULL, 1, ERR_COMMAND_FAILED, 0);
 *	sim_command(&sim, "renew example.com/web --force");
 *	sim_advance(&sim, DAYS(30));
 *	sim_restart(&sim);
 *	sim_expect_settled(&sim);
 *	sim_close(&sim);
 *
 * After every step of virtual time sim_check.c looks at what must hold always: see there.  What breaks
 * is told through sim_complain(), which the test program defines (tests/sim/scenario.h does).
 *
 * A restart is a death of both processes at that moment: what was asked is lost, commands die, the
 * store and the town stay as they are.  When the engine gives up by itself the same happens, as
 * systemd does it.  $SIM_TRACE prints every event with its virtual time.
 */

struct session;
struct sim_asker;

struct sim_event {
	enum event event;
	struct instant at;
	char *cert, *target, *job;
};

enum { SIM_ACMES = 4 };

struct sim {
	struct loop *loop;
	struct town town;
	struct wires wires;
	struct internet internet;
	struct fake_acme *acmes[SIM_ACMES];
	size_t n_acmes;
	struct store *store;
	struct server server;
	struct timer signer_timer;
	struct timer record_timer;
	struct world world;
	struct commands *commands;
	struct challenges *challenges;
	struct http *http;
	struct responder *responder;
	struct worker *worker;
	char *config;
	struct sim_event *events;
	size_t n_events;
	struct buf said;          /* what the last sim_command() was answered */
	struct sim_asker *askers; /* whose connections are still there */
	uid_t user;               /* who says it: root */
	bool is_dying;            /* its events are nobody's */
	unsigned n_restarts, n_failures, n_keepers_asked;

	/* What a scenario may lift; everything is checked while these are false. */
	bool may_expire;  /* issuing or deploying cannot work for now */
	bool may_roll;    /* an operator forced a roll */
	bool may_vanish;  /* certificates leave the configuration while they are deployed */
	bool may_go_back; /* the clock or the configuration shortens lives */
	struct sim_watch *watches; /* sim_check.c's memory */
	size_t n_watches;
	uint64_t seen_store, seen_town;
	unsigned n_complaints;
};

/* 2026-06-01, a Monday, at midnight; the local time zone of simulations is UTC. */
#define SIM_START ((struct instant){ 1780272000 })

/* The test program's: a scenario went wrong. */
void sim_complain(const char *text);

/* Starts the daemon; the configuration has to be free of errors. */
void sim_open(struct sim *sim, const char *config, uint64_t seed);

/* The same, with a store that `fill` (NULL: nothing) put something into. */
void sim_open_filled(
	struct sim *sim, const char *config, uint64_t seed, void (*fill)(struct store *store));
void sim_close(struct sim *sim);

/*
 * An ACME server at this origin ("https://ca.test/", its directory at "dir"), which looks for
 * challenges in this simulation; until sim_close().  To be called before time runs.
 */
struct fake_acme *sim_acme(struct sim *sim, const char *origin);

/* Runs virtual time; every step is checked. */
void sim_advance(struct sim *sim, struct duration d);
bool sim_step(struct sim *sim, struct instant limit);

/*
 * Runs until the event comes (of this certificate, when not NULL), at most so long.  False, and a
 * complaint, when it does not.
 */
bool sim_until(struct sim *sim, enum event event, const char *cert, struct duration at_most);

/* Runs until nothing is in work and nothing is due; false, and a complaint, when that takes longer. */
bool sim_rest(struct sim *sim, struct duration at_most);

/* Kills both processes and starts them again. */
void sim_restart(struct sim *sim);

/* Another configuration file and SIGHUP.  0, or -1 when it was refused. */
int sim_reload(struct sim *sim, const char *config);

/* Sets the wall clock; passes time in suspend. */
void sim_set_clock(struct sim *sim, struct instant wall);
void sim_suspend(struct sim *sim, struct duration d);

/* One line to the control socket as sim->user: the answer's lines, valid until the next one. */
const char *sim_command(struct sim *sim, const char *line);

/* What a session has to say without waiting, appended to sim->said. */
void sim_pull(struct sim *sim, struct session *session);

/* Who has asked with --wait stays connected until now, or until the daemon's death. */
void sim_leave(struct sim *sim);

/* How often an event came, of this certificate (NULL: any), since the beginning. */
size_t sim_count(const struct sim *sim, enum event event, const char *cert);

/* When it came last; INSTANT_NONE: never. */
struct instant sim_last(const struct sim *sim, enum event event, const char *cert);

/* The facts that the engine holds; they stay the engine's. */
const struct cert_facts *sim_facts(const struct sim *sim, const char *cert);
size_t sim_jobs(const struct sim *sim);

/*
 * Complains unless every active certificate is healthy, served everywhere, nothing is in work, nothing is
 * left of challenges, and no CA has anything to complain about.
 */
void sim_expect_settled(struct sim *sim);

/* SIGTERM and a new start; false when a job does not end within two minutes. */
bool sim_stop(struct sim *sim);

/* What an operator does to every job that runs. */
void sim_cancel_all(struct sim *sim);

/* Is this `tests/run --long` (LONG=1), so that sweeps try every moment? */
bool sim_is_long(void);

/* For sim.c: both processes come to life, and die at once. */
void sim_start(struct sim *sim);
void sim_kill(struct sim *sim);

/* For sim.c: looks at everything that must hold now. */
void sim_check(struct sim *sim);
void sim_check_done(struct sim *sim);
void sim_break(struct sim *sim, const char *fmt, ...) PRINTF(2, 3);

#endif

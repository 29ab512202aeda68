/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_JOB_FLEET_H
#define CERTD_DAEMON_JOB_FLEET_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/acme/ledger.h"
#include "daemon/cert/clock_judge.h"
#include "daemon/cert/plan.h"
#include "daemon/conf/conf.h"
#include "lib/base/heap.h"
#include "lib/base/list.h"
#include "lib/task/loop.h"
#include "proto/facts.h"

struct acme;
struct job;
struct keeper;
struct keeper_op;
struct lane;
struct task;

/*
 * The fleet is every certificate with its facts, and when to look at each again.
 *
 * This is the daemon's memory between jobs.  A struct cert joins a certificate's configuration,
 * its facts, its place in the schedule and the job that works on it.  The schedule is one heap
 * on the wall clock: a wake-up looks at those that are due and at no others.  A look asks
 * cert_plan(); actions that are due go to the runner (daemon/job/runner.h).
 *
 * Facts change only through fleet_take_facts(), which plans the certificate anew, and its
 * dependents when a CA's current version changed.  A certificate that leaves the configuration
 * while a job works on it lives until the job has ended.  The fleet owns certificates and
 * facts, and one reference to the configuration.
 */

struct cert {
	const struct cert_conf *conf;
	struct cert_facts facts;
	struct heap_node look;      /* in fleet->schedule, keyed by seconds on the wall */
	struct heap_node inform;    /* in the informer's queue (inform.h) */
	struct version_id informed; /* the version that a CA was asked about last */
	struct heap_node due;       /* in due_in->due while it waits for room there */
	struct lane *due_in;
	struct reservation
		reserved; /* of its CA's limits, for the order under way (manners.h) */
	/* Orders do not name this version as replaced any more: the CA refused one that did. */
	struct version_id unreplaced;
	struct job *job;     /* the job that works on it, or NULL */
	struct instant told; /* when its failure was logged last */
	struct instant reminded;
	bool is_gone; /* left the configuration; freed when its job ends */
	bool is_told_expired, is_told_late;
	bool is_informed; /* its CA is being asked */
};

/*
 * A follower hears what happens in the fleet.  It is part of what follows (the runner, the
 * informer, the clock's watch), which outlives the fleet or leaves the list.  Each callback may
 * be NULL.
 */
struct fleet_follower {
	struct list link; /* in fleet->followers */

	/* The certificate is looked at; what is due for it is not decided yet. */
	void (*on_look)(struct fleet_follower *follower, struct cert *cert);

	/* The plan is due, and no job works on the certificate. */
	void (*on_due)(
		struct fleet_follower *follower, struct cert *cert, const struct plan *plan);

	/* While many are looked at nothing starts; afterwards what ends first does. */
	void (*on_gather)(struct fleet_follower *follower, bool is_gathering);

	/* The certificate left the configuration. */
	void (*on_leave)(struct fleet_follower *follower, struct cert *cert);

	/* The facts of a certificate are new. */
	void (*on_facts)(struct fleet_follower *follower, const struct cert_facts *facts);

	/* The wall clock was set; before anything is planned by it. */
	void (*on_clock_set)(struct fleet_follower *follower);
};

struct fleet {
	struct loop *loop;
	struct keeper *keeper;
	struct acme *acme; /* whose refusals plans wait for; NULL: no ACME CA can be asked */
	struct list followers; /* struct fleet_follower */
	struct clock_verdict clock;
	struct conf *conf;
	struct cert **certs; /* by place in conf->certs */
	struct heap schedule;
	struct timer timer;
	uint32_t *dependents; /* places of what CAs sign, grouped; see fleet.c */
	size_t *dependents_at;
	uint64_t n_looks;      /* plans made, for metrics */
	struct tick last_pass; /* when the scheduler last ran */
	bool is_paused;        /* before the facts are there, and while stopping */
};

/* `conf` gives up its reference.  The schedule starts with fleet_start(). */
struct fleet *fleet_new(struct loop *loop, struct keeper *keeper, struct conf *conf);
void fleet_free(struct fleet *fleet);

/* The first that follow hear first. */
void fleet_follow(struct fleet *fleet, struct fleet_follower *follower);

/* Makes `conf` the one in force: facts are kept by name, all plans made anew. */
void fleet_set_conf(struct fleet *fleet, struct conf *conf);

/* Begins to act; before, facts may be put in without anything being planned. */
void fleet_start(struct fleet *fleet);
void fleet_pause(struct fleet *fleet);

/* Takes over the facts (their owner is the fleet afterwards) by their name and plans anew. */
void fleet_take_facts(struct fleet *fleet, struct cert_facts *facts);

/*
 * Asks the keeper to tidy up after deploys of the certificate; the task goes on after an error.
 * fleet_take_tidied() takes the facts of the answer over.
 */
void fleet_ask_tidy(const struct fleet *fleet, const struct cert *cert, struct task *task,
	struct keeper_op *op);
void fleet_take_tidied(struct fleet *fleet, struct keeper_op *op);

/* The certificate at a place of the configuration. */
static inline struct cert *fleet_at(const struct fleet *fleet, size_t place)
{
	assert(place < fleet->conf->n_certs);
	return fleet->certs[place];
}

/* The ledgers go away. */
void fleet_drop_reservations(struct fleet *fleet);

struct cert *fleet_find(const struct fleet *fleet, const char *name);

/* The first certificate whose name is after `name` in order ("" for the first), or NULL. */
struct cert *fleet_after(const struct fleet *fleet, const char *name);

/* cert_issuer() (daemon/cert/plan.h) over the facts of the fleet, now. */
struct issuer fleet_issuer(const struct fleet *fleet, const struct cert *cert);

/* The CA of this name refused our account, or lets it in. */
void fleet_account_changed(struct fleet *fleet, const char *ca);

struct plan fleet_plan(const struct fleet *fleet, const struct cert *cert);
enum health fleet_health(
	const struct fleet *fleet, const struct cert *cert, const struct plan *plan);

/* All plans are made anew. */
void fleet_look_all(struct fleet *fleet);

/* Looks at a certificate now: acts when something is due, else waits for its moment. */
void fleet_look(struct fleet *fleet, struct cert *cert);

/*
 * An operator cancelled its job: what the plan wants waits for PLAN_HOLD, or until an operator asks
 * for something.  fleet_let_go() does not look again, and tells whether there was a hold.
 */
void fleet_hold(struct fleet *fleet, struct cert *cert);
bool fleet_let_go(struct cert *cert);

/*
 * An operator wants what failed looked at anew: it is not waited for any longer
 * (failure_holds()) until the next job begins.  Does not look; tells whether anything had
 * failed.
 */
bool fleet_look_anew(struct cert *cert);

/* The job that worked on it has ended. */
void fleet_release(struct fleet *fleet, struct cert *cert);

/* Places of the certificates that the CA certificate at `place` signs. */
const uint32_t *fleet_dependents(const struct fleet *fleet, uint32_t place, size_t *n);

#endif

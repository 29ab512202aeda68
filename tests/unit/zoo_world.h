/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_UNIT_ZOO_WORLD_H
#define CERTD_TESTS_UNIT_ZOO_WORLD_H

#include <assert.h>
#include <pwd.h>
#include <sched.h>

#include "daemon/acme/acme.h"
#include "daemon/acme/health.h"
#include "daemon/ctl/failed_listeners.h"
#include "lib/base/str.h"
#include "lib/task/loop_virtual.h"
#include "tests/unit/ctl_world.h"
#include "tests/zoo/zoo.h"

/*
 * The zoo as sessions see it, for unit tests and the session fuzzer: a fleet that plans nothing has the facts of
 * zoo_facts(), the CA `down` counts as down, an address cannot be listened at, and a job of BUSY waits for the
 * keeper, which answers only what commands ask.
 */

struct zoo_world {
	struct ctl_world w;
	struct acme *acme;
	struct conf *conf;
};

static inline void zoo_world_take_down(struct zoo_world *z, const char *name)
{
	struct acme_ca *ca = acme_ca(z->acme, conf_ca(z->conf, name), false);
	struct err err;

	err_set(&err, ERR_CONNECT, "nobody is there");
	for (int i = 0; i < HEALTH_TRIES; i++)
		health_note(&ca->health, &err, clock_tick(), clock_now());
	acme_ca_release(ca);
}

static inline void zoo_world_facts(struct zoo_world *z)
{
	for (size_t i = 0; i < zoo_n; i++) {
		struct cert *cert = fleet_find(z->w.fleet, zoo[i].cert);
		struct cert_facts facts;

		zoo_facts(&zoo[i], z->conf, clock_now(), &facts);
		cert->facts.held = facts.held;
		fleet_take_facts(z->w.fleet, &facts);
	}
}

static inline void zoo_world_start_jobs(struct zoo_world *z)
{
	struct job_options options = { .is_forced = true };
	struct err err;

	for (size_t i = 0; i < zoo_n; i++)
		if (zoo[i].quirk == BUSY &&
			!runner_start(z->w.runner, JOB_ISSUE,
				fleet_find(z->w.fleet, zoo[i].cert), &options, &err))
			abort();
	/* As far as they come without an answer. */
	for (int i = 0; i < 100; i++)
		virtual_step(z->w.loop, clock_now());
}

static inline void zoo_world_open(struct zoo_world *z)
{
	struct loop *loop = loop_new();

	z->conf = zoo_conf();
	z->acme = acme_new(loop, NULL, NULL, NULL, NULL, z->conf);
	ctl_world_open(&z->w, loop, z->conf, z->acme);
	zoo_world_facts(z);
	zoo_world_take_down(z, "down");
	failed_listeners_note(
		&z->w.ctl.failed_listeners, "http-01", "[::]:80", "the port \"is\" taken");
	zoo_world_start_jobs(z);
}

static inline void zoo_world_end_jobs(void *data)
{
	(void)data;
}

/* The sessions have ended. */
static inline void zoo_world_close(struct zoo_world *z)
{
	runner_stop(z->w.runner, zoo_world_end_jobs, NULL);
	while (ctl_world_request() || virtual_step(z->w.loop, INSTANT_NEVER))
		if (ctl_world_request())
			ctl_world_answer("");
	failed_listeners_done(&z->w.ctl.failed_listeners);
	ctl_done(&z->w.ctl);
	runner_free(z->w.runner);
	acme_free(z->acme);
	fleet_free(z->w.fleet);
	loop_free(z->w.loop);
}

/* A user of this role. */
static inline struct peer zoo_world_peer(enum role role)
{
	static const char *const users[] = { [ROLE_NONE] = "nobody",
		[ROLE_OBSERVE] = ZOO_OBSERVER,
		[ROLE_OPERATE] = ZOO_OPERATOR,
		[ROLE_ADMIN] = "root" };
	const struct passwd *user = getpwnam(users[role]);

	assert(user);
	return (struct peer){ .uid = user->pw_uid, .gid = 65534 };
}

/* The keeper's answer to the request of a session: rows as it would tell them. */
static inline void zoo_world_answer(void)
{
	struct keeper_op *op = NULL;

	/* A job's question stays open; it came first. */
	list_each(at, &ctl_world_asked)
		op = LIST_OF(at, struct keeper_op, pending);
	if (op && strstr(buf_text(&op->text), "versions ")) {
		char *packet = mem_printf(
			"ok %u\nversion=20261121T095820Z-1 link=curr ca=int", op->id);

		keeper_answer(op, packet, strlen(packet), -1);
		free(packet);
	} else if (op && strstr(buf_text(&op->text), "accounts")) {
		char *packet = mem_printf("ok %u\nca=le\nca=le test=yes\nca=down", op->id);

		keeper_answer(op, packet, strlen(packet), -1);
		free(packet);
	}
}

static inline void zoo_world_wake(struct session *session)
{
	(void)session;
}

/*
 * What a session of its own answers to one line, appended to *out.  A stream ends after what is there, a
 * forecast is waited for: its child is no part of virtual time.
 */
static inline void zoo_world_ask(struct zoo_world *z, const struct command *command,
	enum role role, const char *line, struct buf *out)
{
	struct peer peer = zoo_world_peer(role);
	struct session session;

	/* There are no name servers in this world. */
	z->w.runner->acme = command->id == COMMAND_DNS_CHECK ? NULL : z->acme;
	session_init(&session, &z->w.ctl, &peer, zoo_world_wake);
	buf_clear(&session.out);
	session_feed(&session, line, strlen(line));
	session_feed(&session, "\n", 1);
	do {
		while (session_pull(&session)) {
			buf_add(out, session.out.data, session.out.len);
			buf_clear(&session.out);
		}
		zoo_world_answer();
		while (virtual_step(z->w.loop, clock_now()))
			;
		sched_yield();
	} while (session.answer && command->shape != SHAPE_STREAM);
	buf_add(out, session.out.data, session.out.len);
	session_done(&session);
	z->w.runner->acme = z->acme;
}

#endif

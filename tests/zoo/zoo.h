/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_ZOO_ZOO_H
#define CERTD_TESTS_ZOO_ZOO_H

#include "daemon/cert/plan.h"
#include "proto/commands.h"

struct buf;
struct conf;

/*
 * The zoo holds one configuration and the facts of its certificates, with every kind of CA,
 * every state of a certificate and every kind of target; and the commands sent about all of
 * them.
 *
 * The tables are zoo.def and commands.def. Unit tests and the session fuzzer put zoo_facts()
 * into a fleet; simulations and live tests start from the store of zoo_fill_store()
 * (zoo_store.h). zoo_judge() alone decides whether an answer is acceptable.
 */

enum quirk {
	NOTHING,
	DEPLOYED, /* every target has the current version */
	HELD,     /* an operator cancelled its job */
	FAILED,
	LIMITED,
	CA_IS_DOWN,
	TOLD_TO_WAIT,
	REVOKED,
	DOOMED,   /* the current version is to be revoked */
	REPLACED, /* an older version is to be revoked */
	CHANGED,  /* made for another configuration */
	OTHER_ISSUER,
	ARI_AHEAD,
	ARI_PAST,
	ORDERED, /* an order is in flight */
	BUSY,    /* a job works on it; the test must start one */
	TARGET_FAILED,
	FAILED_BEFORE, /* with another configuration */
	LEFTOVERS,     /* copies lie where no target has them, and files that cannot go */
};

struct beast {
	const char *cert, *cas, *more;
	int64_t curr, next, life;
	enum quirk quirk;
	enum health health;
	enum why why;
};

extern const struct beast zoo[];
extern const size_t zoo_n;

/* In the store, but not in the configuration. */
#define ZOO_ARCHIVED "zoo.test/archived"
/* Neither in the store nor in the configuration. */
#define ZOO_MISSING "zoo.test/missing"

/* Users with a role, which exist in every Debian; root is admin, the user `nobody` has none. */
#define ZOO_OBSERVER "sync"
#define ZOO_OPERATOR "games"

/* The parts that differ between a simulation and a real machine. */
struct zoo_places {
	const char *state_dir; /* NULL: the caller writes this key, and `control` */
	const char *le;        /* origin of an ACME CA that accepts orders */
	const char *down;      /* origin of an ACME CA that is down */
	const char *live;      /* prefix of the directories of targets */
};

void zoo_config(const struct zoo_places *places, struct buf *out);

/* Loads zoo_config() for tests without a machine; the caller owns the result. */
struct conf *zoo_conf(void);

/*
 * The CA certificate whose key signed the versions of a beast; NULL: self-signed, or a foreign
 * CA.
 */
const char *zoo_signer(const struct beast *beast, const struct conf *conf);

/* The facts of a beast at `now`; the caller owns *out (facts_done). The keys are invented. */
void zoo_facts(const struct beast *beast, const struct conf *conf, struct instant now,
	struct cert_facts *out);

/* Calls `tell` for every line sent to a daemon, with its command. */
void zoo_each_line(
	void (*tell)(const struct command *command, const char *line, void *data), void *data);

/* Calls `tell` for every line that certctl answers itself, as in commands.def. */
void zoo_each_offline(
	void (*tell)(const struct command *command, const char *line, void *data), void *data);

/*
 * May the daemon answer a peer of this role so, in whole lines up to the final one? False with
 * a complaint in *out.
 */
bool zoo_judge(const struct command *command, const char *line, enum role role,
	const char *answer, struct buf *out);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_ZOO_ZOO_H
#define CERTD_TESTS_ZOO_ZOO_H

#include "daemon/cert/plan.h"
#include "proto/commands.h"

struct buf;
struct conf;

/*
 * The zoo: one configuration and the facts of its certificates, with every kind of CA, every state that a
 * certificate can be in and every kind of target; and the commands that are asked about all of them.
 *
 * The tables are zoo.def and commands.def.  Unit tests and the session fuzzer put zoo_facts() into a fleet,
 * simulations and live tests start from the store that zoo_fill_store() makes (zoo_store.h).  What a command may
 * answer is judged in one place, zoo_judge().
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
	REPLACED, /* an older one is */
	CHANGED,  /* made for another configuration */
	OTHER_ISSUER,
	ARI_AHEAD,
	ARI_PAST,
	ORDERED, /* an order is in flight */
	BUSY,    /* a job works on it; the test has to start one */
	TARGET_FAILED,
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

/* In the store, and not in the configuration. */
#define ZOO_ARCHIVED "zoo.test/archived"
/* Nowhere. */
#define ZOO_MISSING "zoo.test/missing"

/* Users with a role, the same in every Debian; root is admin, "nobody" has none. */
#define ZOO_OBSERVER "sync"
#define ZOO_OPERATOR "games"

/* What differs between a simulation and a real machine. */
struct zoo_places {
	const char *state_dir; /* NULL: the caller writes it, and `control` */
	const char *le;        /* origin of an ACME CA that takes orders */
	const char *down;      /* of one that is away */
	const char *live;      /* directories of targets begin so */
};

void zoo_config(const struct zoo_places *places, struct buf *out);

/* zoo_config() for tests without a machine, loaded; the caller owns it. */
struct conf *zoo_conf(void);

/* The CA certificate whose key signed the versions of a beast; NULL: its own, or a foreign CA's. */
const char *zoo_signer(const struct beast *beast, const struct conf *conf);

/* The facts of a beast at `now`; the caller owns *out (facts_done).  Keys are made up. */
void zoo_facts(const struct beast *beast, const struct conf *conf, struct instant now,
	struct cert_facts *out);

/* Every line that a daemon is asked, with its command. */
void zoo_each_line(
	void (*tell)(const struct command *command, const char *line, void *data), void *data);

/* Every line that certctl answers alone, as in commands.def. */
void zoo_each_offline(
	void (*tell)(const struct command *command, const char *line, void *data), void *data);

/*
 * Is this what the daemon may answer a peer of this role, whole lines up to the final one?  False with a
 * complaint in *out.
 */
bool zoo_judge(const struct command *command, const char *line, enum role role,
	const char *answer, struct buf *out);

#endif

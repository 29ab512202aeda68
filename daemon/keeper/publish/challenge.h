/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_PUBLISH_CHALLENGE_H
#define CERTD_DAEMON_KEEPER_PUBLISH_CHALLENGE_H

#include <stdbool.h>

#include "daemon/conf/conf.h"

struct commands;
struct err;
struct worker;

/*
 * Challenges: what is shown to a CA for a while and must not stay.
 *
 * challenge_present() composes what is to be shown, writes it into the journal (journal.h), publishes it, and
 * tells when it is there; challenge_withdraw() undoes exactly that and then forgets it.  Where to is
 * a matter of the configuration: a file in the webroot, a line in the zone's include file, a command, or
 * nowhere because the engine answers by itself.
 *
 * Changes at one place (a webroot, a zone) are made one batch after the other: what comes while a
 * batch is under way waits and goes with the next, all of it at once.  So a present of a zone is told
 * when a refresh that began after its line was written has ended.  What comes for a zone is gathered for a
 * moment, so that many certificates make one publication; not any more when the keeper stops.
 *
 * A zone of dynamic updates needs the engine, which alone speaks to the network: it is told that there is an update
 * (challenges_use_engine), fetches the signed message (challenges_sign_update), and brings the server's answer, which counts
 * only with the server's signature (challenges_judge_update).  Without an engine such zones wait, with all
 * they have in the journal.
 *
 * What fails is tried again with growing distance until dns.deadline, counted from the wish, is over; that ends commands,
 * too.  The first failure and each other one is an event, and told to the engine.  What a server refuses fails at once.
 *
 * A present that fails has been undone, or will be.  A withdrawal never fails for those who asked: what
 * cannot be undone now stays in the journal, is told as an event, and is tried again later, at the
 * sweeps at the latest.  A sweep withdraws everything: when the keeper starts, before the engine runs, because
 * nobody waits for what another life published, and when it ends.
 *
 * Slow file systems and commands never block the loop.  A seam: simulations keep a list.
 */

struct buf;
struct challenges;
struct dns_update_answer;
struct challenge_wait; /* somebody who waits to be told */

struct challenge_wish {
	const struct cert_conf *cert;
	const char *ca;
	bool is_test;
	enum challenge type;
	const char *name;  /* without "*." */
	const char *shown; /* as the certificate has it, for people; NULL: the same */
	const char *token; /* passed keyauth_check_token() */
	const char *thumbprint;
	const char *account_url; /* for dns-account-01 */
	const char *owner;       /* where aliases lead from the record's own name, or NULL */
	const char *apex; /* of the zone that holds the owner in DNS, or NULL: not known */
};

struct challenge_told {
	const char *id;
	const char *key_authorization;    /* NULL when told of a withdrawal */
	const char *zone, *owner, *value; /* of a record, or NULL */
};

/* err->code ERR_NONE: it is there, or gone. */
typedef void challenge_done(
	void *data, const struct challenge_told *told, const struct err *err);

/* Challenges at once: more than any CA lets us have orders in flight. */
#define CHALLENGES_MAX 65536

/* Opens the journal and reads what another life left, which nothing is done about before the sweep. */
int challenges_new(const char *state_dir, struct commands *commands, struct worker *worker,
	struct challenges **out, struct err *err);
void challenges_free(struct challenges *challenges); /* NULL is fine */

/*
 * Another configuration is in force: what certificates that left it have published is withdrawn, and
 * each zone's include file is there, if empty.
 */
void challenges_use(struct challenges *challenges, struct conf *conf);

/* An operator looks anew: batches that failed, and withdrawals that were left, are tried again at once. */
void challenges_retry_now(struct challenges *challenges);

/* Withdraws everything, at once; how much that is. */
size_t challenges_sweep(struct challenges *challenges);

/*
 * The keeper stops: from now on nothing is gathered or waited for.  Commands that run are ended, and those that are
 * still needed get CHALLENGES_STOP_MS all in all, which is more than an engine waits for a CA that looks just now;
 * what then is not withdrawn stays in the journal.
 */
#define CHALLENGES_STOP_MS 7000
void challenges_hurry(struct challenges *challenges);

/*
 * The engine is ready to send updates: `engine` is called from the loop with each zone that has one.  NULL: it is
 * gone, so that those zones' batches fail, and nothing more begins there.
 */
typedef void challenge_engine(void *data, const char *zone);
void challenges_use_engine(struct challenges *challenges, challenge_engine *engine, void *data);

/* Called, as long as there is an engine, when publishing in a zone begins to fail, fails again, or works (text ""). */
struct challenge_trouble {
	const char *zone, *text;
	struct instant since, again; /* again unset: it is not tried again by itself */
};
typedef void challenge_tell_trouble(void *data, const struct challenge_trouble *trouble);
void challenges_tell(struct challenges *challenges, challenge_tell_trouble *tell);

/*
 * What only the engine answers needs a listening socket: `begin` is called before each such challenge, which fails with
 * its error, and `end` after the last one of its type has gone.  Never set: sockets are always there.
 */
struct challenge_listening {
	int (*begin)(enum challenge type, struct err *err);
	void (*end)(enum challenge type);
};
void challenges_use_listening(
	struct challenges *challenges, const struct challenge_listening *listening);

/* Runs the loop until no change is under way or `ms` are over, which is false. */
bool challenges_settle(struct challenges *challenges, int ms);

/*
 * NULL with `err` when it cannot even begin; else `done` is called once, from the loop, never from here.
 * Presenting again what is there is told the same id.
 */
struct challenge_wait *challenge_present(struct challenges *challenges, struct conf *conf,
	const struct challenge_wish *wish, challenge_done *done, void *data, struct err *err);

/* NULL when there is no such challenge, which is a success. */
struct challenge_wait *challenge_withdraw(
	struct challenges *challenges, const char *id, challenge_done *done, void *data);

/*
 * Has what DNS should say in a zone rewritten and refreshed, or sent again; in a zone of commands, only when it is
 * forced, has each record added again.  0 and *out: `done` is called once with nothing but the error; 0 and NULL:
 * there is nothing to do, because nothing is wanted there or, unless it is forced, it was refreshed less than a
 * minute ago.  A forced one begins 10 s after the one before at the soonest (REFRESH_MS): that pace has even an engine
 * that asks without an end.
 */
int challenges_refresh(struct challenges *challenges, const char *zone, bool is_forced,
	challenge_done *done, void *data, struct challenge_wait **out, struct err *err);

/*
 * The update that a zone waits for, composed and signed now: the octets are appended to `wire`, *id numbers it,
 * *server is who gets it, `offered` (or NULL) when the configuration does not say; valid until the next call.
 * What was signed before for it counts no longer.
 */
int challenges_sign_update(struct challenges *challenges, const char *zone, const char *offered,
	struct buf *wire, int64_t *id, const char **server, struct err *err);

/* Ends it by what the server answered: -1 says why it does not count. */
int challenges_judge_update(struct challenges *challenges, const char *zone, int64_t id,
	const struct dns_update_answer *answer, struct err *err);

/* Ends it because no server answered. */
int challenges_fail_update(struct challenges *challenges, const char *zone, int64_t id,
	const struct err *why, struct err *err);

/* Nobody is told; what was asked for goes on. */
void challenge_forget(struct challenge_wait *wait);

#endif

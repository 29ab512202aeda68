/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CERT_PLAN_H
#define CERTD_DAEMON_CERT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/instant.h"
#include "proto/facts.h"

struct cert_conf;
struct clock_verdict;
struct conf;

/*
 * A plan says what a certificate needs next, when, and why.
 *
 * One pure function makes it from facts, configuration, issuer and now.  It reads no clock,
 * does no I/O and keeps nothing, so a restart needs no recovery: load the facts, ask again.
 * The engine, the simulator and `certctl plan` link the same object.  The answer holds until
 * the facts change or `at` comes; the scheduler asks again then.
 *
 * The ladder, in order of urgency, is in plan.c; its words are proto/actions.def and
 * proto/whys.def.  When `at` <= now the action is due; otherwise it is the next one to come.
 * When nothing is near the action is ACTION_SLEEP until the renewal moment.
 */

enum action {
#define ACTION(id, word) ACTION_##id,
#include "proto/actions.def"
#undef ACTION
	ACTION_COUNT
};

enum why {
#define WHY(id, word, sentence) WHY_##id,
#include "proto/whys.def"
#undef WHY
	WHY_COUNT
};

const char *action_text(enum action action);
const char *why_text(enum why why);
const char *why_sentence(enum why why);

/* Since when a version and all that lies above it in its chain are valid. */
struct chain_start {
	struct instant from;
	uint32_t place; /* of the certificate that begins last, in conf->certs */
};

/* The current version of the local CA that would sign; is_set false: none, or not a local CA. */
struct issuer {
	bool is_local;            /* false for ca: self */
	uint32_t ca;              /* index in conf->cas; CA_SELF */
	bool is_set;              /* it has a current version */
	struct instant not_after; /* its end */
	struct instant rolled;
	uint8_t spki[32];
	struct chain_start start; /* of the issuer's current version */
	struct chain_start curr;  /* of the current version of the certificate itself */
	/* No CA of the list lets our account in, and this is what the first one says; else NULL. */
	const struct failure *refusal;
	struct instant asked_again; /* when that one is asked for the account again */
};

/* Can the issuer sign now: has it begun, with all above it, and not ended? */
bool issuer_is_valid(const struct issuer *issuer, struct instant now);

/*
 * The issuer: the first CA of the list whose certificate is valid, else the first of the list.
 * `facts_of` gives the facts of a certificate by its place in conf->certs, or NULL.
 */
struct issuer cert_issuer(const struct cert_conf *conf, const struct conf *all,
	const struct cert_facts *(*facts_of)(uint32_t place, void *data), void *data,
	struct instant now);

/*
 * The end that a new version would have: its life by conf_life(), never beyond the issuer's end.
 */
struct instant cert_new_end(const struct cert_conf *conf, const struct conf *all,
	const struct issuer *issuer, struct instant now);

struct plan {
	enum action action;
	enum why why;
	struct instant at;  /* INSTANT_NEVER: not before something changes */
	const char *target; /* ACTION_DEPLOY: which; points into the configuration */
	struct instant
		renewal; /* the renewal moment of curr, for status and why; NONE without curr */
	struct instant reserve; /* from here age and window yield; NONE without curr */
	/*
	 * Why every client refuses the current version although it has not ended:
	 * WHY_NOT_YET_VALID, WHY_ISSUER_NOT_YET_VALID, else WHY_NONE.
	 */
	enum why refusal;
	/*
	 * The clock is doubted, and by the other time the order that is due would not be: a try
	 * (see below).
	 */
	bool is_try;
};

/*
 * The time for which a certificate is left alone after an operator cancelled its job
 * (facts.held is the end).  The operator wants to look, or to do something else; the
 * certificate must not be forgotten for that.
 */
#define PLAN_HOLD MINUTES(1)

/*
 * `clock` is the verdict on the clock; NULL: it is trusted.  While it is doubted a step is due
 * only when it is due by the other time that it may be as well; else it can wait, and waits for
 * the clock (WHY_CLOCK).  An order at an ACME CA that is due by either time is a try, of which
 * the runner lets one per CA through: the CA knows the time.
 */
struct plan cert_plan(const struct cert_conf *conf, const struct conf *all,
	const struct cert_facts *facts, const struct issuer *issuer, struct instant now,
	const struct clock_verdict *clock);

/*
 * Does a failure count for the configuration in force?  A failure under another configuration
 * is tried again at once and is no error any more; a limit ends with another CA only.  A digest
 * of 0 always counts.
 */
bool failure_counts(const struct failure *failure, uint64_t digest);

/*
 * The failure that keeps the next try waiting; NULL: none.  A failure from before an operator's
 * renew, deploy or reload (facts->looked) holds nothing when its cause may have been mended outside
 * of the configuration: a port in use, a directory, a name server, the way to a CA.  A refusal by a
 * CA still holds.
 */
const struct failure *failure_holds(
	const struct failure *failure, const struct cert_facts *facts);

/* The failure of issuing or rolling that counts; NULL: none. */
const struct failure *cert_failure(
	const struct cert_conf *conf, const struct cert_facts *facts);

/*
 * The moment of the next try after the n-th failure in a row: 1m 10m 1h 4h 12h 24h after the
 * last one, halved below a tenth of the life left.  A wish of the other side only lengthens it,
 * by at most eight days, and by twelve hours where no valid version is held.  Short lives get
 * their tries too: a wait is never longer than a quarter of what was left of curr (of its whole
 * life, once it has ended), but at least a second.
 *
 * The error changes that in three cases.  A limit (CLASS_QUOTA) opens at a time that is known,
 * and a CA that counts as down (ERR_CA_DOWN) is left alone until one: the next try comes then,
 * however often it was asked, and the ladder ends at its second step.  After other trouble that
 * is no fault of the certificate's (no connection, no answer in time, 5xx, nonsense) it ends at
 * the third step, an hour.  A refusal (CLASS_REFUSED) is not repeated faster because the end is
 * near: only a whole life that is short shortens its waits.
 *
 * INSTANT_NONE without a failure (NULL is none).  A failure in the future of a clock that was
 * set back is tried again now.
 */
struct instant failure_retry(
	const struct failure *failure, const struct version_facts *curr, struct instant now);

/*
 * The reason for the wait: WHY_LIMIT, WHY_CA_DOWN, WHY_RETRY_AFTER where the other side's wish
 * decides, else WHY_BACKOFF.
 */
enum why failure_why(const struct failure *failure, const struct version_facts *curr);

/*
 * By when a step has to be done, for queues: who ends first goes first.  For an issue and a
 * roll that is the end of the current version, or what made it useless before.  A certificate
 * without any, and a target that lacks the current version, have PLAN_GRACE from then on: they
 * go before those with weeks left, and after those that end sooner.
 */
#define PLAN_GRACE DAYS(1)
struct instant cert_deadline(
	const struct cert_facts *facts, enum action action, struct instant now);

/* Health, the word of `status` (contract, section 3). */
enum health {
	HEALTH_OK,
	HEALTH_DUE,
	HEALTH_WAITING,
	HEALTH_WORKING,
	HEALTH_FAILING,
	HEALTH_EXPIRED,
	HEALTH_ABSENT,
};

const char *health_text(enum health health);
enum health cert_health(const struct cert_conf *conf, const struct conf *all,
	const struct cert_facts *facts, const struct plan *plan, bool is_working,
	struct instant now);

#endif

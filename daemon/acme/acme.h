/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_ACME_H
#define CERTD_DAEMON_ACME_ACME_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/acme/health.h"
#include "daemon/acme/nonce.h"
#include "daemon/acme/object.h"
#include "daemon/acme/skew.h"
#include "lib/base/list.h"
#include "lib/task/task.h"
#include "lib/wire/url.h"
#include "proto/facts.h"

struct ca_conf;
struct conf;
struct http;
struct http_op;
struct keeper;
struct log_field;
struct responder;
struct zones;

/*
 * The ACME client is the engine's part in ACME, and what it remembers of each CA between
 * orders.
 *
 *   post.h      one signed request: the keeper signs; nonces and retries are handled
 *   account.h   directory and account of a CA, opened once for all callers
 *   order.h     one order from the account to the stored certificate; a job awaits it
 *   authz.h     one name of an order shown to be ours
 *   health.h    is the CA in a state to be asked at all
 *   refusal.h   an account that its CA does not let in
 *   skew.h      how far its clock and ours lie apart
 *   object.h, problem.h   answers of a CA as structs; pure
 *
 * The world owns its struct acme, made beside fleet and runner.  It holds one struct acme_ca
 * for every directory that was ever needed: the configured one of a CA and, apart from it, its
 * staging directory (is_test).  Nothing in it must survive: after a restart the directory is
 * fetched, the account looked up and an order in flight resumed from the facts.  The engine
 * sees no key: the keeper composes all that is signed (proto/signs.def).
 *
 * A struct acme_ca is found by acme_ca(), which takes a user; acme_ca_release() gives it back.
 * A reload that changes the directory of a CA makes a new one at the next acme_ca(); the old
 * one goes with its last user.  A CA is not asked before it is needed.
 */

enum account_state {
	ACCOUNT_UNKNOWN, /* not asked for in this run, or something made it doubtful */
	ACCOUNT_LOST,    /* the CA said that it does not exist */
	ACCOUNT_OPEN,
};

struct acme_ca {
	struct list link;
	struct acme *acme;
	char *name;
	char *label;         /* for messages: "letsencrypt", "letsencrypt (staging)" */
	bool is_test;        /* the staging directory; the keeper's test tree */
	char *url;           /* of the directory */
	char *trust;         /* PEM, or NULL: the system's */
	char *proxy;         /* URL, "" for none, or NULL: the environment's */
	char **more_origins; /* further hosts that it may name */
	struct url_origins origins;
	unsigned in_flight_max; /* orders side by side */
	unsigned n_users;
	bool is_gone; /* out of the configuration: freed with its last user */

	struct directory directory;
	struct tick fetched; /* when; valid while has_directory */
	bool has_directory;  /* false: fetched before the next use */
	struct nonces nonces;
	enum account_state account;
	char *account_url;
	bool is_doubted;        /* the CA let a request of it down: ask for it by its key */
	bool is_insisting;      /* an operator wants it asked for, refused or not */
	struct failure refusal; /* the CA does not let it in (refusal.h) */
	struct instant refusal_told;
	struct timer ask_again; /* account.c says what it does */
	bool was_checked;     /* the account was looked at since the start or the last reload */
	struct task *opening; /* that opens it now, or NULL */
	struct list waiting;  /* struct account_op, for the end of that task */
	uint64_t n_opened;    /* such tasks so far */
	uint64_t told_opening; /* the last that `health` heard of */

	struct list entered; /* struct acme_place: orders that run */
	struct list queue;   /* struct acme_place: orders that wait for their turn */
	struct list back;    /* the same, of those that had it; they come first */
	unsigned n_entered;
	struct ca_health health;
	struct skew skew;
	unsigned n_trying; /* orders placed while the clock is doubted that have not ended */
	struct tick tried; /* when the last such order was placed; .ms == 0: never */
};

struct acme {
	struct loop *loop;
	struct keeper *keeper;
	struct http *http;
	struct zones *zones;
	struct responder *responder; /* answers challenges in this process; NULL: none */
	struct conf *conf;           /* a reference: that in force */
	struct list cas;             /* struct acme_ca */
	unsigned n_openings;
	bool is_doubted;           /* our clock: see acme_ca_may_try() */
	void (*heard)(void *data); /* a CA told the time; NULL: it does not matter */
	void *heard_data;
	unsigned n_refused; /* CAs that do not let our account in */
	bool is_stopping;
	/* An account was refused or let in; may be NULL. */
	void (*changed)(void *data, const struct acme_ca *ca);
	void *changed_data;
	void (*idle)(void *data); /* after acme_stop() */
	void *idle_data;
};

/* `conf` is referenced; `http`, `zones` and `responder` are borrowed. */
struct acme *acme_new(struct loop *loop, struct keeper *keeper, struct http *http,
	struct zones *zones, struct responder *responder, struct conf *conf);

/* Another configuration is in force: what is known of unchanged directories stays. */
void acme_set_conf(struct acme *acme, struct conf *conf);

/* Ends the openings without a waiting caller; `idle` is called when none runs any more. */
void acme_stop(struct acme *acme, void (*idle)(void *data), void *data);

/* After acme_stop() was idle; a CA that is still in use is left as it stands. */
void acme_free(struct acme *acme);

/* The CA by its configuration, as a user of it; `is_test` wants its staging directory. */
struct acme_ca *acme_ca(struct acme *acme, const struct ca_conf *conf, bool is_test);
void acme_ca_release(struct acme_ca *ca); /* NULL is fine */

/* The one that is known already, or NULL; no user. */
struct acme_ca *acme_ca_find(struct acme *acme, const struct ca_conf *conf, bool is_test);

/*
 * A place among the orders of a CA.  acme_enter() waits until fewer than in_flight_max run, and
 * lets those in first whose certificate ends first (place->ends, set by the caller);
 * acme_leave() gives the place (or the wait) up.  An order that had a place and comes back goes
 * before those that wait for their first; one that has a place keeps it.  Zeroed before the
 * first use.
 */
struct acme_place {
	struct op op;
	struct list link;
	struct acme_ca *ca;
	struct instant ends;
	bool was_in;
};

void acme_enter(struct acme_ca *ca, struct task *task, struct acme_place *place);
void acme_leave(struct acme_place *place); /* zeroed is fine */

/*
 * How this CA is asked: by which proxy, and whom to trust.  Between http_get() or the like and
 * http_ask().
 */
void acme_ca_http(const struct acme_ca *ca, struct http_op *http);

/*
 * May this URL, which the CA gave us, be asked?  Only where its directory lies or where the
 * configuration says that it lives, too (`origins`), so that no CA can send us to another
 * party.  -1 with ERR_FOREIGN_URL; `what` it is for begins the sentence.
 */
int acme_ca_check_url(
	const struct acme_ca *ca, const char *url, const char *what, struct err *err);

/* An answer of the CA came, or none: what its head tells about the clocks. */
void acme_ca_heard(
	struct acme_ca *ca, const struct http_op *http, const struct log_field *context);

/*
 * May an order be placed there although our clock is doubted?  One at a time, and one a day
 * when it is due only by one of the times that it may be (not is_certain).  Always true while
 * the clock is trusted.
 */
bool acme_ca_may_try(const struct acme_ca *ca, bool is_certain);

/*
 * The CA refused a request for a reason that may be the account's: before the next use it is
 * asked for the account by the key (RFC 8555, 7.3.1, onlyReturnExisting), whatever was known of
 * it.
 */
void acme_ca_doubt_account(struct acme_ca *ca);

/*
 * The CA said that the account does not exist: forget its URL, find or register the same key
 * again.
 */
void acme_ca_lose_account(struct acme_ca *ca);

/*
 * Something hints that the CA moved or changed: the directory is fetched again before its next use
 * (at most once a minute).  It is so once a day anyway.
 */
void acme_ca_doubt(struct acme_ca *ca);

/*
 * An operator wants the CA asked again: its directory, and whether it is up at all.
 * `asks_account`: a reload or a forced issue, for which a refused account is asked about, too
 * (refusal.h).
 */
void acme_ca_look_anew(struct acme_ca *ca, bool asks_account);

#endif

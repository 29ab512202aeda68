/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_ORDER_H
#define CERTD_DAEMON_ACME_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/acme/account.h"
#include "daemon/acme/acme.h"
#include "daemon/acme/download.h"
#include "daemon/acme/fate.h"
#include "daemon/acme/post.h"
#include "daemon/acme/precheck.h"

struct authz;
struct cert_facts;
struct conf;

/*
 * An order (RFC 8555, 7.4) goes from the account to the certificate that the keeper has stored
 * as next.
 *
 *	AWAIT(order_start(&job->order, task, &args));
 *
 * A child task whose error is the parent's.  Facts that the keeper answers, the accepted
 * version at the end, go to args.take at once.  It waits for a place among the orders of its
 * CA, places the order, notes its URL as a fact, shows that the names are ours, has the keeper
 * finalize it, downloads the chain and gives it to the keeper, which alone decides whether it
 * is accepted.
 *
 * An order that the facts tell to be in flight (args.resume) is looked at first, whatever state
 * it is in, and no second one is placed while it may still give a certificate.  An order that
 * ended, or that was given up, is forgotten together with its key.  Records that were presented
 * are withdrawn on every way out.  One table, fates.def, decides how an order goes on.
 *
 * ORDER_MS bounds the whole, counted from when it was placed; every request and every wait has
 * a part of that.  Its waits are told as steps: account, order, challenge, validate, finalize,
 * processing, download, store.
 */

#define ORDER_MS (INT64_C(60) * 60 * 1000)

/*
 * An order gives up its place at the CA while it waits for name servers or for what is
 * published, and after so long for the CA, so that one that cannot make up its mind about some
 * names holds up no others.
 */
#define ORDER_BUSY_MS (INT64_C(60) * 1000)

enum order_wait {
	ORDER_WAITS_CA,     /* until it has made up its mind */
	ORDER_WAITS_OTHERS, /* for name servers, for the keeper's publishing */
};

/* An order in flight gets this much, however old it is. */
#define ORDER_RESUME_MS (INT64_C(5) * 60 * 1000)

struct order_args {
	struct acme *acme;
	struct conf *conf; /* the caller's reference, which outlives the order */
	const char *cert;  /* name of the certificate */
	uint32_t ca;       /* index in conf->cas, a CA_ACME */
	bool is_test;      /* on the staging directory, into the test tree */
	bool reuse_key;    /* on the key of the current version */
	bool is_renewal; /* the current version came from this CA: it is replaced (RFC 9773, 5) */
	const char *resume;       /* URL of the order in flight at this CA, or NULL; copied */
	struct instant resume_at; /* when that was placed */
	bool is_forced;           /* by an operator: a doubted clock holds nothing */
	bool is_certain;          /* due by every time that it may be */
	struct instant ends;   /* of what the certificate has now: who ends first goes first */
	const char *abandoned; /* CA whose order in flight is given up for this one; copied */
	struct tick doubted;   /* answers of DNS from before are asked again; {0}: none are */
	bool is_soft;          /* an error ends up in order->err and is not the parent's */
	void (*step)(void *data, const char *step); /* static texts */
	void (*take)(
		void *data, struct cert_facts *facts); /* of the keeper; the callee owns them */
	void *data;
};

struct order {
	struct task task;
	struct order_args args;
	/*
	 * The order's own, which its parts (precheck, authorizations) call: the step that they
	 * are in; they wait now, so the place at the CA may be given up.  The order alone does
	 * that.
	 */
	void (*on_step)(struct order *order, const char *step);
	void (*on_wait)(struct order *order, enum order_wait what);
	struct acme_ca *ca;
	const struct acme_conf *conf;
	struct acme_place place;
	struct account_op account;
	struct post post;
	struct keeper_op keeper;
	struct sleep_op pause;
	struct order_object object;
	struct buf url;       /* of the order; "" before it is placed */
	struct tick begun;    /* when it got its place; .ms == 0: it did not */
	struct tick deadline; /* of every request and wait */
	struct tick given_up; /* after this, passing trouble is the end of it, too */
	struct authz *authz;
	size_t n_authz;
	struct precheck precheck;
	struct download download;
	struct buf chain; /* PEM */
	char *abandoned;
	enum order_held held; /* the keeper's key or version for it */
	unsigned looks, n_lost, n_dropped;
	struct instant processing; /* since when the CA is known to make the certificate */
	struct instant again;      /* when it is looked at next; INSTANT_NONE: not waited for */
	bool wants_profile, wants_replaces;
	bool was_replacing_refused; /* an order that named what it replaces, whatever was said */
	bool is_opening;            /* waits for the account */
	bool has_asked_account;     /* for a refusal that may have been about it */
	bool must_look;             /* the order's state has to be asked first */
	bool was_finalized; /* a certificate may come of it even when this task failed */
	bool is_noted;      /* the keeper holds its URL */
	bool is_trying;     /* counts in ca->n_trying */
	bool is_dead;       /* nothing can come of it any more */
	struct err err;     /* how it ended */
};

void order_start(struct order *order, struct task *parent, const struct order_args *args);

/*
 * May another CA be asked after this order failed?  True when the error is the CA's, or is its
 * own refusal that came before there was an order, or is one of CAA; and no certificate can
 * come of it any more without another request.
 */
bool order_may_fail_over(const struct order *order);
void order_done(struct order *order); /* zeroed is fine */

/* The CA or the name servers that it waits for and what they said, a line each; false: for none. */
bool order_tell(const struct order *order, struct buf *lines);

#endif

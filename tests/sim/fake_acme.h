/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_SIM_FAKE_ACME_H
#define CERTD_TESTS_SIM_FAKE_ACME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/instant.h"

struct internet;

/*
 * An ACME server (RFC 8555, RFC 9773) on virtual time, with whatever trouble is asked for:
 *
 *	struct fake_acme *ca = fake_acme_new(&internet, "https://ca.test/", shows, data);
 *
 *	fake_acme_knobs(ca)->n_stuck = 1;
 *	fake_acme_trouble(ca, ASK_NEW_ORDER, 429, "rateLimited", 7200, 1);
 *	...
 *	CHECK_INT(fake_acme_counts(ca)->n_issued, 1);
 *	fake_acme_settle(ca);
 *	fake_acme_free(ca);
 *
 * It is a strict one: what RFC 8555 demands of a client it demands, everything comes in another
 * order each time, Retry-After now in seconds and now as a date.  Signatures are not verified, everything
 * else of a request is.  Whether a challenge is shown, it asks `shows` at the moment when it looks.
 *
 * It also watches how it is treated, and complains (sim_complain) about a nonce used twice, a request that
 * no good client sends, a challenge answered before anything is shown, a second order for names while the
 * first is being made into a certificate; and in fake_acme_settle() about orders that were given up while
 * they could still give one, and certificates that nobody fetched.
 *
 * It outlives restarts of the daemon.
 */

enum acme_ask {
	ASK_DIRECTORY,
	ASK_NONCE,
	ASK_NEW_ACCOUNT,
	ASK_ACCOUNT,
	ASK_KEY_CHANGE,
	ASK_NEW_ORDER,
	ASK_ORDER,
	ASK_AUTHZ,
	ASK_CHALLENGE,
	ASK_FINALIZE,
	ASK_CERT,
	ASK_REVOKE,
	ASK_RENEWAL,
	ASK_COUNT /* as a wish: any of them but the directory, nonces and renewal information */
};

#define ACME_ELSEWHERE "https://elsewhere.test/"

/* What may be wrong with a certificate. */
enum acme_wrong {
	WRONG_NOTHING,
	WRONG_KEY,
	WRONG_NAMES,
	WRONG_DATES, /* it has ended */
	WRONG_CHAIN, /* another issuer is sent along */
	WRONG_BLOCK  /* a private key comes along */
};

struct acme_knobs {
	struct duration cert_life, order_life, authz_life;
	int64_t answer_ms, validate_ms, issue_ms;
	unsigned nonces_rejected; /* of a hundred */
	bool reuses_authz;        /* what was shown stays valid for authz_life */
	bool has_renewal_info;
	bool looks_once; /* a challenge that failed stays pending until it is answered again */
	bool always_asks_again; /* orders say "ready" only when looked at: finalize comes too early */
	unsigned n_stuck;       /* so many of the next orders are processed for ever */
	unsigned n_old; /* so many of the next new orders are answered with the last one */
	const char *poll_after; /* Retry-After of what is processed; NULL: as it likes */
	bool fails_for_lost; /* 500 for the requests of an account that is lost, as some do */
	bool tells_status; /* of an account that is shut, where its key is asked about; else 403 */
	bool may_waste;    /* nobody has to fetch what was issued */
	enum acme_wrong wrong; /* with the next n_wrong certificates */
	unsigned n_wrong;
	struct instant window_start,
		window_end;          /* renewal information for all; else by lifetime */
	struct duration ask_again;   /* and its Retry-After */
	struct duration clock_ahead; /* what the Date of its answers tells */
	const char *identity;        /* in CAA records; NULL: it does not tell */
	bool has_new_types;          /* of challenges: drafts */
	const char *foreign;         /* key of the directory that leads to ACME_ELSEWHERE */
};

struct acme_counts {
	unsigned n_asked[ASK_COUNT];
	unsigned n_accounts, n_orders, n_replacing, n_finalized, n_issued, n_fetched, n_revoked;
	unsigned n_validated, n_invalid, n_rejected /* nonces */, n_key_changes;
};

/* Is this shown to the world now?  `type` is the challenge's word, `name` has no "*." in front. */
typedef bool acme_shows(void *data, const char *type, const char *name, const char *token,
	const char *key_authorization);

struct fake_acme;

struct fake_acme *fake_acme_new(
	struct internet *internet, const char *origin, acme_shows *shows, void *data);
void fake_acme_free(struct fake_acme *acme);

/* Answers as at its own origin; for a second one that a test serves. */
struct http_request;
struct http_reply;
void fake_acme_answer(void *acme, const struct http_request *http, struct http_reply *reply);

struct acme_knobs *fake_acme_knobs(struct fake_acme *acme);
const struct acme_counts *fake_acme_counts(const struct fake_acme *acme);

/* The next `times` requests of this kind (< 0: all) are answered with a problem; retry_s 0: no Retry-After, < 0: one of 0. */
void fake_acme_trouble(struct fake_acme *acme, enum acme_ask ask, int status, const char *type,
	int64_t retry_s, int times);

/* What is shown for this name never convinces. */
void fake_acme_refuse(struct fake_acme *acme, const char *name);

/* Ends all trouble and refusals; knobs stay. */
void fake_acme_forgive(struct fake_acme *acme);

/* The CA forgets all accounts, and with them their orders. */
void fake_acme_lose_accounts(struct fake_acme *acme);

/* The CA lets no account in that it has now, or all of them again. */
void fake_acme_shut_accounts(struct fake_acme *acme, bool is_shut);

/* Complains about what is left undone. */
void fake_acme_settle(struct fake_acme *acme);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_SIM_FAKE_ACME_PRIVATE_H
#define CERTD_TESTS_SIM_FAKE_ACME_PRIVATE_H

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/list.h"
#include "lib/task/loop.h"
#include "tests/sim/fake_acme.h"
#include "tests/sim/http_fake.h"

/*
 * What the files of the fake ACME server share: fake_acme.c answers and keeps accounts and nonces,
 * fake_acme_jws.c reads what is signed, fake_acme_order.c has orders and authorizations,
 * fake_acme_watch.c looks at how they are treated, and fake_acme_cert.c has certificates.  Objects live until fake_acme_free(); their number is their URL.
 */

struct cert;
struct json;
struct key;

struct acme_account {
	unsigned number;
	char *jwk; /* as the client wrote it */
	bool is_lost;
	bool is_shut; /* deactivated, or forbidden */
};

enum acme_state {
	STATE_PENDING,
	STATE_READY,
	STATE_PROCESSING,
	STATE_VALID,
	STATE_INVALID,
	STATE_DEACTIVATED,
	STATE_EXPIRED
};

struct acme_authz {
	struct fake_acme *acme;
	unsigned number;
	struct acme_account *account;
	char *name; /* without "*." */
	char *token;
	const char *type;   /* of the challenge that was answered, or NULL */
	const char *failed; /* that of the last answer, where that was in vain */
	bool is_wildcard, is_ip;
	enum acme_state state;
	struct instant expires;
	struct timer look;
};

struct acme_order {
	unsigned number;
	struct acme_account *account;
	char **names;
	size_t n_names;
	struct acme_authz **authz; /* as many */
	enum acme_state state;     /* PROCESSING becomes VALID by itself at `issued` */
	struct tick issued;
	struct instant expires;
	struct buf chain; /* PEM */
	struct cert *cert;
	unsigned replaced_by;               /* number of an order, or 0 */
	bool is_known, is_stuck, was_asked; /* the client used its URL; it looked since ready */
	bool was_told;                      /* that it was finalized */
	bool is_unsure;                     /* a finalize was sent, and no look followed */
	bool is_fetched, is_revoked, is_wrong;
};

struct acme_trouble {
	struct list link;
	enum acme_ask ask;
	int status, times;
	char *type, *name; /* name: whose challenges never convince */
	int64_t retry_s;
};

struct fake_acme {
	struct internet *internet;
	char *origin, *word; /* "https://ca.test/", and a word for nonces and tokens */
	acme_shows *shows;
	void *data;
	struct acme_knobs knobs;
	struct acme_counts counts;
	struct list troubles;
	char *nonces; /* by number: 'n' for new, 'u' for used */
	size_t n_nonces;
	unsigned n_retries;
	struct acme_account **accounts;
	struct acme_order **orders;
	struct acme_authz **authz;
	size_t n_accounts, n_orders, n_authz;
	struct key *root_key, *key, *other_key;
	struct cert *root, *issuer, *other;
};

/* One request, as far as it was understood. */
struct acme_request {
	struct fake_acme *acme;
	const struct http_request *http;
	struct http_reply *reply;
	enum acme_ask ask;
	unsigned number;                     /* of the object in the URL */
	char *path;                          /* behind the origin */
	struct json *jws, *header, *payload; /* payload NULL: empty */
	struct buf payload_text;
	char *jwk; /* NULL: it has a kid */
	struct acme_account *account;
};

/* A sentence about the client's manners; the test fails. */
void acme_complain(const struct fake_acme *acme, const char *fmt, ...) PRINTF(2, 3);

/* A random number below n. */
unsigned acme_dice(struct fake_acme *acme, unsigned n);

void acme_add_header(struct acme_request *request, const char *name, const char *value);
void acme_problem(struct acme_request *request, int status, const char *type, const char *text);

/* Seconds, or the same as a date. */
void acme_retry_after(struct acme_request *request, int64_t s);

/* Appends a fresh nonce. */
void acme_add_nonce(struct fake_acme *acme, struct buf *out);

/* fake_acme_jws.c: reads and judges what is signed; false: the reply is made. */
bool acme_jws_read(struct acme_request *request);
void acme_jws_done(struct acme_request *request);

/* Is the key of the request, which has one, that of the certificate? */
bool acme_jws_is_by_key_of(const struct acme_request *request, const struct cert *cert);

/* The same of the inner JWS of a key change: the new key as the client wrote it, or NULL. */
char *acme_jws_new_key(struct acme_request *request);

/* fake_acme_order.c: each makes the reply. */
void acme_new_order(struct acme_request *request);
void acme_order(struct acme_request *request);
void acme_finalize(struct acme_request *request);

const char *acme_state_text(enum acme_state state);

/* A finalize came, whatever becomes of it: the client looks before it sends another one. */
void acme_note_finalize(struct acme_request *request);
void acme_authz(struct acme_request *request);
void acme_challenge(struct acme_request *request);
void acme_drop_orders(struct fake_acme *acme);
struct acme_order *acme_find_order(struct acme_request *request);

/* Brings a state that time alone changes up to date. */
void acme_order_age(struct acme_order *order);

/* fake_acme_cert.c */
void acme_make_ca(struct fake_acme *acme);
void acme_drop_ca(struct fake_acme *acme);

/* Signs for the request in DER; false: the reply is made. */
bool acme_issue(struct acme_request *request, struct acme_order *order, const struct buf *csr);
void acme_cert(struct acme_request *request);
void acme_revoke(struct acme_request *request);
void acme_renewal(struct acme_request *request);

/* The order whose certificate has this name in renewal information, or NULL. */
struct acme_order *acme_find_issued(struct fake_acme *acme, const char *certid);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_OBJECT_H
#define CERTD_DAEMON_ACME_OBJECT_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/acme/problem.h"
#include "lib/base/instant.h"
#include "lib/base/mem.h"

struct err;
struct url_origins;

/*
 * An object of ACME (RFC 8555, 7.1) is a struct made of bytes that a CA sent.
 *
 * Pure: no request, no clock, no policy.  A reader refuses an object only for what the protocol
 * needs (ERR_BAD_ANSWER) and takes everything else as it comes: unknown members are ignored,
 * unknown states and challenges are kept as such, lists may be missing, empty, shuffled and
 * hold unasked entries.  Counts are bounded; URLs are https and well-formed or the object is
 * refused.  Required URLs lie on one of the CA's origins; all others are looked at where they
 * are asked (acme_ca_check_url()).
 *
 * Every object owns its texts in one arena: x_read() fills a zeroed or done one, x_done() frees
 * it.  On failure it is as if done.
 */

/* Names of one order, hence authorizations, and challenges of one authorization. */
enum { OBJECT_AUTHZ_MAX = 1000, OBJECT_CHALLENGES_MAX = 64, OBJECT_PROFILES_MAX = 100 };

enum status {
	STATUS_UNKNOWN,
	STATUS_PENDING,
	STATUS_READY,
	STATUS_PROCESSING,
	STATUS_VALID,
	STATUS_INVALID,
	STATUS_DEACTIVATED,
	STATUS_EXPIRED,
	STATUS_REVOKED,
};

const char *status_text(enum status status);

/* One profile that the CA has (draft-aaron-acme-profiles). */
struct profile {
	const char *name;
	const char *text; /* the CA's text about it, maybe a URL; "" */
};

/* RFC 8555, 7.1.1; RFC 9773, 4.1. */
struct directory {
	struct arena arena;
	const char *new_nonce, *new_account, *new_order;
	const char *revoke_cert, *key_change; /* NULL: the CA has none */
	const char *renewal_info;             /* NULL: the CA has none */
	const char *terms, *website;          /* or NULL */
	const char **caa;                     /* names for CAA records */
	size_t n_caa;
	struct profile *profiles;
	size_t n_profiles;
	bool has_profiles; /* it told its profiles, maybe none */
	bool needs_binding;
};

/* ERR_FOREIGN_URL: the CA has nonces, accounts or orders at none of these origins. */
int directory_read(const char *data, size_t len, const struct url_origins *origins,
	struct directory *out, struct err *err);
void directory_done(struct directory *directory);
bool directory_has_profile(const struct directory *directory, const char *name);

/* RFC 8555, 7.1.2. */
struct account_object {
	struct arena arena;
	enum status status;
	const char **contact; /* as the CA has them: "mailto:..." */
	size_t n_contact;
};

int account_object_read(
	const char *data, size_t len, struct account_object *out, struct err *err);
void account_object_done(struct account_object *account);

/* RFC 8555, 7.1.3. */
struct order_object {
	struct arena arena;
	enum status status;
	struct instant expires; /* INSTANT_NONE: not said */
	const char **names;     /* values of the identifiers, as the CA spells them */
	size_t n_names;
	const char **authz; /* URLs */
	size_t n_authz;
	const char *finalize;    /* or NULL */
	const char *certificate; /* or NULL */
	const char *profile;     /* or NULL */
	const char *replaces;    /* or NULL */
	bool has_error;
	struct problem error; /* why it is invalid */
};

int order_object_read(const char *data, size_t len, struct order_object *out, struct err *err);
void order_object_done(struct order_object *order);

/* RFC 8555, 7.1.5 and 8. */
struct challenge_object {
	const char *type;     /* the CA's word, "http-01" */
	const char *url;      /* NULL: none that can be used */
	const char *token;    /* "" when it has none (dns-persist-01) */
	const char **issuers; /* of dns-persist-01: whom the record may name */
	size_t n_issuers;
	enum status status;
	bool has_error;
	struct problem error;
};

/* RFC 8555, 7.1.4. */
struct authz_object {
	struct arena arena;
	enum status status;
	struct instant expires;
	const char *type;  /* of the identifier: "dns", "ip" */
	const char *value; /* lower case, without "*." */
	bool is_wildcard;
	struct challenge_object *challenges;
	size_t n_challenges;
};

int authz_object_read(const char *data, size_t len, struct authz_object *out, struct err *err);
void authz_object_done(struct authz_object *authz);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_CA_ACCOUNT_H
#define CERTD_DAEMON_KEEPER_CA_ACCOUNT_H

#include <stdbool.h>

#include "daemon/conf/conf.h"
#include "lib/base/attr.h"
#include "lib/base/instant.h"
#include "proto/facts.h"

struct buf;
struct err;
struct key;
struct line;
struct store;

/*
 * An account is what this machine is to an ACME CA: accounts/CA/ in the store, or
 * test/accounts/CA/ for its staging directory.
 *
 *	key.pem         the account key, stored before anything is signed with it
 *	candidate.pem   the key of a rollover that the CA was or will be told of
 *	retired-X.pem   keys that lost a rollover, for people
 *	account         "key: value" lines: url, created, directory, binding
 *	refusal         "key: value" lines while the CA does not let it in: code, since, tries, text
 *	ledger          the requests that count against a limit of the CA (serve_ledger.c)
 *
 * The account URL counts only for the directory it was noted under: after the configuration
 * names another one the account is looked for again.  The key stays.  The keeper alone sees a
 * key; signatures, thumbprints and key authorizations leave it.
 */

/* Which CA a request is about, and whether its staging directory is meant.  It owns nothing. */
struct authority {
	const struct ca_conf *ca;
	const struct acme_conf *acme;
	const char *directory; /* its URL */
	bool is_test;
};

/* By `ca=` and `test=` of a request; fails for a CA that is not configured or not ACME. */
int authority_find(const struct conf *conf, const struct line *line, struct authority *out,
	struct err *err);

/* Is it a URL of this CA: https, and of the origin of its directory or one of its `origins`? */
int authority_check_url(const struct authority *at, const char *url, struct err *err);

/* A path below the state directory: "test/" in front for a staging directory. */
char *authority_path(const struct authority *at, const char *file) MUST_USE;

struct account {
	struct key *key;        /* NULL: there is none yet */
	struct key *candidate;  /* NULL: no rollover goes on */
	char *url;              /* NULL: not known */
	char *binding;          /* of which external account, or NULL */
	struct failure refusal; /* why the CA does not let it in; code ERR_NONE: it does */
	struct instant created;
};

#define AUTO_ACCOUNT CLEANUP(account_done)

/* All of it; nothing on disk is success. */
int account_read(
	struct store *store, const struct authority *at, struct account *out, struct err *err);
void account_done(struct account *account); /* zeroed is fine */

/* Make and store what is missing. */
int account_want_key(struct store *store, const struct authority *at, struct account *account,
	struct err *err);
int account_want_candidate(struct store *store, const struct authority *at,
	struct account *account, struct err *err);

/* Notes the URL, which was checked; or forgets it. */
int account_note(struct store *store, const struct authority *at, struct account *account,
	const char *url, struct err *err);
int account_forget(struct store *store, const struct authority *at, struct err *err);

/* Keeps that the CA does not let the account in (code ERR_NONE: it does), as the engine tells. */
int account_refuse(struct store *store, const struct authority *at,
	const struct failure *refusal, struct err *err);

/*
 * Ends a rollover: the candidate becomes the key, or is removed.  Done again it ends the same.
 * The key that lost stays as retired-DIGEST.pem; account_want_candidate() fails when eight of
 * them lie there.
 */
int account_promote(
	struct store *store, const struct authority *at, bool candidate, struct err *err);

#endif

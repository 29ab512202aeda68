/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_SERVE_SERVE_PRIVATE_H
#define CERTD_DAEMON_KEEPER_SERVE_SERVE_PRIVATE_H

#include "daemon/keeper/serve/serve.h"

struct challenge_told;
struct ca_conf;
struct version_facts;
struct key;
struct secret;

/*
 * An asked request is handled by one serve_*.c file; this header is what these files share, and
 * no other includes it.  A handler ends its request by asked_ok(), asked_fail() or
 * asked_result() (serve.h), at once or from a callback; work that is under way then is in
 * asked->work, and asked->drop_work stops it when the job that asked has gone.
 */

/* "ok NUMBER" in front of an answer. */
#define SERVE_PREFIX_MAX 32

/* Fills asked->facts and asked->spec: what a command of this request is told. */
void serve_describe(struct asked *asked, const char *event);

/*
 * Calls go() when it is the turn of `what` of the target or hook (run_pace.h): at once, or from
 * the loop.  A refusal is answered here.
 */
void serve_in_turn(struct asked *asked, const char *what, const char *name,
	void (*go)(struct asked *asked));

/*
 * Starts a configured command for the request, with its certificate's and target's facts; `done`
 * gets the struct asked and must clear asked->work.
 */
void serve_command(
	struct asked *asked, const struct words *words, const char *event, command_done *done);

/*
 * Shows the next version at the targets that want it, or removes it from there, beside the loop;
 * then answers the request with the certificate's facts.
 */
void serve_show_next(struct asked *asked, bool is_put);

/* Moves key text into a secret and wipes where it came from. */
void serve_hide(struct buf *text, struct secret *out);

/*
 * Gets the key of a new version for the request: with `reuse=yes` the one of the current
 * version, if it has the configured type and not reached its age.  `made` is called at once or
 * later; it answers the request and does not own the key.  A failure is answered here.
 */
typedef void serve_key_fn(struct asked *asked, const struct key *key, bool reused);
void serve_want_key(struct asked *asked, serve_key_fn *made);

/* The configured CA that issued a version, or NULL. */
const struct ca_conf *serve_issuer(
	const struct conf *conf, const struct version_facts *version);

/* Is it one of the certificate's CAs? */
int serve_check_ca(const struct asked *asked, const struct ca_conf *ca, struct err *err);

/*
 * The name of the current version in renewal information (RFC 9773, 4.1), appended, and the CA that
 * issued it: NULL when it is not configured any more.
 */
int serve_certid(
	struct asked *asked, struct buf *out, const struct ca_conf **ca, struct err *err);

/*
 * Forgets the certificate's own failure, which has been overcome.  -1 when the facts cannot be
 * written.
 */
int serve_forget_failure(struct asked *asked, struct err *err);

/* Deletes what is beyond `keep` of the certificate; that it cannot is told as an event. */
void serve_prune(struct asked *asked);

/*
 * For a request that waits for the publish queue: its callback, which answers with the result, and
 * the way to stop waiting when the request is dropped.
 */
void serve_publish_ended(void *data, const struct challenge_told *told, const struct err *err);
void serve_publish_forget(void *work);

#endif

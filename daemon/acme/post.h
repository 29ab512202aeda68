/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_POST_H
#define CERTD_DAEMON_ACME_POST_H

#include <stdbool.h>

#include "daemon/acme/acme.h"
#include "daemon/link/keeper.h"
#include "lib/base/buf.h"
#include "lib/net/http.h"

/*
 * A post is one signed request to a CA (RFC 8555, 6.2 to 6.7), as an operation of a task:
 *
 *	post_begin(&o->post, ca, SIGN_NEW_ORDER, ca->directory.new_order);
 *	line_add(&o->post.words, "cert", name);
 *	o->post.deadline = ...;
 *	AWAIT(post_send(&o->post, task));
 *	... o->post.http.status, .body, post_location(&o->post), post_retry(&o->post)
 *
 * The keeper composes and signs what is sent; the post gives it the operation's word, the URL
 * and a nonce.  A success is a 2xx answer.  Any other is the task's error, or with
 * post_send_soft() in `err`, and the CA's problem document is in `problem`.
 *
 * Only URLs at the origins of the CA are asked (ERR_FOREIGN_URL), whatever the CA says.
 *
 * A rejected nonce is answered with the nonce of that very answer, POST_NONCES times.  Passing
 * trouble of the CA (no connection, a broken one, 5xx, a short Retry-After) is tried again with
 * back-off as long as `patience_ms` and the deadline allow, but only when asking twice does no
 * harm: a finalize is never repeated here, not even for a rejected nonce: the order's state is
 * asked for first.  A Retry-After beyond the deadline ends it at once and travels in the error.
 *
 * The struct is the caller's, zeroed before the first use; its answer stays until the next
 * post_begin() or post_done().
 */

enum { POST_NONCES = 40 };
#define POST_PATIENCE_MS 30000
#define POST_LAST_MS 1000

struct post {
	struct task task;
	struct acme_ca *ca;
	struct keeper_op keeper;
	struct http_op http; /* the last request and its answer */
	struct sleep_op pause;
	enum sign op;
	char *url;
	char *nonce;
	struct buf words;     /* further " key=value" of the request to the keeper */
	struct tick deadline; /* nothing goes on beyond it */
	int64_t pause_ms;
	int64_t patience_ms; /* how long passing trouble is sat out; POST_PATIENCE_MS */
	size_t limit;        /* of the answer's body; 0: HTTP_BODY_MAX */
	struct tick trouble; /* when it began; .ms == 0: none */
	unsigned n_nonces, n_tries;
	bool is_soft;
	struct problem problem; /* of the last answer that was none of 2xx */
	struct err err;
};

/* `url` is copied. */
void post_begin(struct post *post, struct acme_ca *ca, enum sign op, const char *url);
void post_send(struct post *post, struct task *parent);
void post_send_soft(struct post *post, struct task *parent);
void post_done(struct post *post); /* zeroed is fine */

/* Of the answer: the Location header, or NULL; the Retry-After moment, or INSTANT_NONE. */
const char *post_location(const struct post *post);
struct instant post_retry(const struct post *post);

/* The n-th "alternate" link of the answer, appended to *out; false when there are fewer. */
bool post_alternate(const struct post *post, unsigned n, struct buf *out);

/* The deadline `ms` from now. */
struct tick post_deadline(int64_t ms);

/*
 * How long to wait before looking again: what the CA asked for, a second at least and a minute
 * at most; when it asks for less than a second or for nonsense, a second, then twice as long
 * with each look, up to five.  When it asks for nothing, 5 ms, then four times as long with
 * each look, up to five seconds.  The last look is POST_LAST_MS before the deadline.  A
 * negative number: that was it.
 */
int64_t post_poll_ms(const struct post *post, unsigned looks, struct tick deadline);

#endif

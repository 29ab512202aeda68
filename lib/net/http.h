/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_NET_HTTP_H
#define CERTD_LIB_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/list.h"
#include "lib/task/task.h"

/*
 * HTTPS requests as operations of a task, and a seam: http_curl.c speaks with libcurl over the loop,
 * tests/sim/http_fake.c answers from a scripted server on virtual time.
 *
 *	http_get(&o->http, url);                     or http_post(&o->http, url, type, body, len)
 *	o->http.trust = ca->trust;
 *	AWAIT(http_ask(net, task, &o->http));
 *	... o->http.status, o->http.body, http_header(&o->http, "retry-after", NULL)
 *
 * One struct http is one pool of kept connections (HTTP/2 where the server has it), a few per server,
 * all closed when nothing was asked for a minute.  An answer with any status is a success of the
 * operation; its error is only what kept an answer from coming:
 *
 *	ERR_CONNECT    nobody there, or the name was not found
 *	ERR_PROXY      the proxy is not there, is not let through, or cannot reach the host
 *	ERR_TLS        it is not who it should be, or there is no common TLS
 *	ERR_TIMEOUT    no whole answer within time_ms
 *	ERR_TOO_LARGE  more than `limit` bytes of body, or HTTP_HEADERS_MAX of headers
 *	ERR_HTTP       the connection broke, or what came was not the HTTP that was asked for
 *	ERR_FOREIGN_URL  a redirect leads to another host
 *	ERR_BAD_VALUE  the URL was not one that is asked at all
 *
 * All but the last three are sentences about the host.  Whether a request that failed was carried out is
 * never known.  Nothing is retried here; but when a kept connection turns out to be dead before the
 * first byte of an answer, libcurl says the same again on a new one.
 *
 * Every request has a bound on the body it takes (compressed ones are neither asked for nor taken) and on
 * its time, connecting and waiting for a connection included.  Redirects are followed only by a GET
 * that says so, at most HTTP_REDIRECTS_MAX, and to another origin only where `origins` has it.  Only https URLs are asked at all, with TLS 1.2 or
 * better, and the server's certificate is always verified.  Names are resolved beside the loop.  No cookies,
 * no passwords, no file of the user is read.  Of the environment, what lib/wire/proxy.h names is honoured.
 */

struct http;
struct url_origins;

#define HTTP_HEADERS_MAX ((size_t)64 * 1024)
#define HTTP_BODY_MAX ((size_t)1024 * 1024)
#define HTTP_TIME_MS 30000
#define HTTP_REDIRECTS_MAX 5

struct http_op {
	struct op op;
	struct list pending; /* link in the pool */
	const char *method;  /* "GET", "HEAD", "POST" */
	struct buf url; /* asked byte for byte; after redirects: where the answer came from */
	const char *content_type; /* static text; NULL: no body */
	struct buf body_out;
	const char *
		trust; /* PEM of the roots that are trusted, the caller's; NULL: the system's */
	const char *proxy; /* URL, the caller's; "": none; NULL: what the environment says */
	const struct url_origins *origins; /* where redirects may lead beside the URL's own
					      origin, the caller's; NULL: nowhere */
	size_t limit;                      /* of the answer's body; HTTP_BODY_MAX unless set */
	int64_t time_ms;                   /* for everything; HTTP_TIME_MS unless set */
	bool follow;                       /* redirects of a GET */
	bool is_soft;                      /* an error ends up in `err` and is not the task's */
	/* the answer */
	int status;         /* 0: none came */
	bool has_headers;   /* they are complete */
	struct buf headers; /* "name: value" lines, NUL-terminated each, in their order */
	struct buf body;
	struct err err;
	const char *via; /* the pool's: the proxy it is asked by; "": none */
	void *impl;      /* the pool's, while the operation is pending */
};

/*
 * Clear the operation, which is zeroed or was used before, and say what to ask; trust, limit, time,
 * follow and is_soft are set behind it.  The body is copied.
 */
void http_get(struct http_op *op, const char *url);
void http_head(struct http_op *op, const char *url);
void http_post(struct http_op *op, const char *url, const char *content_type, const void *body,
	size_t len);

/* Sends it; the task waits.  Cancelling closes or resets at once what was on its way. */
void http_ask(struct http *http, struct task *task, struct http_op *op);

void http_op_done(struct http_op *op); /* zeroed is fine */

/*
 * The value of a header of the answer, without white space around it; the next one of that name when
 * `after` is a value that was returned before.  NULL when there is none.  Names in any case.
 */
const char *http_header(const struct http_op *op, const char *name, const char *after);

/*
 * `agent` is the User-Agent of every request (RFC 8555, 6.1).  Made before the sandbox is entered,
 * because libraries read their configuration here.
 */
struct http *http_new(struct loop *loop, const char *agent);
void http_free(struct http *http); /* no operation may be pending */

/* For the two implementations: what both share (http_op.c). */

/* Is this an operation that may be asked?  0, or -1 with ERR_BAD_VALUE. */
int http_check(const struct http_op *op, struct err *err);

/* Ends the operation; `err` as op_end() takes it.  What came of an answer that failed is forgotten. */
void http_answer(struct http_op *op, const struct err *err);

/*
 * One line as it came, status lines and the empty one included; a status line begins the headers anew
 * (redirects, 1xx), and behind the empty line trailers are not taken.
 */
int http_take_header(struct http_op *op, const char *line, size_t len, struct err *err);
int http_take_body(struct http_op *op, const char *data, size_t len, struct err *err);

#endif

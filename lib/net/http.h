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
 * An HTTP operation sends one HTTPS request for a task and takes the answer. The header is a
 * seam: http_curl.c uses libcurl over the loop, tests/sim/http_fake.c answers from a scripted
 * server on virtual time.
 *
 *	http_get(&o->http, url);                     or http_post(&o->http, url, type, body, len)
 *	o->http.trust = ca->trust;
 *	AWAIT(http_ask(net, task, &o->http));
 *	... o->http.status, o->http.body, http_header(&o->http, "retry-after", NULL)
 *
 * A struct http is a pool of kept connections (HTTP/2 where the server has it), a few per
 * server, which are closed after a minute without requests. An answer with any status is a
 * success of the operation; an error says why no answer was taken:
 *
 *	ERR_CONNECT      the server does not accept connections, or its name was not found
 *	ERR_PROXY        the proxy is unreachable, refuses, or cannot reach the host
 *	ERR_TLS          the server is not authenticated, or there is no common TLS
 *	ERR_TIMEOUT      no whole answer within time_ms
 *	ERR_TOO_LARGE    more than `limit` bytes of body, or HTTP_HEADERS_MAX of headers
 *	ERR_HTTP         the connection broke, or the answer was not valid HTTP
 *	ERR_FOREIGN_URL  a redirect leads to another host
 *	ERR_BAD_VALUE    the URL is not one that may be asked
 *
 * The texts name the host, except those of the last three. After a failure it is unknown
 * whether the server carried out the request. Nothing is retried here; but when a kept
 * connection turns out to be dead before the first byte of an answer, libcurl repeats the
 * request on a new one.
 *
 * Every request has a bound on the answer's body (compression is neither requested nor
 * accepted) and on its time, which includes connecting and waiting for a connection. Redirects
 * are followed only by a GET that asks for it, at most HTTP_REDIRECTS_MAX, and to another
 * origin only where `origins` has it. Only https URLs are requested, with TLS 1.2 or later, and
 * the server's certificate is always verified. Names are resolved in threads. No cookies, no
 * passwords and no file of the user are read. Of the environment, lib/wire/proxy.h names the
 * variables that count.
 */

struct http;
struct url_origins;

#define HTTP_HEADERS_MAX ((size_t)64 * 1024)
#define HTTP_BODY_MAX ((size_t)1024 * 1024)
#define HTTP_TIME_MS 30000
#define HTTP_REDIRECTS_MAX 5

struct http_op {
	struct op op;
	struct list pending; /* link in the pool's list */
	const char *method;  /* "GET", "HEAD", "POST" */
	struct buf url; /* requested byte for byte; after redirects: the URL that answered */
	const char *content_type; /* static text; NULL: no body */
	struct buf body_out;
	const char *trust; /* PEM of the trusted roots, the caller's; NULL: the system's */
	const char *proxy; /* URL, the caller's; "": none; NULL: from the environment */
	/*
	 * additional targets of redirects beside the URL's own origin, the caller's; NULL: none
	 */
	const struct url_origins *origins;
	size_t limit; /* of the answer's body; HTTP_BODY_MAX unless set */
	/* for the whole operation; HTTP_TIME_MS unless set */
	int64_t time_ms;
	bool follow; /* follows redirects of a GET */
	/* an error is stored in `err` and does not fail the task */
	bool is_soft;
	/* result */
	int status;         /* 0: no answer */
	bool has_headers;   /* the headers are complete */
	struct buf headers; /* "name: value" lines, NUL-terminated each, in their order */
	struct buf body;
	struct err err;
	const char *via; /* of the pool: the proxy in use; "": none */
	void *impl;      /* of the pool, while the operation is pending */
};

/*
 * Clear the operation, which is zeroed or was used before, and set method and URL; the caller
 * then sets trust, limit, time_ms, follow and is_soft. The body is copied.
 */
void http_get(struct http_op *op, const char *url);
void http_head(struct http_op *op, const char *url);
void http_post(struct http_op *op, const char *url, const char *content_type, const void *body,
	size_t len);

/*
 * Sends the request; the task waits. Cancelling closes the connection or resets the stream at
 * once.
 */
void http_ask(struct http *http, struct task *task, struct http_op *op);

void http_op_done(struct http_op *op); /* zeroed is fine */

/*
 * Returns the value of a header of the answer, without white space around it; with `after`, a
 * value returned before, the next one of that name. NULL when there is none. Names match in any
 * case.
 */
const char *http_header(const struct http_op *op, const char *name, const char *after);

/*
 * `agent` is the User-Agent of every request (RFC 8555, 6.1). Called before the sandbox is
 * entered, because libraries read their configuration here.
 */
struct http *http_new(struct loop *loop, const char *agent);
void http_free(struct http *http); /* no operation may be pending */

/* The rest is for the two implementations (http_op.c). */

/* May the operation be sent? 0, or -1 with ERR_BAD_VALUE. */
int http_check(const struct http_op *op, struct err *err);

/*
 * Ends the operation; `err` as op_end() takes it. A failed operation keeps no part of an
 * answer.
 */
void http_answer(struct http_op *op, const struct err *err);

/*
 * Takes one line as received, status lines and the empty one included. A status line begins the
 * headers anew (redirects, 1xx); trailers behind the empty line are ignored.
 */
int http_take_header(struct http_op *op, const char *line, size_t len, struct err *err);
int http_take_body(struct http_op *op, const char *data, size_t len, struct err *err);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_SIM_HTTP_FAKE_H
#define CERTD_TESTS_SIM_HTTP_FAKE_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/list.h"
#include "lib/net/http.h"

struct town;

/*
 * The network between the daemon and its CAs: the other implementation of lib/net/http.h.
 *
 *	internet_open(&internet, &town);
 *	internet_serve(&internet, "https://ca.test/", answer, data);
 *	http = http_new(loop, "certd");
 *	http_fake_connect(http, &internet);
 *
 * A request takes some virtual milliseconds to the site whose origin its URL begins with, is carried out
 * there at that moment, and the answer takes some back.  What is under way arrives even when nobody waits
 * for the answer any more, because the daemon was restarted or the task was cancelled.
 *
 * One request can be made to fail: before the site hears of it, after it was carried out with the answer
 * lost, or so that nothing ever comes.  A site that is down is reached by nobody.  The internet outlives
 * restarts of the daemon.
 */

struct http_request {
	const char *method, *url, *content_type; /* content_type NULL: no body */
	const char *body;
	size_t len;
};

struct http_reply {
	int status;
	struct buf headers; /* lines "name: value", LF behind each */
	struct buf body;
	int64_t ms; /* what the site takes to answer */
};

typedef void site_answer(
	void *data, const struct http_request *request, struct http_reply *reply);

enum http_loss { HTTP_LOSS_NONE, HTTP_LOSS_BEFORE, HTTP_LOSS_AFTER, HTTP_LOSS_HANG };

struct internet {
	struct town *town;
	struct list sites, calls;
	unsigned n_asked, lose_at;
	enum http_loss loss;
};

void internet_open(struct internet *internet, struct town *town);
void internet_close(struct internet *internet);

/* `origin` ends with a slash and is copied. */
void internet_serve(
	struct internet *internet, const char *origin, site_answer *answer, void *data);
void internet_down(struct internet *internet, const char *origin, bool is_down);

/* How many requests were sent to this site, whether it was down or not. */
unsigned internet_asked(const struct internet *internet, const char *origin);

/* The k-th request from now on (1 is the next) is lost in this way. */
void internet_lose(struct internet *internet, unsigned k, enum http_loss loss);

/* To be called right after http_new(). */
void http_fake_connect(struct http *http, struct internet *internet);

/* The end of the process: nothing is sent any more, and everything asked fails at once. */
void http_fake_cut(struct http *http);

#endif

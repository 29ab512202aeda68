/* SPDX-License-Identifier: MIT */
#include "tests/sim/http_fake.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/sim/town.h"

enum { TRAVEL_MS = 20 };

struct site {
	struct list link;
	char *origin;
	site_answer *answer;
	void *data;
	unsigned n_asked;
	bool is_down;
};

/* One request under way, or its answer. */
struct call {
	struct list link;
	struct internet *internet;
	struct http_op *op; /* NULL: nobody waits any more */
	struct site *site;  /* NULL: nobody there */
	struct timer travel, limit;
	struct buf url, body;
	const char *method, *content_type;
	struct http_reply reply;
	enum http_loss loss;
	bool is_answer, was_reached;
};

struct http {
	struct internet *internet;
	bool is_cut;
};

void internet_open(struct internet *internet, struct town *town)
{
	*internet = (struct internet){ .town = town };
	list_init(&internet->sites);
	list_init(&internet->calls);
}

static void call_free(struct call *call)
{
	struct loop *loop = call->internet->town->loop;

	assert(!call->op);
	loop_timer_stop(loop, &call->travel);
	loop_timer_stop(loop, &call->limit);
	list_remove(&call->link);
	buf_done(&call->url);
	buf_done(&call->body);
	buf_done(&call->reply.headers);
	buf_done(&call->reply.body);
	free(call);
}

void internet_close(struct internet *internet)
{
	list_each_safe(at, &internet->calls)
		call_free(LIST_OF(at, struct call, link));
	list_each_safe(at, &internet->sites) {
		struct site *site = LIST_OF(at, struct site, link);

		list_remove(at);
		free(site->origin);
		free(site);
	}
}

void internet_serve(
	struct internet *internet, const char *origin, site_answer *answer, void *data)
{
	struct site *site = mem_new(struct site);

	site->origin = mem_strdup(origin);
	site->answer = answer;
	site->data = data;
	list_append(&internet->sites, &site->link);
}

static struct site *find_site(const struct internet *internet, const char *url)
{
	list_each(at, &internet->sites) {
		struct site *site = LIST_OF(at, struct site, link);

		if (str_starts(url, site->origin))
			return site;
	}
	return NULL;
}

void internet_down(struct internet *internet, const char *origin, bool is_down)
{
	find_site(internet, origin)->is_down = is_down;
}

unsigned internet_asked(const struct internet *internet, const char *origin)
{
	return find_site(internet, origin)->n_asked;
}

void internet_lose(struct internet *internet, unsigned k, enum http_loss loss)
{
	internet->lose_at = internet->n_asked + k;
	internet->loss = loss;
}

/* Whoever waits is told; the call itself may still be on its way. */
static void tell(struct call *call, const struct err *err)
{
	struct http_op *op = mem_take(&call->op);

	loop_timer_stop(call->internet->town->loop, &call->limit);
	op->impl = NULL;
	http_answer(op, err);
}

static int take_reply(struct http_op *op, const struct http_reply *reply, struct err *err)
{
	const char *at = buf_text(&reply->headers);
	char status[40];

	snprintf(status, sizeof(status), "HTTP/1.1 %d Status\r\n", reply->status);
	if (http_take_header(op, status, strlen(status), err) < 0)
		return -1;
	for (size_t len; *at; at += len + (at[len] == '\n')) {
		len = strcspn(at, "\n");
		if (http_take_header(op, at, len, err) < 0)
			return -1;
	}
	if (http_take_header(op, "", 0, err) < 0)
		return -1;
	return str_is(op->method, "HEAD")
		       ? 0
		       : http_take_body(op, buf_text(&reply->body), reply->body.len, err);
}

static void come_back(struct call *call)
{
	struct err err = ERR_INIT;

	if (call->op) {
		if (!call->was_reached && call->loss == HTTP_LOSS_NONE)
			err_set(&err, ERR_CONNECT, "no server answers at %s",
				buf_text(&call->url));
		else if (call->loss != HTTP_LOSS_NONE)
			err_set(&err, ERR_HTTP, "the connection to %s broke",
				buf_text(&call->url));
		else
			take_reply(call->op, &call->reply, &err);
		tell(call, &err);
	}
	call_free(call);
}

/* At the site; with a hang its answer never leaves. */
static void arrive(struct call *call)
{
	struct http_request request = { call->method, buf_text(&call->url), call->content_type,
		buf_text(&call->body), call->body.len };
	struct town *town = call->internet->town;

	call->is_answer = true;
	call->was_reached =
		call->site && !call->site->is_down && call->loss != HTTP_LOSS_BEFORE;
	if (call->was_reached)
		call->site->answer(call->site->data, &request, &call->reply);
	if (call->loss != HTTP_LOSS_HANG)
		loop_timer_in(town->loop, &call->travel,
			call->reply.ms + town_delay(town, TRAVEL_MS));
	else if (!call->op)
		call_free(call);
}

static void travelled(struct timer *timer)
{
	struct call *call = CONTAINER_OF(timer, struct call, travel);

	if (call->is_answer)
		come_back(call);
	else
		arrive(call);
}

static void took_too_long(struct timer *timer)
{
	struct call *call = CONTAINER_OF(timer, struct call, limit);
	bool is_hanging = call->is_answer && call->loss == HTTP_LOSS_HANG;
	struct err err;

	err_set(&err, ERR_TIMEOUT, "no answer from %s in time", buf_text(&call->url));
	tell(call, &err);
	if (is_hanging)
		call_free(call);
}

static void cancel(struct op *op)
{
	struct http_op *request = CONTAINER_OF(op, struct http_op, op);
	struct call *call = mem_take(&request->impl);
	bool is_hanging = call->is_answer && call->loss == HTTP_LOSS_HANG;

	call->op = NULL;
	loop_timer_stop(call->internet->town->loop, &call->limit);
	if (is_hanging)
		call_free(call);
	op_end(op, NULL);
}

static void send_call(struct internet *internet, struct http_op *op)
{
	struct call *call = mem_new(struct call);

	internet->n_asked++;
	call->internet = internet;
	call->op = op;
	call->site = find_site(internet, buf_text(&op->url));
	call->method = op->method;
	call->content_type = op->content_type;
	call->travel.fire = travelled;
	call->limit.fire = took_too_long;
	call->loss = internet->n_asked == internet->lose_at ? internet->loss : HTTP_LOSS_NONE;
	buf_add(&call->url, op->url.data, op->url.len);
	buf_add(&call->body, buf_text(&op->body_out), op->body_out.len);
	if (call->site)
		call->site->n_asked++;
	op->impl = call;
	list_append(&internet->calls, &call->link);
	loop_timer_in(
		internet->town->loop, &call->travel, town_delay(internet->town, TRAVEL_MS));
	loop_timer_in(internet->town->loop, &call->limit, op->time_ms > 0 ? op->time_ms : 0);
}

void http_ask(struct http *http, struct task *task, struct http_op *op)
{
	struct err err = ERR_INIT;

	op_begin(&op->op, task, cancel);
	if (http_check(op, &err) == 0 && http->is_cut)
		err_set(&err, ERR_CONNECT, "the process has ended");
	if (err_is_set(&err))
		http_answer(op, &err);
	else
		send_call(http->internet, op);
}

struct http *http_new(struct loop *loop, const char *agent)
{
	(void)loop;
	(void)agent;
	return mem_new(struct http);
}

void http_free(struct http *http)
{
	if (!http)
		return;
	list_each(at, &http->internet->calls)
		assert(!LIST_OF(at, struct call, link)->op);
	free(http);
}

void http_fake_connect(struct http *http, struct internet *internet)
{
	http->internet = internet;
}

void http_fake_cut(struct http *http)
{
	struct err err;

	http->is_cut = true;
	err_set(&err, ERR_CONNECT, "the process has ended");
	list_each(at, &http->internet->calls) {
		struct call *call = LIST_OF(at, struct call, link);

		if (call->op)
			tell(call, &err);
	}
}

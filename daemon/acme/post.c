/* SPDX-License-Identifier: MIT */
#include "daemon/acme/post.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/net/header.h"
#include "lib/wire/url.h"

enum {
	PAUSE_MS = 1000, /* before the second try, doubled for each further one */
	PAUSE_MAX_MS = 30 * 1000,
	LOOK_MS = 5, /* after the first look at something that is not done yet */
	LOOK_GROWTH = 4,
	LOOK_MAX_MS = 5 * 1000,
	ASKED_MAX_MS = 60 * 1000, /* however long a CA wants us to wait */
	ASKED_MIN_MS =
		1000, /* before the second look, when a CA asks for less, or for nonsense */
};

void post_begin(struct post *post, struct acme_ca *ca, enum sign op, const char *url)
{
	post_done(post);
	post->ca = ca;
	post->op = op;
	post->url = mem_strdup(url);
	post->patience_ms = POST_PATIENCE_MS;
	post->trouble = (struct tick){ 0 };
	post->limit = 0;
	post->n_nonces = post->n_tries = 0;
	post->is_soft = false;
	post->problem = (struct problem){ .kind = PROBLEM_NONE };
	post->err = (struct err)ERR_INIT;
}

void post_done(struct post *post)
{
	keeper_op_done(&post->keeper);
	http_op_done(&post->http);
	free(mem_take(&post->url));
	free(mem_take(&post->nonce));
	buf_done(&post->words);
}

struct tick post_deadline(int64_t ms)
{
	return (struct tick){ clock_tick().ms + ms };
}

static int64_t left_ms(const struct post *post)
{
	return post->deadline.ms - clock_tick().ms;
}

const char *post_location(const struct post *post)
{
	const char *url = http_header(&post->http, "location", NULL);
	struct err ignored;

	return url && url_check(url, &ignored) == 0 ? url : NULL;
}

struct instant post_retry(const struct post *post)
{
	const char *value = http_header(&post->http, "retry-after", NULL);

	return value ? header_retry_after(value, clock_now()) : INSTANT_NONE;
}

bool post_alternate(const struct post *post, unsigned n, struct buf *out)
{
	const char *value = http_header(&post->http, "link", NULL);

	for (; value; value = http_header(&post->http, "link", value)) {
		unsigned here = 0;

		while (here <= n &&
			header_link(value, "alternate", here, buf_text(&post->http.url), out)) {
			if (here == n)
				return true;
			buf_clear(out);
			here++;
		}
		n -= here;
	}
	return false;
}

static int64_t grown_ms(int64_t ms, unsigned looks, int64_t growth)
{
	for (unsigned i = 1; i < looks && ms < LOOK_MAX_MS; i++)
		ms *= growth;
	return ms > LOOK_MAX_MS ? LOOK_MAX_MS : ms;
}

/*
 * "0", a date of the past and what is no time at all ask for nothing; a CA that hurries us is
 * not obeyed.
 */
static int64_t asked_ms(struct instant asked, unsigned looks)
{
	int64_t least = grown_ms(ASKED_MIN_MS, looks, 2);
	int64_t ms = instant_is_set(asked) ? instant_since(asked, clock_now()).s * 1000 : 0;

	if (ms < ASKED_MIN_MS)
		return least;
	return ms > ASKED_MAX_MS ? ASKED_MAX_MS : ms;
}

int64_t post_poll_ms(const struct post *post, unsigned looks, struct tick deadline)
{
	int64_t left = deadline.ms - clock_tick().ms - POST_LAST_MS, ms;

	if (left <= 0)
		return -1;
	if (http_header(&post->http, "retry-after", NULL))
		ms = asked_ms(post_retry(post), looks);
	else
		ms = grown_ms(LOOK_MS, looks, LOOK_GROWTH);
	return ms < left ? ms : left;
}

/* Asking twice for these could do harm, or be answered with a refusal that means nothing. */
static bool may_repeat(const struct post *post)
{
	return post->op != SIGN_FINALIZE && post->op != SIGN_KEY_CHANGE;
}

static void ask(struct post *post)
{
	int64_t left = left_ms(post);

	acme_ca_http(post->ca, &post->http);
	post->http.is_soft = true;
	if (post->limit > 0)
		post->http.limit = post->limit;
	post->http.time_ms = left < HTTP_TIME_MS ? left : HTTP_TIME_MS;
	http_ask(post->ca->acme->http, &post->task, &post->http);
}

static void ask_nonce(struct post *post)
{
	http_head(&post->http, post->ca->directory.new_nonce);
	ask(post);
}

static void keep_nonce(struct post *post)
{
	const char *nonce = http_header(&post->http, "replay-nonce", NULL);

	if (!err_is_set(&post->http.err) && nonce)
		nonces_add(&post->ca->nonces, nonce, clock_tick());
}

static bool take_nonce(struct post *post)
{
	free(mem_take(&post->nonce));
	post->nonce = nonces_take(&post->ca->nonces, clock_tick());
	return post->nonce != NULL;
}

static void ask_signature(struct post *post)
{
	struct buf *text = &post->keeper.text;

	keeper_request(&post->keeper, REQUEST_sign);
	line_add(text, "ca", post->ca->name);
	if (post->ca->is_test)
		line_add_bool(text, "test", true);
	line_add(text, "op", sign_text(post->op));
	line_add(text, "url", post->url);
	line_add(text, "nonce", post->nonce);
	if (post->words.len > 0)
		buf_printf(text, " %s", buf_text(&post->words));
	keeper_ask(post->ca->acme->keeper, &post->task, &post->keeper);
}

static void send_signed(struct post *post)
{
	const char *jws = post->keeper.answer.rows;
	size_t len = jws ? strcspn(jws, "\n") : 0;

	http_post(&post->http, post->url, "application/jose+json", jws ? jws : "", len);
	keeper_op_done(&post->keeper);
	ask(post);
}

/* Judges the answer, or its absence, as an error of ours with the story around it. */
static void judge(struct post *post)
{
	acme_ca_heard(post->ca, &post->http, &post->task.log);
	post->problem = (struct problem){ .kind = PROBLEM_NONE };
	post->err = post->http.err;
	if (post->err.code == ERR_TOO_LARGE)
		post->err.code = ERR_BAD_ANSWER;
	if (!err_is_set(&post->err) && post->http.status / 100 != 2) {
		problem_read(post->http.status, buf_text(&post->http.body), post->http.body.len,
			&post->problem);
		problem_err(&post->problem, post_retry(post), &post->err);
	} else if (!err_is_set(&post->err) && str_is(post->http.method, "HEAD")) {
		nonce_missing(http_header(&post->http, "replay-nonce", NULL), &post->err);
	}
	if (err_is_set(&post->err))
		err_add(&post->err, "the CA %s, %s", post->ca->label, sign_text(post->op));
}

/* After a problem: how long until the next try; a negative number: never. */
static int64_t wait_ms(struct post *post)
{
	struct tick now = clock_tick();
	int64_t ms = PAUSE_MS;

	/*
	 * A connection that broke may have carried a finalize twice; the second one's nonce is
	 * used up.
	 */
	if (post->problem.kind == PROBLEM_BAD_NONCE)
		return post->op != SIGN_FINALIZE && post->n_nonces++ < POST_NONCES ? 0 : -1;
	if (post->err.code != ERR_CONNECT && post->err.code != ERR_PROXY &&
		post->err.code != ERR_HTTP && post->err.code != ERR_TIMEOUT &&
		post->err.code != ERR_CA_FAILED && post->err.code != ERR_RATE_LIMITED)
		return -1;
	if (!may_repeat(post) && !str_is(post->http.method, "HEAD"))
		return -1;
	if (post->err.code == ERR_RATE_LIMITED && !instant_is_set(post->err.not_before))
		return -1;
	if (post->trouble.ms == 0)
		post->trouble = now;
	for (unsigned i = 0; i < post->n_tries && ms < PAUSE_MAX_MS; i++)
		ms *= 2;
	post->n_tries++;
	if (instant_is_set(post->err.not_before)) {
		int64_t asked = instant_since(post->err.not_before, clock_now()).s * 1000;

		ms = asked + PAUSE_MS > ms ? asked + PAUSE_MS : ms;
	}
	if (now.ms + ms > post->trouble.ms + post->patience_ms || ms >= left_ms(post))
		return -1;
	return ms;
}

/*
 * Does the answer to this tell how the account stands?  Others are refused for reasons of their
 * own.
 */
static bool is_of_account(enum sign op)
{
	return op == SIGN_NEW_ORDER || op == SIGN_READ || op == SIGN_ANSWER ||
	       op == SIGN_FINALIZE;
}

/* Hints in the CA's answers about things that are remembered between requests. */
static void take_hints(struct post *post)
{
	if (post->problem.kind == PROBLEM_ACCOUNT_GONE && post->op != SIGN_FIND_ACCOUNT)
		acme_ca_lose_account(post->ca);
	if (post->problem.kind == PROBLEM_UNAUTHORIZED && is_of_account(post->op))
		acme_ca_doubt_account(post->ca);
	if (post->err.code == ERR_TLS || post->err.code == ERR_CONNECT ||
		post->problem.status == 404 || post->problem.status == 405)
		acme_ca_doubt(post->ca);
}

static void run(struct task *task)
{
	struct post *p = TASK_OF(task, struct post);

	TASK_BEGIN(task)
	TRY(acme_ca_check_url(p->ca, p->url, sign_text(p->op), &task->err));
	for (;;) {
		if (left_ms(p) <= 0)
			FAIL(ERR_TIMEOUT, "the CA %s, %s: no time is left", p->ca->name,
				sign_text(p->op));
		if (!take_nonce(p)) {
			AWAIT(ask_nonce(p));
			keep_nonce(p);
		}
		if (p->nonce || take_nonce(p)) {
			AWAIT(ask_signature(p));
			AWAIT(send_signed(p));
			keep_nonce(p);
		}
		judge(p);
		if (!err_is_set(&p->err))
			FINISH();
		take_hints(p);
		p->pause_ms = wait_ms(p);
		if (p->pause_ms < 0) {
			task->err = p->err;
			FINISH();
		}
		AWAIT(task_sleep(task, &p->pause, p->pause_ms));
	}
	FINALLY
	p->err = task->err;
	if (p->is_soft)
		task->err = (struct err)ERR_INIT;
	TASK_END
}

void post_send(struct post *post, struct task *parent)
{
	task_start_child(&post->task, parent, run);
}

void post_send_soft(struct post *post, struct task *parent)
{
	post->is_soft = true;
	post_send(post, parent);
}

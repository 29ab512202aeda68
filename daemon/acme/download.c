/* SPDX-License-Identifier: MIT */
#include "daemon/acme/download.h"

#include <string.h>

#include "daemon/acme/order.h"
#include "daemon/conf/conf.h"
#include "lib/base/str.h"
#include "lib/crypt/chain.h"
#include "lib/log/log.h"

enum { PATIENCE_MS = 10 * 60 * 1000, ALTERNATE_MS = 60 * 1000 };

bool download_ends_at(const char *pem, size_t len, const char *root)
{
	struct chain chain AUTO_CHAIN = CHAIN_INIT;
	struct buf issuer AUTO_BUF = BUF_INIT, subject AUTO_BUF = BUF_INIT;
	struct err ignored;

	if (chain_read(pem, len, &chain, &ignored) < 0)
		return false;
	cert_issuer_common_name(chain.at[chain.n - 1], &issuer);
	cert_common_name(chain.at[chain.n - 1], &subject);
	return str_is(buf_text(&issuer), root) || str_is(buf_text(&subject), root);
}

static void begin(struct download *d, const char *url)
{
	post_begin(&d->post, d->order->ca, SIGN_READ, url);
	d->post.limit = DOWNLOAD_MAX;
	d->post.deadline = d->order->deadline;
}

static void ask(struct download *d)
{
	begin(d, d->order->object.certificate);
	d->post.patience_ms = PATIENCE_MS;
	post_send(&d->post, &d->task);
}

static void ask_alternate(struct download *d)
{
	begin(d, d->at);
	d->post.patience_ms = ALTERNATE_MS;
	d->at += strlen(d->at) + 1;
	post_send_soft(&d->post, &d->task);
}

static const char *root(const struct download *d)
{
	return d->order->conf->chain;
}

static void keep(struct download *d)
{
	buf_clear(&d->order->chain);
	buf_add(&d->order->chain, d->post.http.body.data, d->post.http.body.len);
}

/* An answer with a NUL is no text, and cannot be passed to the keeper. */
static int check_text(const struct download *d, struct err *err)
{
	const struct buf *body = &d->post.http.body;

	if (body->len == 0 || !memchr(body->data, 0, body->len))
		return 0;
	return err_set(
		err, ERR_BAD_ANSWER, "the chain of the CA %s is not text", d->order->ca->name);
}

static void keep_alternate(struct download *d)
{
	struct err ignored;

	d->is_found =
		!err_is_set(&d->post.err) && check_text(d, &ignored) == 0 &&
		download_ends_at(buf_text(&d->post.http.body), d->post.http.body.len, root(d));
	if (d->is_found)
		keep(d);
}

static void find_alternates(struct download *d)
{
	struct buf url AUTO_BUF = BUF_INIT;

	d->is_found = !root(d) || download_ends_at(buf_text(&d->order->chain),
					  d->order->chain.len, root(d));
	buf_clear(&d->alternates);
	for (unsigned n = 0; !d->is_found && n < DOWNLOAD_ALTERNATES; n++) {
		buf_clear(&url);
		if (!post_alternate(&d->post, n, &url))
			break;
		buf_add(&d->alternates, buf_text(&url), url.len + 1);
	}
	d->at = buf_text(&d->alternates);
}

static bool has_more(const struct download *d)
{
	return d->at < d->alternates.data + d->alternates.len;
}

static void run(struct task *task)
{
	struct download *d = TASK_OF(task, struct download);

	TASK_BEGIN(task)
	AWAIT(ask(d));
	TRY(check_text(d, &task->err));
	keep(d);
	find_alternates(d);
	while (!d->is_found && d->alternates.len > 0 && has_more(d)) {
		AWAIT(ask_alternate(d));
		keep_alternate(d);
	}
	if (!d->is_found)
		log_event(&task->log, EVENT_ACME_FALLBACK, NULL,
			"%s: the CA %s has no chain up to the root %s; its own choice is taken",
			d->order->args.cert, d->order->ca->name, root(d));
	FINALLY
	TASK_END
}

void download_start(struct download *download, struct order *order)
{
	download->order = order;
	task_start_child(&download->task, &order->task, run);
}

void download_done(struct download *download)
{
	post_done(&download->post);
	buf_done(&download->alternates);
}

/* SPDX-License-Identifier: MIT */
#include "lib/net/http_curl.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/net/http.h"
#include "lib/wire/proxy.h"
#include "lib/wire/url.h"

/* Concurrent orders share the connections; more connections would only be more handshakes. */
enum {
	CONNECTIONS_PER_SERVER = 4,
	CONNECTIONS = 64,
	CONNECTIONS_KEPT = 16,
	IDLE_S = 60,
	TRANSFERS_KEPT = 16,
};

struct http {
	struct loop *loop;
	CURLM *multi; /* NULL while nothing is kept */
	char *agent;
	char *proxy, *no_proxy; /* from the environment at start */
	bool has_bundle;        /* the system's roots are one file */
	struct timer timer;     /* libcurl's */
	struct timer idle;      /* closes kept connections */
	struct list pending;    /* of struct http_op */
	struct transfer *kept;
	unsigned n_kept;
};

/*
 * State: http_ask() puts the operation into `pending` and gives it a transfer, a kept one or a
 * new one. libcurl runs the transfer through the loop's timer and watches; collect() takes
 * finished ones, and is_followed() sends the next request of a redirect. release() parts
 * transfer and operation, at the end or on cancel; the transfer is kept for later or freed. A
 * minute after the last request close_pool() frees the multi handle with all connections and
 * transfers; http_free() does the same.
 *
 * One easy handle with its buffers, kept for the next operation.
 */
struct transfer {
	struct http *http;
	struct http_op *op;
	CURL *easy;
	struct curl_slist *headers;
	struct timer deadline;
	struct err err; /* from a callback that stopped the transfer */
	unsigned redirects;
	char said[CURL_ERROR_SIZE];
	struct transfer *next; /* in the list of kept ones */
};

/* A socket of libcurl in the loop. */
struct watched {
	struct watch watch;
	struct http *http;
};

static const struct {
	CURLoption option;
	long value;
} settings[] = {
	{ CURLOPT_NOSIGNAL, 1 },
	{ CURLOPT_SSL_VERIFYPEER, 1 },
	{ CURLOPT_SSL_VERIFYHOST, 2 },
	{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
	{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS },
	{ CURLOPT_PIPEWAIT, 1 },
	{ CURLOPT_PATH_AS_IS, 1 },
	{ CURLOPT_DISALLOW_USERNAME_IN_URL, 1 },
	{ CURLOPT_MAXAGE_CONN, IDLE_S },
	{ CURLOPT_SUPPRESS_CONNECT_HEADERS, 1 },
	/* A cancelled look-up cleans up in its thread; otherwise the loop would block on it. */
	{ CURLOPT_QUICK_EXIT, 1 },
};

static void collect(struct http *http);

static void on_ready(struct watch *watch, unsigned what)
{
	struct http *http = CONTAINER_OF(watch, struct watched, watch)->http;
	int running;

	/* The call may free the watch. */
	curl_multi_socket_action(http->multi, watch->fd,
		((what & LOOP_READ) ? CURL_CSELECT_IN : 0) |
			((what & LOOP_WRITE) ? CURL_CSELECT_OUT : 0),
		&running);
	collect(http);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *assigned)
{
	struct http *http = data;
	struct watched *watched = assigned;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (watched)
			loop_watch_stop(&watched->watch);
		free(watched);
		return 0;
	}
	if (!watched) {
		watched = mem_new(struct watched);
		watched->http = http;
		watched->watch.fd = fd;
		watched->watch.ready = on_ready;
		curl_multi_assign(http->multi, fd, watched);
	}
	loop_watch(http->loop, &watched->watch,
		((what & CURL_POLL_IN) ? LOOP_READ : 0) |
			((what & CURL_POLL_OUT) ? LOOP_WRITE : 0));
	return 0;
}

static int on_timer_wish(CURLM *multi, long ms, void *data)
{
	struct http *http = data;

	(void)multi;
	if (ms < 0)
		loop_timer_stop(http->loop, &http->timer);
	else
		loop_timer_in(http->loop, &http->timer, ms);
	return 0;
}

static void on_timer(struct timer *timer)
{
	struct http *http = CONTAINER_OF(timer, struct http, timer);
	int running;

	curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(http);
}

static size_t on_header(char *data, size_t size, size_t n, void *user)
{
	struct transfer *transfer = user;

	return http_take_header(transfer->op, data, size * n, &transfer->err) < 0 ? 0
										  : size * n;
}

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
	struct transfer *transfer = user;

	/* The result for size 0 is 0 as well. */
	return http_take_body(transfer->op, data, size * n, &transfer->err) < 0
		       ? CURL_WRITEFUNC_ERROR
		       : size * n;
}

static void open_pool(struct http *http)
{
	http->multi = curl_multi_init();
	if (!http->multi)
		mem_exhausted();
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer_wish);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	curl_multi_setopt(
		http->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)CONNECTIONS_PER_SERVER);
	curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)CONNECTIONS);
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
}

static void free_transfer(struct transfer *transfer)
{
	curl_easy_cleanup(transfer->easy);
	free(transfer);
}

/* libcurl cannot close single kept connections, so the whole multi handle goes. */
static void close_pool(struct http *http)
{
	while (http->kept) {
		struct transfer *transfer = http->kept;

		http->kept = transfer->next;
		free_transfer(transfer);
	}
	http->n_kept = 0;
	if (http->multi)
		curl_multi_cleanup(http->multi);
	http->multi = NULL;
	loop_timer_stop(http->loop, &http->timer);
	loop_timer_stop(http->loop, &http->idle);
}

static void on_idle(struct timer *timer)
{
	close_pool(CONTAINER_OF(timer, struct http, idle));
}

static struct transfer *take_transfer(struct http *http)
{
	struct transfer *transfer = http->kept;

	if (transfer) {
		http->kept = transfer->next;
		http->n_kept--;
		return transfer;
	}
	transfer = mem_new(struct transfer);
	transfer->http = http;
	transfer->easy = curl_easy_init();
	if (!transfer->easy)
		mem_exhausted();
	return transfer;
}

/* Stops the transfer, if one is running, and parts it from the operation. */
static void release(struct http_op *op)
{
	struct transfer *transfer = op->impl;
	struct http *http = transfer->http;

	curl_multi_remove_handle(http->multi, transfer->easy);
	loop_timer_stop(http->loop, &transfer->deadline);
	curl_easy_reset(transfer->easy);
	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
	transfer->op = NULL;
	op->impl = NULL;
	list_remove(&op->pending);
	if (http->n_kept < TRANSFERS_KEPT) {
		transfer->next = http->kept;
		http->kept = transfer;
		http->n_kept++;
	} else {
		free_transfer(transfer);
	}
	if (list_is_empty(&http->pending))
		loop_timer_in(http->loop, &http->idle, IDLE_S * INT64_C(1000));
}

static void cancel(struct op *base)
{
	struct http_op *op = CONTAINER_OF(base, struct http_op, op);

	release(op);
	http_answer(op, NULL);
}

static void on_deadline(struct timer *timer)
{
	struct transfer *transfer = CONTAINER_OF(timer, struct transfer, deadline);
	struct http_op *op = transfer->op;
	struct err err = ERR_INIT;

	http_curl_late(transfer->easy, op, &err);
	release(op);
	http_answer(op, &err);
}

/* Checks a transfer that succeeded for libcurl: it may still not be an acceptable answer. */
static int accept_answer(struct transfer *transfer, struct err *err)
{
	struct http_op *op = transfer->op;
	const char *encoding = http_header(op, "content-encoding", NULL);
	long status = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	op->status = (int)status;
	if (encoding && strcasecmp(encoding, "identity") != 0)
		return err_set(err, ERR_HTTP,
			"the answer is encoded as \"%.40s\", which was not asked for",
			encoding);
	return 0;
}

/* lib/wire/proxy.h decides about the proxy; libcurl gets no exceptions. */
static void say_proxy(const struct transfer *transfer, struct http_op *op)
{
	struct proxy_env env = { transfer->http->proxy, transfer->http->no_proxy };

	op->via = proxy_for(&env, op->proxy, buf_text(&op->url));
	curl_easy_setopt(transfer->easy, CURLOPT_PROXY, op->via);
	curl_easy_setopt(transfer->easy, CURLOPT_NOPROXY, "");
}

/*
 * Follows a redirect. libcurl reports the target and does not go there itself: it would go to
 * any host, and only checked URLs may be requested. True: the next request is on its way.
 */
static bool is_followed(struct transfer *transfer, struct err *err)
{
	struct http_op *op = transfer->op;
	CURLM *multi = transfer->http->multi;
	char *url = NULL;

	curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &url);
	if (!op->follow || !url)
		return false;
	if (transfer->redirects++ == HTTP_REDIRECTS_MAX) {
		err_set(err, ERR_HTTP, "too many redirects");
		return false;
	}
	if (!url_same_origin(url, buf_text(&op->url)) &&
		!(op->origins && url_is_of(url, op->origins))) {
		err_set(err, ERR_FOREIGN_URL,
			"a redirect leads to another host, %.150s, which is not followed", url);
		return false;
	}
	buf_clear(&op->url);
	buf_add_text(&op->url, url);
	curl_multi_remove_handle(multi, transfer->easy);
	curl_easy_setopt(transfer->easy, CURLOPT_URL, buf_text(&op->url));
	say_proxy(transfer, op);
	if (curl_multi_add_handle(multi, transfer->easy) != CURLM_OK)
		mem_exhausted();
	return true;
}

static void finish(struct transfer *transfer, CURLcode result)
{
	struct http_op *op = transfer->op;
	struct err err = transfer->err;

	if (err_is_set(&err))
		http_curl_name_host(op, &err);
	else if (result != CURLE_OK)
		http_curl_error(transfer->easy, op, (int)result, transfer->said, &err);
	else if (is_followed(transfer, &err))
		return;
	else if (err_is_set(&err) || accept_answer(transfer, &err) < 0)
		http_curl_name_host(op, &err);
	release(op);
	http_answer(op, &err);
}

/* Ends all operations whose transfers are finished. */
static void collect(struct http *http)
{
	CURLMsg *message;
	int left;

	while (http->multi && (message = curl_multi_info_read(http->multi, &left))) {
		struct transfer *transfer = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(
			message->easy_handle, CURLINFO_PRIVATE, (char **)(void *)&transfer);
		finish(transfer, message->data.result);
	}
}

static void add_header(struct transfer *transfer, const char *line)
{
	struct curl_slist *more = curl_slist_append(transfer->headers, line);

	if (!more)
		mem_exhausted();
	transfer->headers = more;
}

static void say_headers(struct transfer *transfer, const struct http_op *op)
{
	add_header(transfer, "Accept-Encoding: identity");
	/* RFC 8555, 6.1: problem texts in the language of the log. */
	add_header(transfer, "Accept-Language: en");
	add_header(transfer, "Expect:");
	if (op->content_type) {
		char *line AUTO_FREE = mem_printf("Content-Type: %s", op->content_type);

		add_header(transfer, line);
	}
	curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
}

static void say_trust(const struct http *http, CURL *easy, const char *trust)
{
	if (trust) {
		/* CURL_BLOB_NOCOPY only reads, in spite of the type. */
		struct curl_blob blob = { (void *)(uintptr_t)trust, strlen(trust),
			CURL_BLOB_NOCOPY };

		curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
	}
	/* A directory would add its roots, and the parsed bundle would not be cached. */
	if (trust || http->has_bundle)
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
}

static void say_method(CURL *easy, const struct http_op *op)
{
	if (str_is(op->method, "HEAD")) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
		return;
	}
	/* Fails at once for a long Content-Length; on_body() counts the others. */
	curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)op->limit);
	if (!str_is(op->method, "POST"))
		return;
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)op->body_out.len);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, buf_text(&op->body_out));
}

static void prepare(struct transfer *transfer, struct http_op *op)
{
	const struct http *http = transfer->http;
	CURL *easy = transfer->easy;

	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		curl_easy_setopt(easy, settings[i].option, settings[i].value);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(easy, CURLOPT_USERAGENT, http->agent);
	curl_easy_setopt(easy, CURLOPT_URL, buf_text(&op->url));
	/* The first address gets half of it, so that a second one is still tried. */
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(op->time_ms / 3 * 2 + 1));
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->said);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	say_method(easy, op);
	say_proxy(transfer, op);
	say_headers(transfer, op);
	say_trust(http, easy, op->trust);
}

void http_ask(struct http *http, struct task *task, struct http_op *op)
{
	struct transfer *transfer;
	struct err err = ERR_INIT;

	op_begin(&op->op, task, cancel);
	if (http_check(op, &err) < 0) {
		http_answer(op, &err);
		return;
	}
	if (!http->multi)
		open_pool(http);
	loop_timer_stop(http->loop, &http->idle);
	list_append(&http->pending, &op->pending);
	transfer = take_transfer(http);
	op->impl = transfer;
	transfer->op = op;
	transfer->err = (struct err)ERR_INIT;
	transfer->redirects = 0;
	transfer->said[0] = 0;
	transfer->deadline.fire = on_deadline;
	prepare(transfer, op);
	loop_timer_in(http->loop, &transfer->deadline, op->time_ms);
	/* This only sets the timer; nothing is sent before the loop runs. */
	if (curl_multi_add_handle(http->multi, transfer->easy) != CURLM_OK)
		mem_exhausted();
}

struct http *http_new(struct loop *loop, const char *agent)
{
	struct http *http = mem_new(struct http);
	const curl_version_info_data *curl;
	struct proxy_env env;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		mem_exhausted();
	curl = curl_version_info(CURLVERSION_NOW);
	http->has_bundle = curl->cainfo && access(curl->cainfo, R_OK) == 0;
	http->loop = loop;
	http->agent = mem_strdup(agent);
	env = proxy_env_read();
	http->proxy = mem_strdup(env.proxy);
	http->no_proxy = mem_strdup(env.no_proxy);
	http->timer.fire = on_timer;
	http->idle.fire = on_idle;
	list_init(&http->pending);
	return http;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	assert(list_is_empty(&http->pending));
	close_pool(http);
	curl_global_cleanup();
	free(http->agent);
	free(http->proxy);
	free(http->no_proxy);
	free(http);
}

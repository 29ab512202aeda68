/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/launch/listeners.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/log/log.h"

enum { BACKLOG = 256 };

/*
 * State: listeners_use() makes one for each address of the configuration and frees it when the
 * address is gone. It is bound while is_needed(); a failure stays in `err` and arms the timer,
 * which tries all of them again.
 */
struct listener {
	struct list link;
	enum challenge type;
	char *at;
	struct sockaddr_storage addr;
	socklen_t len;
	int fd; /* -1: see err */
	struct err err;
	bool is_wanted;
	bool is_brief; /* bound only while a challenge is shown */
};

static struct listener *listener_at(struct list *at)
{
	return LIST_OF(at, struct listener, link);
}

static int set_on(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

/* The errors of a taken port say the ways out, as most often a web server has it. */
static int bind_failed(const struct listener *listener, int sys, struct err *err)
{
	const char *type = challenge_text(listener->type);

	if (sys != EADDRINUSE || listener->type != CHALLENGE_HTTP)
		return err_sys(
			err, ERR_IO, sys, "cannot listen at %s for %s", listener->at, type);
	err_set(err, ERR_IO,
		"cannot listen at %s for %s, as another server has the port: give "
		"http.webroot if it is a web server, or another port in http.listen to which "
		"the web server passes /.well-known/acme-challenge/, or have it stop holding "
		"the port",
		listener->at, type);
	err->sys = sys;
	return -1;
}

static int bind_to(const struct listener *listener, struct err *err)
{
	int fd AUTO_CLOSE =
		socket(listener->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int result;

	if (fd < 0 || set_on(fd, SOL_SOCKET, SO_REUSEADDR, 1) < 0 ||
		(listener->addr.ss_family == AF_INET6 &&
			set_on(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) < 0) ||
		bind(fd, (const struct sockaddr *)&listener->addr, listener->len) < 0 ||
		listen(fd, BACKLOG) < 0)
		return bind_failed(listener, errno, err);
	result = fd;
	fd = -1;
	return result;
}

/* Said when it begins, when the reason changes, and when it is over. */
static void try_bind(struct listeners *listeners, struct listener *listener)
{
	struct err err = ERR_INIT;
	bool had_failed = err_is_set(&listener->err);

	listener->fd = bind_to(listener, &err);
	if (listener->fd < 0) {
		if (!had_failed || !str_is(listener->err.text, err.text))
			log_event(NULL, EVENT_LISTENER_FAILED, &err,
				"challenges of the type %s may fail",
				challenge_text(listener->type));
		listener->err = err;
		listeners->tell(listener->type, listener->at, -1, &err);
		return;
	}
	listener->err = (struct err)ERR_INIT;
	if (had_failed)
		log_event(NULL, EVENT_LISTENER_BOUND, NULL, "%s is listened at for %s",
			listener->at, challenge_text(listener->type));
	listeners->tell(listener->type, listener->at, listener->fd, NULL);
}

static bool is_needed(const struct listeners *listeners, const struct listener *listener)
{
	return !listener->is_brief || listeners->is_begun[listener->type];
}

static void close_one(struct listeners *listeners, struct listener *listener)
{
	if (listener->fd < 0)
		return;
	file_closep(&listener->fd);
	listeners->tell(listener->type, listener->at, -1, NULL);
}

/* The configuration no longer has the address, so nothing of it is told any more. */
static void forget(struct listeners *listeners, struct listener *listener)
{
	close_one(listeners, listener);
	if (err_is_set(&listener->err))
		listeners->tell(listener->type, listener->at, -1, NULL);
}

static void bind_all(struct listeners *listeners)
{
	bool has_failed = false;

	list_each(at, &listeners->all) {
		if (!is_needed(listeners, listener_at(at)))
			continue;
		if (listener_at(at)->fd < 0)
			try_bind(listeners, listener_at(at));
		has_failed |= listener_at(at)->fd < 0;
	}
	if (has_failed)
		loop_timer_in(listeners->loop, &listeners->timer, LISTENERS_RETRY_MS);
	else
		loop_timer_stop(listeners->loop, &listeners->timer);
}

static void on_timer(struct timer *timer)
{
	bind_all(CONTAINER_OF(timer, struct listeners, timer));
}

void listeners_init(struct listeners *listeners, struct loop *loop,
	void (*tell)(enum challenge type, const char *at, int fd, const struct err *err))
{
	*listeners = (struct listeners){ .loop = loop, .tell = tell };
	listeners->timer.fire = on_timer;
	list_init(&listeners->all);
}

static void listener_free(struct listener *listener)
{
	list_remove(&listener->link);
	file_closep(&listener->fd);
	free(listener->at);
	free(listener);
}

void listeners_done(struct listeners *listeners)
{
	if (!listeners->loop)
		return;
	loop_timer_stop(listeners->loop, &listeners->timer);
	list_each_safe(at, &listeners->all)
		listener_free(listener_at(at));
	listeners->loop = NULL;
}

static bool is_at(const struct listener *listener, const struct endpoint *endpoint)
{
	return listener->len == endpoint->len &&
	       memcmp(&listener->addr, &endpoint->addr, endpoint->len) == 0;
}

static void want(struct listeners *listeners, enum challenge type,
	const struct endpoint *endpoint, bool is_brief)
{
	struct listener *listener;

	list_each(at, &listeners->all)
		if (listener_at(at)->type == type && is_at(listener_at(at), endpoint)) {
			listener_at(at)->is_wanted = true;
			listener_at(at)->is_brief = is_brief;
			return;
		}
	listener = mem_new(struct listener);
	listener->type = type;
	listener->at = mem_strdup(endpoint->text);
	listener->addr = endpoint->addr;
	listener->len = endpoint->len;
	listener->fd = -1;
	listener->is_wanted = true;
	listener->is_brief = is_brief;
	list_append(&listeners->all, &listener->link);
}

void listeners_use(struct listeners *listeners, const struct conf *conf)
{
	list_each(at, &listeners->all)
		listener_at(at)->is_wanted = false;
	for (size_t i = 0; i < conf->http.n_listen; i++)
		want(listeners, CHALLENGE_HTTP, &conf->http.listen[i], !conf->http.hold_always);
	for (size_t i = 0; i < conf->tls_alpn.n_listen; i++)
		want(listeners, CHALLENGE_TLS_ALPN, &conf->tls_alpn.listen[i], false);
	list_each_safe(at, &listeners->all) {
		struct listener *listener = listener_at(at);

		if (!listener->is_wanted) {
			forget(listeners, listener);
			listener_free(listener);
		} else if (!is_needed(listeners, listener)) {
			close_one(listeners, listener);
		}
	}
	bind_all(listeners);
}

void listeners_retry(struct listeners *listeners)
{
	bind_all(listeners);
}

int listeners_begin(struct listeners *listeners, enum challenge type, struct err *err)
{
	const struct listener *failed = NULL;

	listeners->is_begun[type] = true;
	bind_all(listeners);
	list_each(at, &listeners->all) {
		if (listener_at(at)->type != type)
			continue;
		if (listener_at(at)->fd >= 0)
			return 0;
		failed = listener_at(at);
	}
	if (failed) {
		*err = failed->err;
		return -1;
	}
	return err_set(err, ERR_BAD_CONFIG,
		type == CHALLENGE_HTTP ? "neither http.webroot nor http.listen is configured"
				       : "tls_alpn.listen is not configured");
}

void listeners_end(struct listeners *listeners, enum challenge type)
{
	if (!listeners->loop || !listeners->is_begun[type])
		return;
	listeners->is_begun[type] = false;
	list_each(at, &listeners->all)
		if (!is_needed(listeners, listener_at(at)))
			close_one(listeners, listener_at(at));
	bind_all(listeners);
}

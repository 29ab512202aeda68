/* SPDX-License-Identifier: MIT */
#include "daemon/acme/responder.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/list.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/tls_alpn.h"
#include "lib/log/log.h"
#include "lib/net/http_server.h"
#include "lib/net/listener.h"
#include "lib/net/tls_server.h"

#define WELL_KNOWN "/.well-known/acme-challenge/"

/* The answers; equal keys are a chain, the youngest first. */
struct answered {
	struct answered *older;
	char *key; /* the token, or the name a handshake asks for */
	char *name, *token, *key_authorization;
	struct tls_alpn_cert *cert;
	unsigned n_orders; /* that asked for exactly this */
};

struct served {
	struct list link;
	enum challenge type;
	char *at;
	struct listener *listener;
};

struct responder {
	struct loop *loop;
	struct map http, tls_alpn; /* key -> the youngest struct answered */
	size_t n;
	struct list served;
	struct http_service service;
	struct tls_alpn *alpn; /* NULL until the first listener */
};

static struct map *map_of(struct responder *responder, enum challenge type)
{
	if (type == CHALLENGE_HTTP)
		return &responder->http;
	return type == CHALLENGE_TLS_ALPN ? &responder->tls_alpn : NULL;
}

static const char *find_path(const char *path, void *data)
{
	struct responder *responder = data;
	const struct answered *answered;

	if (!str_starts(path, WELL_KNOWN))
		return NULL;
	answered = map_get(&responder->http, path + strlen(WELL_KNOWN));
	return answered ? answered->key_authorization : NULL;
}

static const struct tls_alpn_cert *find_cert(void *data, const char *sni)
{
	struct responder *responder = data;
	const struct answered *answered = map_get(&responder->tls_alpn, sni);

	return answered ? answered->cert : NULL;
}

struct responder *responder_new(struct loop *loop)
{
	struct responder *responder = mem_new(struct responder);

	responder->loop = loop;
	responder->service = (struct http_service){ find_path, responder };
	list_init(&responder->served);
	return responder;
}

static void served_free(struct served *served)
{
	listener_free(served->listener);
	list_remove(&served->link);
	free(served->at);
	free(served);
}

static void answered_free(struct answered *answered)
{
	tls_alpn_cert_free(answered->cert);
	free(answered->key);
	free(answered->name);
	free(answered->token);
	free(answered->key_authorization);
	free(answered);
}

static void free_all(struct map *map)
{
	struct answered *answered, *older;
	size_t at = 0;

	while ((answered = map_next(map, &at)))
		for (; answered; answered = older) {
			older = answered->older;
			answered_free(answered);
		}
	map_done(map);
}

void responder_free(struct responder *responder)
{
	if (!responder)
		return;
	list_each_safe(at, &responder->served)
		served_free(LIST_OF(at, struct served, link));
	free_all(&responder->http);
	free_all(&responder->tls_alpn);
	tls_alpn_free(responder->alpn);
	free(responder);
}

static struct listener *listen_at(
	struct responder *responder, enum challenge type, int fd, struct err *err)
{
	if (type == CHALLENGE_HTTP)
		return http_server_new(responder->loop, fd, &responder->service);
	if (!responder->alpn && tls_alpn_new(find_cert, responder, &responder->alpn, err) < 0) {
		file_closep(&fd);
		return NULL;
	}
	return tls_server_new(responder->loop, fd, responder->alpn);
}

void responder_listen(struct responder *responder, enum challenge type, const char *at, int fd)
{
	struct err err = ERR_INIT;
	struct listener *listener;
	struct served *served;

	list_each_safe(link, &responder->served) {
		served = LIST_OF(link, struct served, link);
		if (served->type == type && str_is(served->at, at))
			served_free(served);
	}
	if (fd < 0)
		return;
	listener = listen_at(responder, type, fd, &err);
	if (!listener) {
		log_event(NULL, EVENT_LISTENER_FAILED, &err, "%s is not served", at);
		return;
	}
	served = mem_new(struct served);
	served->type = type;
	served->at = mem_strdup(at);
	served->listener = listener;
	list_append(&responder->served, &served->link);
}

static char *key_of(enum challenge type, const char *name, const char *token)
{
	return type == CHALLENGE_HTTP ? mem_strdup(token) : tls_alpn_sni(name);
}

/* The link of a chain at which this challenge stands, or the NULL at its end. */
static struct answered **find_link(struct answered **first, const char *name, const char *token)
{
	while (*first && !(str_is((*first)->name, name) && str_is((*first)->token, token)))
		first = &(*first)->older;
	return first;
}

static void put(struct map *map, const char *key, struct answered *first)
{
	/* The map borrows the key of its value, which may be about to go. */
	map_remove(map, key);
	if (first)
		map_set(map, first->key, first);
}

int responder_add(struct responder *responder, enum challenge type, const char *name,
	const char *token, const char *key_authorization, struct err *err)
{
	struct map *map = map_of(responder, type);
	char *key AUTO_FREE = NULL;
	struct answered *first, *answered;

	if (!map)
		return 0;
	key = key_of(type, name, token);
	first = map_get(map, key);
	answered = *find_link(&first, name, token);
	if (answered) {
		answered->n_orders++;
		return 0;
	}
	if (responder->n >= RESPONDER_MAX)
		return err_set(
			err, ERR_BUSY, "%d challenges are answered already", RESPONDER_MAX);
	answered = mem_new(struct answered);
	if (type == CHALLENGE_TLS_ALPN && tls_alpn_cert_new(name, key_authorization,
						  clock_now(), &answered->cert, err) < 0) {
		answered_free(answered);
		return -1;
	}
	answered->key = mem_take(&key);
	answered->name = mem_strdup(name);
	answered->token = mem_strdup(token);
	answered->key_authorization = mem_strdup(key_authorization);
	answered->n_orders = 1;
	answered->older = first;
	put(map, answered->key, answered);
	responder->n++;
	return 0;
}

void responder_remove(
	struct responder *responder, enum challenge type, const char *name, const char *token)
{
	struct map *map = map_of(responder, type);
	char *key AUTO_FREE = map ? key_of(type, name, token) : NULL;
	struct answered *first, **link, *answered;

	if (!map)
		return;
	first = map_get(map, key);
	link = find_link(&first, name, token);
	answered = *link;
	if (!answered || --answered->n_orders > 0)
		return;
	*link = answered->older;
	put(map, key, first);
	answered_free(answered);
	responder->n--;
}

const char *responder_find(const struct responder *responder, enum challenge type,
	const char *name, const char *token)
{
	const struct map *map =
		type == CHALLENGE_HTTP ? &responder->http : &responder->tls_alpn;
	char *key AUTO_FREE = key_of(type, name, token);
	const struct answered *answered = challenge_is_dns(type) ? NULL : map_get(map, key);

	return answered ? answered->key_authorization : NULL;
}

/* SPDX-License-Identifier: MIT */
#include "daemon/acme/responder.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/base/list.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* What the engine would answer, without listeners: the simulated CAs ask responder_find(). */

struct entry {
	struct list link;
	enum challenge type;
	char *name, *token, *key_authorization;
};

struct responder {
	struct list entries;
};

struct responder *responder_new(struct loop *loop)
{
	struct responder *responder = mem_new(struct responder);

	(void)loop;
	list_init(&responder->entries);
	return responder;
}

static void entry_free(struct entry *entry)
{
	list_remove(&entry->link);
	free(entry->name);
	free(entry->token);
	free(entry->key_authorization);
	free(entry);
}

void responder_free(struct responder *responder)
{
	if (!responder)
		return;
	list_each_safe(at, &responder->entries)
		entry_free(LIST_OF(at, struct entry, link));
	free(responder);
}

void responder_listen(struct responder *responder, enum challenge type, const char *at, int fd)
{
	(void)responder;
	(void)type;
	(void)at;
	if (fd >= 0)
		close(fd);
}

static struct entry *find(const struct responder *responder, enum challenge type,
	const char *name, const char *token)
{
	list_each(at, &responder->entries) {
		struct entry *entry = LIST_OF(at, struct entry, link);

		if (entry->type == type && str_is(entry->name, name) &&
			str_is(entry->token, token))
			return entry;
	}
	return NULL;
}

int responder_add(struct responder *responder, enum challenge type, const char *name,
	const char *token, const char *key_authorization, struct err *err)
{
	struct entry *entry;

	(void)err;
	if (type != CHALLENGE_HTTP && type != CHALLENGE_TLS_ALPN)
		return 0;
	responder_remove(responder, type, name, token);
	entry = mem_new(struct entry);
	entry->type = type;
	entry->name = mem_strdup(name);
	entry->token = mem_strdup(token);
	entry->key_authorization = mem_strdup(key_authorization);
	list_append(&responder->entries, &entry->link);
	return 0;
}

void responder_remove(
	struct responder *responder, enum challenge type, const char *name, const char *token)
{
	struct entry *entry = find(responder, type, name, token);

	if (entry)
		entry_free(entry);
}

const char *responder_find(const struct responder *responder, enum challenge type,
	const char *name, const char *token)
{
	struct entry *entry = find(responder, type, name, token);

	return entry ? entry->key_authorization : NULL;
}

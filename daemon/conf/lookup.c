/* SPDX-License-Identifier: MIT */
/* Questions to a finished configuration, and its count of references. */
#include "daemon/conf/conf.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/conf/schema.h"
#include "lib/base/str.h"
#include "lib/wire/name.h"

const char *hook_text(enum hook hook)
{
	return conf_hook_fields[hook].name;
}

enum hook hook_parse(const char *text)
{
	unsigned hook = 0;

	while (hook < HOOK_COUNT && !str_is(conf_hook_fields[hook].name, text))
		hook++;
	return (enum hook)hook;
}

static const char *const challenge_words[] = {
#define CHALLENGE(id, word, help) [CHALLENGE_##id] = (word),
#include "proto/challenges.def"
#undef CHALLENGE
};

const char *challenge_text(enum challenge challenge)
{
	return challenge_words[challenge];
}

enum challenge challenge_parse(const char *text)
{
	unsigned challenge = 0;

	while (challenge < CHALLENGE_COUNT && !str_is(challenge_words[challenge], text))
		challenge++;
	return (enum challenge)challenge;
}

struct conf *conf_ref(struct conf *conf)
{
	conf->refs++;
	return conf;
}

void conf_unref(struct conf *conf)
{
	if (!conf || --conf->refs)
		return;
	map_done(&conf->cert_by_name);
	arena_done(&conf->arena);
	free(conf);
}

const struct cert_conf *conf_cert(const struct conf *conf, const char *name)
{
	return map_get(&conf->cert_by_name, name);
}

const struct target_conf *conf_target(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n_targets; i++)
		if (str_is(conf->targets[i].name, name))
			return &conf->targets[i];
	return NULL;
}

const struct ca_conf *conf_ca(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n_cas; i++)
		if (str_is(conf->cas[i].name, name))
			return &conf->cas[i];
	return NULL;
}

static int zone_by_name(const void *name, const void *zone)
{
	return strcmp(name, ((const struct zone_conf *)zone)->name);
}

const struct zone_conf *conf_zone(const struct conf *conf, const char *owner)
{
	const struct dns_conf *dns = &conf->dns;

	if (name_is_wildcard(owner))
		owner += strlen("*.");
	for (; owner && dns->n_zones; owner = strchr(owner, '.')) {
		const struct zone_conf *zone;

		owner += *owner == '.';
		zone = bsearch(
			owner, dns->zones, dns->n_zones, sizeof(*dns->zones), zone_by_name);
		if (zone)
			return zone;
	}
	return dns->fallback;
}

const char *cert_conf_group(const struct cert_conf *cert, char out[256])
{
	size_t len = (size_t)(cert->service - cert->name) - 1;

	memcpy(out, cert->name, len);
	out[len] = 0;
	return out;
}

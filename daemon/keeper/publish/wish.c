/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/publish/challenge_private.h"

#include <string.h>

#include "daemon/conf/challenge.h"
#include "daemon/conf/expand.h"
#include "daemon/keeper/ca/keyauth.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/wire/dns_name.h"
#include "lib/wire/name.h"

/* From what the engine wishes to be shown to what is shown, where and how: by the configuration. */

/* Where DNS could not be asked, the group of a certificate is the apex of what has no entry. */
static int guess_zone(
	const struct challenge_wish *wish, struct journal_entry *entry, struct err *err)
{
	char group[256];
	size_t len, name_len = strlen(wish->name);

	cert_conf_group(wish->cert, group);
	len = strlen(group);
	if (name_len < len || !str_is(wish->name + name_len - len, group) ||
		(name_len > len && wish->name[name_len - len - 1] != '.'))
		return err_set(err, ERR_BAD_CONFIG,
			"no zone of dns.zones holds %s, and %s is not its apex", wish->name,
			group);
	entry->zone = mem_strdup(group);
	return 0;
}

static int note_zone(const struct challenge_wish *wish, const struct zone_conf *entry_of,
	struct journal_entry *entry, struct err *err)
{
	const char *zone = challenge_zone(entry_of, wish->apex);

	if (!zone)
		return guess_zone(wish, entry, err);
	entry->zone = mem_strdup(zone);
	/* A message has to name what the server has; files and programs go by what the operator wrote. */
	if (wish->apex && !str_is(zone, wish->apex))
		entry->apex = mem_strdup(wish->apex);
	return 0;
}

static int find_publisher(const struct challenge_wish *wish, const struct zone_conf *zone,
	struct journal_entry *entry, struct err *err)
{
	const char *name = zone->name ? zone->name : "default";

	switch (zone->publish.type) {
	case PUBLISH_INCLUDE:
		if (!zone->publish.acme_dir)
			return err_set(
				err, ERR_BAD_CONFIG, "the zone %s has no acme_dir", name);
		entry->how = PUBLICATION_INCLUDE;
		entry->path = mem_strdup(zone->publish.acme_dir);
		break;
	case PUBLISH_COMMAND:
		if (zone->publish.add.n == 0 || zone->publish.remove.n == 0)
			return err_set(err, ERR_BAD_CONFIG,
				"the zone %s has no add and remove commands", name);
		entry->how = PUBLICATION_COMMAND;
		break;
	case PUBLISH_UPDATE:
		entry->how = PUBLICATION_UPDATE;
		break;
	default:
		return err_set(err, ERR_BAD_CONFIG,
			"the zone %s does not say how to publish records", name);
	}
	return note_zone(wish, zone, entry, err);
}

/* Lower case letters, digits, hyphens and underscores: it goes into files, commands and messages. */
static bool is_owner(const char *name)
{
	size_t label = 0, len = strlen(name);

	if (len == 0 || len > 253)
		return false;
	for (const char *p = name; *p; p++) {
		if (*p == '.' ? label == 0 || label > 63
			      : !strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", *p) ||
					(*p == '-' && label == 0))
			return false;
		label = *p == '.' ? 0 : label + 1;
	}
	return label > 0 && label <= 63;
}

/* The zone of the record, and its owner: its own, or where the engine saw aliases lead from there. */
static const struct zone_conf *find_zone(const struct conf *conf,
	const struct challenge_wish *wish, struct buf *owner, struct err *err)
{
	const struct zone_conf *zone;

	challenge_owner(wish->type, wish->name, wish->account_url, owner);
	if (!wish->owner || str_is(wish->owner, buf_text(owner))) {
		zone = conf_zone(conf, buf_text(owner));
		if (!zone)
			err_set(err, ERR_BAD_CONFIG, "no zone of dns.zones holds %s",
				buf_text(owner));
		return zone;
	}
	if (!is_owner(wish->owner)) {
		err_set(err, ERR_BAD_ARGUMENT, "the owner is not a name of a record");
		return NULL;
	}
	if (challenge_check_alias(conf, buf_text(owner), wish->owner, err) < 0)
		return NULL;
	buf_clear(owner);
	buf_add_text(owner, wish->owner);
	return conf_zone(conf, wish->owner);
}

/*
 * The engine saw the zone in DNS; more than the owner's own name it cannot make of that.  Of names that aliases
 * lead to there is no end, nor would there be of files.
 */
static int check_apex(const struct challenge_wish *wish, const struct zone_conf *zone,
	const char *owner, struct err *err)
{
	struct buf own AUTO_BUF = BUF_INIT;

	if (!wish->apex)
		return 0;
	if (!is_owner(wish->apex) || !dns_name_is_below(owner, wish->apex))
		return err_set(
			err, ERR_BAD_ARGUMENT, "the apex is of no zone that holds %s", owner);
	challenge_owner(wish->type, wish->name, wish->account_url, &own);
	if (zone->publish.type == PUBLISH_INCLUDE && zone->name &&
		!str_is(owner, buf_text(&own)) &&
		!str_is(challenge_zone(zone, wish->apex), zone->name))
		return err_set(err, ERR_BAD_CONFIG,
			"aliases lead to %s in the zone %s, which needs an entry of its own in "
			"dns.zones to have a file",
			owner, wish->apex);
	return 0;
}

static int describe_record(const struct conf *conf, const struct challenge_wish *wish,
	const char *key_authorization, struct journal_entry *entry, struct err *err)
{
	struct buf owner AUTO_BUF = BUF_INIT;
	char value[KEYAUTH_VALUE_LEN];
	const struct zone_conf *zone;

	if (wish->type == CHALLENGE_DNS_PERSIST)
		return err_set(err, ERR_BAD_CONFIG, "dns-persist-01 publishes no challenge");
	if (wish->type == CHALLENGE_DNS_ACCOUNT && !wish->account_url[0])
		return err_set(err, ERR_NOT_FOUND, "the URL of the account at %s is not known",
			wish->ca);
	if (name_is_ip(wish->name))
		return err_set(err, ERR_BAD_CONFIG, "%s is an address, which %s cannot prove",
			wish->name, challenge_text(wish->type));
	zone = find_zone(conf, wish, &owner, err);
	if (!zone || check_apex(wish, zone, buf_text(&owner), err) < 0 ||
		find_publisher(wish, zone, entry, err) < 0)
		return -1;
	entry->owner = mem_strdup(buf_text(&owner));
	entry->value = mem_strdup(keyauth_value(key_authorization, value));
	entry->ttl = conf->dns.challenge_ttl;
	return 0;
}

static int find_webroot(const struct conf *conf, const struct challenge_wish *wish,
	const char *key_authorization, struct journal_entry *entry, struct err *err)
{
	struct buf path AUTO_BUF = BUF_INIT;
	char group[256];
	struct expand_facts facts = { .group = cert_conf_group(wish->cert, group),
		.service = wish->cert->service,
		.cert = wish->cert->name };

	if (expand_word(conf->http.webroot, &facts, &path, err) < 0)
		return -1;
	if (buf_text(&path)[0] != '/')
		return err_set(err, ERR_BAD_CONFIG, "the webroot %s is not a local directory",
			buf_text(&path));
	entry->how = PUBLICATION_WEBROOT;
	entry->path = mem_strdup(buf_text(&path));
	entry->value = mem_strdup(key_authorization);
	return 0;
}

int wish_describe(const struct conf *conf, const struct challenge_wish *wish,
	const char *key_authorization, struct journal_entry *entry, struct err *err)
{
	journal_make_id(entry);
	entry->type = wish->type;
	entry->is_test = wish->is_test;
	entry->cert = mem_strdup(wish->cert->name);
	entry->ca = mem_strdup(wish->ca);
	entry->name = mem_strdup(wish->shown ? wish->shown : wish->name);
	entry->token = mem_strdup(wish->token);
	entry->made = clock_now();
	if (challenge_is_dns(wish->type))
		return describe_record(conf, wish, key_authorization, entry, err);
	if (wish->type == CHALLENGE_HTTP && conf->http.webroot)
		return find_webroot(conf, wish, key_authorization, entry, err);
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "daemon/conf/challenge.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypt/digest.h"
#include "lib/wire/dns_name.h"

enum { LABEL_OCTETS = 10 };

/* RFC 4648, 6, in lower case; ten octets are sixteen characters and leave nothing to pad. */
static void add_base32(const uint8_t *data, size_t len, struct buf *out)
{
	unsigned bits = 0, n_bits = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | data[i];
		for (n_bits += 8; n_bits >= 5; n_bits -= 5)
			buf_add_char(out,
				"abcdefghijklmnopqrstuvwxyz234567"[bits >> (n_bits - 5) & 31]);
	}
}

void challenge_owner(
	enum challenge type, const char *name, const char *account_url, struct buf *out)
{
	uint8_t digest[SHA256_LEN];

	if (type == CHALLENGE_DNS_ACCOUNT) {
		digest_sha256(account_url, strlen(account_url), digest);
		buf_add_char(out, '_');
		add_base32(digest, LABEL_OCTETS, out);
		buf_add_char(out, '.');
	}
	buf_printf(out, "%s.%s",
		type == CHALLENGE_DNS_PERSIST ? "_validation-persist" : "_acme-challenge",
		name);
}

bool challenge_is_owner(const char *name)
{
	static const char first[] = "_acme-challenge.";
	const char *rest = dns_name_parent(name);

	return str_starts(name, first) || (*name == '_' && rest && str_starts(rest, first));
}

const char *challenge_zone(const struct zone_conf *entry, const char *apex)
{
	return entry->name && (!apex || !dns_name_is_below(apex, entry->name)) ? entry->name
									       : apex;
}

/* Does a certificate have this name, or one below it? */
static bool has_name_at(const struct conf *conf, const char *domain)
{
	for (size_t i = 0; i < conf->n_certs; i++) {
		const struct cert_conf *cert = &conf->certs[i];

		for (uint16_t k = 0; k < cert->n_names; k++)
			if (dns_name_is_below(cert->names[k], domain))
				return true;
	}
	return false;
}

/* The rest of a name without its first labels that begin with an underscore. */
static const char *unmarked(const char *name)
{
	while (*name == '_') {
		name += strcspn(name, ".");
		name += *name == '.';
	}
	return name;
}

/* Is it the place of a service, "_25._tcp.", where others look and a wildcard may answer them? */
static bool is_of_service(const char *owner)
{
	for (; *owner == '_'; owner += strcspn(owner, "."), owner += *owner == '.')
		if (str_starts(owner, "_tcp.") || str_starts(owner, "_udp.") ||
			str_starts(owner, "_sctp."))
			return true;
	return false;
}

static bool is_for_aliases(
	const struct conf *conf, const struct zone_conf *zone, const char *owner)
{
	const char *rest = unmarked(owner);

	if (zone->aliases != ALIASES_MARKED || !zone->has_names)
		return zone->aliases != ALIASES_NONE;
	return rest != owner && !is_of_service(owner) &&
	       (str_is(rest, zone->name) || has_name_at(conf, rest));
}

/*
 * Names that begin with an underscore belong to other protocols: policies of mail, services,
 * keys.  Of them a challenge has _acme-challenge alone, with the label of an account before it;
 * the zone's own name counts for itself.
 */
static bool is_of_others(const struct zone_conf *zone, const char *owner)
{
	const char *at = owner;

	if (challenge_is_owner(owner)) {
		at = str_starts(at, "_acme-challenge.") ? at : dns_name_parent(at);
		at = dns_name_parent(at);
	}
	for (; at && dns_name_is_below(at, zone->name) && !str_is(at, zone->name);
		at = dns_name_parent(at))
		if (*at == '_')
			return true;
	return false;
}

int challenge_check_alias(
	const struct conf *conf, const char *asked, const char *owner, struct err *err)
{
	const struct zone_conf *zone = conf_zone(conf, owner);

	if (!zone || !zone->name)
		return err_set(err, ERR_BAD_CONFIG,
			"%s is an alias of %s, which lies in no zone of dns.zones", asked,
			owner);
	if (is_of_others(zone, owner))
		return err_set(err, ERR_BAD_CONFIG,
			"%s is an alias of %s, but of names that begin with an underscore "
			"certd "
			"publishes at _acme-challenge only",
			asked, owner);
	if (is_for_aliases(conf, zone, owner))
		return 0;
	if (zone->aliases == ALIASES_NONE)
		return err_set(err, ERR_BAD_CONFIG,
			"%s is an alias of %s, but the zone %s has aliases: none", asked, owner,
			zone->name);
	return err_set(err, ERR_BAD_CONFIG,
		"%s is an alias of %s, where a challenge could disturb others; let it lead to "
		"_acme-challenge.%s, or give the zone aliases: any",
		asked, owner, zone->name);
}

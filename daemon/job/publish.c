/* SPDX-License-Identifier: MIT */
#include "daemon/job/publish.h"

#include <stdio.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "lib/base/str.h"
#include "lib/wire/name.h"

bool publish_can(const struct zone_conf *zone)
{
	return zone &&
	       (zone->publish.type == PUBLISH_INCLUDE ? zone->publish.acme_dir != NULL
						      : zone->publish.type != PUBLISH_NONE);
}

static const char *zone_of(
	const struct conf *conf, const struct cert_conf *cert, const char *name, char apex[256])
{
	char owner[sizeof("_acme-challenge.") + NAME_MAX_LEN];
	const struct zone_conf *zone;

	if (name_is_ip(name))
		return NULL;
	snprintf(owner, sizeof(owner), "_acme-challenge.%s",
		name_is_wildcard(name) ? name + strlen("*.") : name);
	zone = conf_zone(conf, owner);
	if (!publish_can(zone))
		return NULL;
	return zone->name ? zone->name : cert_conf_group(cert, apex);
}

const char *publish_zone(
	const struct conf *conf, const struct cert_conf *cert, size_t i, char apex[256])
{
	const char *zone = zone_of(conf, cert, cert->names[i], apex), *other;
	char other_apex[256];

	for (size_t k = 0; zone && k < i; k++) {
		other = zone_of(conf, cert, cert->names[k], other_apex);
		if (other && str_is(other, zone))
			return NULL;
	}
	return zone;
}

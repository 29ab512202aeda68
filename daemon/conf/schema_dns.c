/* SPDX-License-Identifier: MIT */
/* The keys of http, tls_alpn and dns; schema.c has all others. */
#include "daemon/conf/schema.h"

#define DAY 86400

static const struct yaml_field http_fields[] = {
	YAML_FIELD(struct http_draft, listen, conf_listen,
		.help = "addresses of the built-in responder, such as \"[::]:80\"; without "
			"them there is none"),
	YAML_FIELD_AS("hold", struct http_draft, hold_always, conf_hold,
		.fallback = "challenge",
		.help = "when these addresses are bound: challenge, only while a challenge is "
			"shown, so that a web server may have the port at other times; always, "
			"all the time"),
	YAML_FIELD(struct http_draft, webroot, conf_webroot,
		.help = "the document root of a web server that runs already; challenges "
			"become files in its .well-known/acme-challenge; may have %{group}, "
			"%{service} and %{cert}"),
	{ 0 },
};

const struct yaml_type conf_http = {
	.word = "map",
	.size = sizeof(struct http_draft),
	.decode = yaml_decode_nested,
	.fields = http_fields,
};

static const struct yaml_field tls_alpn_fields[] = {
	YAML_FIELD(struct tls_alpn_draft, listen, conf_listen,
		.help = "addresses of the built-in responder, such as \"[::]:443\""),
	{ 0 },
};

const struct yaml_type conf_tls_alpn = {
	.word = "map",
	.size = sizeof(struct tls_alpn_draft),
	.decode = yaml_decode_nested,
	.fields = tls_alpn_fields,
};

static const struct yaml_field tsig_fields[] = {
	YAML_FIELD(struct tsig_draft, name, conf_tsig_name, .is_required = true,
		.help = "the name of the key, as the name server has it"),
	YAML_FIELD(struct tsig_draft, algorithm, conf_tsig_algorithm, .fallback = "hmac-sha256",
		.help = "the algorithm of the key"),
	YAML_FIELD(struct tsig_draft, secret_file, conf_path, .is_required = true,
		.help = "holds the secret, as base64"),
	{ 0 },
};

static const struct yaml_type tsig_type = {
	.word = "map",
	.size = sizeof(struct tsig_draft),
	.decode = yaml_decode_nested,
	.fields = tsig_fields,
};

const struct yaml_field conf_publish_fields[] = {
	YAML_FIELD(struct publish_draft, type, conf_publish_type, .is_required = true,
		.help = "files for $INCLUDE in the zone's file, dynamic updates (RFC 2136), or "
			"commands"),
	YAML_FIELD(struct publish_draft, acme_dir, conf_path, .only = "include",
		.help = "the folder of acme-challenge.APEX, which is emptied but never "
			"deleted"),
	YAML_FIELD(struct publish_draft, tlsa_dirs, conf_paths, .only = "include",
		.help = "the folders that get tlsa.APEX, for each view of the zone one"),
	YAML_FIELD(struct publish_draft, refresh, conf_command, .only = "include",
		.help = "the command that makes the name server read the files again; "
			"%{zone} is the apex"),
	YAML_FIELD(struct publish_draft, server, conf_server, .only = "update",
		.help = "who takes the updates; default: the zone's primary"),
	YAML_FIELD(struct publish_draft, tsig, tsig_type, .only = "update",
		.help = "the key that signs the updates"),
	YAML_FIELD(struct publish_draft, add, conf_command, .is_required = true,
		.only = "command",
		.help = "the command that adds a record; ZONE NAME TTL TYPE RDATA follow its "
			"own words"),
	YAML_FIELD(struct publish_draft, remove, conf_command, .is_required = true,
		.only = "command",
		.help = "the command that removes exactly that record, with the same words"),
	{ 0 },
};

const struct yaml_field conf_zone_fields[] = {
	YAML_FIELD(struct zone_draft, primary, conf_server,
		.help = "the name server that is asked first, and the zone's others where it "
			"does "
			"not answer; default: the one of the SOA record"),
	YAML_FIELD(struct zone_draft, nameservers, conf_servers,
		.help = "all name servers of the zone; default: its NS records; []: none of "
			"them can be asked, only dns.extra_nameservers"),
	YAML_FIELD(struct zone_draft, anycast, conf_addresses, .fallback = "[]",
		.help = "addresses behind which several servers answer"),
	YAML_FIELD(struct zone_draft, publish, conf_publish,
		.help = "how records get into the zone; without it nothing is published "
			"there"),
	YAML_FIELD(struct zone_draft, aliases, conf_aliases, .fallback = "marked",
		.help = "where in the zone an alias (CNAME, DNAME) from a challenge's own name "
			"may lead; marked: to a name whose first label begins with an "
			"underscore, at the apex or at a certificate's name, and anywhere when "
			"the zone holds no certificate's name; any: anywhere; none: nowhere"),
	{ 0 },
};

static const struct yaml_type zone_type = {
	.word = "zone",
	.fields = conf_zone_fields,
};

static const struct yaml_type zones_type = {
	.word = "zones",
	.size = sizeof(const struct yaml_node *),
	.decode = conf_keep_map,
	.entry = "ZONE",
	.of = &zone_type,
	.entry_help =
		"the entry default holds for names in no other zone, and for what other "
		"zones do not say; one with a publish of its own takes nothing of that of "
		"default",
};

static const struct yaml_field dns_fields[] = {
	YAML_FIELD(struct dns_draft, resolver, conf_addresses,
		.help = "resolvers whose word that an answer is secure (the AD bit) is "
			"trusted; default: the system's, whose is not"),
	YAML_FIELD(struct dns_draft, extra_nameservers, conf_servers,
		.fallback = "[1.1.1.1, 8.8.8.8, 9.9.9.9, 208.67.222.222]",
		.help = "servers that are asked for a challenge besides the zone's own, to see "
			"it as the world does"),
	YAML_FIELD_AS("extra", struct dns_draft, extra_required, conf_extra,
		.fallback = "require",
		.help = "require: one of them that answers without the value holds the "
			"challenge back, one that is silent for 3 rounds does not; advise: "
			"none does"),
	YAML_FIELD(struct dns_draft, check_delay, yaml_duration, .max = DAY, .fallback = "0s",
		.help = "the wait between publishing a challenge and the first look at it"),
	YAML_FIELD(struct dns_draft, deadline, yaml_duration, .min = 1, .max = 7 * DAY,
		.fallback = "30m",
		.help = "when a challenge is not seen by then, the order fails before the CA "
			"looks"),
	YAML_FIELD(struct dns_draft, challenge_ttl, yaml_duration, .min = 1, .max = DAY,
		.fallback = "60s", .help = "the TTL of challenge records"),
	YAML_FIELD(struct dns_draft, zones, zones_type,
		.help = "the zones by their apex; what one does not say, and names in none of "
			"them, go by the entry default"),
	{ 0 },
};

const struct yaml_type conf_dns = {
	.word = "map",
	.size = sizeof(struct dns_draft),
	.decode = yaml_decode_nested,
	.fields = dns_fields,
};

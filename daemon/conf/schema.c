/* SPDX-License-Identifier: MIT */
/*
 * Every key of the configuration, once: tables only.  A new key is a row here and a member of its
 * draft in schema.h; diagnostics, --explain, --schema and certd.yaml(5) follow.
 */
#include "daemon/conf/schema.h"

#define YEAR (INT64_C(365) * 86400)
#define CENTURY (100 * YEAR)

static const struct yaml_field renew_fields[] = {
	YAML_FIELD(struct renew_conf, curve, conf_curve,
		.fallback = "{1d: 12h, 2d: 1d, 5d: 2d, 10d: 5d, 45d: 10d, 60d: 20d, 90d: 30d, "
			    "120d: 45d, 300d: 60d}",
		.help = "how much of the life is left when a certificate is renewed, by its "
			"whole "
			"life; linear between the points, outside them the share of the "
			"nearest point "
			"(one half below, one fifth above)"),
	YAML_FIELD(struct renew_conf, spread, yaml_duration, .max = YEAR, .fallback = "0s",
		.help = "moves each renewal by up to this much to either side, so that many "
			"certificates do not come due together"),
	YAML_FIELD(struct renew_conf, ari, yaml_bool, .fallback = "true",
		.help = "follow the CA's renewal information where there is any"),
	{ 0 },
};

static const struct yaml_type renew_type = {
	.word = "map",
	.size = sizeof(struct renew_conf),
	.decode = yaml_decode_nested,
	.fields = renew_fields,
};

static const struct yaml_field roll_fields[] = {
	YAML_FIELD(struct roll_conf, min_age, yaml_duration, .max = YEAR, .fallback = "90m",
		.help = "the next version must be this old before it becomes the current one, "
			"counted "
			"from the moment it was stored"),
	YAML_FIELD_AS("window", struct roll_conf, windows, conf_windows,
		.help = "when versions may become current, in local time: days, times or both, "
			"such as "
			"\"Tue..Thu 02:00-05:00\"; without it always"),
	{ 0 },
};

static const struct yaml_type roll_type = {
	.word = "map",
	.size = sizeof(struct roll_conf),
	.decode = yaml_decode_nested,
	.fields = roll_fields,
};

const struct yaml_field conf_cert_fields[] = {
	YAML_FIELD(struct cert_draft, ca, conf_references,
		.help = "who signs: a CA of the section cas, a list of them that is tried in "
			"order, or "
			"self"),
	YAML_FIELD(struct cert_draft, names, conf_names,
		.help = "the DNS names and IP addresses in the certificate; a wildcard is the "
			"whole "
			"first label; needed outside of group ca"),
	YAML_FIELD(struct cert_draft, subject, conf_subject,
		.help = "the subject's attributes in their order, such as {CN: Example Root, "
			"O: Example, "
			"C: US}; a certificate of group ca without CN gets its own name as "
			"one"),
	YAML_FIELD(struct cert_draft, key, conf_key, .fallback = "ec:secp384r1",
		.help = "the type of the private key"),
	YAML_FIELD(struct cert_draft, lifetime, yaml_duration, .min = 10, .max = CENTURY,
		.help = "the life that is asked for; never beyond what the CA gives and the "
			"issuer "
			"itself has left; default: what the CA gives"),
	YAML_FIELD(struct cert_draft, path_length, yaml_int16, .max = 16,
		.help = "for group ca: how many further CAs may stand below this one; default: "
			"no bound"),
	YAML_FIELD_AS("eku", struct cert_draft, purposes, conf_purposes,
		.help = "the extended key usages; default: server_auth, and none in group ca"),
	YAML_FIELD(struct cert_draft, deploy, conf_references,
		.help = "the targets that get the files, by their names"),
	YAML_FIELD(struct cert_draft, renew, renew_type, .help = "when a new version is made"),
	YAML_FIELD(struct cert_draft, roll, roll_type,
		.help = "when the next version becomes current"),
	YAML_FIELD(struct cert_draft, reuse_key, yaml_bool, .fallback = "false",
		.help = "renew on the same key until key_max_age"),
	YAML_FIELD(struct cert_draft, key_max_age, yaml_duration, .min = 1, .max = CENTURY,
		.fallback = "1y", .help = "with reuse_key: how old a key may become"),
	YAML_FIELD(struct cert_draft, keep, yaml_uint16, .max = 10000, .fallback = "10",
		.help = "how many versions are kept besides curr, next and prev"),
	YAML_FIELD(struct cert_draft, warn_before, yaml_duration, .max = CENTURY,
		.fallback = "30d",
		.help = "reminders start this long before the end, but not before half of the "
			"time left "
			"at the renewal moment has gone"),
	YAML_FIELD_AS("auto", struct cert_draft, is_auto, yaml_bool, .fallback = "true",
		.help = "false: the first issue happens by itself, later ones only by an "
			"operator; this "
			"is the default for ca: self in group ca"),
	YAML_FIELD_AS("active", struct cert_draft, is_active, yaml_bool, .fallback = "true",
		.help = "false: nothing is done for this certificate; what is stored and "
			"deployed stays"),
	YAML_FIELD(struct cert_draft, was, conf_reference,
		.help = "the older name GROUP/SERVICE whose history this certificate takes "
			"over"),
	{ 0 },
};

static const struct yaml_type cert_type = {
	.word = "certificate",
	.fields = conf_cert_fields,
};

static const struct yaml_type group_type = {
	.word = "certificates",
	.entry = "SERVICE",
	.of = &cert_type,
};

static const struct yaml_type groups_type = {
	.word = "groups",
	.size = sizeof(const struct yaml_node *),
	.decode = conf_keep_map,
	.entry = "GROUP",
	.of = &group_type,
};

static const struct yaml_type defaults_type = {
	.word = "map",
	.size = sizeof(const struct yaml_node *),
	.decode = conf_keep_map,
	.fields = conf_cert_fields,
};

static const struct yaml_field eab_fields[] = {
	YAML_FIELD(struct eab_draft, kid, yaml_string, .is_required = true,
		.help = "the key identifier that the CA gave"),
	YAML_FIELD(struct eab_draft, hmac_file, conf_path, .is_required = true,
		.help = "holds the key that the CA gave, as base64url"),
	YAML_FIELD(struct eab_draft, algorithm, conf_mac, .fallback = "HS256",
		.help = "the MAC that the CA wants; the key is at least as long as its hash: "
			"32, 48 or 64 octets"),
	{ 0 },
};

static const struct yaml_type eab_type = {
	.word = "map",
	.size = sizeof(struct eab_draft),
	.decode = yaml_decode_nested,
	.fields = eab_fields,
};

const struct yaml_field conf_ca_fields[] = {
	YAML_FIELD(struct ca_draft, type, conf_ca_type, .is_required = true,
		.help = "what kind of CA this is: a local one signs with a certificate of "
			"group ca, an acme one is asked over the net (RFC 8555)"),
	YAML_FIELD(struct ca_draft, issuer, conf_reference, .is_required = true,
		.only = "local", .help = "the certificate that signs, ca/NAME"),
	YAML_FIELD(struct ca_draft, lifetime, yaml_duration, .min = 10, .max = CENTURY,
		.only = "local",
		.help = "the life of what it signs, never beyond the issuer's own end; "
			"default: as long "
			"as the issuer lasts"),
	YAML_FIELD(struct ca_draft, digest, conf_digest, .fallback = "sha384", .only = "local",
		.help = "the digest of its signatures; keys such as ed25519 have their own"),
	YAML_FIELD(struct ca_draft, directory, conf_url, .is_required = true, .only = "acme",
		.help = "the URL of the CA's directory; everything else it names must have the "
			"same origin, or one of `origins`"),
	YAML_FIELD(struct ca_draft, staging, conf_url, .only = "acme",
		.help = "the directory that renew --test uses, with accounts and certificates "
			"in a tree of their own"),
	YAML_FIELD_AS("trust_file", struct ca_draft, trust, conf_trust, .only = "acme",
		.help = "the certificates, as PEM, that the CA's server is verified with; "
			"default: the system's"),
	YAML_FIELD_AS("roots_file", struct ca_draft, roots, conf_trust, .only = "acme",
		.help = "the roots, as PEM, to one of which each chain of this CA must lead, "
			"such as /etc/ssl/certs/ca-certificates.crt for a public one; default: "
			"a chain need only link, and its certificate may last at most 400 "
			"days"),
	YAML_FIELD_AS("staging_roots_file", struct ca_draft, staging_roots, conf_trust,
		.only = "acme", .help = "the same for the chains of staging"),
	YAML_FIELD(struct ca_draft, contact, conf_contact, .only = "acme",
		.help = "mail addresses of the account, without mailto:; CAs need none"),
	YAML_FIELD(struct ca_draft, terms_agreed, conf_terms, .only = "acme",
		.help = "true: you have read the CA's terms of service and agree; must be "
			"given"),
	YAML_FIELD(struct ca_draft, challenge, conf_challenge, .fallback = "http-01",
		.only = "acme",
		.help = "how the CA is shown that names are yours; wildcards need one in DNS, "
			"IP addresses one without"),
	YAML_FIELD(struct ca_draft, profile, yaml_string, .only = "acme",
		.help = "the certificate profile that is asked for where the CA has it"),
	YAML_FIELD(struct ca_draft, profile_required, yaml_bool, .fallback = "false",
		.only = "acme",
		.help = "true: without that profile there is no order; false: the CA's "
			"default will do"),
	YAML_FIELD(struct ca_draft, chain, yaml_string, .only = "acme",
		.help = "the common name of the root whose chain is taken when the CA offers "
			"several"),
	YAML_FIELD(struct ca_draft, eab, eab_type, .only = "acme",
		.help = "the binding to an account that the CA knows already (RFC 8555, "
			"7.3.4)"),
	YAML_FIELD(struct ca_draft, in_flight, yaml_uint16, .min = 1, .max = 1000,
		.fallback = "16", .only = "acme",
		.help = "how many orders this CA gets side by side"),
	YAML_FIELD(struct ca_draft, limits, conf_limits, .only = "acme",
		.help = "whose limits on orders this CA has, so that none is placed that it "
			"would refuse; default: letsencrypt for its own directory, else none"),
	YAML_FIELD(struct ca_draft, origins, conf_origins, .only = "acme",
		.help = "further hosts that the directory may name or redirect to, such as "
			"https://other.ca.example; without it a CA that names another host is "
			"not followed there"),
	YAML_FIELD(struct ca_draft, proxy, conf_proxy, .only = "acme",
		.help = "the proxy by which this CA is asked, such as "
			"http://proxy.example:3128 or socks5h://proxy.example:1080; none: no "
			"proxy; default: what https_proxy, HTTPS_PROXY, all_proxy, ALL_PROXY, "
			"no_proxy and NO_PROXY in the environment of the daemon say"),
	{ 0 },
};

static const struct yaml_type ca_type = {
	.word = "CA",
	.fields = conf_ca_fields,
};

static const struct yaml_type cas_type = {
	.word = "CAs",
	.size = sizeof(const struct yaml_node *),
	.decode = conf_keep_map,
	.entry = "NAME",
	.of = &ca_type,
};

const struct yaml_field conf_target_fields[] = {
	YAML_FIELD(struct target_draft, dir, conf_path, .is_required = true,
		.help = "the folder for DIR/GROUP/SERVICE/curr/, which is exchanged as a "
			"whole"),
	YAML_FIELD(struct target_draft, hosts, conf_hosts, .fallback = "[local]",
		.help = "where the folder is"),
	YAML_FIELD(struct target_draft, owner, conf_owner,
		.help = "the owner of all files; default: the daemon's own"),
	YAML_FIELD(struct target_draft, key_mode, conf_mode, .fallback = "\"0640\"",
		.help = "the mode of files that hold a private key; others have 0644"),
	YAML_FIELD(struct target_draft, include_next, yaml_bool, .fallback = "false",
		.help = "also DIR/GROUP/SERVICE/next/ between renew and roll"),
	YAML_FIELD(struct target_draft, layout, conf_layout, .fallback = "exchange",
		.help = "how curr is switched; exchange: a directory, exchanged with the new "
			"one in one step, and where the file system cannot do that a link; "
			"link: always a link to .versions/VERSION, replaced in one step"),
	YAML_FIELD(struct target_draft, formats, conf_formats, .fallback = "[pem]",
		.help = "which files are written: pem, pkcs12, combined (key and chain in "
			"one), der, or "
			"anchor (cert.pem alone, the only one for group ca)"),
	YAML_FIELD(struct target_draft, check, conf_command,
		.help = "a command that judges the new files before they are kept; when it "
			"fails the "
			"previous ones come back"),
	YAML_FIELD(struct target_draft, after_copy, conf_command,
		.help = "a command that runs after the files were written; its failure is only "
			"told"),
	YAML_FIELD(struct target_draft, reload, conf_reload,
		.help = "how the servers learn of new files: {unit: NAME.service}, {command: "
			"[PROGRAM]}, "
			"or a list of these"),
	YAML_FIELD(struct target_draft, after, conf_references,
		.help = "targets that come before this one"),
	YAML_FIELD(struct target_draft, password_file, conf_path,
		.help = "holds the password for format pkcs12"),
	{ 0 },
};

static const struct yaml_type target_type = {
	.word = "target",
	.fields = conf_target_fields,
};

static const struct yaml_type targets_type = {
	.word = "targets",
	.size = sizeof(const struct yaml_node *),
	.decode = conf_keep_map,
	.entry = "NAME",
	.of = &target_type,
};

static const struct yaml_field control_fields[] = {
	YAML_FIELD(struct control_draft, socket, conf_path,
		.fallback = "/run/certd/control.sock",
		.help = "the control socket; under systemd the socket unit names it"),
	YAML_FIELD(struct control_draft, observe, conf_principals, .fallback = "[\"@adm\"]",
		.help = "who may read"),
	YAML_FIELD(struct control_draft, operate, conf_principals, .fallback = "[\"@certd\"]",
		.help = "who may also renew, roll, deploy and cancel"),
	YAML_FIELD(struct control_draft, admin, conf_principals, .fallback = "[root]",
		.help = "who may do everything; root always may, and the daemon's own user "
			"when it was "
			"not started as root"),
	{ 0 },
};

static const struct yaml_type control_type = {
	.word = "map",
	.size = sizeof(struct control_draft),
	.decode = yaml_decode_nested,
	.fields = control_fields,
};

const struct yaml_field conf_hook_fields[] = {
	YAML_FIELD_AS("before_issue", struct hooks_draft, at[HOOK_BEFORE_ISSUE], conf_command,
		.help = "runs before a certificate is issued; a failure prevents it"),
	YAML_FIELD_AS("after_issue", struct hooks_draft, at[HOOK_AFTER_ISSUE], conf_command,
		.help = "runs after a certificate was issued"),
	YAML_FIELD_AS("before_roll", struct hooks_draft, at[HOOK_BEFORE_ROLL], conf_command,
		.help = "runs before the next version becomes current; a failure prevents it"),
	YAML_FIELD_AS("after_roll", struct hooks_draft, at[HOOK_AFTER_ROLL], conf_command,
		.help = "runs after the next version became current"),
	{ 0 },
};

static const struct yaml_type hooks_type = {
	.word = "map",
	.size = sizeof(struct hooks_draft),
	.decode = yaml_decode_nested,
	.fields = conf_hook_fields,
};

const struct yaml_field conf_top_fields[] = {
	YAML_FIELD(struct top_draft, state_dir, conf_path, .fallback = "/var/lib/certd",
		.help = "where keys, certificates and facts are stored"),
	YAML_FIELD(struct top_draft, user, yaml_string, .fallback = "certd",
		.help = "the user of the engine when certd is started as root"),
	YAML_FIELD(struct top_draft, include, conf_words,
		.help = "patterns of further files, relative to this one; maps merge, the same "
			"entry "
			"twice is an error"),
	YAML_FIELD(struct top_draft, control, control_type,
		.help = "the control socket and its users"),
	YAML_FIELD(struct top_draft, defaults, defaults_type,
		.help = "what holds for every certificate that does not say otherwise; any key "
			"of a "
			"certificate may stand here"),
	YAML_FIELD(struct top_draft, cas, cas_type, .help = "who signs certificates"),
	YAML_FIELD(struct top_draft, http, conf_http,
		.help = "how challenges of the kind http-01 are answered"),
	YAML_FIELD(struct top_draft, tls_alpn, conf_tls_alpn,
		.help = "how challenges of the kind tls-alpn-01 are answered"),
	YAML_FIELD(struct top_draft, dns, conf_dns,
		.help = "name servers: whom to ask, and how records get into zones"),
	YAML_FIELD(struct top_draft, groups, groups_type,
		.help = "the certificates, in groups: ca, or an apex domain"),
	YAML_FIELD(struct top_draft, targets, targets_type,
		.help = "where certificates are copied to"),
	YAML_FIELD(struct top_draft, hooks, hooks_type,
		.help = "commands around issue and roll, as argument lists without a shell"),
	{ 0 },
};

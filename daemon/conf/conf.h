/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CONF_CONF_H
#define CERTD_DAEMON_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "lib/base/buf.h"
#include "lib/base/instant.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/yaml/diag.h"

struct err;

/*
 * A configuration is parsed, checked, immutable and counted.
 *
 * The keeper reads the files once (conf_read_files), decodes them (conf_load) and hands the
 * same names and bytes to the engine, which decodes them again; so both hold equal structs and
 * none travels.  A running job keeps the generation it began with (conf_ref); reload makes a
 * new one and compares (conf_differ).  Values are in final form: names are A-labels, paths
 * absolute ("credential:x" resolved), references are indexes, owners are numbers.  Strings live
 * in the arena.  A struct conf does not change after conf_load() returned it.
 */

/* A list of words: a command without a shell, or plain names.  n == 0: absent. */
struct words {
	char **at;
	size_t n;
};

/* A principal may use the control socket: a user or a group; unknown names match none. */
struct principal {
	const char *name; /* without "@" */
	bool is_group;
	bool is_known;
	uint32_t id;
};

struct principals {
	struct principal *at;
	size_t n;
};

struct curve_point {
	struct duration life, left;
};

/* When to renew (contract, `renew`).  Points are sorted by life. */
struct renew_conf {
	struct curve_point *curve;
	size_t n_curve;
	struct duration spread;
	bool ari;
};

/* A weekly window in local time; from == to means the whole day. */
struct window {
	uint8_t days;  /* bit 0: Sunday, as tm_wday */
	uint16_t from; /* minutes after midnight */
	uint16_t to;   /* may lie before `from`: ends on the next day */
};

struct roll_conf {
	struct duration min_age;
	struct window *windows; /* none: always open */
	size_t n_windows;
};

/* One attribute of a subject, in the order of the file. */
struct subject_field {
	const char *key; /* CN O OU C ST L emailAddress ... as OpenSSL names them */
	const char *value;
};

enum purpose {
	PURPOSE_SERVER_AUTH = 1,
	PURPOSE_CLIENT_AUTH = 2,
	PURPOSE_EMAIL = 4,
	PURPOSE_CODE_SIGNING = 8,
	PURPOSE_TIME_STAMPING = 16,
	PURPOSE_OCSP_SIGNING = 32,
};

/* How a CA is shown that a name is ours (proto/challenges.def). */
enum challenge {
#define CHALLENGE(id, word, help) CHALLENGE_##id,
#include "proto/challenges.def"
#undef CHALLENGE
	CHALLENGE_COUNT
};

/* The CA's own word for it, "http-01", and back; CHALLENGE_COUNT if unknown. */
const char *challenge_text(enum challenge challenge);
enum challenge challenge_parse(const char *text);

/* Is it answered by a record in DNS? */
static inline bool challenge_is_dns(enum challenge challenge)
{
	return challenge == CHALLENGE_DNS || challenge == CHALLENGE_DNS_ACCOUNT ||
	       challenge == CHALLENGE_DNS_PERSIST;
}

/* Whose limits are known and kept, so that the CA need not refuse. */
enum limits { LIMITS_NONE, LIMITS_LETSENCRYPT };

/* The keys of `type: acme`.  Its URLs passed url_check() (lib/wire/url.h). */
struct acme_conf {
	const char *directory;
	const char *staging; /* the directory for `renew --test`, or NULL */
	const char *trust;   /* certificates as PEM text; NULL: the system's */
	const char *roots;   /* so of what its chains must lead to; NULL: to any */
	const char *staging_roots;
	const char *const *contact; /* mail addresses, without "mailto:" */
	size_t n_contact;
	bool terms_agreed; /* always true behind conf_load() */
	enum challenge challenge;
	const char *profile; /* or NULL */
	bool profile_required;
	const char *chain;   /* the root's name of the preferred alternate chain, or NULL */
	const char *eab_kid; /* NULL: no external account binding */
	const char *eab_hmac_file; /* read by the keeper when it signs */
	struct yaml_place eab_hmac_place;
	const char *eab_algorithm;  /* one of jws_macs (lib/crypt/jws.h) */
	unsigned in_flight;         /* orders side by side, at least 1 */
	const char *const *origins; /* URLs: further hosts that the CA may name */
	size_t n_origins;
	const char *proxy; /* URL; "": none; NULL: what the environment says */
	enum limits limits;
	uint64_t digest; /* of all of the above; of eab_hmac_file the name alone */
};

enum ca_type { CA_LOCAL, CA_ACME };

struct ca_conf {
	const char *name;
	struct yaml_place place;
	enum ca_type type;
	uint32_t
		issuer; /* index in conf->certs of the certificate that signs; or CA_NO_ISSUER */
	/* the lifetime it gives; 0: as long as the issuer, or as it likes */
	struct duration lifetime;
	const char *digest;           /* OpenSSL's name, "sha384" */
	const struct acme_conf *acme; /* for CA_ACME, else NULL */
	uint64_t issue_digest;        /* of all keys, and of the way to pass its challenge */
};

/* The issuer of a CA that is not local: nothing of ours signs. */
#define CA_NO_ISSUER UINT32_MAX

/* `ca: self` */
#define CA_SELF UINT32_MAX

enum reload_action { RELOAD_OR_RESTART, RELOAD_ONLY, RELOAD_RESTART };

/* One step that makes a server read its new files: a unit job over D-Bus, or a command. */
struct reload_conf {
	const char *unit; /* NULL: `command` */
	enum reload_action action;
	struct words command;
};

enum format {
	FORMAT_PEM = 1,
	FORMAT_PKCS12 = 2,
	FORMAT_COMBINED = 4,
	FORMAT_DER = 8,
	FORMAT_ANCHOR = 16,
};

/* How curr is switched. */
enum layout { LAYOUT_EXCHANGE, LAYOUT_LINK };

struct target_conf {
	const char *name;
	struct yaml_place place;
	const char *dir;
	uid_t uid; /* (uid_t)-1: the daemon's own */
	gid_t gid;
	mode_t key_mode;
	bool include_next;
	enum layout layout;
	unsigned formats;        /* enum format, or-ed */
	struct words check;      /* before the switch is kept */
	struct words after_copy; /* not fatal */
	struct reload_conf *reload;
	size_t n_reload;
	const char *password_file; /* for pkcs12, or NULL */
	struct yaml_place password_place;
	uint32_t *after; /* indexes of targets that come first */
	size_t n_after;
	uint64_t deploy_digest; /* of all keys */
};

enum hook {
	HOOK_BEFORE_ISSUE,
	HOOK_AFTER_ISSUE,
	HOOK_BEFORE_ROLL,
	HOOK_AFTER_ROLL,
	HOOK_COUNT
};

/* The key of a hook, "before_issue", and back; HOOK_COUNT if unknown. */
const char *hook_text(enum hook hook);
enum hook hook_parse(const char *text);

/*
 * Where to listen or whom to ask: an address with a port, or (name servers only) a host's name that
 * is still to be looked up; then len is 0.
 */
struct endpoint {
	const char *text; /* as configured */
	const char *host; /* the address in canonical form, or the name */
	uint16_t port;
	socklen_t len;
	struct sockaddr_storage addr;
};

struct endpoints {
	struct endpoint *at;
	size_t n;
};

struct http_conf {
	struct endpoint *listen; /* the built-in responder of http-01 */
	size_t n_listen;
	bool hold_always; /* bound all the time, else only while a challenge is shown */
	const char
		*webroot; /* absolute, with %{group}, %{service}, %{cert} (expand.h), or NULL */
	struct yaml_place webroot_place;
};

struct tls_alpn_conf {
	struct endpoint *listen;
	size_t n_listen;
};

enum publish_type { PUBLISH_NONE, PUBLISH_INCLUDE, PUBLISH_UPDATE, PUBLISH_COMMAND };

/* Where its keys stand that name something on this machine. */
struct publish_places {
	struct yaml_place acme_dir, tlsa_dirs, refresh, add, remove, secret_file;
};

/* The way by which records get into a zone.  Keys of other types are absent. */
struct publish_conf {
	enum publish_type type;
	const char *acme_dir;     /* include: the folder of acme-challenge.APEX, or NULL */
	struct words tlsa_dirs;   /* include: the folders of tlsa.APEX */
	struct words refresh;     /* include: the command after a change */
	struct words add, remove; /* command: ZONE NAME TTL TYPE RDATA are appended */
	struct endpoint server;   /* update */
	const char *
		tsig_name; /* update: the key as an A-label name without the final dot, or NULL */
	const char *tsig_algorithm; /* "hmac-sha256" */
	const char *tsig_secret_file;
	const struct publish_places *places; /* NULL: nothing is published */
};

/* To which of a zone's names aliases from elsewhere may lead a challenge (challenge.h). */
enum aliases { ALIASES_MARKED, ALIASES_ANY, ALIASES_NONE };

/* A zone takes keys that it lacks from the entry `default`. */
struct zone_conf {
	struct yaml_place place;
	const char *name;             /* the apex; NULL for the entry `default` */
	struct endpoint primary;      /* text NULL: from the SOA record */
	struct endpoints nameservers; /* none: from the NS records, unless */
	bool has_nameservers;         /* they are given: `[]` is none that can be asked */
	struct endpoints anycast;
	struct publish_conf publish;
	enum aliases aliases;
	uint64_t digest; /* of all of the above */
	bool has_names;  /* some certificate's name lies in it, and in no longer one */
};

struct dns_conf {
	struct endpoints resolver; /* none: the system's, whose AD bit says nothing */
	struct endpoints extra;    /* asked besides a zone's own servers */
	bool extra_required;       /* one that answers without the value blocks */
	struct duration check_delay, deadline, challenge_ttl;
	struct zone_conf *zones; /* sorted by name */
	size_t n_zones;
	const struct zone_conf *fallback; /* the entry `default`, or NULL */
};

/*
 * One certificate.  Idle ones are counted in hundreds of thousands, so the struct is small and what
 * equal certificates share (renew, roll, subject) is shared through pointers.
 */
struct cert_conf {
	const char *name;    /* "GROUP/SERVICE" */
	const char *service; /* points behind the slash of `name` */
	const char *was;     /* older name whose history is kept, or NULL */
	uint32_t *cas;       /* indexes in conf->cas, or CA_SELF; tried in order */
	char **names;      /* A-labels, lower case, "*." allowed; or IP addresses, canonical */
	uint32_t *targets; /* indexes in conf->targets, those that come first first */
	const struct subject_field *subject;
	const struct renew_conf *renew;
	const struct roll_conf *roll;
	const char *key;          /* key type, as configured: "ec:secp384r1" */
	struct duration lifetime; /* the lifetime it wants; 0: that of the CA */
	struct duration key_max_age;
	struct duration warn_before;
	/* Of the keys that make it another certificate: names, subject, key, CA, purposes. */
	uint64_t digest;
	/*
	 * Of all that issuing and rolling depend on: the CAs, the zones of its names and the
	 * hooks as well. The upper 32 bits are of the certificate and the keys of its CAs
	 * alone.
	 */
	uint64_t issue_digest;
	uint32_t place; /* its index in conf->certs */
	uint16_t n_cas, n_names, n_targets, n_subject;
	uint16_t keep;
	int16_t path_length; /* -1: none */
	uint8_t purposes;    /* enum purpose, or-ed */
	bool is_ca;          /* in group `ca` */
	bool reuse_key, is_auto, is_active;
};

struct conf {
	unsigned refs;
	struct arena arena;
	const char *state_dir;
	const char *user; /* the engine's, when started as root */
	const char *socket;
	struct yaml_place socket_place; /* the top of the first file when it is not written */
	struct principals observe, operate, admin;
	struct ca_conf *cas;
	size_t n_cas;
	struct target_conf *targets;
	size_t n_targets;
	struct cert_conf *certs; /* sorted by name */
	size_t n_certs;
	struct words hooks[HOOK_COUNT];
	struct http_conf http;
	struct tls_alpn_conf tls_alpn;
	struct dns_conf dns;
	struct map cert_by_name; /* name -> struct cert_conf */
};

/* The files of one configuration, as read: what the keeper seals into a memfd for the engine. */
struct conf_file {
	char *path; /* absolute */
	char *data;
	size_t len;
};

/*
 * Notes of the first decoding on this machine (numbers of users and groups, the folder of the
 * credentials, the certificates of a trust_file or roots_file, the stamps of secret files) are
 * text lines here and travel with the files, so that the engine in its sandbox decodes to the
 * same without asking.
 */
struct conf_files {
	struct conf_file *at;
	size_t n;
	struct buf notes;
	bool is_unpacked; /* only the notes are used, the machine is not asked */
};

#define CONF_FILE_MAX ((size_t)64 * 1024 * 1024)
#define CONF_FILES_MAX 4096

/*
 * Reads `path` and the files of its `include` patterns, each once.  A file that cannot be read
 * becomes a diagnostic.  0, or -1 when there is any error among the diagnostics; conf_load()
 * may follow all the same (and then returns NULL), so that one run tells everything.
 */
int conf_read_files(const char *path, struct conf_files *out, struct yaml_diags *diags);
void conf_files_done(struct conf_files *files);

/*
 * The files as one block of bytes for the memfd, and back; -1 with `err` when malformed.  Pack
 * after conf_load(), which makes the notes.
 */
void conf_files_pack(const struct conf_files *files, struct buf *out);
int conf_files_unpack(const char *data, size_t len, struct conf_files *out, struct err *err);

/*
 * Decodes and checks.  Every mistake becomes a diagnostic, in file order.  Returns a configuration
 * with one reference, or NULL when there is any error; warnings alone do not prevent it.
 */
struct conf *conf_load(struct conf_files *files, struct yaml_diags *diags);

struct conf *conf_ref(struct conf *conf);
void conf_unref(struct conf *conf); /* NULL is fine */

const struct cert_conf *conf_cert(const struct conf *conf, const char *name);
const struct target_conf *conf_target(const struct conf *conf, const char *name);

/*
 * Where a target keeps the files of a certificate: DIR/GROUP/SERVICE, above curr.  The caller
 * frees it.
 */
char *target_conf_dir(const struct target_conf *target, const struct cert_conf *cert);

/*
 * The target of the certificate that keeps its files in this directory; NULL: none is
 * configured so.
 */
const struct target_conf *cert_conf_target_in(
	const struct conf *conf, const struct cert_conf *cert, const char *dir);

/*
 * May the copy that `target` has in this directory be in use?  A target whose directory was
 * changed keeps its copy in the old one until a deploy to the new one has passed its check.
 */
bool cert_conf_uses_dir(const struct conf *conf, const struct cert_conf *cert,
	const char *target, const char *dir);
const struct ca_conf *conf_ca(const struct conf *conf, const char *name);

/*
 * The zone of an owner name or of a certificate's name (a wildcard's is that of the name behind
 * it): the longest that holds it, else the entry `default`, else NULL.
 */
const struct zone_conf *conf_zone(const struct conf *conf, const char *owner);

/* The group of a certificate into out ("example.com"). */
const char *cert_conf_group(const struct cert_conf *cert, char out[256]);

/*
 * Tells by calls which certificates a reload changes (an ACME CA's keys and the ways to pass
 * its challenge among it): removed ones with new == NULL, added ones with old == NULL.
 */
void conf_differ(const struct conf *old, const struct conf *new,
	void (*tell)(const struct cert_conf *old, const struct cert_conf *new, void *data),
	void *data);

/* `certd --explain KEY` and `--schema`: from the same tables.  -1 when there is no such key. */
int conf_explain(const char *key, struct buf *out, struct err *err);
void conf_schema(struct buf *out);

/* The reference part of certd.yaml(5), in mdoc. */
void conf_manual(struct buf *out);

#endif

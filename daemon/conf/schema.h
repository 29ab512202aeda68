/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CONF_SCHEMA_H
#define CERTD_DAEMON_CONF_SCHEMA_H

#include "daemon/conf/conf.h"
#include "lib/yaml/decode.h"

/*
 * A draft is what the tables fill before it becomes a struct conf; this header is the inside of
 * daemon/conf.
 *
 * conf_load() goes through four steps.  The trees of all files are merged (load.c); the tables
 * of schema.c decode them into the drafts below (types*.c hold the decoders of single values);
 * certs.c makes the compact certificates out of their drafts, sharing equal parts; check.c
 * checks what needs more than one value.  A draft keeps the nodes of its references, so that
 * check.c can point at them.
 */

/* A named entry of a section, and where it stands. */
struct conf_entry {
	const char *name;
	const struct yaml_node *key, *value;
};

struct conf_entries {
	struct conf_entry *at;
	size_t n;
};

struct eab_draft {
	const char *kid, *hmac_file, *algorithm;
};

struct ca_draft {
	int type; /* enum ca_type; -1: told as wrong */
	/* local */
	const struct yaml_node *issuer;
	struct duration lifetime;
	const char *digest;
	/* acme */
	const char *directory, *staging, *trust, *roots, *staging_roots;
	struct words contact;
	bool terms_agreed;
	enum challenge challenge;
	const char *profile;
	bool profile_required;
	const char *chain;
	struct eab_draft eab;
	uint16_t in_flight;
	struct words origins;
	const char *proxy;
	int limits; /* enum limits; -1: by the directory's host */
};

struct tsig_draft {
	const char *name, *algorithm, *secret_file;
};

struct publish_draft {
	enum publish_type type;
	const char *acme_dir;
	struct words tlsa_dirs;
	struct words refresh, add, remove;
	struct endpoint server;
	struct tsig_draft tsig;
	const struct publish_places *places;
};

struct zone_draft {
	struct endpoint primary;
	struct endpoints nameservers, anycast;
	struct publish_draft publish;
	enum aliases aliases;
};

struct dns_draft {
	struct endpoints resolver, extra_nameservers;
	bool extra_required;
	struct duration check_delay, deadline, challenge_ttl;
	const struct yaml_node *zones;
};

struct http_draft {
	struct endpoints listen;
	bool hold_always;
	const char *webroot;
};

struct tls_alpn_draft {
	struct endpoints listen;
};

struct owner {
	uid_t uid;
	gid_t gid;
};

struct reload_list {
	struct reload_conf *at;
	size_t n;
};

struct target_draft {
	struct words hosts;
	const char *dir;
	struct owner owner;
	mode_t key_mode;
	bool include_next;
	enum layout layout;
	unsigned formats;
	struct words check, after_copy;
	struct reload_list reload;
	const struct yaml_node *after;
	const char *password_file;
};

struct subject_list {
	struct subject_field *at;
	size_t n;
};

struct cert_draft {
	const struct yaml_node *ca, *deploy, *was;
	struct words names;
	struct subject_list subject;
	const char *key;
	struct duration lifetime;
	struct renew_conf renew;
	struct roll_conf roll;
	bool reuse_key;
	struct duration key_max_age;
	uint16_t keep;
	struct duration warn_before;
	bool is_auto, is_active;
	int16_t path_length;
	uint8_t purposes;
};

struct control_draft {
	const char *socket;
	struct principals observe, operate, admin;
};

struct hooks_draft {
	struct words at[HOOK_COUNT];
};

struct top_draft {
	const char *state_dir, *user;
	struct words include;
	struct control_draft control;
	const struct yaml_node *defaults, *cas, *groups, *targets;
	struct http_draft http;
	struct tls_alpn_draft tls_alpn;
	struct dns_draft dns;
	struct hooks_draft hooks;
};

/* The tables (schema.c, schema_dns.c). */
extern const struct yaml_field conf_top_fields[];
extern const struct yaml_field conf_ca_fields[];
extern const struct yaml_field conf_cert_fields[];
extern const struct yaml_field conf_target_fields[];
extern const struct yaml_field conf_hook_fields[]; /* in the order of enum hook */
extern const struct yaml_field conf_zone_fields[];
extern const struct yaml_field conf_publish_fields[];
extern const struct yaml_type conf_http;     /* struct http_draft */
extern const struct yaml_type conf_tls_alpn; /* struct tls_alpn_draft */
extern const struct yaml_type conf_dns;      /* struct dns_draft */

/* Words and lists (types.c). */
extern const struct yaml_type conf_path;       /* const char *, absolute */
extern const struct yaml_type conf_paths;      /* struct words */
extern const struct yaml_type conf_words;      /* struct words */
extern const struct yaml_type conf_command;    /* struct words */
extern const struct yaml_type conf_principals; /* struct principals */
extern const struct yaml_type conf_reference;  /* const struct yaml_node *, a text */
extern const struct yaml_type conf_references; /* const struct yaml_node *, a text or a list */

/* A list of texts, each not empty unless quoted; false after telling that one is wrong. */
bool conf_texts(struct yaml_decoder *d, const struct yaml_value *v, const char *wanted,
	struct words *out);

/* The item of a list as a value of its own, with its path in `path`. */
struct yaml_value conf_item(const struct yaml_value *v, struct yaml_path *path,
	const struct yaml_node *items, size_t i);

/* `text` beside the file that `node` stands in, unless it is absolute. */
const char *conf_absolute(
	struct yaml_decoder *d, const struct yaml_node *node, const char *text);

/* Where the value of `key` stands; `otherwise` when it is not given, or `map` is NULL. */
struct yaml_place conf_place_in(
	const struct yaml_node *map, const char *key, struct yaml_place otherwise);

/* The decode() of a section whose entries are decoded later: const struct yaml_node *, a map. */
void conf_keep_map(struct yaml_decoder *d, const struct yaml_value *v, void *out);

/* Values of certificates (types_cert.c). */
extern const struct yaml_type conf_names;
extern const struct yaml_type conf_subject;
extern const struct yaml_type conf_purposes;
extern const struct yaml_type conf_key;
extern const struct yaml_type conf_digest;

/* Values of CAs (types_ca.c). */
extern const struct yaml_type conf_ca_type;   /* enum ca_type, -1 for a wrong one */
extern const struct yaml_type conf_url;       /* const char * */
extern const struct yaml_type conf_origins;   /* struct words: https URLs without a path */
extern const struct yaml_type conf_proxy;     /* const char *: a URL, or "" */
extern const struct yaml_type conf_trust;     /* const char *: PEM text */
extern const struct yaml_type conf_contact;   /* struct words */
extern const struct yaml_type conf_terms;     /* bool */
extern const struct yaml_type conf_challenge; /* enum challenge */
extern const struct yaml_type conf_mac;       /* const char *, one of jws_macs */
extern const struct yaml_type conf_limits;    /* int: enum limits */

/* Values of http, tls_alpn and dns (types_net.c, types_dns.c). */
extern const struct yaml_type conf_listen;    /* struct endpoints: addresses with ports */
extern const struct yaml_type conf_server;    /* struct endpoint: a name server */
extern const struct yaml_type conf_servers;   /* struct endpoints */
extern const struct yaml_type conf_addresses; /* struct endpoints: name servers without names */
extern const struct yaml_type conf_webroot;   /* const char * */
extern const struct yaml_type conf_hold;      /* bool: always */
extern const struct yaml_type conf_extra;     /* bool: require */
extern const struct yaml_type conf_aliases;   /* enum aliases */
extern const struct yaml_type conf_publish;   /* struct publish_draft, whole */
extern const struct yaml_type conf_publish_type;   /* enum publish_type */
extern const struct yaml_type conf_tsig_name;      /* const char * */
extern const struct yaml_type conf_tsig_algorithm; /* const char * */

/* Values of renew and roll (types_time.c). */
extern const struct yaml_type conf_curve;
extern const struct yaml_type conf_windows;

/* Values of targets (types_target.c). */
extern const struct yaml_type conf_hosts;
extern const struct yaml_type conf_owner;
extern const struct yaml_type conf_mode;
extern const struct yaml_type conf_layout; /* enum layout */
extern const struct yaml_type conf_formats;
extern const struct yaml_type conf_reload;

/*
 * Answers of this machine (machine.c); `files` holds the notes.  False when there is no such
 * user.
 */
bool machine_user(struct conf_files *files, const char *name, uint32_t *out);
bool machine_group(struct conf_files *files, const char *name, uint32_t *out);

/* $CREDENTIALS_DIRECTORY, or NULL.  Lives as long as `files`' notes do not change. */
const char *machine_credentials(struct conf_files *files, struct arena *arena);

/*
 * The certificates of a trust_file or roots_file, encoded anew as PEM text in `arena`; NULL
 * with `err` when the file cannot be read or holds anything else.
 */
#define TRUST_MAX ((size_t)1024 * 1024)
const char *machine_trust(
	struct conf_files *files, const char *path, struct arena *arena, struct err *err);

/*
 * The stamp of a secret file, for the digests: another one when the file was written, replaced
 * or given to another owner since.  It is made of inode, size, mtime and ctime.  The content is
 * not in it: the engine has the stamp, and could try short passphrases against a digest of the
 * content.  A credential of systemd has another stamp after each restart, because its copy is
 * made anew.  0: no path.
 *
 * machine_read_stamps() comes first; it takes what the notes have.
 */
struct loading;
void machine_read_stamps(struct loading *l);
uint64_t machine_stamp(struct loading *l, const char *path);

/* The texts of a reference node: one, or those of a list. */
#define REFERENCES_MAX 256
size_t reference_count(const struct yaml_node *node);
const struct yaml_node *reference_at(const struct yaml_node *node, size_t i);

/* Everything of one conf_load(): the decoders' world. */
struct loading {
	struct conf *conf;
	struct conf_files *files;
	struct yaml_diags *diags;
	struct arena arena; /* trees and drafts; gone when conf_load() returns */
	struct top_draft top;
	const struct yaml_node *http_node, *dns_node; /* these sections, or NULL */
	struct conf_entries cas, targets;
	struct ca_draft *ca_drafts;         /* beside conf->cas */
	struct target_draft *target_drafts; /* beside conf->targets */
	struct map ca_by_name, target_by_name;
	struct map stamps;                     /* path to uint64_t */
	const char **ca_names, **target_names; /* NULL-terminated, for near misses */
	struct cert_draft defaults;
	uint64_t defaults_given;
	struct cert_source *sources; /* beside conf->certs; on the heap */
	size_t n_sources;
	bool has_bad_tree;
};

/* The source of a certificate, for check.c.  Keys that it was not given itself are NULL. */
struct cert_source {
	struct cert_conf cert;
	const struct yaml_node *key, *value, *was;
};

/* May a CA, target or certificate be called this?  It becomes a file name. */
#define ENTRY_NAME_MAX 200
bool entry_name_is_good(const char *name);

/* Decodes `cas` (load_ca.c), and `http`, `tls_alpn` and `dns` (load_dns.c). */
void cas_load(struct loading *l);
void dns_load(struct loading *l);

/* When the certificates are known: which zones hold names of theirs. */
void dns_note_names(struct conf *conf);

/* The entries of a section with free names, sorted by name (entries.c). */
struct conf_entries conf_entries_of(
	struct loading *l, const struct yaml_node *section, const struct yaml_path *path);

/* Their names for near misses, and an index that holds the place plus one. */
const char **conf_entries_index(
	struct loading *l, const struct conf_entries *entries, struct map *by_name_out);

/* Decodes all of `groups` into conf->certs, sorted and indexed (certs.c). */
void certs_load(struct loading *l);

/* Tells what no single value can (check.c, check_acme.c, check_cert.c). */
void conf_check(struct loading *l);
void check_acme(struct loading *l);
void check_certs(struct loading *l);

/* The place of `name` in `by_name`, which holds index + 1; -1 after telling, with a near miss. */
int64_t reference_find(struct loading *l, const struct yaml_node *node,
	const struct yaml_path *path, const struct map *by_name, const char *const *names,
	const char *what);

/*
 * The hashes of configured things (digests.c): acme_conf.digest, zone_conf.digest, and for a
 * configuration without errors those that need all of it.
 */
uint64_t acme_conf_digest(const struct acme_conf *acme);
uint64_t zone_conf_digest(struct loading *l, const struct zone_conf *zone);
void conf_add_digests(struct loading *l);

/* The hash behind cert_conf.digest (digest.c). */
uint64_t cert_conf_digest(const struct conf *conf, const struct cert_conf *cert);

#endif

#ifndef CERTD_DAEMON_CONF_SCHEMA_H
#define CERTD_DAEMON_CONF_SCHEMA_H

#include "daemon/conf/conf.h"
#include "lib/yaml/decode.h"

/*
 * The inside of daemon/conf: what the tables fill before it becomes a struct conf.
 *
 * conf_load() goes through four steps.  The trees of all files are merged (load.c); the tables of
 * schema.c decode them into the drafts below (types*.c hold the decoders of single values);
 * certs.c makes the compact certificates out of their drafts, sharing what is equal; check.c looks
 * at what no single value can tell.  A draft keeps the nodes of its references, so that check.c
 * can point at them.
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

struct ca_draft {
	int type;
	const struct yaml_node *issuer;
	struct duration lifetime;
	const char *digest;
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
	struct hooks_draft hooks;
};

/* The tables (schema.c). */
extern const struct yaml_field conf_top_fields[];
extern const struct yaml_field conf_ca_fields[];
extern const struct yaml_field conf_cert_fields[];
extern const struct yaml_field conf_target_fields[];
extern const struct yaml_field conf_hook_fields[]; /* in the order of enum hook */

/* Words and lists (types.c). */
extern const struct yaml_type conf_path;       /* const char *, absolute */
extern const struct yaml_type conf_words;      /* struct words */
extern const struct yaml_type conf_command;    /* struct words */
extern const struct yaml_type conf_principals; /* struct principals */
extern const struct yaml_type conf_reference;  /* const struct yaml_node *, a text */
extern const struct yaml_type conf_references; /* const struct yaml_node *, a text or a list */

/* The decode() of a section whose entries are decoded later: const struct yaml_node *, a map. */
void conf_keep_map(struct yaml_decoder *d, const struct yaml_value *v, void *out);

/* Values of certificates and CAs (types_cert.c). */
extern const struct yaml_type conf_names;
extern const struct yaml_type conf_subject;
extern const struct yaml_type conf_purposes;
extern const struct yaml_type conf_key;
extern const struct yaml_type conf_digest;
extern const struct yaml_type conf_ca_type;

/* Values of renew and roll (types_time.c). */
extern const struct yaml_type conf_curve;
extern const struct yaml_type conf_windows;

/* Values of targets (types_target.c). */
extern const struct yaml_type conf_hosts;
extern const struct yaml_type conf_owner;
extern const struct yaml_type conf_mode;
extern const struct yaml_type conf_formats;
extern const struct yaml_type conf_reload;

/* What this machine says (machine.c); `files` holds the notes.  False when there is no such one. */
bool machine_user(struct conf_files *files, const char *name, uint32_t *out);
bool machine_group(struct conf_files *files, const char *name, uint32_t *out);

/* $CREDENTIALS_DIRECTORY, or NULL.  Lives as long as `files`' notes do not change. */
const char *machine_credentials(struct conf_files *files, struct arena *arena);

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
	struct conf_entries cas, targets;
	struct ca_draft *ca_drafts;         /* beside conf->cas */
	struct target_draft *target_drafts; /* beside conf->targets */
	struct map ca_by_name, target_by_name;
	const char **ca_names, **target_names; /* NULL-terminated, for near misses */
	struct cert_draft defaults;
	uint64_t defaults_given;
	struct cert_source *sources; /* beside conf->certs; on the heap */
	size_t n_sources;
	bool has_bad_tree;
};

/* Where a certificate comes from, for check.c.  What it was not given itself is NULL. */
struct cert_source {
	struct cert_conf cert;
	const struct yaml_node *key, *value, *was;
};

/* May a CA, target or certificate be called this?  It becomes a file name. */
#define ENTRY_NAME_MAX 200
bool entry_name_is_good(const char *name);

/* Decodes all of `groups` into conf->certs, sorted and indexed (certs.c). */
void certs_load(struct loading *l);

/* Tells what no single value can (check.c, check_cert.c). */
void conf_check(struct loading *l);
void check_certs(struct loading *l);

/* The place of `name` in `by_name`, which holds index + 1; -1 after telling, with a near miss. */
int64_t reference_find(struct loading *l, const struct yaml_node *node,
	const struct yaml_path *path, const struct map *by_name, const char *const *names,
	const char *what);

/* The hash behind cert_conf.digest (digest.c). */
uint64_t cert_conf_digest(const struct conf *conf, const struct cert_conf *cert);

#endif

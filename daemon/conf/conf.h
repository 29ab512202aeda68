#ifndef CERTD_DAEMON_CONF_CONF_H
#define CERTD_DAEMON_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/buf.h"
#include "lib/base/instant.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/yaml/diag.h"

struct err;

/*
 * The configuration: parsed, checked, immutable and counted.
 *
 * The keeper reads the files once (conf_read_files), decodes them (conf_load) and hands the same
 * names and bytes to the engine, which decodes them again; so both hold equal structs and none
 * travels.  A running job keeps the generation it began with (conf_ref); reload makes a new one
 * and compares (conf_differ).  Everything is in final form: names are A-labels, paths absolute
 * ("credential:x" resolved), references are indexes, owners are numbers.  Strings live in the
 * arena.  Nobody changes a struct conf after conf_load() returned it.
 */

/* A list of words: a command without a shell, or plain names.  n == 0: absent. */
struct words {
	char **at;
	size_t n;
};

/* Who may use the control socket: a user or a group; unknown names match nobody. */
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

enum ca_type { CA_LOCAL };

struct ca_conf {
	const char *name;
	enum ca_type type;
	uint32_t issuer;          /* index in conf->certs of the certificate that signs */
	struct duration lifetime; /* what it gives; 0: as long as the issuer lasts */
	const char *digest;       /* OpenSSL's name, "sha384" */
};

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

struct target_conf {
	const char *name;
	struct yaml_place place;
	const char *dir;
	uid_t uid; /* (uid_t)-1: the daemon's own */
	gid_t gid;
	mode_t key_mode;
	bool include_next;
	unsigned formats;        /* enum format, or-ed */
	struct words check;      /* before the switch is kept */
	struct words after_copy; /* not fatal */
	struct reload_conf *reload;
	size_t n_reload;
	const char *password_file; /* for pkcs12, or NULL */
	uint32_t *after;           /* indexes of targets that come first */
	size_t n_after;
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
	struct duration lifetime; /* what it wants; 0: what the CA gives */
	struct duration key_max_age;
	struct duration warn_before;
	uint64_t
		digest; /* of what makes a certificate another one: names, subject, key, CA, purposes */
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
	struct principals observe, operate, admin;
	struct ca_conf *cas;
	size_t n_cas;
	struct target_conf *targets;
	size_t n_targets;
	struct cert_conf *certs; /* sorted by name */
	size_t n_certs;
	struct words hooks[HOOK_COUNT];
	struct map cert_by_name; /* name -> struct cert_conf */
};

/* The files of one configuration, as read: what the keeper seals into a memfd for the engine. */
struct conf_file {
	char *path; /* absolute */
	char *data;
	size_t len;
};

/*
 * What the first decoding learned from this machine (numbers of users and groups, the folder of
 * the credentials) is noted here as text lines and travels with the files, so that the engine in
 * its sandbox decodes to the same without asking.
 */
struct conf_files {
	struct conf_file *at;
	size_t n;
	struct buf notes;
	bool is_unpacked; /* the notes are all there is: ask nobody */
};

#define CONF_FILE_MAX ((size_t)64 * 1024 * 1024)
#define CONF_FILES_MAX 4096

/*
 * Reads `path` and what its `include` patterns name, each file once.  What cannot be read becomes a
 * diagnostic.  0, or -1 when there is any error among the diagnostics; conf_load() may follow all
 * the same (and then returns NULL), so that one run tells everything.
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

/* Lives of self-signed certificates for which no lifetime is configured. */
#define CONF_ROOT_LIFETIME DAYS(3650)
#define CONF_SELF_LIFETIME DAYS(365)

/*
 * How long a new version signed by `ca` (an index in conf->cas, or CA_SELF) is to last: what the
 * certificate wants, else what the CA gives; 0: as long as the issuer.  The issuer's end clips it.
 */
static inline struct duration conf_life(
	const struct conf *conf, const struct cert_conf *cert, uint32_t ca)
{
	if (cert->lifetime.s > 0)
		return cert->lifetime;
	if (ca != CA_SELF)
		return conf->cas[ca].lifetime;
	return cert->is_ca ? CONF_ROOT_LIFETIME : CONF_SELF_LIFETIME;
}

const struct cert_conf *conf_cert(const struct conf *conf, const char *name);
const struct target_conf *conf_target(const struct conf *conf, const char *name);

/* The group of a certificate into out ("example.com"). */
const char *cert_conf_group(const struct cert_conf *cert, char out[256]);

/* What a reload changes, told by calls: removed certificates with new == NULL, added ones with old == NULL. */
void conf_differ(const struct conf *old, const struct conf *new,
	void (*tell)(const struct cert_conf *old, const struct cert_conf *new, void *data),
	void *data);

/* `certd --explain KEY` and `--schema`: from the same tables.  -1 when there is no such key. */
int conf_explain(const char *key, struct buf *out, struct err *err);
void conf_schema(struct buf *out);

/* The reference part of certd.yaml(5), in mdoc. */
void conf_manual(struct buf *out);

#endif

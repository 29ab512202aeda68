/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/files/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/conf/index.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/base/trust.h"
#include "lib/crypt/jws.h"
#include "lib/crypt/secret.h"
#include "lib/yaml/diag.h"

#define SECRET_FILE_MAX ((size_t)4096)

/* A reader of the file can tell that its content is of no use as a secret. */
static void check_text(const char *file, bool is_base64, struct yaml_place place,
	const struct yaml_path *path, struct yaml_diags *diags)
{
	struct secret secret AUTO_SECRET = SECRET_INIT;
	struct err err = ERR_INIT;

	if (faccessat(AT_FDCWD, file, R_OK, AT_EACCESS) < 0)
		return;
	if (is_base64 && secrets_read_base64(file, &secret, &err) < 0)
		yaml_error(diags, place, path, "%s", err.text);
	else if (!is_base64 && secret_read(AT_FDCWD, file, SECRET_FILE_MAX, &secret, &err) < 0)
		yaml_error(diags, place, path, "%s: %s", file, err.text);
	else if (secret.len == 0)
		yaml_error(diags, place, path, "%s: it is empty", file);
}

static void check_file(const char *file, bool is_base64, struct yaml_place place,
	const struct yaml_path *path, struct yaml_diags *diags)
{
	char why[TRUST_WHY_LEN];
	struct stat st;

	/* Another user than the service's cannot tell. */
	if (stat(file, &st) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			yaml_warn(diags, place, path, "%s is not there", file);
		return;
	}
	if (!S_ISREG(st.st_mode)) {
		yaml_warn(diags, place, path, "%s is no file", file);
		return;
	}
	if (st.st_mode & S_IROTH)
		yaml_warn(diags, place, path,
			"%s is a secret that all users can read; run \"chmod o= %s\"", file,
			file);
	switch (trust_secret(file, why)) {
	case TRUST_REFUSED:
		yaml_error(diags, place, path, "%s", why);
		return;
	case TRUST_WARNED:
		yaml_warn(diags, place, path, "%s", why);
		break;
	case TRUST_FINE:
	default:
		break;
	}
	check_text(file, is_base64, place, path, diags);
}

/* An entry of the configuration that may name a secret. */
struct entry {
	const char *name, *file; /* NULL: it names none */
	struct yaml_place place;
};

static struct entry ca_at(const struct conf *conf, size_t i)
{
	const struct ca_conf *ca = conf_ca_at(conf, i);

	if (!ca->acme)
		return (struct entry){ ca->name, NULL, ca->place };
	return (struct entry){ ca->name, ca->acme->eab_hmac_file, ca->acme->eab_hmac_place };
}

static struct entry target_at(const struct conf *conf, size_t i)
{
	const struct target_conf *target = conf_target_at(conf, i);

	return (struct entry){ target->name, target->password_file, target->password_place };
}

/* The entry `default` comes last; what others have from it is told once, there. */
static struct entry zone_at(const struct conf *conf, size_t i)
{
	const struct zone_conf *fallback = conf->dns.fallback;
	const struct zone_conf *zone = i < conf->dns.n_zones ? &conf->dns.zones[i] : fallback;
	bool is_its_own = zone == fallback || !fallback ||
			  zone->publish.tsig_secret_file != fallback->publish.tsig_secret_file;

	const char *name = zone->name ? zone->name : "default";

	if (!is_its_own || zone->publish.type != PUBLISH_UPDATE)
		return (struct entry){ name, NULL, zone->place };
	return (struct entry){ name, zone->publish.tsig_secret_file,
		zone->publish.places->secret_file };
}

static size_t count_cas(const struct conf *conf)
{
	return conf->n_cas;
}

static size_t count_targets(const struct conf *conf)
{
	return conf->n_targets;
}

static size_t count_zones(const struct conf *conf)
{
	return conf->dns.n_zones + (conf->dns.fallback != NULL);
}

/* Every key of the schema (daemon/conf/schema.c, schema_dns.c) whose file holds a secret. */
static const struct {
	const char *top[2], *below[3]; /* TOP.NAME.BELOW */
	size_t (*count)(const struct conf *conf);
	struct entry (*at)(const struct conf *conf, size_t i);
	bool is_base64;
} kinds[] = {
	{ { "cas" }, { "eab", "hmac_file" }, count_cas, ca_at, true },
	{ { "targets" }, { "password_file" }, count_targets, target_at, false },
	{ { "dns", "zones" }, { "publish", "tsig", "secret_file" }, count_zones, zone_at,
		true },
};

static void check_entry(size_t kind, const struct entry *entry, struct yaml_diags *diags)
{
	struct yaml_path path[ARRAY_LEN(kinds->top) + 1 + ARRAY_LEN(kinds->below)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(kinds->top) && kinds[kind].top[i]; i++, n++)
		path[n] = (struct yaml_path){ n ? &path[n - 1] : NULL, kinds[kind].top[i], 0 };
	path[n] = (struct yaml_path){ &path[n - 1], entry->name, 0 };
	n++;
	for (size_t i = 0; i < ARRAY_LEN(kinds->below) && kinds[kind].below[i]; i++, n++)
		path[n] = (struct yaml_path){ &path[n - 1], kinds[kind].below[i], 0 };
	check_file(entry->file, kinds[kind].is_base64, entry->place, &path[n - 1], diags);
}

void secrets_check(const struct conf *conf, struct yaml_diags *diags)
{
	for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++)
		for (size_t i = 0; i < kinds[kind].count(conf); i++) {
			struct entry entry = kinds[kind].at(conf, i);

			if (entry.file)
				check_entry(kind, &entry, diags);
		}
}

int secrets_read(const char *path, size_t limit, struct secret *out, struct err *err)
{
	char why[TRUST_WHY_LEN];

	if (trust_secret(path, why) == TRUST_REFUSED)
		return err_set(err, ERR_NOT_ALLOWED, "%s; it is not used", why);
	return secret_read(AT_FDCWD, path, limit, out, err);
}

int secrets_read_base64(const char *path, struct secret *out, struct err *err)
{
	struct secret text AUTO_SECRET = SECRET_INIT;
	struct buf raw = BUF_INIT;
	size_t len = 0;
	bool is_statement = false;
	int result;

	if (secrets_read(path, SECRET_FILE_MAX, &text, err) < 0)
		return -1;
	for (size_t i = 0; i < text.len; i++) {
		/* A statement for named.conf or knot.conf, as tools print it. */
		is_statement = is_statement || text.data[i] == '{' || text.data[i] == ':';
		if (!strchr(" \t\r\n", text.data[i]))
			text.data[len++] = text.data[i];
	}
	result = is_statement ? err_set(err, ERR_BAD_VALUE,
					"it holds a whole key as a name server reads it; put "
					"only the secret there, as base64")
			      : jws_base64_read(text.data ? text.data : "", len, &raw, err);
	secret_add(out, raw.data, raw.len);
	if (raw.data)
		explicit_bzero(raw.data, raw.size);
	buf_done(&raw);
	if (result == 0 && out->len == 0)
		result = err_set(err, ERR_BAD_VALUE, "it is empty");
	return result < 0 ? err_add(err, "%s", path) : 0;
}

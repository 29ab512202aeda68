/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/store/info.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/cert.h"

#define UNKNOWN_CA "unknown"

enum type { TYPE_TIME, TYPE_HASH, TYPE_DIGEST, TYPE_COUNT, TYPE_CA };

/* The lines that are facts; the others repeat the certificate for people and grep. */
static const struct field {
	const char *key;
	enum type type;
	bool is_needed;
	size_t at;
} fields[] = {
	{ "not_before", TYPE_TIME, true, offsetof(struct version_facts, not_before) },
	{ "not_after", TYPE_TIME, true, offsetof(struct version_facts, not_after) },
	{ "created", TYPE_TIME, true, offsetof(struct version_facts, created) },
	{ "rolled", TYPE_TIME, false, offsetof(struct version_facts, rolled) },
	{ "revoked", TYPE_TIME, false, offsetof(struct version_facts, revoked) },
	{ "key_created", TYPE_TIME, false, offsetof(struct version_facts, key_created) },
	{ "spki_sha256", TYPE_HASH, true, offsetof(struct version_facts, spki) },
	{ "issuer_spki_sha256", TYPE_HASH, false, offsetof(struct version_facts, issuer_spki) },
	{ "digest", TYPE_DIGEST, false, offsetof(struct version_facts, digest) },
	{ "generation", TYPE_COUNT, false, offsetof(struct version_facts, generation) },
	{ "ca", TYPE_CA, false, offsetof(struct version_facts, ca) },
};

_Static_assert(sizeof(((struct version_facts *)0)->spki) == SHA256_LEN, "a SHA-256");

static void write_time(struct buf *out, const char *key, struct instant t)
{
	char text[INSTANT_TEXT_LEN];

	if (instant_is_set(t))
		buf_printf(out, "%s: %s\n", key, instant_text(t, text));
}

static void write_hash(struct buf *out, const char *key, const uint8_t hash[SHA256_LEN])
{
	buf_printf(out, "%s: ", key);
	buf_add_hex(out, hash, SHA256_LEN);
	buf_add_char(out, '\n');
}

static void write_cert(const struct cert *cert, struct buf *out)
{
	uint8_t hash[SHA256_LEN];

	buf_add_text(out, "names:");
	for (size_t i = 0; i < cert_n_names(cert); i++)
		buf_printf(out, " %s", cert_name(cert, i));
	buf_add_text(out, "\nsubject: ");
	cert_subject_name(cert, out);
	buf_add_text(out, "\nissuer: ");
	cert_issuer_name(cert, out);
	buf_add_text(out, "\nserial: ");
	cert_serial(cert, out);
	buf_add_char(out, '\n');
	cert_sha256(cert, hash);
	write_hash(out, "sha256", hash);
}

void info_write(const struct version_facts *facts, const struct cert *cert, const char *ca,
	struct buf *out)
{
	static const uint8_t unknown[SHA256_LEN];
	char text[KEY_TYPE_LEN], life[DURATION_TEXT_LEN];

	write_cert(cert, out);
	write_hash(out, "spki_sha256", facts->spki);
	buf_printf(out, "key: %s\nca: %s\n", cert_key_type(cert, text), ca);
	write_time(out, "not_before", facts->not_before);
	write_time(out, "not_after", facts->not_after);
	write_time(out, "created", facts->created);
	write_time(out, "rolled", facts->rolled);
	write_time(out, "revoked", facts->revoked);
	buf_printf(out, "lifetime: %s\n",
		duration_text(instant_since(facts->not_after, facts->created), life));
	write_time(out, "key_created", facts->key_created);
	if (memcmp(facts->issuer_spki, unknown, sizeof(unknown)) != 0)
		write_hash(out, "issuer_spki_sha256", facts->issuer_spki);
	buf_printf(out, "digest: %016" PRIx64 "\ngeneration: %" PRIu32 "\n", facts->digest,
		facts->generation);
}

/* The next line of *text as key and value, both cut out of `line`; false at the end. */
static bool next_line(const char **text, char *line, size_t size, char **ret_value)
{
	size_t len = strcspn(*text, "\n"), n = len < size ? len : size - 1;
	char *colon;

	if (**text == 0)
		return false;
	memcpy(line, *text, n);
	line[n] = 0;
	*text += len + ((*text)[len] == '\n');
	colon = strchr(line, ':');
	*ret_value = colon ? colon + 1 : NULL;
	if (!colon)
		return true;
	*colon = 0;
	while (**ret_value == ' ')
		(*ret_value)++;
	return true;
}

static int parse_count(const char *value, uint32_t *out)
{
	int64_t n;

	if (!str_to_int(value, 0, UINT32_MAX, &n))
		return -1;
	*out = (uint32_t)n;
	return 0;
}

static int parse_digest(const char *value, uint64_t *out)
{
	uint8_t bytes[8];

	if (!str_unhex(value, bytes, sizeof(bytes)))
		return -1;
	*out = 0;
	for (size_t i = 0; i < sizeof(bytes); i++)
		*out = *out << 8 | bytes[i];
	return 0;
}

/* A rebuilt file does not know. */
static int parse_ca(const char *value, uint64_t *out)
{
	*out = str_is(value, UNKNOWN_CA) ? 0 : facts_ca(value);
	return 0;
}

static int parse_field(const struct field *field, const char *value, void *facts)
{
	char *at = (char *)facts + field->at;
	struct err ignored;

	switch (field->type) {
	case TYPE_TIME:
		return instant_parse(value, (struct instant *)(void *)at, &ignored);
	case TYPE_HASH:
		return str_unhex(value, (uint8_t *)at, SHA256_LEN) ? 0 : -1;
	case TYPE_DIGEST:
		return parse_digest(value, (uint64_t *)(void *)at);
	case TYPE_CA:
		return parse_ca(value, (uint64_t *)(void *)at);
	default:
		return parse_count(value, (uint32_t *)(void *)at);
	}
}

static size_t field_of(const char *key)
{
	size_t i = 0;

	while (i < ARRAY_LEN(fields) && !str_is(fields[i].key, key))
		i++;
	return i;
}

/* Longer than any line that is a fact; longer ones are cut and then do not parse. */
#define LINE_LEN 256

int info_parse(const char *text, struct version_facts *out, struct err *err)
{
	struct version_facts facts = { .generation = 1 };
	bool has[ARRAY_LEN(fields)] = { false };
	char line[LINE_LEN], *value;

	while (next_line(&text, line, sizeof(line), &value)) {
		size_t i = value ? field_of(line) : ARRAY_LEN(fields);

		if (i == ARRAY_LEN(fields))
			continue;
		if (has[i])
			return err_set(err, ERR_BROKEN_STORE, "info says %s twice", line);
		if (parse_field(&fields[i], value, &facts) < 0)
			return err_set(err, ERR_BROKEN_STORE, "info has a malformed %s", line);
		has[i] = true;
	}
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (fields[i].is_needed && !has[i])
			return err_set(err, ERR_BROKEN_STORE, "info lacks %s", fields[i].key);
	if (!instant_is_set(facts.key_created))
		facts.key_created = facts.created;
	facts.id = out->id;
	*out = facts;
	return 0;
}

void info_set_time(const char *text, const char *key, struct instant t, struct buf *out)
{
	size_t key_len = strlen(key);
	bool is_written = false;

	while (*text) {
		size_t len = strcspn(text, "\n");

		if (len <= key_len || text[key_len] != ':' ||
			strncmp(text, key, key_len) != 0) {
			buf_add(out, text, len);
			buf_add_char(out, '\n');
		}
		if (str_starts(text, "created:")) {
			write_time(out, key, t);
			is_written = true;
		}
		text += len + (text[len] == '\n');
	}
	if (!is_written)
		write_time(out, key, t);
}

bool info_value(const char *text, const char *key, struct buf *out)
{
	size_t key_len = strlen(key);

	while (*text) {
		size_t len = strcspn(text, "\n");

		if (len > key_len && text[key_len] == ':' && strncmp(text, key, key_len) == 0) {
			const char *value = text + key_len + 1;

			value += strspn(value, " ");
			buf_add(out, value, strcspn(value, "\n"));
			return true;
		}
		text += len + (text[len] == '\n');
	}
	return false;
}

void info_from_cert(const struct cert *cert, const struct cert *issuer, struct instant created,
	struct version_facts *out)
{
	struct version_facts facts = {
		.id = out->id,
		.created = created,
		.key_created = created,
		.not_before = cert_not_before(cert),
		.not_after = cert_not_after(cert),
		.generation = 1,
	};

	cert_spki_sha256(cert, facts.spki);
	if (issuer)
		cert_spki_sha256(issuer, facts.issuer_spki);
	else if (cert_is_self_signed(cert))
		cert_spki_sha256(cert, facts.issuer_spki);
	*out = facts;
}

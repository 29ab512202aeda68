/* SPDX-License-Identifier: MIT */
#include "daemon/conf/schema.h"

#include <ctype.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/map.h"
#include "lib/base/str.h"
#include "lib/base/text.h"
#include "lib/crypt/digest.h"
#include "lib/crypt/key.h"
#include "lib/wire/name.h"

/* A certificate with more names than this no CA gives and no client likes. */
#define NAMES_MAX 10000
/* Up to here duplicates are looked for one by one. */
#define FEW_NAMES 16

static void decode_names(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	size_t n;
	const struct yaml_node *items = yaml_items_of(d, v, "a list of names", &n);
	struct words names = { 0 };
	struct map seen = { 0 };
	bool is_good = true;

	if (!items)
		return;
	if (n > NAMES_MAX) {
		yaml_bad(d, v, "has %zu names; the most is %d", n, NAMES_MAX);
		return;
	}
	names.at = n ? arena_zalloc(d->arena, n * sizeof(*names.at)) : NULL;
	for (size_t i = 0; i < n; i++) {
		struct yaml_path path = { .up = v->path, .index = i };
		struct yaml_value item = { .node = &items[i], .path = &path };
		const char *text = yaml_text_of(d, &item, "a DNS name or an IP address");
		char canonical[NAME_MAX_LEN];
		struct err err = ERR_INIT;
		bool is_twice = false;

		if (!text || name_canonical(text, canonical, &err) < 0) {
			if (text)
				yaml_bad(d, &item, "%s", err.text);
			is_good = false;
			continue;
		}
		if (n > FEW_NAMES)
			is_twice = map_get(&seen, canonical) != NULL;
		for (size_t j = 0; n <= FEW_NAMES && j < names.n; j++)
			is_twice = is_twice || str_is(names.at[j], canonical);
		if (is_twice) {
			yaml_bad(d, &item, "%s is named twice", canonical);
			is_good = false;
			continue;
		}
		names.at[names.n] = arena_strdup(d->arena, canonical);
		if (n > FEW_NAMES)
			map_set(&seen, names.at[names.n], names.at[names.n]);
		names.n++;
	}
	map_done(&seen);
	if (is_good && n == 0)
		yaml_bad(d, v, "is empty; write at least one name");
	*(struct words *)out = names;
}

/* As OpenSSL names them, with the upper bounds of RFC 5280, appendix A.1. */
static const struct attribute {
	const char *name;
	size_t max;
} attributes[] = {
	{ "CN", 64 },
	{ "O", 64 },
	{ "OU", 64 },
	{ "C", 2 },
	{ "ST", 128 },
	{ "L", 128 },
	{ "street", 128 },
	{ "postalCode", 40 },
	{ "serialNumber", 64 },
	{ "title", 64 },
	{ "SN", 64 },
	{ "GN", 64 },
	{ "DC", 63 },
	{ "UID", 256 },
	{ "emailAddress", 255 },
	{ "organizationIdentifier", 256 },
};

static const struct attribute *find_attribute(
	struct yaml_decoder *d, const struct yaml_node *key, const struct yaml_path *path)
{
	const char *words[ARRAY_LEN(attributes) + 1] = { NULL }, *near;

	for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
		if (str_is(attributes[i].name, key->text))
			return &attributes[i];
		words[i] = attributes[i].name;
	}
	near = str_near_miss(key->text, words);
	for (size_t i = 0; !near && i < ARRAY_LEN(attributes); i++)
		if (strcasecmp(attributes[i].name, key->text) == 0)
			near = attributes[i].name;
	if (near)
		yaml_error(d->diags, key->place, path,
			"is an unknown attribute; did you mean %s?", near);
	else
		yaml_error(d->diags, key->place, path, "is an unknown attribute");
	return NULL;
}

static size_t characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static bool attribute_is_good(struct yaml_decoder *d, const struct yaml_value *v,
	const struct attribute *attribute, const char *text)
{
	if (!text_is_fit(text)) {
		yaml_bad(d, v, "holds a control character");
		return false;
	}
	if (str_is(attribute->name, "C") &&
		(strlen(text) != 2 || !isupper((unsigned char)text[0]) ||
			!isupper((unsigned char)text[1]))) {
		yaml_bad(d, v, "\"%.20s\" is not a country; write its two capital letters",
			text);
		return false;
	}
	if (characters(text) > attribute->max) {
		yaml_bad(d, v, "is longer than %zu characters", attribute->max);
		return false;
	}
	return true;
}

static void decode_subject(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	struct subject_list subject = { 0 };

	if (v->node->kind != NODE_MAP) {
		if (v->node->kind != NODE_BAD)
			yaml_bad(d, v, "is %s; write a map: {CN: NAME, O: NAME}",
				yaml_kind_text(v->node));
		return;
	}
	subject.at = arena_zalloc(d->arena, (v->node->n + 1) * sizeof(*subject.at));
	for (uint32_t i = 0; i < v->node->n; i++) {
		const struct yaml_node *key = &v->node->items[2 * i];
		struct yaml_path path = { .up = v->path, .key = key->text };
		struct yaml_value item = { .node = key + 1, .path = &path };
		const struct attribute *attribute = find_attribute(d, key, &path);
		const char *text = yaml_text_of(d, &item, "a text");

		if (attribute && text && attribute_is_good(d, &item, attribute, text))
			subject.at[subject.n++] = (struct subject_field){ attribute->name,
				arena_strdup(d->arena, text) };
	}
	*(struct subject_list *)out = subject;
}

static void decode_purposes(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	/* In the order of the bits of enum purpose. */
	static const char *const words[] = { "server_auth", "client_auth", "email",
		"code_signing", "time_stamping", "ocsp_signing", NULL };
	size_t n;
	const struct yaml_node *items = yaml_items_of(d, v, "a list of purposes", &n);
	unsigned purposes = 0;

	if (!items)
		return;
	for (size_t i = 0; i < n; i++) {
		struct yaml_path path = { .up = v->path, .index = i };
		struct yaml_value item = { .node = &items[i], .path = &path };
		int at = yaml_word_of(d, &item, words);

		if (at >= 0)
			purposes |= 1U << at;
	}
	*(uint8_t *)out = (uint8_t)purposes;
}

static void decode_key(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	const char *text = yaml_text_of(d, v, "a key type such as ec:secp384r1 or rsa:3072");
	struct err err = ERR_INIT;

	if (!text)
		return;
	if (key_spec_check(text, &err) < 0)
		yaml_bad(d, v, "%s", err.text);
	else
		*(const char **)out = arena_strdup(d->arena, text);
}

static void decode_digest(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	static const char *const words[] = { "sha256", "sha384", "sha512", "sha3-256",
		"sha3-384", "sha3-512", NULL };
	int at = yaml_word_of(d, v, words);
	struct err err = ERR_INIT;

	if (at < 0)
		return;
	/* An OpenSSL may know a digest and still not verify what it signs with it. */
	if (digest_check(words[at], &err) < 0)
		yaml_bad(d, v, "%s", err.text);
	else
		*(const char **)out = words[at];
}

const struct yaml_type conf_names = {
	.word = "list of DNS names and IP addresses",
	.json = "\"type\": \"array\", \"minItems\": 1, \"items\": {\"type\": \"string\"}",
	.size = sizeof(struct words),
	.decode = decode_names,
};

const struct yaml_type conf_subject = {
	.word = "map of attributes",
	.json = "\"type\": \"object\", \"additionalProperties\": {\"type\": [\"string\", "
		"\"integer\"]}",
	.size = sizeof(struct subject_list),
	.decode = decode_subject,
};

const struct yaml_type conf_purposes = {
	.word = "list of server_auth, client_auth, email, code_signing, time_stamping, "
		"ocsp_signing",
	.json = "\"type\": \"array\", \"items\": {\"enum\": [\"server_auth\", \"client_auth\", "
		"\"email\", \"code_signing\", \"time_stamping\", \"ocsp_signing\"]}",
	.size = sizeof(uint8_t),
	.decode = decode_purposes,
};

const struct yaml_type conf_key = {
	.word = "ec:CURVE, rsa:BITS, ed25519 or another key type of OpenSSL",
	.json = "\"type\": \"string\", \"minLength\": 1",
	.size = sizeof(const char *),
	.decode = decode_key,
};

const struct yaml_type conf_digest = {
	.word = "sha256, sha384, sha512, sha3-256, sha3-384 or sha3-512",
	.json = "\"enum\": [\"sha256\", \"sha384\", \"sha512\", \"sha3-256\", \"sha3-384\", "
		"\"sha3-512\"]",
	.size = sizeof(const char *),
	.decode = decode_digest,
};

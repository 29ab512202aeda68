/* SPDX-License-Identifier: MIT */
#include "daemon/conf/schema.h"

#include <string.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/base/text.h"
#include "lib/crypt/jws.h"
#include "lib/wire/name.h"
#include "lib/wire/proxy.h"
#include "lib/wire/url.h"

/* RFC 5321, 4.5.3.1: an address that fits a path. */
#define ADDRESS_MAX 254
#define CONTACTS_MAX 16
#define ORIGINS_MAX 8

static void decode_ca_type(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	/* In the order of enum ca_type. */
	static const char *const words[] = { "local", "acme", NULL };
	int *type = out;

	if (v->node->kind == NODE_SCALAR && str_is(v->node->text, "step")) {
		yaml_bad(d, v,
			"CAs of type step are not supported by this version; it has local and "
			"acme (step-ca speaks ACME too)");
		*type = -1;
		return;
	}
	*type = yaml_word_of(d, v, words);
}

static void decode_url(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	const char *text = yaml_text_of(d, v, "a URL such as https://ca.example/directory");
	struct err err = ERR_INIT;

	if (!text)
		return;
	if (url_check(text, &err) < 0)
		yaml_bad(d, v, "%s", err.text);
	else
		*(const char **)out = arena_strdup(d->arena, text);
}

static void decode_trust(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	struct loading *l = d->world;
	const char *path = NULL, *trust;
	struct err err = ERR_INIT;

	conf_path.decode(d, v, &path);
	if (!path)
		return;
	trust = machine_trust(l->files, path, d->arena, &err);
	if (trust)
		*(const char **)out = trust;
	else
		yaml_bad(d, v, "%s", err.text);
}

/* The fault of a mail address for an account, or NULL. */
static const char *address_fault(const char *text)
{
	const char *at = strrchr(text, '@');
	char domain[NAME_MAX_LEN];
	struct err err = ERR_INIT;

	if (strncasecmp(text, "mailto:", strlen("mailto:")) == 0)
		return "is a URL; write the address without mailto:";
	/* Characters that need an escape in a URL, or end the address there (RFC 6068, 2). */
	if (!text_is_visible(text, strlen(text)) || strpbrk(text, "\"%?&,;:<>()[]\\#/"))
		return "has a character that the mail address of an account cannot have";
	if (!at || at == text || strchr(text, '@') != at)
		return "is not a mail address; write NAME@DOMAIN";
	if (strlen(text) > ADDRESS_MAX)
		return "is longer than 254 octets";
	if (name_canonical(at + 1, domain, &err) < 0 || name_is_wildcard(domain))
		return "has no domain behind its @";
	return NULL;
}

static void decode_contact(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	struct words words = { 0 };
	bool is_good = conf_texts(d, v, "a list of mail addresses", &words);

	if (is_good && words.n > CONTACTS_MAX) {
		yaml_bad(d, v, "has %zu addresses; the most is %d", words.n, CONTACTS_MAX);
		return;
	}
	for (size_t i = 0; is_good && i < words.n; i++) {
		struct yaml_path path;
		struct yaml_value item = conf_item(v, &path, v->node->items, i);
		const char *fault = address_fault(words.at[i]);

		if (fault)
			yaml_bad(d, &item, "\"%.100s\" %s", words.at[i], fault);
	}
	if (is_good)
		*(struct words *)out = words;
}

static void decode_origins(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	struct words words = { 0 };
	bool is_good = conf_texts(d, v, "a list of URLs", &words);

	if (is_good && words.n > ORIGINS_MAX) {
		yaml_bad(d, v, "has %zu URLs; the most is %d", words.n, ORIGINS_MAX);
		return;
	}
	for (size_t i = 0; is_good && i < words.n; i++) {
		struct yaml_path path;
		struct yaml_value item = conf_item(v, &path, v->node->items, i);
		struct err err = ERR_INIT;

		if (url_check(words.at[i], &err) < 0)
			yaml_bad(d, &item, "%s", err.text);
		else if (!url_is_origin(words.at[i]))
			yaml_bad(d, &item,
				"\"%.100s\" has a path; write the host alone, as in "
				"https://other.ca.example",
				words.at[i]);
	}
	if (is_good)
		*(struct words *)out = words;
}

static void decode_proxy(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	const char *text = yaml_text_of(d, v, "a URL such as http://proxy.example:3128");
	const char *fault = text ? proxy_fault(text) : NULL;

	if (!text)
		return;
	if (str_is(text, "none"))
		*(const char **)out = "";
	else if (fault)
		yaml_bad(d, v, "\"%.100s\" %s", text, fault);
	else
		*(const char **)out = arena_strdup(d->arena, text);
}

static void decode_terms(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	bool is_agreed = true;

	yaml_bool.decode(d, v, &is_agreed);
	if (!is_agreed)
		yaml_bad(d, v,
			"is false; read the CA's terms of service and write true, as it gives "
			"no account otherwise");
	*(bool *)out = is_agreed;
}

static void decode_challenge(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	static const char *const words[] = {
#define CHALLENGE(id, word, help) [CHALLENGE_##id] = (word),
#include "proto/challenges.def"
#undef CHALLENGE
		[CHALLENGE_COUNT] = NULL
	};
	int at = yaml_word_of(d, v, words);

	if (at >= 0)
		*(enum challenge *)out = (enum challenge)at;
}

static void decode_mac(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	int at = yaml_word_of(d, v, jws_macs);

	if (at >= 0)
		*(const char **)out = jws_macs[at];
}

static void decode_limits(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	static const char *const words[] = {
		[LIMITS_NONE] = "none", [LIMITS_LETSENCRYPT] = "letsencrypt", NULL
	};
	int at = yaml_word_of(d, v, words);

	if (at >= 0)
		*(int *)out = at;
}

const struct yaml_type conf_ca_type = {
	.word = "local or acme",
	.json = "\"enum\": [\"local\", \"acme\"]",
	.size = sizeof(int),
	.decode = decode_ca_type,
};

const struct yaml_type conf_url = {
	.word = "https URL",
	.json = "\"type\": \"string\", \"pattern\": \"^[Hh][Tt][Tt][Pp][Ss]://\"",
	.size = sizeof(const char *),
	.decode = decode_url,
};

const struct yaml_type conf_origins = {
	.word = "list of https URLs",
	.json = "\"type\": \"array\", \"items\": {\"type\": \"string\", \"pattern\": "
		"\"^[Hh][Tt][Tt][Pp][Ss]://[^/]+/?$\"}",
	.size = sizeof(struct words),
	.decode = decode_origins,
};

const struct yaml_type conf_proxy = {
	.word = "URL of a proxy, or none",
	.json = "\"type\": \"string\", \"pattern\": "
		"\"^(none|(https?|socks(4a?|5h?))://[^@/]+/?)$\"",
	.size = sizeof(const char *),
	.decode = decode_proxy,
};

const struct yaml_type conf_trust = {
	.word = "path",
	.json = "\"type\": \"string\", \"minLength\": 1",
	.size = sizeof(const char *),
	.decode = decode_trust,
};

const struct yaml_type conf_contact = {
	.word = "list of mail addresses",
	.json = "\"type\": \"array\", \"items\": {\"type\": \"string\"}",
	.size = sizeof(struct words),
	.decode = decode_contact,
};

const struct yaml_type conf_terms = {
	.word = "true",
	.json = "\"const\": true",
	.size = sizeof(bool),
	.decode = decode_terms,
};

const struct yaml_type conf_challenge = {
	.word = "http-01, tls-alpn-01, dns-01, dns-account-01 or dns-persist-01",
	.json = "\"enum\": [\"http-01\", \"tls-alpn-01\", \"dns-01\", \"dns-account-01\", "
		"\"dns-persist-01\"]",
	.size = sizeof(enum challenge),
	.decode = decode_challenge,
};

const struct yaml_type conf_mac = {
	.word = "HS256, HS384 or HS512",
	.json = "\"enum\": [\"HS256\", \"HS384\", \"HS512\"]",
	.size = sizeof(const char *),
	.decode = decode_mac,
};

const struct yaml_type conf_limits = {
	.word = "letsencrypt or none",
	.json = "\"enum\": [\"letsencrypt\", \"none\"]",
	.size = sizeof(int),
	.decode = decode_limits,
};

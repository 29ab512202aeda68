/* SPDX-License-Identifier: MIT */
/* How records get into a zone. */
#include "daemon/conf/schema.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/base/str.h"

static void decode_extra(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	static const char *const words[] = { "advise", "require", NULL };
	int at = yaml_word_of(d, v, words);

	if (at >= 0)
		*(bool *)out = at == 1;
}

static void decode_aliases(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	/* In the order of enum aliases. */
	static const char *const words[] = { "marked", "any", "none", NULL };
	int at = yaml_word_of(d, v, words);

	if (at >= 0)
		*(enum aliases *)out = (enum aliases)at;
}

static void decode_publish_type(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	/* In the order of enum publish_type, from its second word. */
	static const char *const words[] = { "include", "update", "command", NULL };
	int at = yaml_word_of(d, v, words);

	if (at >= 0)
		*(enum publish_type *)out = (enum publish_type)(at + 1);
}

/*
 * The name of a TSIG key is a domain name of any letters (RFC 8945, 4.2): lower case, without the
 * final dot.
 */
static void decode_tsig_name(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	const char *text = yaml_text_of(d, v, "the name of a key");
	size_t len = text ? strlen(text) : 0, label = 0;
	char *name;

	if (!text)
		return;
	if (len > 1 && text[len - 1] == '.')
		len--;
	name = arena_strndup(d->arena, text, len);
	for (char *p = name; *p; p++) {
		label = *p == '.' ? 0 : label + 1;
		if ((*p == '.' && (p == name || p[1] == '.')) || label > 63 || len > 253 ||
			(!isalnum((unsigned char)*p) && !strchr("-_.", *p))) {
			yaml_bad(d, v, "\"%.80s\" is not the name of a key", text);
			return;
		}
		*p = (char)tolower((unsigned char)*p);
	}
	*(const char **)out = name;
}

/* Algorithms of older name servers, which some still use by default (RFC 8945, 6). */
static bool is_outdated(const char *text)
{
	return strncasecmp(text, "hmac-sha1", strlen("hmac-sha1")) == 0 ||
	       strncasecmp(text, "hmac-md5", strlen("hmac-md5")) == 0;
}

/* It is a domain name: of any letters, and perhaps with its final dot. */
static void decode_tsig_algorithm(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	static const char *const words[] = { "hmac-sha224", "hmac-sha256", "hmac-sha384",
		"hmac-sha512", NULL };
	const char *text = v->node->kind == NODE_SCALAR ? v->node->text : "";
	size_t len = strlen(text);
	int at = -1;

	len -= len > 0 && text[len - 1] == '.';
	for (int i = 0; words[i]; i++)
		if (len == strlen(words[i]) && strncasecmp(text, words[i], len) == 0)
			at = i;
	if (at < 0 && is_outdated(text))
		yaml_bad(d, v,
			"\"%.60s\" is not supported, as SHA-1 and MD5 are outdated; make a key "
			"for "
			"hmac-sha256",
			text);
	else if (at < 0)
		at = yaml_word_of(d, v, words);
	if (at >= 0)
		*(const char **)out = words[at];
}

/* Keys of a type that need each other. */
static void check_publish(
	struct yaml_decoder *d, const struct yaml_value *v, const struct publish_draft *draft)
{
	if (draft->type == PUBLISH_INCLUDE && !draft->acme_dir && !draft->tlsa_dirs.n)
		yaml_bad(d, v, "needs acme_dir, tlsa_dirs or both");
	else if (draft->type == PUBLISH_INCLUDE && !draft->refresh.n)
		yaml_warn(d->diags, v->node->place, v->path,
			"has no refresh command, so nothing tells the name server that an "
			"include file changed");
	if (draft->type == PUBLISH_COMMAND && (!draft->add.n || !draft->remove.n))
		yaml_bad(d, v, "needs a program in both add and remove");
}

static const struct publish_places *places_of(
	struct yaml_decoder *d, const struct yaml_node *node)
{
	struct publish_places *places = arena_new(d->arena, struct publish_places);

	*places = (struct publish_places){
		.acme_dir = conf_place_in(node, "acme_dir", node->place),
		.tlsa_dirs = conf_place_in(node, "tlsa_dirs", node->place),
		.refresh = conf_place_in(node, "refresh", node->place),
		.add = conf_place_in(node, "add", node->place),
		.remove = conf_place_in(node, "remove", node->place),
		.secret_file =
			conf_place_in(yaml_get(node, "tsig"), "secret_file", node->place),
	};
	return places;
}

/* A zone that has its own `publish` takes nothing of the default one. */
static void decode_publish(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	struct publish_draft draft = { .type = PUBLISH_NONE };
	size_t errors = d->diags->n_errors;

	yaml_decode_fallbacks(d, conf_publish_fields, &draft);
	yaml_decode(d, v->node, v->path, conf_publish_fields, &draft);
	if (d->diags->n_errors == errors)
		check_publish(d, v, &draft);
	if (d->diags->n_errors != errors)
		return;
	draft.places = places_of(d, v->node);
	*(struct publish_draft *)out = draft;
}

const struct yaml_type conf_publish_type = {
	.word = "include, update or command",
	.json = "\"enum\": [\"include\", \"update\", \"command\"]",
	.size = sizeof(enum publish_type),
	.decode = decode_publish_type,
};

const struct yaml_type conf_tsig_name = {
	.word = "domain name",
	.json = "\"type\": \"string\", \"minLength\": 1",
	.size = sizeof(const char *),
	.decode = decode_tsig_name,
};

const struct yaml_type conf_tsig_algorithm = {
	.word = "hmac-sha224, hmac-sha256, hmac-sha384 or hmac-sha512",
	.json = "\"anyOf\": [{\"enum\": [\"hmac-sha224\", \"hmac-sha256\", \"hmac-sha384\", "
		"\"hmac-sha512\"]}, {\"pattern\": "
		"\"^[Hh][Mm][Aa][Cc]-[Ss][Hh][Aa](224|256|384|512)[.]?$\"}]",
	.size = sizeof(const char *),
	.decode = decode_tsig_algorithm,
};

const struct yaml_type conf_extra = {
	.word = "require or advise",
	.json = "\"enum\": [\"require\", \"advise\"]",
	.size = sizeof(bool),
	.decode = decode_extra,
};

const struct yaml_type conf_aliases = {
	.word = "marked, any or none",
	.json = "\"enum\": [\"marked\", \"any\", \"none\"]",
	.size = sizeof(enum aliases),
	.decode = decode_aliases,
};

const struct yaml_type conf_publish = {
	.word = "map",
	.size = sizeof(struct publish_draft),
	.decode = decode_publish,
	.fields = conf_publish_fields,
};

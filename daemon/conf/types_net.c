/* SPDX-License-Identifier: MIT */
/* Where to listen, and whom to ask. */
#include "daemon/conf/schema.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "daemon/conf/expand.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/wire/name.h"

#define ENDPOINTS_MAX 64
#define DNS_PORT 53

/* The forms that an endpoint may have. */
struct shape {
	const char *what, *form; /* "an address with a port", "ADDRESS:PORT" */
	uint16_t port;           /* when none is given; 0: it must be */
	bool allows_name;
};

static const struct shape listen_shape = {
	.what = "an address with a port",
	.form = "ADDRESS:PORT, such as 192.0.2.1:80 or \"[::]:80\"",
};

static const struct shape server_shape = {
	.what = "a name server",
	.form = "HOST, IP or IP:PORT",
	.port = DNS_PORT,
	.allows_name = true,
};

static const struct shape address_shape = {
	.what = "an address",
	.form = "IP or IP:PORT",
	.port = DNS_PORT,
};

/* Splits "HOST", "HOST:PORT", "V6", "[V6]", "[V6]:PORT"; `host` has room for the text. */
static bool split(const char *text, char *host, const char **port, bool *has_brackets)
{
	const char *end = strchr(text, ':');

	*has_brackets = text[0] == '[';
	if (*has_brackets) {
		end = strchr(++text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		*port = end[1] ? end + 2 : NULL;
	} else if (!end || strchr(end + 1, ':')) {
		end = text + strlen(text);
		*port = NULL;
	} else {
		*port = end + 1;
	}
	memcpy(host, text, (size_t)(end - text));
	host[end - text] = 0;
	return host[0];
}

/* Fills the address, or only the name; false when `host` is neither. */
static bool set_host(struct yaml_decoder *d, struct endpoint *e, const char *host,
	const struct shape *shape, bool has_brackets)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&e->addr;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&e->addr;
	char canonical[NAME_MAX_LEN];
	struct err err = ERR_INIT;

	if (name_canonical(host, canonical, &err) < 0 || name_is_wildcard(canonical))
		return false;
	if (inet_pton(AF_INET6, canonical, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(e->port);
		e->len = sizeof(*in6);
	} else if (has_brackets) {
		return false;
	} else if (inet_pton(AF_INET, canonical, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(e->port);
		e->len = sizeof(*in);
	} else if (!shape->allows_name) {
		return false;
	}
	e->host = arena_strdup(d->arena, canonical);
	return true;
}

static bool parse(struct yaml_decoder *d, const char *text, const struct shape *shape,
	struct endpoint *out)
{
	char *host AUTO_FREE = mem_zalloc(strlen(text) + 1);
	struct endpoint e = { .port = shape->port };
	const char *port = NULL;
	bool has_brackets;
	int64_t n;

	if (!split(text, host, &port, &has_brackets) || (!port && !shape->port))
		return false;
	if (port && !str_to_int(port, 1, UINT16_MAX, &n))
		return false;
	if (port)
		e.port = (uint16_t)n;
	if (!set_host(d, &e, host, shape, has_brackets))
		return false;
	e.text = arena_strdup(d->arena, text);
	*out = e;
	return true;
}

static bool decode_one(struct yaml_decoder *d, const struct yaml_value *v,
	const struct shape *shape, struct endpoint *out)
{
	const char *text = yaml_text_of(d, v, shape->form);

	if (text && !parse(d, text, shape, out)) {
		yaml_bad(d, v, "\"%.80s\" is not %s; write %s", text, shape->what, shape->form);
		return false;
	}
	return text != NULL;
}

static bool stands_in(const struct endpoints *all, const struct endpoint *e)
{
	for (size_t i = 0; i < all->n; i++)
		if (str_is(all->at[i].host, e->host) && all->at[i].port == e->port)
			return true;
	return false;
}

static void decode_list(struct yaml_decoder *d, const struct yaml_value *v,
	const struct shape *shape, const char *wanted, struct endpoints *out)
{
	size_t n, errors = d->diags->n_errors;
	const struct yaml_node *items = yaml_items_of(d, v, wanted, &n);
	struct endpoints all = { 0 };

	if (items && n > ENDPOINTS_MAX)
		yaml_bad(d, v, "has %zu entries; the most is %d", n, ENDPOINTS_MAX);
	if (d->diags->n_errors != errors)
		return;
	all.at = arena_zalloc(d->arena, (n + 1) * sizeof(*all.at));
	for (size_t i = 0; items && i < n; i++) {
		struct yaml_path path;
		struct yaml_value item = conf_item(v, &path, items, i);
		struct endpoint *e = &all.at[all.n];

		if (!decode_one(d, &item, shape, e))
			continue;
		if (stands_in(&all, e))
			yaml_bad(d, &item, "%.80s is named twice", e->text);
		all.n++;
	}
	if (items && d->diags->n_errors == errors)
		*out = all;
}

static void decode_listen(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	decode_list(d, v, &listen_shape, "a list of addresses with ports: [\"[::]:80\"]", out);
}

static void decode_servers(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	decode_list(d, v, &server_shape, "a list of name servers: [192.0.2.53]", out);
}

static void decode_addresses(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	decode_list(d, v, &address_shape, "a list of addresses: [192.0.2.53]", out);
}

static void decode_server(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	decode_one(d, v, &server_shape, out);
}

/* These words are not known when a challenge is put there. */
static const char *unknown_word(const char *text)
{
	static const char *const words[] = { "%{zone}", "%{host}", "%{dir}", "%{version}",
		"%{event}" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strstr(text, words[i]))
			return words[i];
	return NULL;
}

static void decode_webroot(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	const char *text = yaml_text_of(d, v, "a path");
	struct err err = ERR_INIT;

	if (!text)
		return;
	if (str_starts(text, "ssh://"))
		yaml_bad(d, v,
			"a webroot on another host (ssh://) is not supported by this version; "
			"write a path");
	else if (expand_check(text, &err) < 0)
		yaml_bad(d, v, "%s", err.text);
	else if (unknown_word(text))
		yaml_bad(d, v,
			"%s means nothing here; there are %%{group}, %%{service} and "
			"%%{cert}",
			unknown_word(text));
	else
		*(const char **)out = conf_absolute(d, v->node, text);
}

#define TEXTS_JSON "\"type\": \"array\", \"items\": {\"type\": \"string\"}"

const struct yaml_type conf_listen = {
	.word = "list of ADDRESS:PORT",
	.json = TEXTS_JSON,
	.size = sizeof(struct endpoints),
	.decode = decode_listen,
};

const struct yaml_type conf_server = {
	.word = "HOST, IP or IP:PORT",
	.json = "\"type\": \"string\"",
	.size = sizeof(struct endpoint),
	.decode = decode_server,
};

const struct yaml_type conf_servers = {
	.word = "list of HOST, IP or IP:PORT",
	.json = TEXTS_JSON,
	.size = sizeof(struct endpoints),
	.decode = decode_servers,
};

const struct yaml_type conf_addresses = {
	.word = "list of IP or IP:PORT",
	.json = TEXTS_JSON,
	.size = sizeof(struct endpoints),
	.decode = decode_addresses,
};

const struct yaml_type conf_webroot = {
	.word = "path",
	.json = "\"type\": \"string\", \"minLength\": 1",
	.size = sizeof(const char *),
	.decode = decode_webroot,
};

static void decode_hold(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	static const char *const words[] = { "always", "challenge", NULL };
	int at = yaml_word_of(d, v, words);

	if (at >= 0)
		*(bool *)out = at == 0;
}

const struct yaml_type conf_hold = {
	.word = "challenge or always",
	.json = "\"enum\": [\"challenge\", \"always\"]",
	.size = sizeof(bool),
	.decode = decode_hold,
};

/* SPDX-License-Identifier: MIT */
#include "daemon/conf/schema.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

static void decode_hosts(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	size_t n;
	const struct yaml_node *items = yaml_items_of(d, v, "a list of hosts: [local]", &n);
	struct words *hosts = out;

	for (size_t i = 0; items && i < n; i++) {
		struct yaml_path path = { .up = v->path, .index = i };
		struct yaml_value item = { .node = &items[i], .path = &path };
		const char *text = yaml_text_of(d, &item, "local");

		if (text && str_starts(text, "ssh://"))
			yaml_bad(d, &item,
				"hosts over ssh are not supported by this version; it has "
				"local");
		else if (text && !str_is(text, "local"))
			yaml_bad(d, &item, "\"%.80s\" is not a host; write local", text);
	}
	if (items && n == 0)
		yaml_bad(d, v, "is empty; write [local]");
	hosts->n = n;
}

/* "user:group", "user", ":group". */
static void decode_owner(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	struct loading *l = d->world;
	const char *text = yaml_text_of(d, v, "USER:GROUP");
	struct owner owner = { (uid_t)-1, (gid_t)-1 };
	const char *colon, *user;
	bool is_good = true;

	if (!text)
		return;
	colon = strchrnul(text, ':');
	user = arena_strndup(&l->arena, text, (size_t)(colon - text));
	if (*user && !machine_user(l->files, user, &owner.uid)) {
		yaml_bad(d, v, "there is no user %.60s", user);
		is_good = false;
	}
	if (*colon && colon[1] && !machine_group(l->files, colon + 1, &owner.gid)) {
		yaml_bad(d, v, "there is no group %.60s", colon + 1);
		is_good = false;
	}
	if (!*user && (!*colon || !colon[1])) {
		yaml_bad(d, v, "names neither a user nor a group");
		is_good = false;
	}
	if (is_good)
		*(struct owner *)out = owner;
}

static void decode_mode(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	const char *text = yaml_text_of(d, v, "a file mode such as \"0640\"");
	size_t len = text ? strlen(text) : 0;
	mode_t mode;

	if (!text)
		return;
	if (len < 3 || len > 4 || strspn(text, "01234567") != len ||
		(len == 4 && text[0] != '0')) {
		yaml_bad(d, v,
			"\"%.40s\" is not a file mode; write three octal digits, as \"0640\"",
			text);
		return;
	}
	mode = (mode_t)strtoul(text, NULL, 8);
	if ((mode & 0400) == 0)
		yaml_bad(d, v, "%s keeps the owner from reading the key", text);
	else if (mode & 0007)
		yaml_bad(d, v, "%s gives all users of this machine the private key", text);
	else
		*(mode_t *)out = mode;
}

static void decode_layout(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	/* In the order of enum layout. */
	static const char *const words[] = { "exchange", "link", NULL };
	int at = yaml_word_of(d, v, words);

	if (at >= 0)
		*(enum layout *)out = (enum layout)at;
}

static void decode_formats(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	/* In the order of the bits of enum format. */
	static const char *const words[] = { "pem", "pkcs12", "combined", "der", "anchor",
		NULL };
	size_t n;
	const struct yaml_node *items = yaml_items_of(d, v, "a list of formats", &n);
	unsigned formats = 0;

	for (size_t i = 0; items && i < n; i++) {
		struct yaml_path path = { .up = v->path, .index = i };
		struct yaml_value item = { .node = &items[i], .path = &path };
		int at = yaml_word_of(d, &item, words);

		if (at >= 0)
			formats |= 1U << at;
	}
	if (items && n == 0)
		yaml_bad(d, v, "is empty; write at least one format");
	if (formats)
		*(unsigned *)out = formats;
}

/* One step of `reload`, before its two forms are told apart. */
struct reload_draft {
	const char *unit;
	int action;
	struct words command;
};

static void decode_action(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	/* In the order of enum reload_action. */
	static const char *const words[] = { "reload-or-restart", "reload", "restart", NULL };
	int at = yaml_word_of(d, v, words);

	if (at >= 0)
		*(int *)out = at;
}

static const struct yaml_type action_type = {
	.word = "reload-or-restart, reload or restart",
	.json = "\"enum\": [\"reload-or-restart\", \"reload\", \"restart\"]",
	.size = sizeof(int),
	.decode = decode_action,
};

static const struct yaml_field reload_fields[] = {
	YAML_FIELD(struct reload_draft, unit, yaml_string,
		.help = "the systemd unit to reload over D-Bus, such as nginx.service"),
	YAML_FIELD(struct reload_draft, action, action_type, .fallback = "reload-or-restart",
		.help = "the job that systemd runs on the unit"),
	YAML_FIELD(struct reload_draft, command, conf_command,
		.help = "a command instead of a unit; its exit status tells whether it worked"),
	{ 0 },
};

static bool unit_is_good(const char *unit)
{
	static const char *const kinds[] = { ".service", ".target", ".socket", ".path",
		".timer" };
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789:-_.\\@";
	bool has_kind = false;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		has_kind = has_kind || str_ends(unit, kinds[i]);
	return has_kind && strlen(unit) < 256 && strspn(unit, letters) == strlen(unit);
}

static bool decode_step(
	struct yaml_decoder *d, const struct yaml_value *v, struct reload_conf *out)
{
	struct reload_draft draft = { 0 };
	size_t errors = d->diags->n_errors;
	uint64_t given;

	if (v->node->kind != NODE_MAP) {
		if (v->node->kind != NODE_BAD)
			yaml_bad(d, v,
				"is %s; write {unit: NAME.service} or {command: [PROGRAM]}",
				yaml_kind_text(v->node));
		return false;
	}
	given = yaml_decode(d, v->node, v->path, reload_fields, &draft);
	if (d->diags->n_errors != errors)
		return false;
	if (!draft.unit == !draft.command.n) {
		yaml_bad(d, v, "needs either a unit or a command");
		return false;
	}
	if (draft.command.n && given & yaml_given(reload_fields, "action")) {
		yaml_bad(d, v, "has an action, which only a unit can have");
		return false;
	}
	if (draft.unit && !unit_is_good(draft.unit)) {
		yaml_bad(d, v, "\"%.80s\" is not the name of a unit; write NAME.service",
			draft.unit);
		return false;
	}
	*out = (struct reload_conf){ draft.unit, (enum reload_action)draft.action,
		draft.command };
	return true;
}

static void decode_reload(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	bool is_list = v->node->kind == NODE_LIST;
	size_t n = is_list ? v->node->n : 1;
	struct reload_list reload = { .at = arena_zalloc(
					      d->arena, (n + 1) * sizeof(*reload.at)) };

	for (size_t i = 0; i < n; i++) {
		struct yaml_path path = { .up = v->path, .index = i };
		struct yaml_value item = *v;

		if (is_list)
			item = (struct yaml_value){ .node = &v->node->items[i], .path = &path };
		reload.n += decode_step(d, &item, &reload.at[reload.n]);
	}
	*(struct reload_list *)out = reload;
}

const struct yaml_type conf_hosts = {
	.word = "list of hosts",
	.json = "\"type\": \"array\", \"items\": {\"enum\": [\"local\"]}",
	.size = sizeof(struct words),
	.decode = decode_hosts,
};

const struct yaml_type conf_owner = {
	.word = "USER:GROUP, USER or :GROUP",
	.json = "\"type\": \"string\"",
	.size = sizeof(struct owner),
	.decode = decode_owner,
};

const struct yaml_type conf_mode = {
	.word = "file mode",
	.json = "\"type\": \"string\", \"pattern\": \"^0?[0-7]{3}$\"",
	.size = sizeof(mode_t),
	.decode = decode_mode,
};

const struct yaml_type conf_layout = {
	.word = "exchange or link",
	.json = "\"enum\": [\"exchange\", \"link\"]",
	.size = sizeof(enum layout),
	.decode = decode_layout,
};

const struct yaml_type conf_formats = {
	.word = "list of pem, pkcs12, combined, der, anchor",
	.json = "\"type\": \"array\", \"items\": {\"enum\": [\"pem\", \"pkcs12\", "
		"\"combined\", "
		"\"der\", \"anchor\"]}",
	.size = sizeof(unsigned),
	.decode = decode_formats,
};

/* A map, a command, or a list of these, so it has the keys of one but a schema of its own. */
const struct yaml_type conf_reload = {
	.word = "unit or command, or a list of these",
	.json = "\"type\": [\"object\", \"array\"]",
	.size = sizeof(struct reload_list),
	.decode = decode_reload,
	.fields = reload_fields,
};

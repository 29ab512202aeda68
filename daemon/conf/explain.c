/* SPDX-License-Identifier: MIT */
/* The tables as text: certd --explain and the reference part of certd.yaml(5). */
#include "daemon/conf/schema.h"

#include <string.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

#define PATH_MAX_KEYS 12

/*
 * States: a walk lives for one request and owns nothing.  It descends through all keys; `path`
 * holds their names from the top, `depth` their number.
 */
struct walk {
	const char *path[PATH_MAX_KEYS];
	size_t depth;
	void (*visit)(struct walk *w, const struct yaml_field *field);
	void (*visit_entry)(struct walk *w, const struct yaml_type *map); /* may be NULL */
	struct buf *out;
	const char *wanted;
	size_t n_found;
};

static void walk_fields(struct walk *w, const struct yaml_field *fields);

static void walk_type(struct walk *w, const struct yaml_type *type)
{
	size_t depth = w->depth;

	for (; type->entry; type = type->of) {
		w->path[w->depth++] = type->entry;
		if (w->visit_entry)
			w->visit_entry(w, type);
	}
	/* The keys of a certificate are told once, with the groups, if not asked for elsewhere. */
	if (type->fields && (type->fields != conf_cert_fields || depth < w->depth ||
				    str_starts(w->wanted, "defaults.")))
		walk_fields(w, type->fields);
	w->depth = depth;
}

static void walk_fields(struct walk *w, const struct yaml_field *fields)
{
	for (; fields->name; fields++) {
		w->path[w->depth++] = fields->name;
		w->visit(w, fields);
		walk_type(w, fields->type);
		w->depth--;
	}
}

static void add_path(const struct walk *w, struct buf *out)
{
	for (size_t i = 0; i < w->depth; i++)
		buf_printf(out, "%s%s", i ? "." : "", w->path[i]);
}

static bool is_placeholder(const char *key)
{
	return key[0] >= 'A' && key[0] <= 'Z';
}

/* The prefix of a word that is any domain, which has dots; NULL for other words. */
static const char *domains_below(const char *key)
{
	return str_is(key, "GROUP") ? "groups." : str_is(key, "ZONE") ? "dns.zones." : NULL;
}

/*
 * Is `wanted` the end of this path?  NAME stands for any name; a domain has dots of its
 * own, so GROUP and ZONE may take several words.
 */
static bool path_matches(const struct walk *w, const char *wanted)
{
	const char *end = wanted + strlen(wanted);

	for (size_t i = w->depth; i-- > 0;) {
		const char *key = w->path[i], *start = end;

		while (start > wanted && start[-1] != '.')
			start--;
		if (domains_below(key))
			while (start > wanted &&
				!(str_starts(wanted, domains_below(key)) &&
					start == wanted + strlen(domains_below(key))))
				start--;
		else if (!is_placeholder(key) &&
			 (strlen(key) != (size_t)(end - start) || !str_starts(start, key)))
			return false;
		if (start == wanted)
			return !is_placeholder(key);
		end = start - 1;
	}
	return false;
}

static const char *word_of(const struct yaml_type *type)
{
	return type->entry || type->fields ? (type->json ? type->word : "map") : type->word;
}

static void add_bounds(struct buf *out, const struct yaml_field *field)
{
	char low[DURATION_TEXT_LEN], high[DURATION_TEXT_LEN];

	if (field->type == &yaml_duration && field->min)
		buf_printf(out, ", at least %s", duration_text(SECONDS(field->min), low));
	if (field->type == &yaml_duration && field->max)
		buf_printf(out, ", at most %s", duration_text(SECONDS(field->max), high));
	if (field->type == &yaml_uint16 || field->type == &yaml_int16)
		buf_printf(out, " from %lld to %lld", (long long)field->min,
			(long long)field->max);
}

/* The keys below, of a map from names those of its entries. */
static void add_keys(struct buf *out, const struct yaml_type *type)
{
	struct buf names AUTO_BUF = BUF_INIT;

	for (; type->entry; type = type->of)
		buf_printf(&names, ".%s", type->entry);
	for (const struct yaml_field *f = type->fields; f && f->name; f++)
		buf_printf(out, "    %s.%s: %s\n", buf_text(&names), f->name, f->help);
}

/* The last keys of all paths, to find what a mistyped one was meant to be. */
static const char *near_key(const char *wanted)
{
	static const struct yaml_field *const tables[] = { conf_top_fields, conf_ca_fields,
		conf_cert_fields, conf_target_fields, conf_zone_fields };
	const char *names[192], *last = strrchr(wanted, '.');
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		for (const struct yaml_field *f = tables[i]; f->name; f++) {
			if (n < ARRAY_LEN(names) - 1)
				names[n++] = f->name;
			for (const struct yaml_field *g = f->type->fields;
				g && g != conf_cert_fields && g->name; g++)
				if (n < ARRAY_LEN(names) - 1)
					names[n++] = g->name;
		}
	names[n] = NULL;
	return str_near_miss(last ? last + 1 : wanted, names);
}

/*
 * Behind "groups." any word may be a name, as domains have dots: there a mistyped key is likelier.
 */
static void explain_entry(struct walk *w, const struct yaml_type *map)
{
	struct buf path AUTO_BUF = BUF_INIT;

	add_path(w, &path);
	if (!str_is(buf_text(&path), w->wanted) &&
		(!path_matches(w, w->wanted) ||
			(str_starts(w->wanted, "groups.") && near_key(w->wanted))))
		return;
	buf_printf(
		w->out, "%s%s: %s\n", w->n_found ? "\n" : "", buf_text(&path), map->of->word);
	if (map->entry_help)
		buf_printf(w->out, "    %s\n", map->entry_help);
	add_keys(w->out, map->of);
	w->n_found++;
}

static void explain_field(struct walk *w, const struct yaml_field *field)
{
	struct buf path AUTO_BUF = BUF_INIT;

	add_path(w, &path);
	if (!*w->wanted) {
		buf_printf(w->out, "%s\n", buf_text(&path));
		w->n_found++;
		return;
	}
	if (!str_is(buf_text(&path), w->wanted) && !path_matches(w, w->wanted))
		return;
	buf_printf(w->out, "%s%s: %s", w->n_found ? "\n" : "", buf_text(&path),
		word_of(field->type));
	add_bounds(w->out, field);
	if (field->is_required)
		buf_add_text(w->out, ", required");
	if (field->only)
		buf_printf(w->out, ", for type %s", field->only);
	buf_printf(w->out, "\n    %s\n", field->help);
	if (field->fallback)
		buf_printf(w->out, "    default: %s\n", field->fallback);
	add_keys(w->out, field->type);
	w->n_found++;
}

int conf_explain(const char *key, struct buf *out, struct err *err)
{
	struct walk w = { .visit = explain_field,
		.visit_entry = explain_entry,
		.out = out,
		.wanted = key ? key : "" };
	const char *near;

	walk_fields(&w, conf_top_fields);
	if (w.n_found)
		return 0;
	near = near_key(w.wanted);
	if (near)
		return err_set(err, ERR_NOT_FOUND, "there is no key %.80s; did you mean %s?",
			w.wanted, near);
	return err_set(err, ERR_NOT_FOUND, "there is no key %.80s", w.wanted);
}

/* A dot or quote at the start of an mdoc line is a request; a backslash is an escape. */
static void add_mdoc(struct buf *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		if ((*p == '.' || *p == '\'') && (p == text || p[-1] == '\n'))
			buf_add_text(out, "\\&");
		if (*p == '\\')
			buf_add_text(out, "\\e");
		else if (*p == '"')
			buf_add_text(out, "\\(dq");
		else if (*p == '-')
			buf_add_text(out, "\\-");
		else
			buf_add_char(out, *p);
	}
}

static void manual_field(struct walk *w, const struct yaml_field *field)
{
	struct buf path AUTO_BUF = BUF_INIT, bounds AUTO_BUF = BUF_INIT;

	add_path(w, &path);
	add_bounds(&bounds, field);
	buf_printf(w->out, ".It Ic %s\n", buf_text(&path));
	add_mdoc(w->out, word_of(field->type));
	add_mdoc(w->out, buf_text(&bounds));
	if (field->is_required)
		buf_add_text(w->out, ", required");
	if (field->only)
		buf_printf(w->out, ", for type %s", field->only);
	buf_add_text(w->out, ":\n");
	add_mdoc(w->out, field->help);
	buf_add_text(w->out, ".\n");
	if (field->fallback) {
		buf_add_text(w->out, "Default:\n.Ql ");
		add_mdoc(w->out, field->fallback);
		buf_add_text(w->out, " .\n");
	}
}

void conf_manual(struct buf *out)
{
	struct walk w = { .visit = manual_field, .out = out, .wanted = "" };

	buf_add_text(out, ".Bl -tag -width Ds\n");
	walk_fields(&w, conf_top_fields);
	buf_add_text(out, ".El\n");
}

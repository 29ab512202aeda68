/* SPDX-License-Identifier: MIT */
#include "daemon/conf/conf.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/merge.h"
#include "daemon/conf/schema.h"

/* Below this many certificates the allocator's caches are not worth a walk. */
#define TRIM_FROM 10000

static struct yaml_decoder decoder_of(struct loading *l, struct arena *arena)
{
	return (struct yaml_decoder){ .diags = l->diags, .arena = arena, .world = l };
}

static void load_targets(struct loading *l)
{
	struct yaml_path path = { .key = "targets" };
	struct yaml_decoder d = decoder_of(l, &l->conf->arena);
	struct conf *conf = l->conf;
	struct target_draft base = { .owner = { (uid_t)-1, (gid_t)-1 } };

	yaml_decode_fallbacks(&d, conf_target_fields, &base);
	l->targets = conf_entries_of(l, l->top.targets, &path);
	l->target_names = conf_entries_index(l, &l->targets, &l->target_by_name);
	l->target_drafts =
		arena_zalloc(&l->arena, (l->targets.n + 1) * sizeof(*l->target_drafts));
	conf->targets = arena_zalloc(&conf->arena, (l->targets.n + 1) * sizeof(*conf->targets));
	conf->n_targets = l->targets.n;
	for (size_t i = 0; i < l->targets.n; i++) {
		const struct conf_entry *entry = &l->targets.at[i];
		struct yaml_path here = { .up = &path, .key = entry->name };
		struct target_draft *draft = &l->target_drafts[i];

		*draft = base;
		yaml_decode(&d, entry->value, &here, conf_target_fields, draft);
		conf->targets[i] = (struct target_conf){
			.name = arena_strdup(&conf->arena, entry->name),
			.place = entry->key->place,
			.dir = draft->dir,
			.uid = draft->owner.uid,
			.gid = draft->owner.gid,
			.key_mode = draft->key_mode,
			.include_next = draft->include_next,
			.layout = draft->layout,
			.formats = draft->formats,
			.check = draft->check,
			.after_copy = draft->after_copy,
			.reload = draft->reload.at,
			.n_reload = draft->reload.n,
			.password_file = draft->password_file,
			.password_place =
				conf_place_in(entry->value, "password_file", entry->key->place),
		};
	}
}

static void load_defaults(struct loading *l)
{
	struct yaml_path path = { .key = "defaults" };
	struct yaml_decoder d = decoder_of(l, &l->arena);

	l->defaults.path_length = -1;
	yaml_decode_fallbacks(&d, conf_cert_fields, &l->defaults);
	if (l->top.defaults)
		l->defaults_given =
			yaml_decode(&d, l->top.defaults, &path, conf_cert_fields, &l->defaults);
}

static struct yaml_place socket_place(const struct yaml_node *root)
{
	const struct yaml_node *control = yaml_get(root, "control");
	const struct yaml_node *socket = control ? yaml_get(control, "socket") : NULL;

	return socket ? socket->place : (struct yaml_place){ 1, 1, 0 };
}

static void load_top(struct loading *l, const struct yaml_node *root)
{
	struct yaml_decoder d = decoder_of(l, &l->conf->arena);
	struct conf *conf = l->conf;

	yaml_decode_fallbacks(&d, conf_top_fields, &l->top);
	yaml_decode(&d, root, NULL, conf_top_fields, &l->top);
	l->http_node = yaml_get(root, "http");
	l->dns_node = yaml_get(root, "dns");
	conf->state_dir = l->top.state_dir;
	conf->user = l->top.user;
	conf->socket = l->top.control.socket;
	conf->socket_place = socket_place(root);
	conf->observe = l->top.control.observe;
	conf->operate = l->top.control.operate;
	conf->admin = l->top.control.admin;
	memcpy(conf->hooks, l->top.hooks.at, sizeof(conf->hooks));
}

static struct yaml_node parse_all(struct loading *l)
{
	size_t n = l->files->n, n_maps = 0;
	struct yaml_node *roots = arena_zalloc(&l->arena, (n + 1) * sizeof(*roots));
	const struct yaml_node **maps = arena_zalloc(&l->arena, (n + 1) * sizeof(*maps));

	for (size_t i = 0; i < n; i++) {
		const struct conf_file *file = &l->files->at[i];

		roots[i] = yaml_parse(file->data, file->len,
			yaml_diags_file(l->diags, file->path), &l->arena, l->diags);
		if (roots[i].kind == NODE_MAP)
			maps[n_maps++] = &roots[i];
		else if (roots[i].kind != NODE_BAD && !yaml_is_null(&roots[i]))
			yaml_error(l->diags, roots[i].place, NULL, "the file is %s, not a map",
				yaml_kind_text(&roots[i]));
		l->has_bad_tree = l->has_bad_tree || roots[i].kind == NODE_BAD;
	}
	if (n_maps == 0)
		return (struct yaml_node){ .kind = NODE_MAP, .place = { 1, 1, 0 } };
	return n_maps == 1 ? *maps[0]
			   : merge_maps(maps, n_maps, MERGE_TOP, NULL, &l->arena, l->diags);
}

struct conf *conf_load(struct conf_files *files, struct yaml_diags *diags)
{
	struct conf *conf = mem_new(struct conf);
	struct loading l = { .conf = conf, .files = files, .diags = diags };
	struct yaml_node root;
	bool is_large;

	conf->refs = 1;
	/*
	 * Unreadable parts are missing in the tree: references into it would be told as
	 * wrong.
	 */
	l.has_bad_tree = diags->n_errors != 0;
	machine_read_stamps(&l);
	root = parse_all(&l);
	load_top(&l, &root);
	cas_load(&l);
	dns_load(&l);
	load_targets(&l);
	load_defaults(&l);
	certs_load(&l);
	dns_note_names(conf);
	if (!l.has_bad_tree)
		conf_check(&l);
	if (!diags->n_errors)
		conf_add_digests(&l);
	is_large = conf->n_certs >= TRIM_FROM;
	map_done(&l.ca_by_name);
	map_done(&l.target_by_name);
	map_done(&l.stamps);
	free(l.sources);
	arena_done(&l.arena);
	if (diags->n_errors) {
		conf_unref(conf);
		conf = NULL;
	}
	if (is_large)
		malloc_trim(0);
	return conf;
}

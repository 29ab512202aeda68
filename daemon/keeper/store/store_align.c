/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/conf/index.h"
#include "daemon/keeper/store/store_private.h"
#include "lib/base/clock.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/*
 * A certificate moves as one directory, with its facts file parked in it, so that every move is one
 * rename.  In this order: older names are taken over, what is not configured is archived, what is
 * configured and archived comes back.
 */

/* A walk over TREE/GROUP/NAME. */
struct walk {
	int tree, group;
	const char *group_name;
	int (*each)(
		const char *group, int group_fd, const char *name, void *data, struct err *err);
	void *data;
	struct err *err;
};

static int walk_name(const char *name, void *data)
{
	struct walk *w = data;

	if (!file_name_is_safe(name))
		return 0;
	return w->each(w->group_name, w->group, name, w->data, w->err);
}

static int walk_group(const char *name, void *data)
{
	struct walk *w = data;
	struct err ignored;
	int result;

	if (!file_name_is_safe(name))
		return 0;
	w->group = file_open_dir(w->tree, name, &ignored);
	if (w->group < 0)
		return 0; /* facts/index and the like; a foreign one tells its certificates */
	w->group_name = name;
	result = store_each_entry(w->group, ".", walk_name, w, w->err);
	file_closep(&w->group);
	if (result == 0)
		unlinkat(w->tree, name, AT_REMOVEDIR); /* when it is empty now */
	return result;
}

static int walk_tree(int tree,
	int (*each)(
		const char *group, int group_fd, const char *name, void *data, struct err *err),
	void *data, struct err *err)
{
	struct walk w = { tree, -1, NULL, each, data, err };

	return store_each_entry(tree, ".", walk_group, &w, err);
}

/* Renames a directory of a certificate and makes both ends durable. */
static int move_dir(int from_dir, const char *from, int to_dir, const char *to, struct err *err)
{
	if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) < 0)
		return err_sys(err, err_code_of_errno(errno), errno, "cannot move %s", from);
	if (file_sync_dir(to_dir, ".", err) < 0)
		return -1;
	return file_sync_dir(from_dir, ".", err);
}

/* The directory of `cert` moves from GROUP/`name` below `tree` to where it belongs. */
static int bring(struct store *store, const char *cert, int tree, const char *group,
	const char *name, struct err *err)
{
	int from AUTO_CLOSE = file_open_dir(tree, group, err);
	char to_group[256];
	const char *service;
	int to AUTO_CLOSE = -1;

	if (from < 0 || cert_name_split(cert, to_group, &service, err) < 0)
		return -1;
	to = store_make_dir(store->certs, to_group, err);
	if (to < 0)
		return -1;
	store->is_dirty = true;
	return move_dir(from, name, to, service, err);
}

static int restore_facts(struct store *store, const char *cert, struct err *err)
{
	struct cert_dir dir AUTO_CERT_DIR;

	if (cert_dir_open(store, cert, false, &dir, err) < 0)
		return -1;
	return dir.fd < 0 ? 0 : facts_unpark(&dir, err);
}

/*
 * An older name whose history is wanted: no other certificate uses it, and the new name has
 * none.
 */
static int take_over(struct store *store, const struct cert_conf *cert, struct err *err)
{
	struct log_field log = { "CERT", cert->name, NULL };
	struct cert_dir old AUTO_CERT_DIR;

	if (cert_dir_open(store, cert->was, false, &old, err) < 0)
		return -1;
	if (old.fd < 0)
		return 0;
	if (facts_park(&old, err) < 0 ||
		bring(store, cert->name, store->certs, old.group, old.service, err) < 0 ||
		restore_facts(store, cert->name, err) < 0)
		return err_add(err, "cannot take over %s", cert->was);
	log_event(&log, EVENT_CERT_RESTORED, NULL, "%s goes on with the history of %s",
		cert->name, cert->was);
	return 0;
}

/* archive/GROUP/SERVICE.TIME */
static int archive(struct store *store, const char *cert, struct err *err)
{
	char now[INSTANT_TEXT_LEN], name[256];
	struct cert_dir dir AUTO_CERT_DIR;
	int archives AUTO_CLOSE = store_make_dir(store->root, "archive", err);
	int from AUTO_CLOSE = -1, to AUTO_CLOSE = -1;

	if (cert_dir_open(store, cert, true, &dir, err) < 0)
		return -1;
	if (archives < 0 || (to = store_make_dir(archives, dir.group, err)) < 0 ||
		(from = file_open_dir(store->certs, dir.group, err)) < 0 ||
		facts_park(&dir, err) < 0)
		return -1;
	store->is_dirty = true;
	/* A certificate may come and go several times in one second. */
	for (struct instant at = clock_now();; at = instant_add(at, SECONDS(1))) {
		snprintf(name, sizeof(name), "%s.%s", dir.service, instant_compact(at, now));
		if (!file_exists(to, name))
			break;
	}
	if (move_dir(from, dir.service, to, name, err) < 0)
		return -1;
	log_event(&dir.log, EVENT_CERT_ARCHIVED, NULL,
		"%s is not in the configuration any more and was archived", cert);
	return 0;
}

/*
 * States: an align lives for one call of store_align() and owns the names of the archive.  It
 * takes older names over first, then archives what the configuration does not have, then brings
 * back from the archive; a certificate that fails is told and skipped.
 */
struct align {
	struct store *store;
	const struct conf *conf;
	struct map archived; /* "GROUP/SERVICE" -> the newest file name, in the arena */
	struct arena arena;
};

static void tell_failure(const char *cert, const struct err *err)
{
	struct log_field log = { "CERT", cert, NULL };

	log_event(&log, EVENT_CERT_FAILED, err,
		"%s could not be brought in line with the configuration", cert);
}

static int archive_one(
	const char *group, int group_fd, const char *name, void *data, struct err *err)
{
	struct align *align = data;
	char cert[600];
	struct err inner = ERR_INIT;

	(void)group_fd;
	(void)err;
	snprintf(cert, sizeof(cert), "%s/%s", group, name);
	if (!conf_cert(align->conf, cert) && archive(align->store, cert, &inner) < 0)
		tell_failure(cert, &inner);
	return 0;
}

/* Notes the newest archive of each name that is configured or an older name of one that is. */
static int note_archive(
	const char *group, int group_fd, const char *name, void *data, struct err *err)
{
	const char *dot = strrchr(name, '.');
	struct align *align = data;
	struct err ignored;
	struct instant at;
	const char *known;
	char *cert;

	(void)group_fd;
	(void)err;
	if (!dot || instant_parse(dot + 1, &at, &ignored) < 0)
		return 0;
	cert = arena_printf(&align->arena, "%s/%.*s", group, (int)(dot - name), name);
	known = map_get(&align->archived, cert);
	/* Both end in a time of one length. */
	if (!known || strcmp(known, name) < 0)
		map_set(&align->archived, cert, arena_strdup(&align->arena, name));
	return 0;
}

static int restore(struct align *align, int archives, const char *cert, const char *from,
	const char *name, struct err *err)
{
	struct log_field log = { "CERT", cert, NULL };
	char group[256];
	const char *service;

	if (cert_name_split(from, group, &service, err) < 0 ||
		bring(align->store, cert, archives, group, name, err) < 0 ||
		restore_facts(align->store, cert, err) < 0)
		return -1;
	log_event(&log, EVENT_CERT_RESTORED, NULL, "%s is back from the archive", cert);
	return 0;
}

static int restore_all(struct align *align, struct err *err)
{
	int archives AUTO_CLOSE = file_open_dir(align->store->root, "archive", err);

	if (archives < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	if (walk_tree(archives, note_archive, align, err) < 0)
		return -1;
	for (size_t i = 0; align->archived.n && i < align->conf->n_certs; i++) {
		const struct cert_conf *cert = conf_cert_at(align->conf, i);
		const char *from = cert->name, *name = map_get(&align->archived, from);
		struct err inner;

		if (!name && cert->was && !conf_cert(align->conf, cert->was)) {
			from = cert->was;
			name = map_get(&align->archived, from);
		}
		if (name && !file_exists(align->store->certs, cert->name) &&
			restore(align, archives, cert->name, from, name, &inner) < 0)
			tell_failure(cert->name, &inner);
	}
	return 0;
}

int store_align(struct store *store, const struct conf *conf, struct err *err)
{
	struct align align = { .store = store, .conf = conf };
	int result;

	*err = (struct err)ERR_INIT;
	for (size_t i = 0; i < conf->n_certs; i++) {
		const struct cert_conf *cert = conf_cert_at(conf, i);
		struct err inner;

		if (cert->was && !conf_cert(conf, cert->was) &&
			!file_exists(store->certs, cert->name) &&
			take_over(store, cert, &inner) < 0)
			tell_failure(cert->name, &inner);
	}
	result = walk_tree(store->certs, archive_one, &align, err) < 0 ||
				 walk_tree(store->facts, archive_one, &align, err) < 0 ||
				 restore_all(&align, err) < 0
			 ? -1
			 : 0;
	map_done(&align.archived);
	arena_done(&align.arena);
	return result < 0
		       ? err_add(err, "cannot bring the store in line with the configuration")
		       : 0;
}

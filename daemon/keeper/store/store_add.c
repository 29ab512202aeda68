/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keeper/store/info.h"
#include "daemon/keeper/store/store_private.h"
#include "daemon/keeper/store/version.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/key.h"

/* Far beyond what one second can make. */
#define SUFFIX_MAX 1000000

/* Key, certificate and info file belong together: what a later reading would compare too. */
static int check_files(const struct version_files *files, struct err *err)
{
	struct cert *cert AUTO_CERT = NULL;
	struct key *key AUTO_KEY = NULL;
	struct version_facts said = { .generation = 0 };
	uint8_t spki[SHA256_LEN];

	if (info_parse(buf_text(&files->info), &said, err) < 0)
		return -1;
	if (proof_compare(&files->cert, &files->privkey, buf_text(&files->info), &said))
		return 0;
	if (cert_read(files->cert.data, files->cert.len, &cert, err) < 0 ||
		key_read(files->privkey.data, files->privkey.len, &key, err) < 0)
		return -1;
	if (!cert_has_key(cert, key))
		return err_set(err, ERR_BAD_CERT, "the certificate is not for this key");
	cert_spki_sha256(cert, spki);
	if (memcmp(spki, said.spki, sizeof(spki)) != 0 ||
		cert_not_after(cert).s != said.not_after.s)
		return err_set(err, ERR_BAD_CERT, "its info is of another certificate");
	return 0;
}

static int write_files(int fd, const struct version_files *files, struct err *err)
{
	for (size_t i = 0; i < n_version_file_kinds; i++) {
		const struct version_file_kind *kind = &version_file_kinds[i];
		const void *member = (const char *)files + kind->at;
		const struct secret *secret = member;
		const struct buf *plain = member;
		const void *data = kind->is_secret ? secret->data : plain->data;
		size_t len = kind->is_secret ? secret->len : plain->len;

		if (file_create(fd, kind->name, data, len,
			    kind->is_secret ? FILE_SECRET : FILE_PUBLIC, err) < 0)
			return -1;
	}
	if (fsync(fd) < 0)
		return err_sys(err, err_code_of_errno(errno), errno, "cannot sync the version");
	return 0;
}

/* Fills a temporary directory; on failure it is gone again. */
static int write_temp(const struct cert_dir *dir, const char *temp,
	const struct version_files *files, struct err *err)
{
	struct proof proof;
	struct err ignored;

	if (file_make_dir(dir->fd, temp, 0700, err) == 0) {
		int fd AUTO_CLOSE = file_open_dir(dir->fd, temp, err);

		if (fd >= 0 && write_files(fd, files, err) == 0) {
			/* They were checked on their way here. */
			if (proof_take(fd, &proof))
				proof_keep(dir->store, &proof);
			return 0;
		}
	}
	file_remove_tree(dir->fd, temp, &ignored);
	return -1;
}

/* Gives the temporary the first name of its second, or behind the newest, that was never used. */
static int name_version(const struct cert_dir *dir, const char *temp, int versions,
	struct version_id *id, struct err *err)
{
	struct version_id newest = version_newest(dir, NULL);
	char text[VERSION_ID_TEXT_LEN];
	int from = dir->fd;

	id->suffix = 1;
	if (version_id_compare(id, &newest) <= 0) {
		*id = newest;
		id->suffix++;
	}
	for (; id->suffix < SUFFIX_MAX; id->suffix++) {
		version_id_text(id, text);
		if (renameat2(from, temp, versions, text, RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EEXIST && errno != ENOTEMPTY)
			break;
	}
	return err_sys(err, err_code_of_errno(errno), errno, "cannot name the new version");
}

/*
 * Takes back a version that could not be linked durably: the caller is told that it failed, and
 * will make another.  A version that cannot be taken back is whole and harmless.
 */
static void undo(const struct cert_dir *dir, int versions, const struct version_id *id,
	const struct version_id *old_next)
{
	char text[VERSION_ID_TEXT_LEN], temp[TEMP_NAME_LEN];
	struct version_id next = { 0 };
	struct err ignored;

	if (link_target(dir, ROLE_NEXT, &next, &ignored) < 0)
		return;
	if (version_id_equal(&next, id)) {
		if (version_is_set(old_next))
			link_set(dir, ROLE_NEXT, old_next, &ignored);
		else
			link_drop(dir, ROLE_NEXT, &ignored);
		if (link_target(dir, ROLE_NEXT, &next, &ignored) < 0 ||
			version_id_equal(&next, id))
			return;
	}
	store_temp_name(temp);
	if (renameat(versions, version_id_text(id, text), dir->fd, temp) == 0)
		file_remove_tree(dir->fd, temp, &ignored);
}

static int add(const struct cert_dir *dir, const struct version_files *files,
	struct version_id *id, struct err *err)
{
	int versions AUTO_CLOSE = store_make_dir(dir->fd, "versions", err);
	struct version_id old_next = { 0 };
	char temp[TEMP_NAME_LEN];
	struct err ignored;

	if (versions < 0 || store_check_owner(dir->store, versions, "versions", err) < 0 ||
		link_target(dir, ROLE_NEXT, &old_next, err) < 0)
		return -1;
	store_temp_name(temp);
	if (write_temp(dir, temp, files, err) < 0)
		return -1;
	if (name_version(dir, temp, versions, id, err) < 0) {
		file_remove_tree(dir->fd, temp, &ignored);
		return -1;
	}
	if (fsync(versions) < 0)
		err_sys(err, err_code_of_errno(errno), errno, "cannot sync the versions");
	else if (link_set(dir, ROLE_NEXT, id, err) == 0)
		return 0;
	undo(dir, versions, id, &old_next);
	return -1;
}

int store_add(struct store *store, const char *cert, const struct version_files *files,
	struct version_facts *version, struct err *err)
{
	struct version_id id = { .made = version->created };
	struct cert_dir dir AUTO_CERT_DIR;

	if (cert_dir_open(store, cert, true, &dir, err) < 0)
		return -1;
	store->is_dirty = true;
	if (check_files(files, err) < 0 || add(&dir, files, &id, err) < 0)
		return err_add(err, "cannot store a new version of %s", cert);
	version->id = id;
	return 0;
}

int store_set_next(struct store *store, const char *cert, const struct version_id *version,
	struct err *err)
{
	struct cert_dir dir AUTO_CERT_DIR;
	struct version_facts facts;

	if (cert_dir_open(store, cert, false, &dir, err) < 0)
		return -1;
	if (dir.fd < 0 ||
		version_load(&dir, version, DEPTH_PROVEN, &facts, err) != VERSION_WHOLE)
		return err_set(err, ERR_NO_SUCH_VERSION, "%s has no such version", cert);
	return link_set(&dir, ROLE_NEXT, version, err);
}

/* Out of versions/ in one step, so that a crash leaves a temporary and no half of a version. */
static int delete_version(
	const struct cert_dir *dir, const struct version_id *id, struct err *err)
{
	char path[VERSION_PATH_LEN], temp[TEMP_NAME_LEN];

	store_temp_name(temp);
	if (version_leaves(dir, id, err) < 0)
		return -1;
	if (renameat(dir->fd, version_path(id, path), dir->fd, temp) < 0)
		return err_sys(err, err_code_of_errno(errno), errno, "cannot remove %s", path);
	dir->store->is_dirty = true;
	return file_remove_tree(dir->fd, temp, err);
}

static int count_one(const char *name, void *data)
{
	(void)name;
	++*(size_t *)data;
	return 0;
}

/* Most of the time there is nothing to prune, which needs no look into the versions. */
static bool may_prune(const struct cert_dir *dir, size_t keep)
{
	struct version_id links[ROLE_COUNT] = { { { 0 }, 0 } };
	size_t n = 0, n_linked = 0;
	struct err ignored;

	for (enum role role = 0; role < ROLE_COUNT; role++) {
		bool is_new = link_target(dir, role, &links[role], &ignored) == 0 &&
			      version_is_set(&links[role]);

		for (enum role other = 0; other < role; other++)
			is_new = is_new && !version_id_equal(&links[other], &links[role]);
		n_linked += is_new;
	}
	return store_each_entry(dir->fd, "versions", count_one, &n, &ignored) < 0 ||
	       n > keep + n_linked;
}

static int prune(const struct cert_dir *dir, const struct cert_facts *facts, size_t keep,
	size_t *n_deleted, struct err *err)
{
	struct version_facts *list AUTO_FREE = NULL;
	struct version_id links[ROLE_COUNT] = { { { 0 }, 0 } };
	size_t n, n_kept = 0;

	if (version_list(dir, &list, &n, err) < 0)
		return -1;
	for (enum role role = 0; role < ROLE_COUNT; role++)
		if (link_target(dir, role, &links[role], err) < 0)
			return -1;
	for (size_t i = 0; i < n; i++) {
		bool is_used = facts_is_deployed(facts, &list[i].id) ||
			       version_id_equal(&facts->revocation.of, &list[i].id);

		for (enum role role = 0; role < ROLE_COUNT; role++)
			is_used = is_used || version_id_equal(&links[role], &list[i].id);
		if (is_used || n_kept++ < keep)
			continue;
		if (delete_version(dir, &list[i].id, err) < 0)
			return -1;
		++*n_deleted;
	}
	return 0;
}

int store_prune(
	struct store *store, const char *cert, size_t keep, size_t *n_deleted, struct err *err)
{
	struct cert_facts facts CLEANUP(facts_done) = { .cert = NULL };
	struct cert_dir dir AUTO_CERT_DIR;
	struct err ignored;
	int result;

	*n_deleted = 0;
	if (cert_dir_open(store, cert, false, &dir, err) < 0)
		return -1;
	if (dir.fd < 0 || !may_prune(&dir, keep))
		return 0;
	result = facts_gather(store, cert, DEPTH_FACTS, &facts, err);
	if (result == 0)
		result = prune(&dir, &facts, keep, n_deleted, err);
	/* A version that was told to be deleted, keys among it, does not come back. */
	if (*n_deleted && file_sync_dir(dir.fd, "versions", result < 0 ? &ignored : err) < 0)
		result = -1;
	if (*n_deleted)
		log_event(&dir.log, EVENT_CERT_PRUNED, NULL,
			*n_deleted == 1 ? "%zu old version of %s was deleted"
					: "%zu old versions of %s were deleted",
			*n_deleted, cert);
	return result < 0 ? err_add(err, "cannot prune %s", cert) : 0;
}

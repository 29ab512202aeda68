/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/store/store.h"

#include "daemon/keeper/store/store_private.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* Reading of versions, by the links that name them. */

int store_versions(struct store *store, const char *cert,
	void (*tell)(const struct version_facts *version, const char *role, void *data),
	void *data, struct err *err)
{
	struct cert_dir dir AUTO_CERT_DIR;
	struct version_facts *list AUTO_FREE = NULL;
	struct version_id links[ROLE_COUNT] = { { { 0 }, 0 } };
	size_t n;

	if (cert_dir_open(store, cert, false, &dir, err) < 0)
		return -1;
	if (version_list(&dir, &list, &n, err) < 0)
		return err_add(err, "%s", cert);
	for (enum role role = 0; dir.fd >= 0 && role < ROLE_COUNT; role++)
		if (link_target(&dir, role, &links[role], err) < 0)
			return err_add(err, "%s", cert);
	for (size_t i = 0; i < n; i++) {
		const char *role = "";

		for (enum role r = ROLE_COUNT; r-- > 0;)
			if (version_id_equal(&links[r], &list[i].id))
				role = link_role_text(r);
		tell(&list[i], role, data);
	}
	return 0;
}

static const struct version_file_kind *find_kind(const char *file)
{
	for (size_t i = 0; i < n_version_file_kinds; i++)
		if (str_is(version_file_kinds[i].name, file))
			return &version_file_kinds[i];
	return NULL;
}

static int read_version_file(const struct cert_dir *dir, const struct version_id *id,
	const struct version_file_kind *kind, size_t limit, struct buf *out, struct err *err)
{
	char path[VERSION_PATH_LEN], text[VERSION_ID_TEXT_LEN];
	struct version_facts facts;
	int fd AUTO_CLOSE = -1;

	/* Where a key leaves the store it is compared once more. */
	switch (version_load(
		dir, id, kind->is_secret ? DEPTH_COMPARE : DEPTH_FACTS, &facts, err)) {
	case VERSION_WHOLE:
		break;
	case VERSION_MISSING:
		return err_set(err, ERR_NO_SUCH_VERSION, "there is no version %s",
			version_id_text(id, text));
	case VERSION_DAMAGED: {
		struct err why = *err;

		return version_quarantine(dir, id, &why, err) < 0 ? -1 : (*err = why, -1);
	}
	case VERSION_UNUSABLE:
	default:
		return -1;
	}
	fd = file_open_dir(dir->fd, version_path(id, path), err);
	return fd < 0 ? -1 : file_read(fd, kind->name, limit, out, err);
}

int store_read_file(struct store *store, const char *cert, const struct version_id *version,
	const char *file, size_t limit, struct buf *out, struct err *err)
{
	const struct version_file_kind *kind = find_kind(file);
	struct cert_dir dir AUTO_CERT_DIR;
	struct version_id id = { 0 };

	if (cert_dir_open(store, cert, false, &dir, err) < 0)
		return -1;
	if (!kind)
		return err_set(err, ERR_BAD_ARGUMENT, "a version has no file %.60s", file);
	if (version)
		id = *version;
	else if (dir.fd >= 0 && link_target(&dir, ROLE_CURR, &id, err) < 0)
		return err_add(err, "%s", cert);
	if (dir.fd < 0 || !version_is_set(&id))
		return err_set(err, ERR_NO_SUCH_VERSION, "%s has no current version", cert);
	if (read_version_file(&dir, &id, kind, limit, out, err) < 0)
		return err_add(err, "%s of %s", file, cert);
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/copy/copy_link.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/keeper/copy/copy.h"
#include "daemon/keeper/copy/copy_dir.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/str.h"

#define VERSIONS ".versions"
#define NEW_NAME ".certd-new"
#define NAME_LEN 256
#define NAMES_MAX 10000

/* Every name whose target has to stay. */
static const char *const links[] = { "curr", ".certd-old", ".certd-swap" };

bool copy_link_target(int place, const char *name, char out[NAME_LEN])
{
	char target[NAME_LEN + sizeof(VERSIONS)];
	struct err err = ERR_INIT;

	if (file_read_link(place, name, target, sizeof(target), &err) < 0)
		return false;
	if (!str_starts(target, VERSIONS "/"))
		return false;
	snprintf(out, NAME_LEN, "%s", target + sizeof(VERSIONS));
	return file_name_is_safe(out);
}

static bool is_linked(int place, const char *version)
{
	char target[NAME_LEN];

	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (copy_link_target(place, links[i], target) && str_is(target, version))
			return true;
	return false;
}

int copy_link_is_same(
	const struct copy *copy, int place, const char *name, bool *out, struct err *err)
{
	char version[NAME_LEN];
	int versions AUTO_CLOSE = -1;

	*out = false;
	if (!copy_link_target(place, name, version))
		return 0;
	versions = openat(place, VERSIONS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return versions < 0 ? 0 : copy_dir_is_same(copy, versions, version, out, err);
}

/* Nothing points at the name, and nothing that cannot be removed has it. */
static bool is_free(int place, int versions, const char *name)
{
	struct err ignored;

	return !is_linked(place, name) && file_remove_tree(versions, name, &ignored) == 0;
}

/* The version's own name, or the first with a number behind that is free. */
static void free_name(const struct copy *copy, int place, int versions, char out[NAME_LEN])
{
	char id[VERSION_ID_TEXT_LEN];

	version_id_text(&copy->version, id);
	snprintf(out, NAME_LEN, "%s", id);
	for (int i = 2; !is_free(place, versions, out) && i < NAMES_MAX; i++)
		snprintf(out, NAME_LEN, "%s.%d", id, i);
}

static int write_version(
	const struct copy *copy, int place, char version[NAME_LEN], struct err *err)
{
	int versions AUTO_CLOSE = copy_dir_make(copy, place, VERSIONS, err);

	if (versions < 0 || copy_dir_write(copy, versions, NEW_NAME, err) < 0)
		return -1;
	free_name(copy, place, versions, version);
	if (renameat(versions, NEW_NAME, versions, version) < 0)
		return err_sys(err, ERR_IO, errno, "cannot rename into %s", version);
	return file_sync_dir(versions, ".", err);
}

int copy_link_put(
	struct copy *copy, int place, const char *name, const char *temp, struct err *err)
{
	char version[NAME_LEN], target[NAME_LEN + sizeof(VERSIONS)];

	if (write_version(copy, place, version, err) < 0 ||
		file_remove_tree(place, temp, err) < 0)
		return -1;
	snprintf(target, sizeof(target), VERSIONS "/%s", version);
	if (symlinkat(target, place, temp) < 0)
		return err_sys(err, ERR_IO, errno, "cannot make the link %s", temp);
	if (renameat(place, temp, place, name) < 0)
		return err_sys(err, ERR_IO, errno, "cannot rename into %s", name);
	return file_sync_dir(place, ".", err);
}

int copy_link_prune(int place, struct err *err)
{
	int fd = openat(place, VERSIONS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct err other;
	bool is_synced;
	int result;

	if (!dir) {
		file_closep(&fd);
		return 0;
	}
	/* A link that is dropped is so for good before the files that it led to go. */
	is_synced = file_sync_dir(place, ".", err) == 0;
	result = is_synced ? 0 : -1;
	/* Everything below .versions is ours: nothing else is ever put there. */
	while (is_synced && (entry = readdir(dir)))
		if (!str_is(entry->d_name, ".") && !str_is(entry->d_name, "..") &&
			!is_linked(place, entry->d_name) &&
			file_remove_tree(fd, entry->d_name, result ? &other : err) < 0)
			result = -1;
	closedir(dir);
	if (result == 0)
		unlinkat(place, VERSIONS, AT_REMOVEDIR); /* fails while one is linked */
	return result;
}

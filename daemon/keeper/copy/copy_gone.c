/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/copy/copy_gone.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keeper/files/beneath.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/str.h"

#define GONE_NAME ".certd-gone"
/* Leftovers at one place; each deploy leaves one at most. */
#define GONE_MAX 10000

static int open_gone(int place, struct err *err)
{
	int fd;

	if (mkdirat(place, GONE_NAME, 0700) < 0 && errno != EEXIST)
		return err_sys(err, err_code_of_errno(errno), errno,
			"cannot make the directory %s", GONE_NAME);
	fd = beneath_open_dir(place, GONE_NAME);
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR || errno == EXDEV) &&
		unlinkat(place, GONE_NAME, 0) == 0 && mkdirat(place, GONE_NAME, 0700) == 0)
		fd = beneath_open_dir(place, GONE_NAME);
	return fd >= 0 ? fd
		       : err_sys(err, err_code_of_errno(errno), errno, "cannot open %s",
				 GONE_NAME);
}

int copy_gone_take(int place, const char *name, struct err *err)
{
	int gone AUTO_CLOSE = -1;

	if (!file_exists(place, name))
		return 0;
	gone = open_gone(place, err);
	if (gone < 0)
		return -1;
	for (int i = 1; i <= GONE_MAX; i++) {
		char number[16];

		snprintf(number, sizeof(number), "%d", i);
		if (file_exists(gone, number))
			continue;
		if (renameat(place, name, gone, number) == 0 || errno == ENOENT)
			return 0;
		/* On the lower layer of an overlay it can be removed, but not renamed. */
		if (errno == EXDEV)
			return file_remove_tree(place, name, err);
		return err_sys(err, err_code_of_errno(errno), errno, "cannot rename %s", name);
	}
	return err_set(err, ERR_TOO_LARGE, "%s holds %d leftovers", GONE_NAME, GONE_MAX);
}

int copy_gone_sweep(int place, struct err *err)
{
	int fd = beneath_open_dir(place, GONE_NAME);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct err other;
	int result = 0;

	if (!dir) {
		file_closep(&fd);
		return 0;
	}
	while ((entry = readdir(dir)))
		if (!str_is(entry->d_name, ".") && !str_is(entry->d_name, "..") &&
			file_remove_tree(fd, entry->d_name, result ? &other : err) < 0)
			result = -1;
	closedir(dir);
	if (result == 0)
		unlinkat(place, GONE_NAME, AT_REMOVEDIR);
	else
		err_add(err, "%s", GONE_NAME);
	return result;
}

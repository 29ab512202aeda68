/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/store/store_private.h"

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/file.h"

/* The newest id that was ever taken out of versions/; written only when no newer one stays. */
#define LAST_NAME "last"

struct newest {
	const struct version_id *but;
	struct version_id id;
};

static int take_newest(const char *name, void *data)
{
	struct newest *newest = data;
	struct version_id id;
	struct err ignored;

	if (version_id_parse(name, &id, &ignored) == 0 &&
		!(newest->but && version_id_equal(&id, newest->but)) &&
		version_id_compare(&id, &newest->id) > 0)
		newest->id = id;
	return 0;
}

struct version_id version_newest(const struct cert_dir *dir, const struct version_id *but)
{
	struct newest newest = { .but = but };
	struct buf text AUTO_BUF = BUF_INIT;
	struct err ignored;

	(void)store_each_entry(dir->fd, "versions", take_newest, &newest, &ignored);
	if (file_read(dir->fd, LAST_NAME, VERSION_ID_TEXT_LEN, &text, &ignored) == 0)
		(void)take_newest(buf_text(&text), &newest);
	return newest.id;
}

int version_leaves(const struct cert_dir *dir, const struct version_id *id, struct err *err)
{
	struct version_id newest = version_newest(dir, id);
	char text[VERSION_ID_TEXT_LEN];
	struct buf last AUTO_BUF = BUF_INIT;

	if (version_id_compare(id, &newest) < 0)
		return 0;
	buf_add_text(&last, version_id_text(id, text));
	return store_replace(dir->fd, dir->fd, LAST_NAME, &last, FILE_PUBLIC, err);
}

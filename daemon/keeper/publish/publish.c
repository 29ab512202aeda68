/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/publish/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keeper/files/beneath.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/text.h"

#define WELL_KNOWN ".well-known"
#define ACME_CHALLENGE "acme-challenge"
#define DIR_MODE 0755
/* What a line of an include file has, and the beginning of its first. */
#define RECORD " IN TXT \""
#define HEADING "; challenges of ACME CAs in "
enum { INCLUDE_MAX = 16 * 1024 * 1024, FOREIGN_MAX = 120 };

void publish_free(struct publish_work *work)
{
	for (size_t i = 0; i < work->n_items; i++) {
		struct publish_item *item = &work->items[i];

		buf_done(&item->journal);
		free(item->token);
		free(item->text);
	}
	free(work->items);
	buf_done(&work->text);
	free(work->foreign);
	free(work->path);
	free(work->zone);
	free(work);
}

/* All or nothing: what is not surely in the journal must not happen. */
static int write_journal(struct publish_work *work)
{
	bool is_changed = false;

	for (size_t i = 0; i < work->n_items; i++) {
		struct publish_item *item = &work->items[i];

		if (item->journal.len == 0)
			continue;
		is_changed = true;
		if (journal_write(work->journal, item->id, &item->journal, &work->err) < 0)
			return err_add(&work->err, "the journal of challenges");
	}
	return is_changed ? journal_sync(work->journal, &work->err) : 0;
}

/* Directories that are not there are ours from now on; the journal knows before they are. */
static int note_directories(struct publish_work *work, int64_t n_dirs, struct err *err)
{
	struct journal_entry entry = { .how = PUBLICATION_DIRECTORIES, .path = work->path };
	struct buf text AUTO_BUF = BUF_INIT;

	if (work->n_dirs >= n_dirs)
		return 0;
	journal_dirs_id(work->path, entry.id);
	entry.n_dirs = n_dirs;
	entry.made = clock_now();
	journal_print(&entry, &text);
	if (journal_write(work->journal, entry.id, &text, err) < 0 ||
		journal_sync(work->journal, err) < 0)
		return -1;
	work->n_dirs = n_dirs;
	return 0;
}

static int enter(struct publish_work *work, int parent, const char *name, int64_t n_dirs,
	struct err *err)
{
	struct stat st;
	bool is_new;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT &&
		note_directories(work, n_dirs, err) < 0)
		return -1;
	return beneath_make_dir(parent, name, DIR_MODE, &is_new, err);
}

/* The directory of the challenge files, made where it is missing. */
static int open_to_write(struct publish_work *work, struct err *err)
{
	int root AUTO_CLOSE = beneath_open_root(work->path, err);
	int well_known AUTO_CLOSE = root < 0 ? -1 : enter(work, root, WELL_KNOWN, 2, err);
	int fd = well_known < 0 ? -1 : enter(work, well_known, ACME_CHALLENGE, 1, err);

	return fd < 0 ? err_add(err, "the webroot %s", work->path) : fd;
}

/* The same for removing: *is_gone when there is no such directory, and so nothing in it. */
static int open_to_remove(struct publish_work *work, bool *is_gone, struct err *err)
{
	int root AUTO_CLOSE = open(work->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int well_known AUTO_CLOSE = root < 0 ? -1 : beneath_open_dir(root, WELL_KNOWN);
	int fd = well_known < 0 ? -1 : beneath_open_dir(well_known, ACME_CHALLENGE);

	*is_gone = fd < 0 && errno == ENOENT;
	if (fd < 0)
		err_sys(err, err_code_of_errno(errno), errno, "cannot open %s/%s/%s",
			work->path, WELL_KNOWN, ACME_CHALLENGE);
	return fd;
}

/* A temporary's name comes from the id, so that whoever reads the journal knows it. */
static char *temp_name(const struct publish_item *item)
{
	return mem_printf(".certd-%s", item->id);
}

static int put_file(int dir, struct publish_item *item)
{
	struct buf text AUTO_BUF = BUF_INIT;
	char *temp AUTO_FREE = temp_name(item);

	buf_add_text(&text, item->text);
	return beneath_create(dir, item->token, temp, &text, &item->is_foreign, &item->err);
}

static void remove_file(int dir, struct publish_item *item)
{
	struct buf text AUTO_BUF = BUF_INIT;
	char *temp AUTO_FREE = temp_name(item);

	buf_add_text(&text, item->text);
	if (beneath_remove(dir, temp, NULL, &item->is_foreign, &item->err) == 0)
		(void)beneath_remove(dir, item->token, &text, &item->is_foreign, &item->err);
}

static void run_removals(struct publish_work *work)
{
	struct err err = ERR_INIT;
	int dir AUTO_CLOSE = -1;
	bool is_gone = false, is_open = false;

	for (size_t i = 0; i < work->n_items; i++) {
		struct publish_item *item = &work->items[i];

		if (item->is_put || item->is_idle)
			continue;
		if (!is_open)
			dir = open_to_remove(work, &is_gone, &err);
		is_open = true;
		if (dir >= 0)
			remove_file(dir, item);
		else if (!is_gone)
			item->err = err;
	}
}

static void run_writes(struct publish_work *work)
{
	struct err err = ERR_INIT;
	int dir AUTO_CLOSE = -1;

	for (size_t i = 0; i < work->n_items; i++) {
		struct publish_item *item = &work->items[i];

		if (!item->is_put || item->is_idle)
			continue;
		if (dir < 0 && !err_is_set(&err))
			dir = open_to_write(work, &err);
		if (dir < 0)
			item->err = err;
		else if (put_file(dir, item) < 0)
			err_add(&item->err, "%s/%s/%s", work->path, WELL_KNOWN, ACME_CHALLENGE);
	}
}

/* What somebody else put into our directories makes them his. */
static void leave_directories(struct publish_work *work)
{
	char id[JOURNAL_ID_LEN];
	int root AUTO_CLOSE = open(work->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int well_known AUTO_CLOSE = root < 0 ? -1 : beneath_open_dir(root, WELL_KNOWN);

	if (well_known >= 0 && unlinkat(well_known, ACME_CHALLENGE, AT_REMOVEDIR) == 0)
		fsync(well_known);
	if (root >= 0 && work->n_dirs > 1 && unlinkat(root, WELL_KNOWN, AT_REMOVEDIR) == 0)
		fsync(root);
	journal_dirs_id(work->path, id);
	journal_remove(work->journal, id);
	work->n_dirs = 0;
}

/* Is this line such as publish_add_file() makes, now or in an earlier life? */
static bool is_ours(const char *line)
{
	const char *type = strstr(line, RECORD);

	return !*line || str_starts(line, HEADING) ||
	       (line[0] == '_' && type && str_ends(line, "\"") &&
		       strlen(type) > strlen(RECORD) + 1);
}

/* What somebody wrote into a file that is kept for him by nobody. */
static void note_foreign(struct publish_work *work, struct buf *have)
{
	struct buf shown AUTO_BUF = BUF_INIT;
	char *save, *line;

	for (line = have->len ? strtok_r(have->data, "\n", &save) : NULL; line;
		line = strtok_r(NULL, "\n", &save)) {
		if (is_ours(line) || work->n_foreign++ > 0)
			continue;
		text_show(&shown, line, strnlen(line, FOREIGN_MAX));
		work->foreign = mem_strdup(buf_text(&shown));
	}
}

static int write_include(struct publish_work *work)
{
	char *name AUTO_FREE = mem_printf(PUBLISH_FILE "%s", work->zone);
	char *temp AUTO_FREE = mem_printf("." PUBLISH_FILE "%s.new", work->zone);
	int dir AUTO_CLOSE = beneath_open_root(work->path, &work->err);
	struct buf have AUTO_BUF = BUF_INIT;
	struct err ignored;

	if (dir < 0)
		return -1;
	if (file_read(dir, name, INCLUDE_MAX, &have, &ignored) == 0 &&
		have.len == work->text.len &&
		memcmp(have.data, work->text.data, have.len) == 0) {
		(void)unlinkat(dir, temp, 0);
		return 0;
	}
	if (beneath_replace(dir, name, temp, &work->text, &work->err) < 0)
		return err_add(&work->err, "the include file in %s", work->path);
	work->is_changed = true;
	note_foreign(work, &have);
	return 0;
}

static bool has_failed(const struct publish_work *work)
{
	for (size_t i = 0; i < work->n_items; i++)
		if (err_is_set(&work->items[i].err))
			return true;
	return false;
}

void publish_batch(struct publish_work *work)
{
	if (write_journal(work) < 0)
		return;
	if (work->how == PUBLICATION_INCLUDE)
		(void)write_include(work);
	if (work->how != PUBLICATION_WEBROOT)
		return;
	run_removals(work);
	run_writes(work);
	if (work->is_last && work->n_dirs > 0 && !has_failed(work))
		leave_directories(work);
}

void publish_add_line(const struct journal_entry *entry, struct buf *out)
{
	buf_printf(
		out, "%s. %" PRId64 RECORD "%s\"\n", entry->owner, entry->ttl.s, entry->value);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void publish_add_file(const char *zone, struct buf *lines, struct buf *out)
{
	char **at, *save;
	size_t n = 0;

	for (size_t i = 0; i < lines->len; i++)
		n += lines->data[i] == '\n';
	at = mem_zalloc((n + 1) * sizeof(*at));
	n = 0;
	buf_printf(out, HEADING "%s, kept by certd: do not edit\n", zone);
	for (char *line = lines->len ? strtok_r(lines->data, "\n", &save) : NULL; line;
		line = strtok_r(NULL, "\n", &save))
		at[n++] = line;
	if (n > 1)
		qsort(at, n, sizeof(*at), compare);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || !str_is(at[i - 1], at[i]))
			buf_printf(out, "%s\n", at[i]);
	free(at);
}

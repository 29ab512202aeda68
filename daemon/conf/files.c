/* SPDX-License-Identifier: MIT */
#include "daemon/conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/base/trust.h"
#include "lib/yaml/tree.h"

#define TOTAL_MAX ((size_t)256 * 1024 * 1024)
#define INCLUDE_DEPTH 8
#define PATTERNS_MAX 1000

/*
 * States: a reading lives for one conf_read_files().  Files are added to files->at in the order
 * of the includes, each inode once; the ids are freed at the end, the files are the caller's.
 */
struct reading {
	struct conf_files *files;
	struct yaml_diags *diags;
	struct file_id {
		dev_t dev;
		ino_t ino;
	} * ids; /* of files->at, to read each once */
	size_t total;
};

static bool was_read(const struct reading *r, const struct stat *st)
{
	for (size_t i = 0; i < r->files->n; i++)
		if (r->ids[i].dev == st->st_dev && r->ids[i].ino == st->st_ino)
			return true;
	return false;
}

/* Reads into data; 1 when the file was read before. */
static int read_one(
	struct reading *r, const char *path, struct buf *data, struct stat *st, struct err *err)
{
	/* A link at the end is fine here: the administrator chose it. */
	int fd AUTO_CLOSE = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char why[TRUST_WHY_LEN];

	if (fd < 0 || fstat(fd, st) < 0)
		return err_sys(err, err_code_of_errno(errno), errno, "cannot open it");
	if (!S_ISREG(st->st_mode))
		return err_set(err, ERR_IO, "it is not a regular file");
	if (trust_stat(TRUST_CONFIG, path, st, why) == TRUST_REFUSED ||
		trust_dirs(TRUST_CONFIG_DIR, path, why) == TRUST_REFUSED)
		return err_set(err, ERR_NOT_ALLOWED, "%s", why);
	if (was_read(r, st))
		return 1;
	if (r->files->n == CONF_FILES_MAX)
		return err_set(
			err, ERR_TOO_LARGE, "there are more than %d files", CONF_FILES_MAX);
	if (file_read_fd(fd, CONF_FILE_MAX, data, err) < 0)
		return -1;
	if (data->len > TOTAL_MAX - r->total)
		return err_set(err, ERR_TOO_LARGE,
			"all files together have more than %zu bytes", TOTAL_MAX);
	return 0;
}

static void keep(struct reading *r, const char *path, struct buf *data, const struct stat *st)
{
	struct conf_files *files = r->files;
	struct conf_file *file;

	files->at = mem_grow(files->at, files->n + 1, sizeof(*files->at));
	r->ids = mem_grow(r->ids, files->n + 1, sizeof(*r->ids));
	r->ids[files->n] = (struct file_id){ st->st_dev, st->st_ino };
	file = &files->at[files->n++];
	buf_reserve(data, 0);
	*file = (struct conf_file){ mem_strdup(path), data->data, data->len };
	r->total += data->len;
	*data = (struct buf)BUF_INIT;
}

static void read_tree(struct reading *r, const char *path, struct yaml_place place,
	const struct yaml_path *where, int depth);

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names that a pattern matches, in the order of their bytes; one without wildcards must exist. */
static void read_pattern(struct reading *r, const char *from, const struct yaml_node *node,
	const struct yaml_path *where, int depth)
{
	const char *slash = strrchr(from, '/');
	char *pattern AUTO_FREE = NULL;
	glob_t found = { 0 };
	int rc;

	if (node->text[0] == '/' || !slash)
		pattern = mem_strdup(node->text);
	else
		pattern = mem_printf("%.*s/%s", (int)(slash - from), from, node->text);
	rc = glob(pattern, GLOB_NOSORT, NULL, &found);
	if (rc == GLOB_NOMATCH && !strpbrk(node->text, "*?["))
		yaml_error(r->diags, node->place, where, "there is no file %.200s", pattern);
	else if (rc != 0 && rc != GLOB_NOMATCH)
		yaml_error(r->diags, node->place, where, "cannot look for %.200s", pattern);
	if (rc == 0) {
		/*
		 * Sorted by bytes, not by the locale, so that every machine reads the same
		 * order.
		 */
		qsort(found.gl_pathv, found.gl_pathc, sizeof(*found.gl_pathv), by_text);
		for (size_t i = 0; i < found.gl_pathc; i++)
			read_tree(r, found.gl_pathv[i], node->place, where, depth + 1);
	}
	globfree(&found);
}

static void read_includes(struct reading *r, const struct conf_file *file, int depth)
{
	struct yaml_path top = { .key = "include" };
	struct yaml_diags unheard = { 0 };
	struct arena arena = ARENA_INIT;
	uint16_t number = yaml_diags_file(r->diags, file->path);
	const struct yaml_node *include = NULL;
	struct yaml_node root;

	/*
	 * A large file is parsed here only if it can have the key at all; conf_load() tells
	 * faults.
	 */
	for (const char *p = file->data; !include && p && (p = strstr(p, "include"));) {
		p += strlen("include");
		if (str_starts(p, "_next"))
			continue;
		yaml_diags_file(&unheard, file->path);
		root = yaml_parse(file->data, file->len, number, &arena, &unheard);
		include = yaml_get(&root, "include");
		break;
	}
	for (uint32_t i = 0; include && include->kind == NODE_LIST && i < include->n; i++) {
		struct yaml_path path = { .up = &top, .index = i };
		const struct yaml_node *node = &include->items[i];

		if (node->kind != NODE_SCALAR || node->n == 0 || i >= PATTERNS_MAX)
			continue;
		if (depth == INCLUDE_DEPTH)
			yaml_error(r->diags, node->place, &path,
				"files include each other too deeply");
		else
			read_pattern(r, file->path, node, &path, depth);
	}
	yaml_diags_done(&unheard);
	arena_done(&arena);
}

static void read_tree(struct reading *r, const char *path, struct yaml_place place,
	const struct yaml_path *where, int depth)
{
	struct buf data AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;
	struct conf_file file;
	struct stat st;
	int rc = read_one(r, path, &data, &st, &err);

	if (rc < 0 && depth == 0)
		yaml_error(r->diags, place, where, "%s", err.text);
	else if (rc < 0)
		yaml_error(r->diags, place, where, "%.200s: %s", path, err.text);
	if (rc != 0)
		return;
	yaml_diags_file(r->diags, path);
	keep(r, path, &data, &st);
	file = r->files->at[r->files->n - 1];
	read_includes(r, &file, depth);
}

int conf_read_files(const char *path, struct conf_files *out, struct yaml_diags *diags)
{
	static const struct yaml_path where = { .key = "file" };
	struct conf_files files = { 0 };
	struct reading r = { .files = &files, .diags = diags };
	char *folder AUTO_FREE = path[0] == '/' ? NULL : getcwd(NULL, 0);
	char *full AUTO_FREE = folder ? mem_printf("%s/%s", folder, path) : mem_strdup(path);
	struct yaml_place place = { 1, 1, yaml_diags_file(diags, full) };

	read_tree(&r, full, place, &where, 0);
	free(r.ids);
	*out = files;
	return diags->n_errors ? -1 : 0;
}

void conf_files_done(struct conf_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		free(files->at[i].path);
		free(files->at[i].data);
	}
	free(files->at);
	buf_done(&files->notes);
	*files = (struct conf_files){ 0 };
}

/* Both ends run on one machine, so numbers go in its own order. */
static const char magic[8] = "certdc1\n";

static void add_block(struct buf *out, const void *data, size_t len)
{
	uint64_t n = len;

	buf_add(out, &n, sizeof(n));
	buf_add(out, data, len);
}

void conf_files_pack(const struct conf_files *files, struct buf *out)
{
	uint64_t n = files->n;

	buf_add(out, magic, sizeof(magic));
	buf_add(out, &n, sizeof(n));
	for (size_t i = 0; i < files->n; i++) {
		add_block(out, files->at[i].path, strlen(files->at[i].path));
		add_block(out, files->at[i].data, files->at[i].len);
	}
	add_block(out, buf_text(&files->notes), files->notes.len);
}

/* The unread rest of a packed block. */
struct cursor {
	const char *at;
	size_t left;
};

static bool take(struct cursor *c, void *out, size_t len)
{
	if (len > c->left)
		return false;
	memcpy(out, c->at, len);
	c->at += len;
	c->left -= len;
	return true;
}

/* The next block as a new text; NULL when it is cut off or larger than `limit`. */
static char *take_block(struct cursor *c, size_t limit, size_t *len)
{
	uint64_t n;
	char *text;

	if (!take(c, &n, sizeof(n)) || n > limit || n > c->left)
		return NULL;
	*len = (size_t)n;
	text = mem_zalloc(*len + 1);
	take(c, text, *len);
	return text;
}

static bool unpack(struct cursor *c, struct conf_files *out)
{
	char head[sizeof(magic)], *notes;
	uint64_t n;
	size_t len;

	if (!take(c, head, sizeof(head)) || memcmp(head, magic, sizeof(magic)) != 0 ||
		!take(c, &n, sizeof(n)) || n > CONF_FILES_MAX)
		return false;
	out->at = mem_zalloc(((size_t)n + 1) * sizeof(*out->at));
	for (; n; n--) {
		struct conf_file *file = &out->at[out->n++];

		file->path = take_block(c, 65536, &len);
		if (!file->path || file->path[0] != '/' || strlen(file->path) != len)
			return false;
		file->data = take_block(c, CONF_FILE_MAX, &file->len);
		if (!file->data)
			return false;
	}
	notes = take_block(c, TOTAL_MAX, &len);
	if (!notes || c->left || strlen(notes) != len) {
		free(notes);
		return false;
	}
	buf_add(&out->notes, notes, len);
	free(notes);
	out->is_unpacked = true;
	return true;
}

int conf_files_unpack(const char *data, size_t len, struct conf_files *out, struct err *err)
{
	struct cursor c = { data, len };
	struct conf_files files = { 0 };

	if (!unpack(&c, &files)) {
		conf_files_done(&files);
		return err_set(err, ERR_BAD_CONFIG, "the packed configuration is malformed");
	}
	*out = files;
	return 0;
}

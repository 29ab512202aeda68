/* SPDX-License-Identifier: MIT */
/*
 * Asks the machine about users, groups and credentials, once: each answer is noted beside the
 * files, as "user NAME NUMBER", "group NAME NUMBER" ("-" for none), "credentials FOLDER", "trust
 * PATH TAB CERTIFICATES", with "|" for every line end of the PEM text, or "stamp PATH TAB DIGEST".
 */
#include "daemon/conf/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/pem.h"

/* The rest of the note that begins with `head`, up to the line's end; NULL when there is none. */
static const char *find_note(const struct conf_files *files, const char *head)
{
	size_t len = strlen(head);

	for (const char *line = buf_text(&files->notes); *line;) {
		const char *end = strchrnul(line, '\n');

		if ((size_t)(end - line) >= len && memcmp(line, head, len) == 0)
			return line + len;
		line = *end ? end + 1 : end;
	}
	return NULL;
}

static bool ask_user(const char *name, uint32_t *out)
{
	struct passwd *pw = getpwnam(name);

	if (pw)
		*out = pw->pw_uid;
	return pw != NULL;
}

static bool ask_group(const char *name, uint32_t *out)
{
	struct group *gr = getgrnam(name);

	if (gr)
		*out = gr->gr_gid;
	return gr != NULL;
}

static bool look_up(struct conf_files *files, const char *kind, const char *name,
	bool (*ask)(const char *, uint32_t *), uint32_t *out)
{
	char head[300];
	const char *note;
	uint32_t id;

	/* Names that no account can have would break the notes. */
	if (strlen(name) > 200 || strpbrk(name, " \n"))
		return false;
	snprintf(head, sizeof(head), "%s %s ", kind, name);
	note = find_note(files, head);
	if (note) {
		*out = (uint32_t)strtoul(note, NULL, 10);
		return *note != '-';
	}
	if (files->is_unpacked)
		return false;
	if (ask(name, &id)) {
		buf_printf(&files->notes, "%s%u\n", head, id);
		*out = id;
		return true;
	}
	buf_printf(&files->notes, "%s-\n", head);
	return false;
}

/* A number stands for itself, as everywhere else. */
bool machine_user(struct conf_files *files, const char *name, uint32_t *out)
{
	int64_t n;

	if (str_to_int(name, 0, UINT32_MAX - 1, &n)) {
		*out = (uint32_t)n;
		return true;
	}
	return look_up(files, "user", name, ask_user, out);
}

bool machine_group(struct conf_files *files, const char *name, uint32_t *out)
{
	int64_t n;

	if (str_to_int(name, 0, UINT32_MAX - 1, &n)) {
		*out = (uint32_t)n;
		return true;
	}
	return look_up(files, "group", name, ask_group, out);
}

const char *machine_credentials(struct conf_files *files, struct arena *arena)
{
	const char *note = find_note(files, "credentials "), *folder;

	if (note)
		return *note == '\n' ? NULL : arena_strndup(arena, note, strcspn(note, "\n"));
	folder = files->is_unpacked ? NULL : getenv("CREDENTIALS_DIRECTORY");
	if (folder && (folder[0] != '/' || strchr(folder, '\n')))
		folder = NULL;
	if (!files->is_unpacked)
		buf_printf(&files->notes, "credentials %s\n", folder ? folder : "");
	return folder ? arena_strdup(arena, folder) : NULL;
}

/* Every block is a certificate that can be read; what is told again is encoded anew. */
static int copy_certs(const struct buf *text, struct buf *out, struct err *err)
{
	const char *at = buf_text(text);
	size_t len = text->len;
	struct pem_block block = { 0 };
	int rc;

	while ((rc = pem_next(&at, &len, &block, err)) > 0) {
		struct cert *cert AUTO_CERT = NULL;
		int result = -1;

		if (!str_is(block.label, "CERTIFICATE"))
			err_set(err, ERR_BAD_VALUE,
				"it holds a block %s; only certificates may be in it",
				block.label);
		else
			result = cert_read(block.der.data, block.der.len, &cert, err);
		pem_block_done(&block);
		if (result < 0)
			return -1;
		cert_write(cert, out);
	}
	if (rc == 0 && out->len == 0)
		return err_set(err, ERR_BAD_VALUE, "it holds no certificate as PEM");
	return rc;
}

static int read_certs(const char *path, struct buf *out, struct err *err)
{
	/* A link at the end is fine here: trust stores are full of them. */
	int fd AUTO_CLOSE = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct buf text AUTO_BUF = BUF_INIT;
	struct stat st;

	/* The path is a word of a note. */
	if (strpbrk(path, "\n\t"))
		return err_set(err, ERR_BAD_VALUE, "its path has a tab or line end");
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, err_code_of_errno(errno), errno, "cannot open it");
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_IO, "it is not a regular file");
	if (file_read_fd(fd, TRUST_MAX, &text, err) < 0)
		return -1;
	return copy_certs(&text, out, err);
}

const char *machine_trust(
	struct conf_files *files, const char *path, struct arena *arena, struct err *err)
{
	char *head AUTO_FREE = mem_printf("trust %s\t", path);
	const char *note = find_note(files, head);
	struct buf certs AUTO_BUF = BUF_INIT;
	char *text;

	if (!note && files->is_unpacked) {
		err_set(err, ERR_NOT_FOUND, "its certificates were not handed over");
		return NULL;
	}
	if (!note) {
		if (read_certs(path, &certs, err) < 0) {
			err_add(err, "cannot use %.200s", path);
			return NULL;
		}
		for (char *p = certs.data; p < certs.data + certs.len; p++)
			if (*p == '\n')
				*p = '|';
		buf_printf(&files->notes, "%s%s\n", head, buf_text(&certs));
		note = buf_text(&certs);
	}
	text = arena_strndup(arena, note, strcspn(note, "\n"));
	for (char *p = text; *p; p++)
		if (*p == '|')
			*p = '\n';
	return text;
}

static uint64_t *keep_stamp(struct loading *l, const char *path, size_t len)
{
	uint64_t *stamp = arena_new(&l->arena, uint64_t);

	map_set(&l->stamps, arena_strndup(&l->arena, path, len), stamp);
	return stamp;
}

void machine_read_stamps(struct loading *l)
{
	static const char head[] = "stamp ";

	for (const char *line = buf_text(&l->files->notes); *line;) {
		const char *end = strchrnul(line, '\n'), *path = line + strlen(head);
		const char *tab = str_starts(line, head)
					  ? memchr(path, '\t', (size_t)(end - path))
					  : NULL;

		if (tab)
			*keep_stamp(l, path, (size_t)(tab - path)) =
				strtoull(tab + 1, NULL, 16);
		line = *end ? end + 1 : end;
	}
}

static uint64_t ask_stamp(const char *path)
{
	char text[200];
	struct stat st;

	if (stat(path, &st) < 0)
		snprintf(text, sizeof(text), "%d", errno);
	else
		snprintf(text, sizeof(text), "%ju %jd %jd.%09ld %jd.%09ld",
			(uintmax_t)st.st_ino, (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
			st.st_mtim.tv_nsec, (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	return str_hash(text, strlen(text));
}

uint64_t machine_stamp(struct loading *l, const char *path)
{
	uint64_t *stamp = path ? map_get(&l->stamps, path) : NULL;

	/* The path is a word of a note. */
	if (!path || strpbrk(path, "\n\t"))
		return 0;
	if (stamp || l->files->is_unpacked)
		return stamp ? *stamp : 0;
	stamp = keep_stamp(l, path, strlen(path));
	*stamp = ask_stamp(path);
	buf_printf(&l->files->notes, "stamp %s\t%016" PRIx64 "\n", path, *stamp);
	return *stamp;
}

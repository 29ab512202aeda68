/* SPDX-License-Identifier: MIT */
#include "client/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/connect.h"
#include "client/options.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "proto/request.h"
#include "proto/revoke.h"

enum { SILENCE_MS = 30 * 1000 };

static int take_current(
	const struct line *row, const char *cert, struct version_id *out, struct err *err)
{
	const char *name = line_get(row, "cert"), *curr = line_get(row, "curr");

	if (!name || !str_is(name, cert))
		return err_set(err, ERR_INTERNAL, "the daemon speaks of another certificate");
	if (!curr)
		return err_set(err, ERR_NO_SUCH_VERSION, "%s has no current version", cert);
	return version_id_parse(curr, out, err);
}

/* Asks the daemon for the current version with `show`. */
static int find_current(const struct options *options, const char *cert, struct version_id *out,
	struct err *err)
{
	struct conn conn CLEANUP(conn_done) = { .fd = -1 };
	struct buf request AUTO_BUF = BUF_INIT;

	line_add_word(&request, "show");
	line_add_word(&request, cert);
	line_end(&request);
	if (conn_open(&conn, options->socket, err) || conn_send(&conn, &request, err))
		return -1;
	for (;;) {
		int got = conn_next(&conn, SILENCE_MS, err);

		if (got == 0)
			return err_set(err, ERR_TIMEOUT, "the daemon does not answer");
		if (got < 0)
			return -1;
		switch (message_kind(&conn.line)) {
		case MESSAGE_ROW:
			return take_current(&conn.line, cert, out, err);
		case MESSAGE_ERR:
			message_read_err(&conn.line, err);
			return -1;
		case MESSAGE_OK:
			return err_set(
				err, ERR_INTERNAL, "the daemon tells nothing of %s", cert);
		case MESSAGE_HELLO:
		case MESSAGE_EVENT:
		case MESSAGE_OTHER:
			break;
		}
	}
}

/* Opens the directory of marks, made when missing; only root may write to it. */
static int open_dir(const char *socket, struct err *err)
{
	struct buf path AUTO_BUF = BUF_INIT;
	struct stat st;
	int fd;

	mark_dir(socket, &path);
	fd = file_make_dir(AT_FDCWD, buf_text(&path), 0700, err) < 0
		     ? -1
		     : file_open_dir(AT_FDCWD, buf_text(&path), err);
	if (fd < 0) {
		err->code = ERR_NOT_ALLOWED;
		return err_add(err, "revoke --now is for root alone");
	}
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & 022))
		return fd;
	close(fd);
	return err_set(
		err, ERR_NOT_ALLOWED, "%s is not a directory of root's alone", buf_text(&path));
}

static int leave(
	const char *socket, const char *cert, const struct version_id *version, struct err *err)
{
	struct buf name AUTO_BUF = BUF_INIT, text AUTO_BUF = BUF_INIT;
	int dir AUTO_CLOSE = open_dir(socket, err);

	if (dir < 0)
		return -1;
	mark_name(cert, &name);
	mark_text(cert, version, &text);
	return file_replace(dir, buf_text(&name), text.data, text.len, FILE_SECRET, err);
}

static int leave_for(const struct options *options, const struct request_line *asked,
	struct buf *request, struct err *err)
{
	const char *cert = request_arg(asked, 0), *named = line_get(asked->line, "version");
	char text[VERSION_ID_TEXT_LEN];
	struct version_id version;

	if (named ? version_id_parse(named, &version, err)
		  : find_current(options, cert, &version, err))
		return -1;
	if (leave(options->socket, cert, &version, err) < 0)
		return -1;
	if (!named) {
		request->len--; /* without the end of the line */
		line_add(request, "version", version_id_text(&version, text));
		line_end(request);
	}
	return 0;
}

int mark_leave(const struct options *options, struct buf *request, struct err *err)
{
	struct line line CLEANUP(line_done) = { 0 };
	struct request_line asked;

	if (options->command->id != COMMAND_REVOKE)
		return 0;
	if (line_parse_copy(&line, request->data, request->len - 1, LINE_MAX_LEN, err) < 0 ||
		request_parse(&line, ROLE_ADMIN, &asked, err) < 0)
		return -1;
	return line_has(&line, "--now") ? leave_for(options, &asked, request, err) : 0;
}

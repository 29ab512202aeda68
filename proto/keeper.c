/* SPDX-License-Identifier: MIT */
#include "proto/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/str.h"

static const char *const words[] = {
#define REQUEST(id, word, arguments, help) word,
#include "proto/keeper.def"
#undef REQUEST
};

const char *request_text(enum request request)
{
	return request < REQUEST_COUNT ? words[request] : "unknown";
}

static enum request request_parse(const char *word)
{
	enum request request = 0;

	while (request < REQUEST_COUNT && !str_is(words[request], word))
		request++;
	return request;
}

static const char *const signs[] = {
#define SIGN(id, word, help) [SIGN_##id] = word,
#include "proto/signs.def"
#undef SIGN
};

const char *sign_text(enum sign sign)
{
	return sign < SIGN_COUNT ? signs[sign] : "unknown";
}

enum sign sign_parse(const char *word)
{
	enum sign sign = 0;

	while (sign < SIGN_COUNT && !str_is(signs[sign], word))
		sign++;
	return sign;
}

/* Parses the words of the first line that give the kind of the message. */
static int parse_prefix(struct keeper_message *m, struct err *err)
{
	static const char *const kinds[] = { "ask", "ok", "err", "note" };
	const char *kind = line_plain(&m->line, 0), *second = line_plain(&m->line, 1);
	int64_t id = 0;

	while (m->kind < ARRAY_LEN(kinds) && (!kind || !str_is(kind, kinds[m->kind])))
		m->kind++;
	if (m->kind == ARRAY_LEN(kinds) || !second)
		return err_set(err, ERR_KEEPER, "the message is of no known kind");
	if (m->kind == KEEPER_NOTE) {
		m->note = second;
		return 0;
	}
	if (!str_to_int(second, 0, UINT32_MAX, &id))
		return err_set(err, ERR_KEEPER, "the message has no number");
	m->id = (uint32_t)id;
	if (m->kind != KEEPER_ASK)
		return 0;
	m->request = line_plain(&m->line, 2) ? request_parse(line_plain(&m->line, 2))
					     : REQUEST_COUNT;
	if (m->request == REQUEST_COUNT)
		return err_set(err, ERR_KEEPER, "the message asks for something unknown");
	return 0;
}

int keeper_message_parse(char *text, size_t len, struct keeper_message *out, struct err *err)
{
	char *end = memchr(text, '\n', len);
	size_t first = end ? (size_t)(end - text) : len;

	*out = (struct keeper_message){ 0 };
	if (len > KEEPER_MESSAGE_MAX || memchr(text, 0, len))
		return err_set(err, ERR_KEEPER, "the message is too long or not text");
	text[len] = 0;
	out->rows = end ? end + 1 : text + len;
	if (line_parse(&out->line, text, first, KEEPER_MESSAGE_MAX, err) < 0 ||
		parse_prefix(out, err) < 0) {
		keeper_message_done(out);
		return -1;
	}
	return 0;
}

void keeper_message_done(struct keeper_message *message)
{
	line_done(&message->line);
}

void keeper_begin_ask(struct buf *out, uint32_t id, enum request request)
{
	buf_printf(out, "ask %u %s", id, request_text(request));
}

void keeper_begin_ok(struct buf *out, uint32_t id)
{
	buf_printf(out, "ok %u", id);
}

void keeper_begin_note(struct buf *out, const char *word)
{
	buf_printf(out, "note %s", word);
}

void keeper_write_err(struct buf *out, uint32_t id, const struct err *err)
{
	buf_printf(out, "err %u", id);
	line_add(out, "code", err_code_text(err->code));
	line_add(out, "text", err->text);
	line_add_instant(out, "not-before", err->not_before);
}

void keeper_read_err(const struct keeper_message *message, struct err *err)
{
	const char *code = line_get(&message->line, "code"),
		   *text = line_get(&message->line, "text");
	enum err_code parsed = code ? err_code_parse(code) : ERR_COUNT;
	struct instant not_before = INSTANT_NONE;

	line_get_instant(&message->line, "not-before", &not_before, err);
	err_set(err, parsed == ERR_COUNT || parsed == ERR_NONE ? ERR_KEEPER : parsed, "%s",
		text ? text : "no reason given");
	err->not_before = not_before;
}

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

int keeper_send(int socket, const void *data, size_t len, int fd, struct err *err)
{
	struct iovec iov = { (void *)(uintptr_t)data, len };
	union control control = { .space = { 0 } };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *header;

		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control.space);
		header = CMSG_FIRSTHDR(&msg);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(int));
	}
	while (sendmsg(socket, &msg, MSG_NOSIGNAL) < 0) {
		if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
			return 1;
		if (errno != EINTR)
			return err_sys(
				err, ERR_KEEPER, errno, "cannot send to the other process");
	}
	return 0;
}

int keeper_receive(int socket, char *buffer, size_t size, size_t *len, int *fd, struct err *err)
{
	struct iovec iov = { buffer, size };
	union control control;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *header;
	int received = -1;
	ssize_t n;

	/*
	 * CMSG_SPACE() would include padding with room for a second descriptor, which would
	 * leak.
	 */
	if (fd) {
		*fd = -1;
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_LEN(sizeof(int));
	}
	while ((n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC)) < 0) {
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return 1;
		if (errno != EINTR)
			return err_sys(err, ERR_KEEPER, errno, "cannot hear the other process");
	}
	header = CMSG_FIRSTHDR(&msg);
	if (header && header->cmsg_type == SCM_RIGHTS &&
		header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&received, CMSG_DATA(header), sizeof(int));
	if (n > 0 && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		if (fd)
			*fd = received;
		*len = (size_t)n;
		return 0;
	}
	file_closep(&received);
	return err_set(err, ERR_KEEPER,
		n == 0 ? "the other process is gone"
		       : "the other process sent too much at once");
}

int keeper_seal(const char *name, const void *data, size_t len, struct err *err)
{
	int fd AUTO_CLOSE = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), sealed;

	if (fd < 0)
		return err_sys(err, ERR_IO, errno, "cannot make an anonymous file");
	if (file_write_fd(fd, data, len, err) < 0)
		return -1;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) <
		0)
		return err_sys(err, ERR_IO, errno, "cannot seal an anonymous file");
	/* The receiver shares the file offset. */
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, ERR_IO, errno, "cannot rewind an anonymous file");
	sealed = fd;
	fd = -1;
	return sealed;
}

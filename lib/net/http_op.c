/* SPDX-License-Identifier: MIT */
#include "lib/net/http.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/base/str.h"
#include "lib/wire/url.h"

static void prepare(struct http_op *op, const char *method, const char *url)
{
	assert(!op_is_pending(&op->op));
	buf_clear(&op->url);
	buf_clear(&op->body_out);
	buf_clear(&op->headers);
	buf_clear(&op->body);
	op->method = method;
	buf_add_text(&op->url, url);
	op->content_type = op->trust = op->proxy = NULL;
	op->origins = NULL;
	op->via = "";
	op->limit = HTTP_BODY_MAX;
	op->time_ms = HTTP_TIME_MS;
	op->follow = op->is_soft = op->has_headers = false;
	op->status = 0;
	op->err = (struct err)ERR_INIT;
}

void http_get(struct http_op *op, const char *url)
{
	prepare(op, "GET", url);
}

void http_head(struct http_op *op, const char *url)
{
	prepare(op, "HEAD", url);
}

void http_post(struct http_op *op, const char *url, const char *content_type, const void *body,
	size_t len)
{
	prepare(op, "POST", url);
	op->content_type = content_type;
	buf_add(&op->body_out, body, len);
}

void http_op_done(struct http_op *op)
{
	assert(!op_is_pending(&op->op));
	buf_done(&op->url);
	buf_done(&op->body_out);
	buf_done(&op->headers);
	buf_done(&op->body);
}

int http_check(const struct http_op *op, struct err *err)
{
	assert(!op->follow || str_is(op->method, "GET"));
	return url_check(buf_text(&op->url), err);
}

void http_answer(struct http_op *op, const struct err *err)
{
	if (err && err_is_set(err)) {
		op->err = *err;
		op->status = 0;
		op->has_headers = false;
		buf_clear(&op->headers);
		buf_clear(&op->body);
	}
	op_end(&op->op, op->is_soft ? NULL : err);
}

/* The value of the line if it has this name, else NULL. */
static const char *value_of(const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0 || line[len] != ':')
		return NULL;
	line += len + 1;
	return line + strspn(line, " \t");
}

const char *http_header(const struct http_op *op, const char *name, const char *after)
{
	const char *line = buf_text(&op->headers), *end = line + op->headers.len;

	if (after)
		line = after + strlen(after) + 1;
	for (; line < end; line += strlen(line) + 1) {
		const char *value = value_of(line, name);

		if (value)
			return value;
	}
	return NULL;
}

/* The status of "HTTP/1.1 200 OK" or "HTTP/2 200", or 0. */
static int read_status(const char *line, size_t len)
{
	const char *space = memchr(line, ' ', len);
	int status = 0;

	if (!space || len - (size_t)(space - line) < 4)
		return 0;
	for (const char *p = space + 1; p < space + 4; p++) {
		if (!isdigit((unsigned char)*p))
			return 0;
		status = status * 10 + (*p - '0');
	}
	return status;
}

int http_take_header(struct http_op *op, const char *line, size_t len, struct err *err)
{
	while (len > 0 && strchr("\r\n \t", line[len - 1]))
		len--;
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		op->status = read_status(line, len);
		op->has_headers = false;
		buf_clear(&op->headers);
		buf_clear(&op->body);
		return 0;
	}
	if (op->has_headers)
		return 0;
	op->has_headers = len == 0;
	/* A line without a colon or with a NUL is no header. */
	if (len == 0 || !memchr(line, ':', len) || memchr(line, 0, len))
		return 0;
	if (op->headers.len + len >= HTTP_HEADERS_MAX)
		return err_set(err, ERR_TOO_LARGE,
			"the answer has more than %zu KiB of headers", HTTP_HEADERS_MAX / 1024);
	buf_add(&op->headers, line, len);
	buf_add_char(&op->headers, 0);
	return 0;
}

int http_take_body(struct http_op *op, const char *data, size_t len, struct err *err)
{
	if (len > op->limit || op->body.len > op->limit - len)
		return err_set(
			err, ERR_TOO_LARGE, "the answer is longer than %zu bytes", op->limit);
	buf_add(&op->body, data, len);
	return 0;
}

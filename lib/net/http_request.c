/* SPDX-License-Identifier: MIT */
#include "lib/net/http_request.h"

#include <string.h>
#include <strings.h>

#include "lib/base/str.h"

/* The target's path (RFC 9112, 3.2.1 and 3.2.2). */
static const char *path_of(char *target)
{
	if (strncasecmp(target, "http://", 7) == 0)
		target = strchr(target + 7, '/');
	return target && target[0] == '/' && !strpbrk(target, "\t\r\n\v\f") ? target : NULL;
}

/* METHOD SP TARGET SP HTTP/1.x */
static enum http_request read_line(char *line, const char **path)
{
	char *target = strchr(line, ' '), *version = target ? strchr(target + 1, ' ') : NULL;

	if (!version)
		return HTTP_REQUEST_BAD;
	*target++ = 0;
	*version++ = 0;
	*path = path_of(target);
	if (!*path || !str_starts(version, "HTTP/1."))
		return HTTP_REQUEST_BAD;
	if (str_is(line, "GET"))
		return HTTP_REQUEST_GET;
	return str_is(line, "HEAD") ? HTTP_REQUEST_HEAD : HTTP_REQUEST_BAD;
}

enum http_request http_request_read(char *data, size_t len, const char **path)
{
	*path = NULL;
	if (len == 0 || !strstr(data, "\r\n\r\n"))
		return len >= HTTP_REQUEST_MAX ? HTTP_REQUEST_BAD : HTTP_REQUEST_MORE;
	*strstr(data, "\r\n") = 0;
	return read_line(data, path);
}

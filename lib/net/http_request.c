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
static enum visit read_line(char *line, const char **path)
{
	char *target = strchr(line, ' '), *version = target ? strchr(target + 1, ' ') : NULL;

	if (!version)
		return VISIT_BAD;
	*target++ = 0;
	*version++ = 0;
	*path = path_of(target);
	if (!*path || !str_starts(version, "HTTP/1."))
		return VISIT_BAD;
	if (str_is(line, "GET"))
		return VISIT_GET;
	return str_is(line, "HEAD") ? VISIT_HEAD : VISIT_BAD;
}

enum visit visit_read(char *data, size_t len, const char **path)
{
	*path = NULL;
	if (len == 0 || !strstr(data, "\r\n\r\n"))
		return len >= VISIT_HEAD_MAX ? VISIT_BAD : VISIT_MORE;
	*strstr(data, "\r\n") = 0;
	return read_line(data, path);
}

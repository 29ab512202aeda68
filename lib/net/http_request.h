/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_NET_HTTP_REQUEST_H
#define CERTD_LIB_NET_HTTP_REQUEST_H

#include <stddef.h>

/*
 * An HTTP request parser reads the head of one request to a small server (RFC 9112, 2 to 5).
 *
 * It accepts GET and HEAD of a path over HTTP/1.x, in origin-form and in absolute-form, which
 * proxies send. Other requests, and a head without an end in HTTP_REQUEST_MAX bytes, are bad.
 * Headers are not read. A NUL ends the input, so a head behind one is never complete.
 *
 * Pure.
 */

#define HTTP_REQUEST_MAX 8192

enum http_request {
	HTTP_REQUEST_MORE, /* the head is not complete */
	HTTP_REQUEST_BAD,
	HTTP_REQUEST_GET,
	HTTP_REQUEST_HEAD,
};

/*
 * Reads `len` bytes received so far, with a NUL behind them. A complete head is cut into pieces
 * in place, and *path points to one of them: it begins with a slash and has no white space.
 */
enum http_request http_request_read(char *data, size_t len, const char **path);

#endif

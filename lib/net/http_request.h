/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_NET_HTTP_REQUEST_H
#define CERTD_LIB_NET_HTTP_REQUEST_H

#include <stddef.h>

/*
 * What somebody asks a small HTTP server for: the head of one request, read (RFC 9112, 2 to 5).
 *
 * Whoever speaks HTTP/1.x and asks by GET or HEAD for a path is understood, in origin-form and in
 * absolute-form, which is what proxies send; everything else, and a head without an end in
 * HTTP_REQUEST_MAX bytes, is bad.  Headers are not looked at.  A NUL ends what is looked at, so a head behind
 * one never ends.
 *
 * Pure.
 */

#define HTTP_REQUEST_MAX 8192

enum http_request {
	HTTP_REQUEST_MORE, /* the head has not ended */
	HTTP_REQUEST_BAD,
	HTTP_REQUEST_GET,
	HTTP_REQUEST_HEAD,
};

/*
 * Reads what came so far: `len` bytes and a NUL behind them.  When the head has ended it is cut into pieces,
 * and *path is one of them: it begins with a slash and has no white space.
 */
enum http_request http_request_read(char *data, size_t len, const char **path);

#endif

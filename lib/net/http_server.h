/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_NET_HTTP_SERVER_H
#define CERTD_LIB_NET_HTTP_SERVER_H

struct listener;
struct loop;

/*
 * An HTTP server answers GET and HEAD of a few known paths, once per connection (RFC 9112).
 *
 * http_request.h parses the request; bytes behind its head are drained. Any other request gets
 * 404 without a body. An answer repeats nothing of the request. The Host header is ignored.
 */

/* Returns the body for a path, borrowed for the call; NULL: 404. */
typedef const char *http_server_find(const char *path, void *data);

struct http_service {
	http_server_find *find;
	void *data;
};

/* Owns `fd` and listens there until listener_free(); `service` must live as long. */
struct listener *http_server_new(struct loop *loop, int fd, const struct http_service *service);

#endif

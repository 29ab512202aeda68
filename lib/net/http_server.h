/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_NET_HTTP_SERVER_H
#define CERTD_LIB_NET_HTTP_SERVER_H

struct listener;
struct loop;

/*
 * The smallest HTTP server: GET and HEAD of a few known paths, one answer a connection (RFC 9112).
 *
 * What is understood of a request is in http_request.h; what comes behind its head is read away and not looked at.
 * Whatever is not a GET or HEAD of a known path is answered 404 without a body, and
 * nothing of a request comes back.  The Host header makes no difference.
 */

/* The body to answer for a path, borrowed for the call; NULL: 404. */
typedef const char *http_server_find(const char *path, void *data);

struct http_service {
	http_server_find *find;
	void *data;
};

/* Listens at `fd`, which it owns, until listener_free(); `service` must live as long. */
struct listener *http_server_new(struct loop *loop, int fd, const struct http_service *service);

#endif

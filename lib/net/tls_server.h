/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_NET_TLS_SERVER_H
#define CERTD_LIB_NET_TLS_SERVER_H

struct listener;
struct loop;
struct tls_alpn;

/*
 * A server of handshakes and nothing else (RFC 8737): what they show is said by lib/crypt/tls_alpn.h;
 * afterwards, and whenever something is amiss, the connection is closed.
 */

/* Listens at `fd`, which it owns, until listener_free(); `alpn` must live as long. */
struct listener *tls_server_new(struct loop *loop, int fd, struct tls_alpn *alpn);

#endif

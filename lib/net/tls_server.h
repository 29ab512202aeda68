/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_NET_TLS_SERVER_H
#define CERTD_LIB_NET_TLS_SERVER_H

struct listener;
struct loop;
struct tls_alpn;

/*
 * A TLS server makes handshakes and no more (RFC 8737): lib/crypt/tls_alpn.h decides about the
 * certificate, and the connection is closed after the handshake and on any error.
 */

/* Owns `fd` and listens there until listener_free(); `alpn` must live as long. */
struct listener *tls_server_new(struct loop *loop, int fd, struct tls_alpn *alpn);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_TLS_ALPN_H
#define CERTD_LIB_CRYPT_TLS_ALPN_H

#include "lib/base/instant.h"

struct err;

/*
 * A TLS-ALPN responder makes the server's side of tls-alpn-01 (RFC 8737, 3; RFC 8738, 6): a
 * handshake presents a certificate made for one challenge, to a client that offers the protocol
 * acme-tls/1 for a name that has one. All other clients are refused during the handshake and
 * see no certificate.
 *
 * A certificate has a throw-away key, exactly one name, and the digest of the key authorization
 * in a critical extension. There are no sessions and no tickets: each handshake presents the
 * present certificate.
 *
 * The responder borrows certificates through tls_alpn_find; its owner frees them. A handshake
 * belongs to its connection and is freed before the responder.
 */

struct tls_alpn;      /* the settings of one server */
struct tls_handshake; /* one handshake */
struct tls_alpn_cert; /* one certificate with its key */

/* `name` is a DNS name or an address, canonical.  Valid around `now`. */
int tls_alpn_cert_new(const char *name, const char *key_authorization, struct instant now,
	struct tls_alpn_cert **out, struct err *err);
void tls_alpn_cert_free(struct tls_alpn_cert *cert); /* NULL is fine */

/* The server name for a name: itself, or the reverse name of an address; to be freed. */
char *tls_alpn_sni(const char *name);

/* Returns the certificate for a server name in lower case; NULL: refuse. */
typedef const struct tls_alpn_cert *tls_alpn_find(void *data, const char *sni);

int tls_alpn_new(tls_alpn_find *find, void *data, struct tls_alpn **out, struct err *err);
void tls_alpn_free(struct tls_alpn *alpn); /* after its handshakes; NULL is fine */

enum tls_alpn_state { TLS_ALPN_WANTS_READ, TLS_ALPN_WANTS_WRITE, TLS_ALPN_OVER };

/* A handshake on a connected socket, which stays the caller's. */
struct tls_handshake *tls_handshake_new(struct tls_alpn *alpn, int fd);
enum tls_alpn_state tls_handshake_go_on(struct tls_handshake *handshake);
void tls_handshake_free(struct tls_handshake *handshake); /* NULL is fine */

#endif

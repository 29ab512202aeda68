/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_TLS_ALPN_H
#define CERTD_LIB_CRYPT_TLS_ALPN_H

#include "lib/base/instant.h"

struct err;

/*
 * The server's side of tls-alpn-01 (RFC 8737, 3; RFC 8738, 6): handshakes that show a certificate made for one
 * challenge, to whoever asks with the protocol acme-tls/1 for a name that has one.  Everybody else is
 * refused during the handshake and sees no certificate.
 *
 * A certificate has a throw-away key, exactly one name, and the digest of the key authorization in a
 * critical extension.  There are no sessions and no tickets: a handshake shows what is there now.
 */

struct tls_alpn;      /* one server's certificates and settings */
struct tls_handshake; /* one handshake */
struct tls_alpn_cert; /* one certificate with its key */

/* `name` is a DNS name or an address, canonical.  Valid around `now`. */
int tls_alpn_cert_new(const char *name, const char *key_authorization, struct instant now,
	struct tls_alpn_cert **out, struct err *err);
void tls_alpn_cert_free(struct tls_alpn_cert *cert); /* NULL is fine */

/* The name a client asks with: itself, or of an address the reverse name; to be freed. */
char *tls_alpn_sni(const char *name);

/* The certificate for a name as it was asked for, in lower case; NULL: refuse. */
typedef const struct tls_alpn_cert *tls_alpn_find(void *data, const char *sni);

int tls_alpn_new(tls_alpn_find *find, void *data, struct tls_alpn **out, struct err *err);
void tls_alpn_free(struct tls_alpn *alpn); /* after its handshakes; NULL is fine */

enum tls_alpn_state { TLS_ALPN_WANTS_READ, TLS_ALPN_WANTS_WRITE, TLS_ALPN_OVER };

/* Handshakes on a connected socket, which stays the caller's. */
struct tls_handshake *tls_handshake_new(struct tls_alpn *alpn, int fd);
enum tls_alpn_state tls_handshake_go_on(struct tls_handshake *handshake);
void tls_handshake_free(struct tls_handshake *handshake); /* NULL is fine */

#endif

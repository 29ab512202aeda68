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

struct tls_answers; /* one server's certificates and settings */
struct tls_answer;  /* one handshake */
struct tls_card;    /* one certificate with its key */

/* `name` is a DNS name or an address, canonical.  Valid around `now`. */
int tls_card_new(const char *name, const char *key_authorization, struct instant now,
	struct tls_card **out, struct err *err);
void tls_card_free(struct tls_card *card); /* NULL is fine */

/* The name a client asks with: itself, or of an address the reverse name; to be freed. */
char *tls_card_sni(const char *name);

/* The certificate for a name as it was asked for, in lower case; NULL: refuse. */
typedef const struct tls_card *tls_answer_find(void *data, const char *sni);

int tls_answers_new(
	tls_answer_find *find, void *data, struct tls_answers **out, struct err *err);
void tls_answers_free(struct tls_answers *answers); /* after its handshakes; NULL is fine */

enum tls_answer_state { TLS_ANSWER_WANTS_READ, TLS_ANSWER_WANTS_WRITE, TLS_ANSWER_OVER };

/* Handshakes on a connected socket, which stays the caller's. */
struct tls_answer *tls_answer_new(struct tls_answers *answers, int fd);
enum tls_answer_state tls_answer_go_on(struct tls_answer *answer);
void tls_answer_free(struct tls_answer *answer); /* NULL is fine */

#endif

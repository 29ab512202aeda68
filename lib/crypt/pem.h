/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_PEM_H
#define CERTD_LIB_CRYPT_PEM_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/crypt/secret.h"

struct err;

/*
 * A PEM reader (RFC 7468) returns the blocks of a text one after the other. Text between blocks
 * is skipped. The bytes of a block may be a private key, so they are a secret.
 */

#define PEM_LABEL_LEN 64

struct pem_block {
	char label[PEM_LABEL_LEN]; /* "CERTIFICATE" */
	struct secret der;
	bool is_encrypted;
};

/*
 * Reads the next block of *text, which has *len bytes, and moves *text behind it. 1 with a
 * block, 0 at the end, -1 when a block is malformed.
 */
int pem_next(const char **text, size_t *len, struct pem_block *out, struct err *err);

void pem_block_done(struct pem_block *block); /* zeroed is fine */

/* Does the text hold the beginning of a PEM block? */
bool pem_is_text(const void *data, size_t len);

#endif

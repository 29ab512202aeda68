/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_MATERIAL_H
#define CERTD_CLIENT_MATERIAL_H

#include <stddef.h>

#include "lib/crypt/cert.h"
#include "lib/crypt/csr.h"
#include "lib/crypt/key.h"

struct err;

/*
 * A material holds the keys, requests and certificates of files, PEM or DER, for `certctl info`
 * and `certctl verify`. The bytes of a file, which may hold private keys, are cleared after
 * reading.
 */

enum material_kind { MATERIAL_KEY, MATERIAL_REQUEST, MATERIAL_CERT, MATERIAL_OTHER };

struct material_item {
	enum material_kind kind;
	struct key *key;
	struct csr *csr;
	struct cert *cert;
	char *label; /* of the PEM block; "" for DER */
	size_t file; /* number of the material_read() call */
};

#define MATERIAL_MAX 64 /* items */
#define MATERIAL_FILE_MAX ((size_t)1024 * 1024)

struct material {
	struct material_item items[MATERIAL_MAX];
	size_t n, n_files;
};

const char *material_kind_text(enum material_kind kind);

/* Appends the items of a file; NULL for standard input. At least one, or -1. */
int material_read(const char *path, struct material *out, struct err *err);
void material_done(struct material *material); /* zeroed is fine */

#endif

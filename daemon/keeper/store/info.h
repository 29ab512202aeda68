/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_STORE_INFO_H
#define CERTD_DAEMON_KEEPER_STORE_INFO_H

#include <stdbool.h>

#include "lib/base/instant.h"
#include "proto/facts.h"

struct buf;
struct cert;
struct err;

/*
 * The `info` file is a version's description: one "key: value" on each line, so that grep finds
 * a certificate without OpenSSL, and so that the facts of a version can be read without parsing
 * certificates.
 *
 * Some keys are nowhere else: when the version was stored, became current and was revoked,
 * whose key it carries since when, and for which configuration it was made.  The rest repeats
 * the certificate and can be rebuilt from it.  Unknown keys are kept by info_set_time() and
 * ignored by info_parse().  The version's name is its directory's, so facts->id is never
 * touched here.
 */

#define INFO_MAX ((size_t)64 * 1024)

/* Appends the text.  `ca` is the configured name, or "self". */
void info_write(const struct version_facts *facts, const struct cert *cert, const char *ca,
	struct buf *out);

/* Reads the text.  Fails when a date or digest that every version has is missing or malformed. */
int info_parse(const char *text, struct version_facts *out, struct err *err);

/* Appends the text with a moment, `rolled` or `revoked`, set. */
void info_set_time(const char *text, const char *key, struct instant t, struct buf *out);

/* Appends the value of a key and returns true; false when there is no such line. */
bool info_value(const char *text, const char *key, struct buf *out);

/*
 * Fills the facts from the certificate, for a file that is lost: `issuer` is the next of its
 * chain, or NULL when unknown.  The digest is 0, rolled is not set, key_created is `created`,
 * the generation 1.
 */
void info_from_cert(const struct cert *cert, const struct cert *issuer, struct instant created,
	struct version_facts *out);

#endif

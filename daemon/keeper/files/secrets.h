/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_FILES_SECRETS_H
#define CERTD_DAEMON_KEEPER_FILES_SECRETS_H

#include <stddef.h>

struct conf;
struct secret;
struct err;
struct yaml_diags;

/*
 * Files with secrets that the configuration names: MAC keys of external accounts, TSIG keys,
 * passwords of PKCS #12 bundles.  They are read when they are needed and never kept; the engine
 * never sees one.
 */

/*
 * Warns of secrets that are missing, or that every user of the machine can read.  A file that
 * can be read and is no secret is an error, and so is one that belongs to another user or that
 * every user can change (lib/base/trust.h).
 */
void secrets_check(const struct conf *conf, struct yaml_diags *diags);

/* A file with a secret, unless trust_secret() refuses it. */
int secrets_read(const char *path, size_t limit, struct secret *out, struct err *err);

/* A key as CAs and name servers hand it out: base64 of any kind, perhaps in lines. */
int secrets_read_base64(const char *path, struct secret *out, struct err *err);

#endif

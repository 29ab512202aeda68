/* SPDX-License-Identifier: MIT */
#ifndef CERTD_PROTO_REVOKE_H
#define CERTD_PROTO_REVOKE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/facts.h"

/*
 * A revocation has a reason, and root's mark when it is immediate; client, engine and keeper
 * share the definitions here.
 *
 * The engine decides which client may do what, so an attacker in the engine could have the
 * current version of any certificate revoked. Therefore the keeper tells a CA to revoke a
 * current version only when root has left a mark: a file beside the control socket, in a
 * directory that only the keeper's user can write to, which names the certificate and the
 * version. `certctl revoke --now` writes it before it sends its request; it counts for
 * MARK_LIFE, and is removed when the revocation is stored.
 *
 *	<directory of the socket>/revoke/GROUP:SERVICE    "GROUP/SERVICE VERSION\n", mode 0600
 *
 * No function here touches a file.
 */

enum reason {
#define REASON(id, word, number, help) REASON_##id = number,
#include "proto/reasons.def"
#undef REASON
};

/* Is it the number of a known reason? */
bool reason_is_known(int64_t number);

/* The number of a word, or -1; and all words as a list, "a, b or c". */
int reason_parse(const char *word);
void reason_list(struct buf *out);

#define MARK_LIFE MINUTES(10)
#define MARK_MAX ((size_t)1024)

/* Append the directory of marks, the name of a certificate's mark in it, and its content. */
void mark_dir(const char *socket, struct buf *out);
void mark_name(const char *cert, struct buf *out);
void mark_text(const char *cert, const struct version_id *version, struct buf *out);

#endif

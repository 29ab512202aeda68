/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CTL_ROWS_H
#define CERTD_DAEMON_CTL_ROWS_H

#include "daemon/cert/plan.h"

struct buf;
struct cert;
struct conf;
struct fleet;

/*
 * A row word is a key=value pair that rows of several commands share; the keys are those of
 * proto/rows.def.  Each function appends words to a row that was begun.
 */

void rows_add_version(struct buf *out, const char *key, const struct version_id *id);

/* curr curr_expires next next_expires prev */
void rows_add_held(struct buf *out, const struct cert_facts *facts);

/* action at why reason */
void rows_add_plan(struct buf *out, const struct plan *plan);

/* error error_text */
void rows_add_error(struct buf *out, const struct failure *failure);

/*
 * The last failure: its own, or the first of its targets' that still counts; NULL when there is
 * none.
 */
const struct failure *rows_failure(const struct conf *conf, const struct cert *cert);

/* The name of its n-th CA, or "self". */
const char *rows_ca(const struct conf *conf, const struct cert *cert, size_t n);

/* The one of its CAs that issued its current version; the first when none did. */
const char *rows_held_ca(const struct conf *conf, const struct cert *cert);

#endif

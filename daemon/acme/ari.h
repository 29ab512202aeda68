/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_ARI_H
#define CERTD_DAEMON_ACME_ARI_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/instant.h"
#include "proto/facts.h"

struct buf;

/*
 * Renewal information (RFC 9773), the part that needs no network: what a CA's answer says,
 * which moment of its window is ours, and when the CA is asked again.  Pure.
 *
 * The moment comes from a hash of the certificate's name, its version and the window: even over
 * many certificates, the same after every restart, another one when the window changes.  An
 * answer that makes no sense is no answer; the renewal curve decides then.
 */

/* The URL to ask: `base` as the directory has it, with or without a slash at its end. */
void ari_url(const char *base, const char *certid, struct buf *out);

/*
 * Reads the body of an answer (4.2) into start, end and url, which the caller frees; the rest
 * of *out stays.  An explanation that is no https URL counts as absent.  -1 with ERR_BAD_ANSWER
 * when there is no window that begins before it ends.
 */
int ari_read(const char *data, size_t len, struct ari_facts *out, struct err *err);

/* In [start, end): the second at which this version is to be renewed. */
struct instant ari_moment(const char *cert, const struct version_id *version,
	struct instant start, struct instant end);

/*
 * When to ask again (4.3): after an answer at its Retry-After, which the caller passes as a moment,
 * between a minute and a day from now; INSTANT_NONE: in six hours.
 */
struct instant ari_again(struct instant retry_after, struct instant now);

/*
 * The same after an error: what may pass (no answer, 5xx, a limit) in a minute that doubles
 * with every `tries` in a row up to six hours, but never before the CA's Retry-After (a day at
 * most); all else in six hours.  `status` 0: no answer came.
 */
struct instant ari_again_after(
	int status, unsigned tries, struct instant retry_after, struct instant now);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CERT_TARGET_H
#define CERTD_DAEMON_CERT_TARGET_H

#include <stdbool.h>

#include "proto/facts.h"

struct cert_conf;
struct conf;
struct target_conf;

/*
 * A target's state is how far it is with a certificate: pure questions to the facts.
 *
 * The plan, the deploy, the revocation, `status`, `show` and `why` all ask here, so that no two
 * of them can hold different opinions about the same facts.
 */

/* Has the target confirmed the current version?  False without a current version. */
bool target_has_curr(const struct cert_facts *facts, const struct target_conf *target);

/*
 * The first target of the certificate without the current version, in the order of deploying;
 * NULL: none.
 */
const struct target_conf *target_laggard(
	const struct cert_conf *conf, const struct conf *all, const struct cert_facts *facts);

/*
 * The first target of the certificate that comes before `target` (`after`) and lacks the
 * current version; NULL: it is the target's turn.
 */
const struct target_conf *target_waits_for(const struct cert_conf *conf, const struct conf *all,
	const struct cert_facts *facts, const struct target_conf *target);

/*
 * The failure of a target that still counts, or NULL.  It counts while there is a current
 * version that the target lacks; not when it was met with the version before, or while the
 * target was configured otherwise.
 */
const struct failure *target_failure(
	const struct cert_facts *facts, const struct target_conf *target);

/* The first failure of the certificate's targets that still counts; NULL: none. */
const struct failure *target_first_failure(
	const struct cert_conf *conf, const struct conf *all, const struct cert_facts *facts);

/*
 * Is there something to tidy: replaced files that could not be removed, or a copy in a directory
 * that the configuration no longer names?
 */
bool target_wants_tidying(
	const struct cert_conf *conf, const struct conf *all, const struct cert_facts *facts);

#endif

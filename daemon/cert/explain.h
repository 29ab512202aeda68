/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CERT_EXPLAIN_H
#define CERTD_DAEMON_CERT_EXPLAIN_H

#include "daemon/cert/plan.h"

/*
 * The plan in sentences, for `certctl why`: what is held, what comes next, when and why, which
 * guard waits with its evidence and the earliest time it opens, what failed last and when it is
 * tried again, how far each target is.  Pure, like the plan it explains; the sentences are for
 * people and may change, codes may not.
 */

/* Calls `tell` once per sentence; the text is valid during the call only. */
void cert_explain(const struct cert_conf *conf, const struct conf *all,
	const struct cert_facts *facts, const struct issuer *issuer, struct instant now,
	const struct clock_verdict *clock, void (*tell)(const char *sentence, void *data),
	void *data);

#endif

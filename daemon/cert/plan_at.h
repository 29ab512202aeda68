/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CERT_PLAN_AT_H
#define CERTD_DAEMON_CERT_PLAN_AT_H

#include "daemon/cert/plan.h"

/*
 * The ladder by one time alone, for cert_plan() (plan_clock.c), which asks for each time that
 * it may be.
 */
struct plan plan_at(const struct cert_conf *conf, const struct conf *all,
	const struct cert_facts *facts, const struct issuer *issuer, struct instant now);

#endif

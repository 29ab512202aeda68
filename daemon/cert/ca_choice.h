/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CERT_CA_CHOICE_H
#define CERTD_DAEMON_CERT_CA_CHOICE_H

#include <stddef.h>

#include "daemon/cert/plan.h"

struct ca_conf;

/*
 * With which CA of its list an issue begins, an ACME one or a local one: one answer for the
 * plan (through cert_issuer()), for the queue that the job waits in and for the job itself.
 */

/* The place in the certificate's list of the ACME CA that has its order in flight; n_cas: none. */
size_t ca_with_order(
	const struct cert_conf *conf, const struct conf *all, const struct cert_facts *facts);

/*
 * The ACME CA that an issue begins with: the one with an order in flight, else the one that
 * cert_issuer() chose.  NULL: a local CA signs, or the certificate itself.
 */
const struct ca_conf *ca_to_order_from(const struct cert_conf *conf, const struct conf *all,
	const struct cert_facts *facts, const struct issuer *issuer);

#endif

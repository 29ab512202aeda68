/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_SIM_DNS_FAKE_H
#define CERTD_TESTS_SIM_DNS_FAKE_H

#include "lib/net/dns_probe.h"

/*
 * The other implementation of lib/net/dns_probe.h: asks the name servers of tests/sim/wires.h, on virtual
 * time.  A server that is silent costs the time of all tries; others answer within some milliseconds.
 * dns_new() finds the wires of the town.
 */

/* The end of the process: everything asked stays unanswered. */
void dns_fake_cut(struct dns *dns);

#endif

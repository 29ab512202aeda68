/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_WATCH_CLASSIFY_H
#define CERTD_DAEMON_DNS_WATCH_CLASSIFY_H

#include "daemon/dns/watch/evidence.h"
#include "lib/net/dns_probe.h"

/*
 * A classified answer is the observation that one server's answer makes for one value.  Pure.
 * An authoritative server without authority is lame, whatever it says; an extra one has none.
 */

/* Fills said, ttl, negative_ttl and serial of the state, and returns the observation. */
enum observation classify(
	const struct dns_probe_op *probe, const char *value, struct server_state *state);

/* The serial from an answer to a question for the SOA record. */
void classify_serial(const struct dns_probe_op *probe, struct server_state *state);

#endif

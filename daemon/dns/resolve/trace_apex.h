/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RESOLVE_TRACE_APEX_H
#define CERTD_DAEMON_DNS_RESOLVE_TRACE_APEX_H

#include "daemon/dns/resolve/trace.h"

/*
 * The apex of a trace is the zone that holds the name it has come to, found by the records
 * beside the answer or by asking for the SOA record.  Internal to daemon/dns.
 */

/* Fills t->apex from the answer, or sets t->needs_soa. */
void trace_apex_take(struct trace *t, const struct dns_message *answer);

/*
 * While t->needs_soa is set: starts the SOA question, and takes its answer. -1: no zone is
 * found.
 */
void trace_apex_ask(struct trace *t);
int trace_apex_told(struct trace *t, struct err *err);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RESOLVE_TRACE_APEX_H
#define CERTD_DAEMON_DNS_RESOLVE_TRACE_APEX_H

#include "daemon/dns/resolve/trace.h"

/*
 * Which zone holds the name that a trace has come to: by the records beside the answer, or by the SOA record
 * that is asked for.  Internal to daemon/dns.
 */

/* Fills t->apex from the answer, or sets t->needs_soa. */
void trace_apex_take(struct trace *t, const struct dns_message *answer);

/* While t->needs_soa: the question, and what came of it.  -1: no zone is found. */
void trace_apex_ask(struct trace *t);
int trace_apex_told(struct trace *t, struct err *err);

#endif

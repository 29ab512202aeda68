/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_NET_DNS_STREAM_H
#define CERTD_LIB_NET_DNS_STREAM_H

#include "lib/net/dns_op.h"

/*
 * A DNS stream carries the exchange of dns_deliver() (lib/net/dns_probe.h): one message over
 * TCP with its length in front (RFC 1035, 4.2.2), and the answer with its id. The bytes are
 * signed and must not be changed on the way, as c-ares does when a server does not know EDNS.
 */

void dns_stream_deliver(
	struct dns_scheduler *scheduler, struct task *task, struct dns_deliver_op *op);

#endif

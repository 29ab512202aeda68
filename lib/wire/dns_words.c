/* SPDX-License-Identifier: MIT */
#include "lib/wire/dns_message.h"

#include <stdio.h>

#include "lib/base/attr.h"

/* The names of DNS numbers. */

static const char *const rcodes[] = {
	[DNS_NOERROR] = "NOERROR",
	[DNS_FORMERR] = "FORMERR",
	[DNS_SERVFAIL] = "SERVFAIL",
	[DNS_NXDOMAIN] = "NXDOMAIN",
	[DNS_NOTIMP] = "NOTIMP",
	[DNS_REFUSED] = "REFUSED",
	[DNS_YXDOMAIN] = "YXDOMAIN",
	[DNS_YXRRSET] = "YXRRSET",
	[DNS_NXRRSET] = "NXRRSET",
	[DNS_NOTAUTH] = "NOTAUTH",
	[DNS_NOTZONE] = "NOTZONE",
	[16] = "BADVERS", /* of EDNS; TSIG uses the number otherwise */
};

/* The names of enum dns_type, not those of ldns: its version 1.8.4 calls type 262 TXT. */
static const char *const types[] = {
	[DNS_A] = "A",
	[DNS_NS] = "NS",
	[DNS_CNAME] = "CNAME",
	[DNS_SOA] = "SOA",
	[DNS_MX] = "MX",
	[DNS_TXT] = "TXT",
	[DNS_AAAA] = "AAAA",
	[DNS_DNAME] = "DNAME",
	[DNS_DS] = "DS",
	[DNS_RRSIG] = "RRSIG",
	[DNS_DNSKEY] = "DNSKEY",
	[DNS_TLSA] = "TLSA",
	[DNS_CAA] = "CAA",
};

const char *dns_rcode_text(uint16_t rcode, char out[16])
{
	if (rcode < ARRAY_LEN(rcodes) && rcodes[rcode])
		snprintf(out, 16, "%s", rcodes[rcode]);
	else
		snprintf(out, 16, "RCODE%u", (unsigned)rcode);
	return out;
}

const char *dns_type_text(uint16_t type, char out[16])
{
	if (type < ARRAY_LEN(types) && types[type])
		snprintf(out, 16, "%s", types[type]);
	else
		snprintf(out, 16, "TYPE%u", (unsigned)type); /* RFC 3597, 5 */
	return out;
}

/* SPDX-License-Identifier: MIT */
#include "lib/wire/dns_message.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/base/attr.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

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
	char *text = ldns_rr_type2str((ldns_rr_type)type);

	if (!text)
		mem_exhausted();
	snprintf(out, 16, "%s", text);
	LDNS_FREE(text);
	return out;
}

uint16_t dns_type_parse(const char *text)
{
	int64_t number;
	char again[16];
	uint16_t type;

	if (strncasecmp(text, "TYPE", 4) == 0)
		return str_to_int(text + 4, 1, UINT16_MAX, &number) ? (uint16_t)number : 0;
	type = (uint16_t)ldns_get_rr_type_by_name(text);
	/* ldns also accepts texts that merely begin with a type's name. */
	return strcasecmp(dns_type_text(type, again), text) == 0 ? type : 0;
}

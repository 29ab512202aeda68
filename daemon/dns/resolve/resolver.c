/* SPDX-License-Identifier: MIT */
#include "daemon/dns/resolve/resolver.h"

#include "daemon/conf/conf.h"
#include "lib/base/mem.h"

/* Names that a sentence has room for. */
enum { NAMED_MAX = 2 };

static void add_servers(const struct lookup *ns, struct buf *out)
{
	const struct dns_message *answer = lookup_answer(ns);
	const struct dns_record *record = NULL;
	size_t n = 0;

	while ((record = dns_message_find(answer, DNS_ANSWER, DNS_NS, ns->name, record)))
		if (n++ < NAMED_MAX)
			buf_printf(out, "%s%s", n == 1 ? "" : ", ", record->target);
	if (n > NAMED_MAX)
		buf_printf(out, " and %zu more", n - NAMED_MAX);
}

char *resolver_said(const struct lookup *ns)
{
	const struct dns_message *answer = lookup_answer(ns);
	struct buf text AUTO_BUF = BUF_INIT;
	char address[DNS_ADDRESS_TEXT_LEN], rcode[16];

	if (!answer)
		return NULL;
	buf_printf(&text, "the resolver %s ", dns_address_text(&ns->at[ns->next], address));
	if (answer->rcode != DNS_NOERROR) {
		buf_printf(
			&text, "says %s of %s", dns_rcode_text(answer->rcode, rcode), ns->name);
	} else if (!dns_message_find(answer, DNS_ANSWER, DNS_NS, ns->name, NULL)) {
		buf_printf(&text, "knows no name servers of %s", ns->name);
	} else {
		buf_printf(&text, "calls these the name servers of %s: ", ns->name);
		add_servers(ns, &text);
	}
	return mem_strdup(buf_text(&text));
}

void resolver_add_help(
	const struct zones *zones, const char *name, const char *said, struct err *err)
{
	const struct zone_conf *zone = zones_conf(zones, name);
	struct err told = *err;

	if (err->code != ERR_DNS || (zone && (zone->primary.text || zone->has_nameservers)))
		return;
	err_set(err, ERR_DNS,
		"%s%s%s; if the resolver is wrong, \"primary\" or \"nameservers\" of the zone "
		"in "
		"dns.zones says whom to ask",
		told.text, said ? "; " : "", said ? said : "");
}

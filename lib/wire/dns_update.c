/* SPDX-License-Identifier: MIT */
#include "lib/wire/dns_update.h"

#include <ldns/ldns.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"
#include "lib/wire/dns_tsig.h"
#include "lib/wire/dns_wire.h"

/* The sections of an update: prerequisites and changes. */
struct parts {
	ldns_rr_list *demands, *changes;
};

static void parts_done(struct parts *parts)
{
	ldns_rr_list_deep_free(parts->demands);
	ldns_rr_list_deep_free(parts->changes);
}

/* ldns reports a lack of memory by NULL. */
static void *need(void *object)
{
	if (!object)
		mem_exhausted();
	return object;
}

static ldns_rdf *new_name(const char *name)
{
	uint8_t wire[DNS_NAME_WIRE_MAX];

	return need(
		ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, dns_name_pack(name, wire), wire));
}

static int bad(struct err *err, const struct dns_change *change, const char *why)
{
	return err_set(err, ERR_BAD_VALUE, "the record \"%.100s %.100s\" %s", change->owner,
		change->rdata, why);
}

/* A deletion of one record has class NONE (RFC 2136, 2.5.4). */
static int add_change(struct parts *parts, const struct dns_change *change, struct err *err)
{
	char *text AUTO_FREE = NULL, type[16];
	ldns_rr *rr = NULL;
	ldns_status status;

	for (const char *p = change->rdata; *p; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f)
			return bad(err, change, "has a character that no zone file can have");
	text = mem_printf(". 0 IN %s %s", dns_type_text(change->type, type), change->rdata);
	status = ldns_rr_new_frm_str(&rr, text, 0, NULL, NULL);
	if (status == LDNS_STATUS_MEM_ERR)
		mem_exhausted();
	if (status != LDNS_STATUS_OK)
		return bad(err, change, ldns_get_errorstr_by_id(status));
	need(ldns_rr_list_push_rr(parts->changes, rr) ? rr : NULL);
	if (ldns_rr_rd_count(rr) == 0 || ldns_rr_get_type(rr) != change->type)
		return bad(err, change, "has no value");
	ldns_rdf_deep_free(ldns_rr_owner(rr));
	ldns_rr_set_owner(rr, new_name(change->owner));
	if (change->is_removal)
		ldns_rr_set_class(rr, (ldns_rr_class)DNS_CLASS_NONE);
	ldns_rr_set_ttl(rr, change->is_removal ? 0 : change->ttl);
	return 0;
}

/* "RRset does not exist" (RFC 2136, 2.4.3): class NONE, no RDATA. */
static void add_demand(struct parts *parts, const char *owner)
{
	ldns_rr *rr = need(ldns_rr_new());

	ldns_rr_set_owner(rr, new_name(owner));
	ldns_rr_set_type(rr, LDNS_RR_TYPE_CNAME);
	ldns_rr_set_class(rr, (ldns_rr_class)DNS_CLASS_NONE);
	ldns_rr_set_ttl(rr, 0);
	need(ldns_rr_list_push_rr(parts->demands, rr) ? rr : NULL);
}

static bool gains(const struct dns_change *change)
{
	return !change->is_removal && change->type != DNS_CNAME;
}

/* Does a change before number `i` give its owner a record, too? */
static bool has_gained(const struct dns_change *changes, size_t i)
{
	for (size_t earlier = 0; earlier < i; earlier++)
		if (gains(&changes[earlier]) &&
			str_is(changes[earlier].owner, changes[i].owner))
			return true;
	return false;
}

static int add_changes(struct parts *parts, const char *zone, const struct dns_change *changes,
	size_t n, struct err *err)
{
	uint8_t wire[DNS_NAME_WIRE_MAX];

	for (size_t i = 0; i < n; i++) {
		if (!dns_name_pack(changes[i].owner, wire))
			return bad(err, &changes[i], "has an owner that is no name");
		if (!dns_name_is_below(changes[i].owner, zone))
			return err_set(err, ERR_BAD_VALUE,
				"\"%.100s\" does not lie in the zone %.100s", changes[i].owner,
				zone);
		if (changes[i].ttl > INT32_MAX)
			return bad(err, &changes[i], "has a TTL above 2147483647");
		if (add_change(parts, &changes[i], err) < 0)
			return -1;
		if (gains(&changes[i]) && !has_gained(changes, i))
			add_demand(parts, changes[i].owner);
	}
	return 0;
}

static int compose(const char *zone, const struct parts *parts, uint16_t id, struct buf *out,
	struct err *err)
{
	/* The packet takes the name over, and copies of the records. */
	ldns_pkt *pkt = need(ldns_update_pkt_new(
		new_name(zone), LDNS_RR_CLASS_IN, parts->demands, parts->changes, NULL));
	uint8_t *wire = NULL;
	size_t len = 0;
	ldns_status status;

	ldns_pkt_set_id(pkt, id);
	/* ldns sets RD in any packet; in an update it has no meaning (RFC 2136, 2.2). */
	ldns_pkt_set_rd(pkt, false);
	status = ldns_pkt2wire(&wire, pkt, &len);
	ldns_pkt_free(pkt);
	if (status == LDNS_STATUS_MEM_ERR)
		mem_exhausted();
	if (status != LDNS_STATUS_OK)
		return err_set(err, ERR_BAD_VALUE, "an update of the zone %.100s is none: %s",
			zone, ldns_get_errorstr_by_id(status));
	buf_add(out, wire, len);
	free(wire);
	return 0;
}

static int sign(const struct tsig_key *key, struct instant now, struct buf *message,
	struct dns_update_sent *sent, struct err *err)
{
	struct dns_tsig tsig = { .time_s = (uint64_t)now.s, .fudge_s = TSIG_FUDGE_S };

	if (dns_tsig_mac(key, NULL, message, &tsig, sent->mac, &sent->mac_len, err) < 0)
		return -1;
	dns_tsig_append(key, &tsig, sent, message);
	return 0;
}

int dns_update_make(const char *zone, const struct dns_change *changes, size_t n,
	const struct tsig_key *key, struct instant now, struct buf *out,
	struct dns_update_sent *sent, struct err *err)
{
	struct parts parts CLEANUP(
		parts_done) = { need(ldns_rr_list_new()), need(ldns_rr_list_new()) };
	struct buf message AUTO_BUF = BUF_INIT;
	uint8_t wire[DNS_NAME_WIRE_MAX];

	memset(sent, 0, sizeof(*sent));
	rand_bytes(&sent->id, sizeof(sent->id));
	if (!dns_name_pack(zone, wire))
		return err_set(
			err, ERR_BAD_VALUE, "\"%.100s\" is not the name of a zone", zone);
	if (n > DNS_UPDATE_MAX)
		return err_set(err, ERR_BAD_VALUE,
			"an update of the zone %.100s has %zu changes, not at most %d", zone, n,
			DNS_UPDATE_MAX);
	if (add_changes(&parts, zone, changes, n, err) < 0 ||
		compose(zone, &parts, sent->id, &message, err) < 0 ||
		(key && sign(key, now, &message, sent, err) < 0))
		return -1;
	if (message.len > DNS_MESSAGE_MAX)
		return err_set(err, ERR_BAD_VALUE,
			"an update of the zone %.100s with %zu changes is longer than 65535 "
			"octets",
			zone, n);
	buf_add(out, message.data, message.len);
	return 0;
}

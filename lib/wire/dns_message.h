/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_WIRE_DNS_MESSAGE_H
#define CERTD_LIB_WIRE_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/wire/dns_name.h"

struct err;

/*
 * A DNS message (RFC 1035, 4; RFC 6891) is written as a question and read as an answer. ldns
 * knows the types of records and stays behind this header; it gets one record at a time,
 * uncompressed and measured.
 *
 * Names are canonical (lib/wire/dns_name.h). Input is bounded: DNS_MESSAGE_MAX bytes,
 * DNS_RECORDS_MAX records, pointers that lead backwards. A message that does not parse as a
 * whole is an error: a record cut short, octets behind the end, two questions, two OPT records.
 * Of a truncated message (TC) only the header and the question are read, since the rest must
 * not be used (RFC 2181, 9).
 *
 * Records of class IN with a type of enum dns_type are decoded and must be well formed; others
 * are kept as octets, with the text of RFC 3597. A malformed CAA record is kept too, and
 * marked, because its presence matters (RFC 8659, 4).
 *
 * The parser does not judge an answer: lib/net/dns_probe.h compares question and server,
 * daemon/dns judges content.
 */

#define DNS_MESSAGE_MAX 65535
#define DNS_RECORDS_MAX 1000
#define DNS_EDNS_SIZE 1232

enum dns_type { /* IANA's numbers */
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_DNAME = 39,
	DNS_DS = 43,
	DNS_RRSIG = 46,
	DNS_DNSKEY = 48,
	DNS_TLSA = 52,
	DNS_CAA = 257,
};

enum dns_rcode { /* IANA's numbers */
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_YXDOMAIN = 6,
	DNS_YXRRSET = 7,
	DNS_NXRRSET = 8,
	DNS_NOTAUTH = 9,
	DNS_NOTZONE = 10,
	DNS_BADSIG = 16, /* in TSIG records (RFC 8945, 3) */
	DNS_BADKEY = 17,
	DNS_BADTIME = 18,
	DNS_BADTRUNC = 22,
};

enum dns_section { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL };

struct dns_soa {
	uint32_t serial, minimum, expire;
};

struct dns_caa {
	uint8_t flags;
	const char *tag;   /* lower case; NULL when is_malformed */
	const char *value; /* without NUL; NULL when is_malformed */
	bool is_malformed; /* the flags still count if there were any octets */
};

/* One record; its texts belong to the message. */
struct dns_record {
	enum dns_section section;
	const char *owner;
	uint16_t type, rr_class;
	uint32_t ttl;        /* 0 when received with the highest bit set (RFC 2181, 8) */
	const char *text;    /* RDATA in presentation form, for people */
	const uint8_t *data; /* RDATA in wire form, uncompressed, `target` in lower case */
	size_t len;
	/* Decoded fields by type; else NULL or zero. */
	const char *target; /* NS, CNAME, DNAME, MX: a name.  SOA: the primary's name */
	const char *txt;    /* TXT: its strings joined; txt_len because they may contain NUL */
	size_t txt_len;
	uint16_t preference; /* MX */
	struct dns_soa soa;
	struct dns_caa caa;
	uint8_t address[16]; /* A: 4 octets, AAAA: 16 */
	uint16_t covered;    /* RRSIG: the type covered */
};

struct dns_message {
	uint16_t id;
	unsigned opcode;
	uint16_t rcode; /* with the extended bits of EDNS */
	bool is_answer, is_authoritative, is_truncated, is_authentic; /* QR AA TC AD */
	bool has_edns;
	const char *question;         /* NULL: none */
	const char *question_as_sent; /* in the case of the octets, for 0x20 */
	uint16_t question_type, question_class;
	struct dns_record *records; /* without OPT */
	size_t n_records;
	void *memory; /* private */
};

struct dns_question {
	const char *name; /* canonical */
	uint16_t type;
	uint16_t id;
	bool recurse;         /* RD */
	bool wants_dnssec;    /* DO, unless no_edns */
	bool wants_authentic; /* AD */
	bool no_edns;         /* for servers that answer FORMERR to EDNS */
	uint32_t case_seed;   /* 0x20: letters in a case drawn from this; 0: unchanged */
};

/* Appends the question in wire form. -1: the name is not a DNS name. */
int dns_question_write(const struct dns_question *question, struct buf *out, struct err *err);

/*
 * Reads a whole message. -1 with ERR_BAD_VALUE when it is malformed or breaks a bound; nothing
 * needs freeing then.
 */
int dns_message_read(const void *data, size_t len, struct dns_message *out, struct err *err);
void dns_message_done(struct dns_message *message); /* zeroed is fine */

/*
 * The next record of class IN of the section, type (0: any) and owner (NULL: any) after `after`
 * (NULL: the first); NULL: there is none.
 */
const struct dns_record *dns_message_find(const struct dns_message *message,
	enum dns_section section, uint16_t type, const char *owner,
	const struct dns_record *after);

/* "TXT" for those of enum dns_type, "TYPE65280" for all others. */
const char *dns_type_text(uint16_t type, char out[16]);

/* "NXDOMAIN", "RCODE77": of a message, not of a TSIG record. */
const char *dns_rcode_text(uint16_t rcode, char out[16]);

/* Serial numbers (RFC 1982): is a behind b? */
static inline bool dns_serial_is_behind(uint32_t a, uint32_t b)
{
	return a != b && (uint32_t)(b - a) < UINT32_C(0x80000000);
}

#endif

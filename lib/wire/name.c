/* SPDX-License-Identifier: MIT */
#include "lib/wire/name.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <idn2.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

#define TEXT_MAX 1024
#define DNS_MAX 253
#define LABEL_MAX 63

size_t name_ip_bytes(const char *name, unsigned char out[16])
{
	if (inet_pton(AF_INET, name, out) == 1)
		return 4;
	return inet_pton(AF_INET6, name, out) == 1 ? 16 : 0;
}

bool name_is_ip(const char *name)
{
	unsigned char bytes[16];

	return name_ip_bytes(name, bytes) != 0;
}

bool name_is_wildcard(const char *name)
{
	return str_starts(name, "*.");
}

static int bad(struct err *err, const char *text, const char *why)
{
	return err_set(err, ERR_BAD_VALUE, "\"%.100s\" %s", text, why);
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

/* The rules of a host name (RFC 1123, 2.1; RFC 1035, 2.3.4), over lower case ASCII. */
static const char *fault_of(const char *name)
{
	bool last_has_letter = false;

	for (const char *label = name;;) {
		size_t len = strcspn(label, ".");

		if (len == 0)
			return "has an empty label";
		if (len > LABEL_MAX)
			return "has a label of more than 63 octets";
		if (label[0] == '-' || label[len - 1] == '-')
			return "has a label that begins or ends with a hyphen";
		last_has_letter = false;
		for (size_t i = 0; i < len; i++) {
			if (label[i] == '*')
				return "has a wildcard that is not the whole first label";
			if (!islower((unsigned char)label[i]) &&
				!isdigit((unsigned char)label[i]) && label[i] != '-')
				return "is not a DNS name or an IP address";
			last_has_letter |= islower((unsigned char)label[i]) != 0;
		}
		if (!label[len])
			break;
		label += len + 1;
	}
	return last_has_letter ? NULL : "is not a DNS name or an IP address";
}

static int bad_idn(struct err *err, const char *text, const char *why)
{
	return err_set(err, ERR_BAD_VALUE, "\"%.100s\" is not a valid international name: %s",
		text, why);
}

/* Labels that claim to be IDN must decode, and be what the decoded text encodes to. */
static int check_alabels(const char *text, const char *name, struct err *err)
{
	char *unicode = NULL, *again = NULL;
	bool is_same;
	int rc;

	if (!strstr(name, "xn--"))
		return 0;
	rc = idn2_to_unicode_8z8z(name, &unicode, IDN2_NONTRANSITIONAL);
	if (rc != IDN2_OK)
		return bad_idn(err, text, idn2_strerror(rc));
	rc = idn2_to_ascii_8z(unicode, &again, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	idn2_free(unicode);
	if (rc != IDN2_OK)
		return bad_idn(err, text, idn2_strerror(rc));
	is_same = str_is(again, name);
	idn2_free(again);
	return is_same ? 0 : bad_idn(err, text, "it is not the encoding of what it decodes to");
}

static int dns_canonical(const char *text, char out[NAME_MAX_LEN], struct err *err)
{
	const char *rest = name_is_wildcard(text) ? text + 2 : text, *fault;
	size_t len = strlen(rest), prefix = (size_t)(rest - text);
	char lower[TEXT_MAX + 1];
	char *ascii = NULL;
	int rc;

	if (len == 0)
		return bad(err, text, "is not a DNS name or an IP address");
	memcpy(lower, rest, len + 1);
	if (is_ascii(rest)) {
		for (char *p = lower; *p; p++)
			*p = (char)tolower((unsigned char)*p);
	} else {
		rc = idn2_to_ascii_8z(rest, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
		if (rc != IDN2_OK)
			return bad_idn(err, text, idn2_strerror(rc));
		len = strlen(ascii);
		if (len > TEXT_MAX)
			len = TEXT_MAX;
		memcpy(lower, ascii, len);
		lower[len] = 0;
		idn2_free(ascii);
	}
	if (len == 0)
		return bad_idn(err, text, "nothing is left of it");
	if (lower[len - 1] == '.' && len > 1)
		lower[--len] = 0;
	fault = prefix + len > DNS_MAX ? "is longer than 253 octets" : fault_of(lower);
	if (fault)
		return bad(err, text, fault);
	if (check_alabels(text, lower, err) < 0)
		return -1;
	memcpy(out, text, prefix);
	memcpy(out + prefix, lower, len + 1);
	return 0;
}

int name_canonical(const char *text, char out[NAME_MAX_LEN], struct err *err)
{
	unsigned char bytes[16];
	size_t n;

	if (!*text)
		return err_set(err, ERR_BAD_VALUE, "an empty text is not a name");
	if (strlen(text) > TEXT_MAX)
		return bad(err, text, "is longer than 253 octets");
	if (!str_is_utf8(text, strlen(text)))
		return err_set(err, ERR_BAD_VALUE, "the name is not UTF-8");
	n = name_ip_bytes(text, bytes);
	if (n) {
		inet_ntop(n == 4 ? AF_INET : AF_INET6, bytes, out, NAME_MAX_LEN);
		return 0;
	}
	return dns_canonical(text, out, err);
}

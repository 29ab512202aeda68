/* SPDX-License-Identifier: MIT */
#include "lib/wire/dns_name.h"

#include <ctype.h>
#include <idn2.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

#define TEXT_MAX 1024
#define LABEL_MAX 63
#define HEADER_LEN 12

/* A name has at most 127 labels, so no valid one has more pointers. */
#define POINTERS_MAX 127

/* Characters that end a name or have a meaning in a zone file. */
static const char specials[] = ".\\\"();@$";

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* Reads one octet of a text, with its escape undone; returns the characters read, or 0. */
static size_t read_octet(const char *at, uint8_t *out)
{
	unsigned value = 0;

	if (*at != '\\') {
		*out = (uint8_t)*at;
		return isgraph((unsigned char)*at) ? 1 : 0;
	}
	if (!isdigit((unsigned char)at[1])) {
		*out = (uint8_t)at[1];
		return isgraph((unsigned char)at[1]) ? 2 : 0;
	}
	for (size_t i = 1; i <= 3; i++) {
		if (!isdigit((unsigned char)at[i]))
			return 0;
		value = value * 10 + (unsigned)(at[i] - '0');
	}
	*out = (uint8_t)value;
	return value <= UINT8_MAX ? 4 : 0;
}

/* Packs a text in ASCII; returns what is wrong with it, or NULL. */
static const char *pack(const char *text, uint8_t out[DNS_NAME_WIRE_MAX], size_t *ret_len)
{
	size_t start = 0, n = 1, taken;
	uint8_t c;

	if (str_is(text, "."))
		text++;
	for (; *text; text += taken) {
		if (*text == '.') {
			if (n == start + 1)
				return "has an empty label";
			out[start] = (uint8_t)(n - start - 1);
			start = n++;
			taken = 1;
		} else {
			taken = read_octet(text, &c);
			if (!taken)
				return "has a character that a name in DNS needs an escape for";
			if (n - start > LABEL_MAX)
				return "has a label of more than 63 octets";
			if (n >= DNS_NAME_WIRE_MAX - 1)
				return "is longer than 253 octets";
			out[n++] = lower(c);
		}
	}
	if (n > start + 1) {
		out[start] = (uint8_t)(n - start - 1);
		start = n++;
	}
	out[start] = 0;
	*ret_len = n;
	return NULL;
}

static int bad(struct err *err, const char *text, const char *why)
{
	return err_set(err, ERR_BAD_VALUE, "\"%.100s\" %s", text, why);
}

/* Replaces the U-labels of a text by A-labels. */
static int to_ascii(const char *text, char out[TEXT_MAX + 1], struct err *err)
{
	char *ascii = NULL;
	size_t len;
	int rc = idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);

	if (rc != IDN2_OK)
		return err_set(err, ERR_BAD_VALUE,
			"\"%.100s\" is not a valid international name: %s", text,
			idn2_strerror(rc));
	len = strlen(ascii);
	if (len <= TEXT_MAX)
		memcpy(out, ascii, len + 1);
	idn2_free(ascii);
	/* The root is written as a dot. */
	if (len == 0)
		return bad(
			err, text, "is not a valid international name: nothing is left of it");
	return len <= TEXT_MAX ? 0 : bad(err, text, "is longer than 253 octets");
}

int dns_name_canonical(const char *text, char *out, struct err *err)
{
	char ascii[TEXT_MAX + 1];
	uint8_t wire[DNS_NAME_WIRE_MAX];
	const char *fault, *rest = text;
	size_t len = strnlen(text, TEXT_MAX + 1);

	if (len > TEXT_MAX)
		return bad(err, text, "is longer than 253 octets");
	if (!str_is_utf8(text, len))
		return err_set(err, ERR_BAD_VALUE, "the name is not UTF-8");
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x80)
			continue;
		if (to_ascii(text, ascii, err) < 0)
			return -1;
		rest = ascii;
		break;
	}
	fault = pack(rest, wire, &len);
	if (fault)
		return bad(err, text, fault);
	dns_name_unpack(wire, false, out);
	return 0;
}

size_t dns_name_pack(const char *name, uint8_t out[DNS_NAME_WIRE_MAX])
{
	size_t len;

	return pack(name, out, &len) ? 0 : len;
}

void dns_name_unpack(const uint8_t *wire, bool keeps_case, char out[DNS_NAME_LEN])
{
	char *at = out;

	for (; *wire; wire += *wire + 1) {
		if (at != out)
			*at++ = '.';
		for (size_t i = 1; i <= *wire; i++) {
			uint8_t c = keeps_case ? wire[i] : lower(wire[i]);

			if (c <= ' ' || c >= 0x7f) {
				*at++ = '\\';
				*at++ = (char)('0' + c / 100);
				*at++ = (char)('0' + c / 10 % 10);
				*at++ = (char)('0' + c % 10);
				continue;
			}
			if (strchr(specials, c))
				*at++ = '\\';
			*at++ = (char)c;
		}
	}
	*at = 0;
}

const char *dns_name_parent(const char *name)
{
	if (!*name)
		return NULL;
	for (; *name; name++) {
		if (*name == '.')
			return name + 1;
		if (*name == '\\' && name[1])
			name++;
	}
	return name;
}

bool dns_name_is_below(const char *name, const char *domain)
{
	for (; name; name = dns_name_parent(name))
		if (str_is(name, domain))
			return true;
	return false;
}

size_t dns_name_read(
	const uint8_t *message, size_t len, size_t *pos, uint8_t out[DNS_NAME_WIRE_MAX])
{
	size_t at = *pos, piece = *pos, behind = 0, n = 0;
	unsigned pointers = 0;

	while (at < len) {
		size_t c = message[at];

		if (c == 0) {
			out[n++] = 0;
			*pos = behind ? behind : at + 1;
			return n;
		}
		if (c <= LABEL_MAX) {
			if (len - at <= c || n + 1 + c >= DNS_NAME_WIRE_MAX)
				return 0;
			memcpy(out + n, message + at, c + 1);
			n += c + 1;
			at += c + 1;
			continue;
		}
		if (c < 0xc0 || len - at < 2)
			return 0;
		if (!behind)
			behind = at + 2;
		at = (c & 0x3f) << 8 | message[at + 1];
		if (at >= piece || at < HEADER_LEN || ++pointers > POINTERS_MAX)
			return 0;
		piece = at;
	}
	return 0;
}

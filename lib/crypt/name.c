/* SPDX-License-Identifier: MIT */
#include "lib/crypt/dn.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <openssl/objects.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/text.h"
#include "lib/crypt/ssl.h"

static const char *const common[] = { "CN", "O", "OU", "C", "ST", "L", "emailAddress",
	"serialNumber", "street", "postalCode", "title", "GN", "SN", "DC", "UID", NULL };

/* The attributes of X.520, and those for which OpenSSL has length rules. */
static int attribute_nid(const char *key)
{
	int nid = OBJ_sn2nid(key);
	char oid[80];

	if (nid == NID_undef)
		nid = OBJ_ln2nid(key);
	if (nid == NID_undef)
		return nid;
	OBJ_obj2txt(oid, sizeof(oid), OBJ_nid2obj(nid), 1);
	if (str_starts(oid, "2.5.4.") || ASN1_STRING_TABLE_get(nid) || nid == NID_userId)
		return nid;
	return NID_undef;
}

static int field_add(X509_NAME *name, const char *key, const char *value, struct err *err)
{
	int nid = attribute_nid(key);

	if (nid == NID_undef) {
		const char *near = str_near_miss(key, common);

		return err_set(err, ERR_BAD_VALUE, "%s is not an attribute of a name%s%s%s",
			key, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	}
	if (value[0] == 0)
		return err_set(err, ERR_BAD_VALUE, "attribute %s is empty", key);
	if (!text_is_fit(value))
		return err_set(
			err, ERR_BAD_VALUE, "attribute %s holds a control character", key);
	if (nid == NID_countryName && !(isalpha((unsigned char)value[0]) &&
					      isalpha((unsigned char)value[1]) && !value[2]))
		return err_set(
			err, ERR_BAD_VALUE, "attribute C is a country code of two letters");
	ssl_begin();
	if (!X509_NAME_add_entry_by_NID(
		    name, nid, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0))
		return ssl_fail(err, ERR_BAD_VALUE, "attribute %s cannot be %s", key, value);
	return 0;
}

int dn_field_check(const char *key, const char *value, struct err *err)
{
	X509_NAME *name AUTO_NAME = X509_NAME_new();

	if (!name)
		mem_exhausted();
	return field_add(name, key, value, err);
}

int ssl_name_make(const struct cert_wish *wish, X509_NAME **out, struct err *err)
{
	X509_NAME *name AUTO_NAME = X509_NAME_new();

	if (!name)
		mem_exhausted();
	for (size_t i = 0; i < wish->n_subject; i++)
		if (field_add(name, wish->subject[i].key, wish->subject[i].value, err) < 0)
			return -1;
	*out = mem_take(&name);
	return 0;
}

void ssl_name_text(const X509_NAME *name, struct buf *out)
{
	BIO *bio AUTO_BIO = ssl_sink();

	if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
		ssl_take_bio(bio, out);
	ssl_begin();
}

char *ssl_name_canonical(const char *name)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char addr[16];
	char *copy;

	if (inet_pton(AF_INET, name, addr) == 1)
		return mem_strdup(inet_ntop(AF_INET, addr, text, sizeof(text)));
	if (inet_pton(AF_INET6, name, addr) == 1)
		return mem_strdup(inet_ntop(AF_INET6, addr, text, sizeof(text)));
	copy = mem_strdup(name);
	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

/* Bytes that are not visible ASCII become "\xNN", so that the text equals no configured one. */
static void add_visible(const ASN1_STRING *string, bool is_lower, struct buf *out)
{
	const unsigned char *p = ASN1_STRING_get0_data(string);

	for (int i = 0, n = ASN1_STRING_length(string); i < n; i++)
		if (text_is_visible((const char *)p + i, 1) && p[i] != '\\')
			buf_add_char(out, (char)(is_lower ? tolower(p[i]) : p[i]));
		else
			buf_printf(out, "\\x%02x", p[i]);
}

static void add_address(const ASN1_OCTET_STRING *ip, struct buf *out)
{
	const unsigned char *p = ASN1_STRING_get0_data(ip);
	int len = ASN1_STRING_length(ip);
	char text[INET6_ADDRSTRLEN];

	if (len == 4)
		buf_add_text(out, inet_ntop(AF_INET, p, text, sizeof(text)));
	else if (len == 16)
		buf_add_text(out, inet_ntop(AF_INET6, p, text, sizeof(text)));
	else
		buf_add_text(out, "other");
}

static void add_name(const GENERAL_NAME *name, struct buf *out)
{
	int type;
	const void *value = GENERAL_NAME_get0_value(name, &type);

	switch (type) {
	case GEN_DNS:
		add_visible(value, true, out);
		break;
	case GEN_IPADD:
		add_address(value, out);
		break;
	case GEN_EMAIL:
		buf_add_text(out, "email:");
		add_visible(value, false, out);
		break;
	case GEN_URI:
		buf_add_text(out, "uri:");
		add_visible(value, false, out);
		break;
	default:
		buf_add_text(out, "other");
	}
}

void ssl_names_take(const GENERAL_NAMES *alt, char ***ret_names, size_t *ret_n)
{
	int n = alt ? sk_GENERAL_NAME_num(alt) : 0;
	char **names = n > 0 ? mem_grow(NULL, (size_t)n, sizeof(*names)) : NULL;

	for (int i = 0; i < n; i++) {
		struct buf text AUTO_BUF = BUF_INIT;

		add_name(sk_GENERAL_NAME_value(alt, i), &text);
		names[i] = mem_strdup(buf_text(&text));
	}
	*ret_names = names;
	*ret_n = n > 0 ? (size_t)n : 0;
}

void ssl_names_free(char **names, size_t n_names)
{
	for (size_t i = 0; i < n_names; i++)
		free(names[i]);
	free(names);
}

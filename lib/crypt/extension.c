/* SPDX-License-Identifier: MIT */
#include "lib/crypt/ssl.h"

#include <arpa/inet.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/crypt/dn.h"

/* Bit numbers of KeyUsage (RFC 5280, 4.2.1.3). */
enum { DIGITAL_SIGNATURE = 0, KEY_ENCIPHERMENT = 2, KEY_CERT_SIGN = 5, CRL_SIGN = 6 };

/* Longest DNS name in text form (RFC 1035, 2.3.4), without the final dot. */
#define DNS_NAME_MAX 253

static const struct {
	enum eku bit;
	int nid;
} purposes[] = {
	{ EKU_SERVER_AUTH, NID_server_auth },
	{ EKU_CLIENT_AUTH, NID_client_auth },
	{ EKU_EMAIL, NID_email_protect },
	{ EKU_CODE_SIGNING, NID_code_sign },
	{ EKU_TIME_STAMPING, NID_time_stamp },
	{ EKU_OCSP_SIGNING, NID_OCSP_sign },
};

unsigned ssl_purposes(const EXTENDED_KEY_USAGE *usage)
{
	unsigned bits = 0;

	for (int i = 0; i < sk_ASN1_OBJECT_num(usage); i++)
		for (size_t k = 0; k < ARRAY_LEN(purposes); k++)
			if (OBJ_obj2nid(sk_ASN1_OBJECT_value(usage, i)) == purposes[k].nid)
				bits |= purposes[k].bit;
	return bits;
}

/* Adds to *list; `value` has the type of the NID. */
static int add(STACK_OF(X509_EXTENSION) **list, int nid, void *value, bool is_critical,
	struct err *err)
{
	ssl_begin();
	if (X509V3_add1_i2d(list, nid, value, is_critical, X509V3_ADD_DEFAULT) != 1)
		return ssl_fail(
			err, ERR_CRYPTO, "cannot add the extension %s", OBJ_nid2sn(nid));
	return 0;
}

static int add_constraints(
	STACK_OF(X509_EXTENSION) **list, const struct cert_wish *wish, struct err *err)
{
	BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
	int ret;

	if (!constraints)
		mem_exhausted();
	constraints->ca = wish->is_ca ? 0xff : 0;
	if (wish->is_ca && wish->path_length >= 0) {
		constraints->pathlen = ASN1_INTEGER_new();
		if (!constraints->pathlen ||
			!ASN1_INTEGER_set(constraints->pathlen, wish->path_length))
			mem_exhausted();
	}
	ret = add(list, NID_basic_constraints, constraints, true, err);
	BASIC_CONSTRAINTS_free(constraints);
	return ret;
}

/* Only RSA keys encipher, and only TLS and S/MIME use it. */
static bool wants_encipherment(const struct cert_wish *wish, const EVP_PKEY *pkey)
{
	const unsigned enciphering = EKU_SERVER_AUTH | EKU_CLIENT_AUTH | EKU_EMAIL;

	return EVP_PKEY_is_a(pkey, "RSA") && (!wish->purposes || wish->purposes & enciphering);
}

static int add_usage(STACK_OF(X509_EXTENSION) **list, const struct cert_wish *wish,
	const EVP_PKEY *pkey, struct err *err)
{
	ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
	int ok, ret;

	if (!usage)
		mem_exhausted();
	if (wish->is_ca)
		ok = ASN1_BIT_STRING_set_bit(usage, KEY_CERT_SIGN, 1) &&
		     ASN1_BIT_STRING_set_bit(usage, CRL_SIGN, 1);
	else
		ok = ASN1_BIT_STRING_set_bit(usage, DIGITAL_SIGNATURE, 1) &&
		     (!wants_encipherment(wish, pkey) ||
			     ASN1_BIT_STRING_set_bit(usage, KEY_ENCIPHERMENT, 1));
	if (!ok)
		mem_exhausted();
	ret = add(list, NID_key_usage, usage, true, err);
	ASN1_BIT_STRING_free(usage);
	return ret;
}

static int add_purposes(
	STACK_OF(X509_EXTENSION) **list, const struct cert_wish *wish, struct err *err)
{
	EXTENDED_KEY_USAGE *usage;
	int ret;

	if (wish->purposes == 0)
		return 0;
	usage = EXTENDED_KEY_USAGE_new();
	if (!usage)
		mem_exhausted();
	for (size_t i = 0; i < ARRAY_LEN(purposes); i++)
		if ((wish->purposes & purposes[i].bit) &&
			!sk_ASN1_OBJECT_push(usage, OBJ_nid2obj(purposes[i].nid)))
			mem_exhausted();
	/* RFC 3161, 2.3: a time stamping certificate has only this purpose, critical. */
	ret = add(list, NID_ext_key_usage, usage, wish->purposes == EKU_TIME_STAMPING, err);
	EXTENDED_KEY_USAGE_free(usage);
	return ret;
}

static int dns_name_check(const char *name, struct err *err)
{
	if (name[0] == 0 || strlen(name) > DNS_NAME_MAX)
		return err_set(
			err, ERR_BAD_VALUE, "the name \"%s\" is empty or too long", name);
	for (const char *p = name; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.*", *p))
			return err_set(
				err, ERR_BAD_VALUE, "%s is not a DNS name in ASCII form", name);
	return 0;
}

/* NULL with *err filled when the text is neither an address nor a name. */
static GENERAL_NAME *general_name(const char *text, struct err *err)
{
	unsigned char addr[16];
	int len = inet_pton(AF_INET, text, addr) == 1    ? 4
		  : inet_pton(AF_INET6, text, addr) == 1 ? 16
							 : 0;
	GENERAL_NAME *name;
	ASN1_STRING *value;

	if (len == 0 && dns_name_check(text, err) < 0)
		return NULL;
	name = GENERAL_NAME_new();
	value = ASN1_STRING_type_new(len ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
	if (!name || !value ||
		!ASN1_STRING_set(value, len ? (const void *)addr : text, len ? len : -1))
		mem_exhausted();
	GENERAL_NAME_set0_value(name, len ? GEN_IPADD : GEN_DNS, value);
	return name;
}

static int add_names(
	STACK_OF(X509_EXTENSION) **list, const struct cert_wish *wish, struct err *err)
{
	GENERAL_NAMES *names;
	int ret = 0;

	if (wish->n_names == 0)
		return 0;
	names = GENERAL_NAMES_new();
	if (!names)
		mem_exhausted();
	for (size_t i = 0; i < wish->n_names && ret == 0; i++) {
		char *text AUTO_FREE = ssl_name_canonical(wish->names[i]);
		GENERAL_NAME *name = general_name(text, err);

		if (!name)
			ret = -1;
		else if (!sk_GENERAL_NAME_push(names, name))
			mem_exhausted();
	}
	/* RFC 5280, 4.2.1.6: critical when the subject is empty. */
	if (ret == 0)
		ret = add(list, NID_subject_alt_name, names, wish->n_subject == 0, err);
	GENERAL_NAMES_free(names);
	return ret;
}

int ssl_extensions_make(const struct cert_wish *wish, EVP_PKEY *pkey,
	STACK_OF(X509_EXTENSION) **out, struct err *err)
{
	STACK_OF(X509_EXTENSION) *list AUTO_EXTENSIONS = NULL;

	if (add_constraints(&list, wish, err) < 0 || add_usage(&list, wish, pkey, err) < 0 ||
		add_purposes(&list, wish, err) < 0 || add_names(&list, wish, err) < 0)
		return -1;
	*out = mem_take(&list);
	return 0;
}

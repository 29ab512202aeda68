/* SPDX-License-Identifier: MIT */
#include "lib/crypt/cert.h"

#include <openssl/bn.h>

#include "lib/base/mem.h"
#include "lib/crypt/ssl.h"

/* RFC 5280, 4.1.2.2: positive, at most 20 octets. */
#define SERIAL_BITS 159

/* 99991231235959Z, which means "no end" (RFC 5280, 4.1.2.5). */
#define LAST_INSTANT ((struct instant){ INT64_C(253402300799) })

static void x509_freep(X509 **x509)
{
	X509_free(*x509);
}

static int set_serial(X509 *x509, struct err *err)
{
	BIGNUM *serial = BN_new();
	int ok;

	if (!serial)
		mem_exhausted();
	ssl_begin();
	do
		ok = BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
	while (ok && BN_is_zero(serial));
	ok = ok && BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x509));
	BN_free(serial);
	return ok ? 0 : ssl_fail(err, ERR_CRYPTO, "cannot make a serial number");
}

/* No certificate outlives its issuer. */
static int set_dates(X509 *x509, const struct cert_issue *order, struct err *err)
{
	struct instant end = instant_min(order->not_after, LAST_INSTANT);

	if (order->issuer)
		end = instant_min(end, order->issuer->not_after);
	if (!instant_before(order->not_before, end))
		return err_set(
			err, ERR_BAD_VALUE, "the certificate would end before it begins");
	ssl_begin();
	if (!ASN1_TIME_set(X509_getm_notBefore(x509), (time_t)order->not_before.s) ||
		!ASN1_TIME_set(X509_getm_notAfter(x509), (time_t)end.s))
		return ssl_fail(
			err, ERR_BAD_VALUE, "the certificate's dates cannot be written");
	return 0;
}

static int set_names(X509 *x509, const struct cert_issue *order, struct err *err)
{
	X509_NAME *subject AUTO_NAME = NULL;
	const X509_NAME *issuer;

	if (ssl_name_make(order->wish, &subject, err) < 0)
		return -1;
	issuer = order->issuer ? X509_get_subject_name(order->issuer->x509) : subject;
	/* RFC 5280, 4.1.2.4 and 4.1.2.6: an issuer has a name. */
	if (X509_NAME_entry_count(issuer) == 0)
		return err_set(err, ERR_BAD_VALUE, "a certificate that signs needs a subject");
	if (X509_NAME_entry_count(subject) == 0 && order->wish->n_names == 0)
		return err_set(err, ERR_BAD_VALUE, "a certificate needs a subject or a name");
	if (order->wish->is_ca && X509_NAME_entry_count(subject) == 0)
		return err_set(err, ERR_BAD_VALUE, "a CA certificate needs a subject");
	if (!X509_set_subject_name(x509, subject) || !X509_set_issuer_name(x509, issuer))
		mem_exhausted();
	return 0;
}

/* Method 1 of RFC 5280, 4.2.1.2: the SHA-1 of the key's bits. */
static ASN1_OCTET_STRING *key_id(const X509 *x509)
{
	ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned len;

	if (!id || !X509_pubkey_digest(x509, EVP_sha1(), hash, &len) ||
		!ASN1_OCTET_STRING_set(id, hash, (int)len))
		mem_exhausted();
	return id;
}

/* The issuer's identifier of its own key, computed by any method. */
static ASN1_OCTET_STRING *issuer_key_id(const struct cert *issuer)
{
	const ASN1_OCTET_STRING *theirs = X509_get0_subject_key_id(issuer->x509);

	return theirs ? ASN1_OCTET_STRING_dup(theirs) : key_id(issuer->x509);
}

static int add_key_ids(X509 *x509, const struct cert *issuer, struct err *err)
{
	ASN1_OCTET_STRING *own = key_id(x509);
	AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
	int ok;

	if (!authority)
		mem_exhausted();
	authority->keyid = issuer ? issuer_key_id(issuer) : key_id(x509);
	if (!authority->keyid)
		mem_exhausted();
	ssl_begin();
	ok = X509_add1_ext_i2d(x509, NID_subject_key_identifier, own, 0, X509V3_ADD_DEFAULT) ==
		     1 &&
	     X509_add1_ext_i2d(
		     x509, NID_authority_key_identifier, authority, 0, X509V3_ADD_DEFAULT) == 1;
	ASN1_OCTET_STRING_free(own);
	AUTHORITY_KEYID_free(authority);
	return ok ? 0 : ssl_fail(err, ERR_CRYPTO, "cannot add the key identifiers");
}

static int add_extensions(X509 *x509, const struct cert_issue *order, struct err *err)
{
	STACK_OF(X509_EXTENSION) *list AUTO_EXTENSIONS = NULL;

	if (ssl_extensions_make(order->wish, order->key->pkey, &list, err) < 0)
		return -1;
	for (int i = 0; i < sk_X509_EXTENSION_num(list); i++)
		if (!X509_add_ext(x509, sk_X509_EXTENSION_value(list, i), -1))
			mem_exhausted();
	return add_key_ids(x509, order->issuer, err);
}

/* Reads the encoded certificate, so that the result is the one that others get. */
static int read_again(const X509 *x509, struct cert **out, struct err *err)
{
	unsigned char *der = NULL;
	int len = i2d_X509(x509, &der), ret;

	if (len < 0)
		return ssl_fail(err, ERR_CRYPTO, "cannot write the certificate");
	ret = ssl_cert_of_der(der, (size_t)len, out, err);
	OPENSSL_free(der);
	return ret;
}

static int sign(X509 *x509, const struct cert_issue *order, struct err *err)
{
	EVP_PKEY *pkey = order->issuer ? order->issuer_key->pkey : order->key->pkey;
	EVP_MD *md AUTO_MD = NULL;

	if (ssl_signing_digest(pkey, order->digest, &md, err) < 0)
		return -1;
	ssl_begin();
	if (X509_sign(x509, pkey, md) <= 0)
		return ssl_fail(err, ERR_CRYPTO, "cannot sign the certificate");
	return 0;
}

int cert_issue(const struct cert_issue *order, struct cert **out, struct err *err)
{
	X509 *x509 CLEANUP(x509_freep) = X509_new();

	if (!x509)
		mem_exhausted();
	if (order->issuer && !cert_has_key(order->issuer, order->issuer_key))
		return err_set(err, ERR_BAD_KEY,
			"the issuer's key does not belong to its certificate");
	if (!X509_set_version(x509, X509_VERSION_3) ||
		(!ssl_spki_put(order->key->pkey, X509_get_X509_PUBKEY(x509)) &&
			!X509_set_pubkey(x509, order->key->pkey)))
		return ssl_fail(err, ERR_CRYPTO, "cannot put the key into a certificate");
	if (set_serial(x509, err) < 0 || set_dates(x509, order, err) < 0 ||
		set_names(x509, order, err) < 0 || add_extensions(x509, order, err) < 0 ||
		sign(x509, order, err) < 0)
		return -1;
	if (order->is_for_first && order->issuer)
		return ssl_cert_of_made(mem_take(&x509), order->key->pkey, out, err);
	return read_again(x509, out, err);
}

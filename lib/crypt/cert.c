/* SPDX-License-Identifier: MIT */
#include "lib/crypt/cert.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <openssl/pem.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/jws.h"
#include "lib/crypt/pem.h"
#include "lib/crypt/ssl.h"

int ssl_instant(const ASN1_TIME *time, struct instant *out, struct err *err)
{
	struct tm tm;

	ssl_begin();
	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return ssl_fail(err, ERR_BAD_CERT, "the certificate has a malformed date");
	out->s = timegm(&tm);
	/* The epoch itself means "not set" in a struct instant. */
	if (out->s == 0)
		out->s = 1;
	return 0;
}

static int cert_take_names(struct cert *cert, struct err *err)
{
	GENERAL_NAMES *alt;
	int found;

	ssl_begin();
	alt = X509_get_ext_d2i(cert->x509, NID_subject_alt_name, &found, NULL);
	ssl_begin();
	/* -1: absent; -2: given twice; otherwise present but unreadable. */
	if (!alt && found != -1)
		return err_set(err, ERR_BAD_CERT, "the certificate has unreadable names");
	ssl_names_take(alt, &cert->names, &cert->n_names);
	GENERAL_NAMES_free(alt);
	return 0;
}

/* Takes x509 over, also on failure. */
static int cert_wrap(X509 *x509, struct cert **out, struct err *err)
{
	struct cert *cert AUTO_CERT = mem_new(struct cert);

	cert->x509 = x509;
	if (ssl_instant(X509_get0_notBefore(x509), &cert->not_before, err) < 0 ||
		ssl_instant(X509_get0_notAfter(x509), &cert->not_after, err) < 0 ||
		cert_take_names(cert, err) < 0)
		return -1;
	/* Makes OpenSSL decode the extensions now, so that later calls only read. */
	X509_check_purpose(x509, -1, 0);
	ssl_begin();
	*out = mem_take(&cert);
	return 0;
}

int ssl_cert_of_made(X509 *x509, EVP_PKEY *pubkey, struct cert **out, struct err *err)
{
	if (cert_wrap(x509, out, err) < 0)
		return -1;
	EVP_PKEY_up_ref(pubkey);
	(*out)->pubkey = pubkey;
	return 0;
}

EVP_PKEY *ssl_cert_pubkey(const struct cert *cert)
{
	return cert->pubkey ? cert->pubkey : X509_get0_pubkey(cert->x509);
}

int ssl_cert_of_der(const void *der, size_t len, struct cert **out, struct err *err)
{
	bool is_whole;
	X509 *x509;

	if (len > CERT_MAX)
		return err_set(err, ERR_TOO_LARGE, "the certificate is larger than %zu bytes",
			CERT_MAX);
	ssl_begin();
	x509 = len ? ssl_x509_read(der, len, &is_whole) : NULL;
	if (!x509)
		return ssl_fail(err, ERR_BAD_CERT, "the certificate is unreadable");
	if (!is_whole) {
		X509_free(x509);
		return err_set(err, ERR_BAD_CERT, "the certificate has bytes behind its end");
	}
	return cert_wrap(x509, out, err);
}

static int cert_of_pem(const char *text, size_t len, struct cert **out, struct err *err)
{
	struct pem_block block = { .label = "" };
	struct cert *cert AUTO_CERT = NULL;
	int got;

	while ((got = pem_next(&text, &len, &block, err)) > 0) {
		if (!str_is(block.label, "CERTIFICATE"))
			got = err_set(err, ERR_BAD_CERT,
				"there is a PEM block \"%s\" beside the certificate",
				block.label);
		else if (cert)
			got = err_set(err, ERR_BAD_CERT, "there is more than one certificate");
		else
			got = ssl_cert_of_der(block.der.data, block.der.len, &cert, err);
		pem_block_done(&block);
		if (got < 0)
			return -1;
	}
	if (got < 0)
		return -1;
	if (!cert)
		return err_set(err, ERR_BAD_CERT, "there is no certificate");
	*out = mem_take(&cert);
	return 0;
}

int cert_read(const void *data, size_t len, struct cert **out, struct err *err)
{
	if (len > CERT_MAX)
		return err_set(err, ERR_TOO_LARGE, "the certificate is larger than %zu bytes",
			CERT_MAX);
	if (pem_is_text(data, len))
		return cert_of_pem(data, len, out, err);
	return ssl_cert_of_der(data, len, out, err);
}

void cert_write(const struct cert *cert, struct buf *out)
{
	BIO *bio AUTO_BIO = ssl_sink();

	if (PEM_write_bio_X509(bio, cert->x509) != 1)
		mem_exhausted();
	ssl_take_bio(bio, out);
}

void cert_write_der(const struct cert *cert, struct buf *out)
{
	unsigned char *der = NULL;
	int len = i2d_X509(cert->x509, &der);

	if (len < 0)
		mem_exhausted();
	buf_add(out, der, (size_t)len);
	OPENSSL_free(der);
}

struct instant cert_not_before(const struct cert *cert)
{
	return cert->not_before;
}

struct instant cert_not_after(const struct cert *cert)
{
	return cert->not_after;
}

size_t cert_n_names(const struct cert *cert)
{
	return cert->n_names;
}

const char *cert_name(const struct cert *cert, size_t i)
{
	return cert->names[i];
}

static bool has_name(char *const *names, size_t n_names, const char *name)
{
	for (size_t i = 0; i < n_names; i++)
		if (str_is(names[i], name))
			return true;
	return false;
}

static int names_differ(
	const struct cert *cert, char *const *wanted, size_t n_wanted, struct err *err)
{
	for (size_t i = 0; i < n_wanted; i++)
		if (!has_name(cert->names, cert->n_names, wanted[i]))
			return err_set(err, ERR_BAD_CERT, "the certificate lacks the name %s",
				wanted[i]);
	for (size_t i = 0; i < cert->n_names; i++)
		if (!has_name(wanted, n_wanted, cert->names[i]))
			return err_set(err, ERR_BAD_CERT,
				"the certificate has the name %s, which was not asked for",
				cert->names[i]);
	return 0;
}

int cert_has_exactly(
	const struct cert *cert, const char *const *names, size_t n_names, struct err *err)
{
	char **wanted = n_names ? mem_grow(NULL, n_names, sizeof(*wanted)) : NULL;
	int ret;

	for (size_t i = 0; i < n_names; i++)
		wanted[i] = ssl_name_canonical(names[i]);
	ret = names_differ(cert, wanted, n_names, err);
	ssl_names_free(wanted, n_names);
	return ret;
}

void cert_subject_name(const struct cert *cert, struct buf *out)
{
	ssl_name_text(X509_get_subject_name(cert->x509), out);
}

void cert_issuer_name(const struct cert *cert, struct buf *out)
{
	ssl_name_text(X509_get_issuer_name(cert->x509), out);
}

static void add_common_name(const X509_NAME *name, struct buf *out)
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	unsigned char *text;
	int len;

	if (at < 0)
		return;
	len = ASN1_STRING_to_UTF8(
		&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	if (len < 0) {
		ssl_begin();
		return;
	}
	buf_add(out, text, strnlen((char *)text, (size_t)len));
	OPENSSL_free(text);
}

void cert_common_name(const struct cert *cert, struct buf *out)
{
	add_common_name(X509_get_subject_name(cert->x509), out);
}

void cert_issuer_common_name(const struct cert *cert, struct buf *out)
{
	add_common_name(X509_get_issuer_name(cert->x509), out);
}

void cert_serial(const struct cert *cert, struct buf *out)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert->x509);

	if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER)
		buf_add_char(out, '-');
	buf_add_hex(out, ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
}

void cert_sha256(const struct cert *cert, uint8_t out[SHA256_LEN])
{
	if (X509_digest(cert->x509, EVP_sha256(), out, NULL) != 1)
		mem_exhausted();
}

void cert_spki_sha256(const struct cert *cert, uint8_t out[SHA256_LEN])
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert->x509), &der);

	if (len < 0)
		mem_exhausted();
	digest_sha256(der, (size_t)len, out);
	OPENSSL_free(der);
}

static void add_octets(const ASN1_OCTET_STRING *octets, struct buf *out)
{
	if (octets)
		buf_add_hex(
			out, ASN1_STRING_get0_data(octets), (size_t)ASN1_STRING_length(octets));
}

void cert_ski(const struct cert *cert, struct buf *out)
{
	add_octets(X509_get0_subject_key_id(cert->x509), out);
}

void cert_aki(const struct cert *cert, struct buf *out)
{
	add_octets(X509_get0_authority_key_id(cert->x509), out);
}

int cert_renewal_id(const struct cert *cert, struct buf *out, struct err *err)
{
	const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id(cert->x509);
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert->x509);
	unsigned char *der = NULL, *at;
	int len = i2d_ASN1_INTEGER(serial, &der);

	if (len < 2)
		mem_exhausted();
	ssl_begin();
	if (!aki || der[1] > 0x7f) {
		OPENSSL_free(der);
		return err_set(err, ERR_BAD_CERT,
			"the certificate has no identifier of its issuer's key");
	}
	jws_base64url(out, ASN1_STRING_get0_data(aki), (size_t)ASN1_STRING_length(aki));
	buf_add_char(out, '.');
	/*
	 * Behind tag and length; the length is short for every certificate that cert_read()
	 * accepts.
	 */
	at = der + 2;
	jws_base64url(out, at, (size_t)len - 2);
	OPENSSL_free(der);
	return 0;
}

bool cert_is_ca(const struct cert *cert)
{
	return (X509_get_extension_flags(cert->x509) & EXFLAG_CA) != 0;
}

int cert_path_length(const struct cert *cert)
{
	long length = X509_get_pathlen(cert->x509);

	return length < 0 ? -1 : length > INT_MAX ? INT_MAX : (int)length;
}

bool cert_constrains_names(const struct cert *cert)
{
	return X509_get_ext_by_NID(cert->x509, NID_name_constraints, -1) >= 0;
}

bool cert_is_self_signed(const struct cert *cert)
{
	bool is = X509_self_signed(cert->x509, 1) == 1;

	ssl_begin();
	return is;
}

unsigned cert_purposes(const struct cert *cert)
{
	EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(cert->x509, NID_ext_key_usage, NULL, NULL);
	unsigned bits = usage ? ssl_purposes(usage) : 0;

	EXTENDED_KEY_USAGE_free(usage);
	ssl_begin();
	return bits;
}

const char *cert_key_type(const struct cert *cert, char out[KEY_TYPE_LEN])
{
	ssl_key_type(ssl_cert_pubkey(cert), out, KEY_TYPE_LEN);
	ssl_begin();
	return out;
}

const char *cert_signature(const struct cert *cert, char out[KEY_TYPE_LEN])
{
	snprintf(out, KEY_TYPE_LEN, "%s", OBJ_nid2ln(X509_get_signature_nid(cert->x509)));
	return out;
}

bool cert_has_key(const struct cert *cert, const struct key *key)
{
	uint8_t own[SHA256_LEN], theirs[SHA256_LEN];
	EVP_PKEY *pkey;
	bool is;

	if (cert->pubkey) {
		/* The object proves nothing; the written bytes do. */
		cert_spki_sha256(cert, own);
		key_spki_sha256(key, theirs);
		return memcmp(own, theirs, sizeof(own)) == 0;
	}
	pkey = X509_get0_pubkey(cert->x509);
	is = pkey && EVP_PKEY_eq(pkey, key->pkey) == 1;
	ssl_begin();
	return is;
}

int cert_is_issued_by(const struct cert *cert, const struct cert *issuer, struct err *err)
{
	EVP_PKEY *pkey = ssl_cert_pubkey(issuer);
	int why = X509_check_issued(issuer->x509, cert->x509);

	if (why != X509_V_OK)
		return err_set(err, ERR_BAD_CHAIN,
			"the certificate is not from this issuer: %s",
			X509_verify_cert_error_string(why));
	ssl_begin();
	if (!pkey || X509_verify(cert->x509, pkey) != 1)
		return ssl_fail(err, ERR_BAD_CHAIN,
			"the certificate's signature is not from this issuer");
	return 0;
}

bool cert_equal(const struct cert *a, const struct cert *b)
{
	return X509_cmp(a->x509, b->x509) == 0;
}

void cert_free(struct cert *cert)
{
	if (!cert)
		return;
	X509_free(cert->x509);
	EVP_PKEY_free(cert->pubkey);
	ssl_names_free(cert->names, cert->n_names);
	free(cert);
}

void cert_freep(struct cert **cert)
{
	cert_free(*cert);
}

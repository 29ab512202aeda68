/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>

#include "lib/base/mem.h"
#include "lib/crypt/ssl.h"

/*
 * SubjectPublicKeyInfo (RFC 5280, 4.1.2.7) of the key types that are made quickly, for which
 * OpenSSL's search for an encoder would be most of the work. Other types go through OpenSSL.
 */

/* Takes `bits` over. */
static void put(X509_PUBKEY *out, int nid, int parameter, unsigned char *bits, size_t len)
{
	ASN1_OBJECT *curve = parameter == NID_undef ? NULL : OBJ_nid2obj(parameter);

	if (!X509_PUBKEY_set0_param(out, OBJ_nid2obj(nid), curve ? V_ASN1_OBJECT : V_ASN1_UNDEF,
		    curve, bits, (int)len))
		mem_exhausted();
}

int ssl_named_curve(const EVP_PKEY *pkey)
{
	char name[64], encoding[64], form[64];
	int curve;

	if (!EVP_PKEY_is_a(pkey, "EC") ||
		!EVP_PKEY_get_group_name(pkey, name, sizeof(name), NULL) ||
		!EVP_PKEY_get_utf8_string_param(
			pkey, OSSL_PKEY_PARAM_EC_ENCODING, encoding, sizeof(encoding), NULL) ||
		!EVP_PKEY_get_utf8_string_param(pkey,
			OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, form, sizeof(form), NULL) ||
		strcmp(encoding, OSSL_PKEY_EC_ENCODING_GROUP) != 0 ||
		strcmp(form, OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) != 0)
		return NID_undef;
	curve = OBJ_sn2nid(name);
	return OBJ_length(OBJ_nid2obj(curve)) ? curve : NID_undef;
}

/* RFC 5480, 2.1.1. */
static bool put_ec(const EVP_PKEY *pkey, X509_PUBKEY *out)
{
	int curve = ssl_named_curve(pkey);
	unsigned char *point = NULL;
	size_t len;

	if (curve == NID_undef)
		return false;
	len = EVP_PKEY_get1_encoded_public_key((EVP_PKEY *)(uintptr_t)pkey, &point);
	if (len == 0)
		return false;
	put(out, NID_X9_62_id_ecPublicKey, curve, point, len);
	return true;
}

/* RFC 8410, 4: the key's octets, without parameters. */
static bool put_raw(const EVP_PKEY *pkey, int nid, X509_PUBKEY *out)
{
	unsigned char *bits;
	size_t len;

	if (!EVP_PKEY_get_raw_public_key(pkey, NULL, &len))
		return false;
	bits = OPENSSL_malloc(len);
	if (!bits || !EVP_PKEY_get_raw_public_key(pkey, bits, &len))
		mem_exhausted();
	put(out, nid, NID_undef, bits, len);
	return true;
}

bool ssl_spki_put(const EVP_PKEY *pkey, X509_PUBKEY *out)
{
	bool is_put = EVP_PKEY_is_a(pkey, "EC")        ? put_ec(pkey, out)
		      : EVP_PKEY_is_a(pkey, "ED25519") ? put_raw(pkey, NID_ED25519, out)
		      : EVP_PKEY_is_a(pkey, "ED448")   ? put_raw(pkey, NID_ED448, out)
						       : false;

	ssl_begin();
	return is_put;
}

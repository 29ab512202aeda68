/* SPDX-License-Identifier: MIT */
#include "lib/crypt/der_peek.h"

#include <string.h>
#include <openssl/asn1.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/csr.h"
#include "lib/crypt/key.h"
#include "lib/crypt/pem.h"
#include "lib/crypt/ssl.h"

/* The bytes that are not yet read. */
struct der {
	const unsigned char *at;
	long len;
};

/*
 * Reads the next element, which must have this tag; `body` (may be NULL) gets its content,
 * *whole (may be NULL) the element with tag and length.
 */
static bool take(struct der *from, int class, int tag, struct der *whole, struct der *body)
{
	const unsigned char *p = from->at;
	int got_tag, got_class, flags;
	long len, size;

	if (from->len <= 0)
		return false;
	flags = ASN1_get_object(&p, &len, &got_tag, &got_class, from->len);
	/* Malformed, beyond the end, or of indefinite length. */
	if (flags & 0x80 || flags & 0x01 || got_class != class || got_tag != tag)
		return false;
	size = (long)(p - from->at) + len;
	if (whole)
		*whole = (struct der){ from->at, size };
	if (body)
		*body = (struct der){ p, len };
	from->at += size;
	from->len -= size;
	return true;
}

static bool take_sequence(struct der *from, struct der *whole, struct der *body)
{
	return take(from, V_ASN1_UNIVERSAL, V_ASN1_SEQUENCE, whole, body);
}

static bool take_end(struct der *validity, struct instant *out)
{
	struct err ignored;
	ASN1_TIME *end;
	int result;

	/* notBefore, in either form. */
	if (!take(validity, V_ASN1_UNIVERSAL, V_ASN1_UTCTIME, NULL, NULL) &&
		!take(validity, V_ASN1_UNIVERSAL, V_ASN1_GENERALIZEDTIME, NULL, NULL))
		return false;
	end = d2i_ASN1_TIME(NULL, &validity->at, validity->len);
	result = end ? ssl_instant(end, out, &ignored) : -1;
	ASN1_TIME_free(end);
	return result == 0;
}

/* RFC 5280, 4.1: up to the subject. */
static bool enter_cert(
	struct der der, struct der *validity, struct der *subject, struct der *rest)
{
	struct der cert;

	if (!take_sequence(&der, NULL, &cert) || der.len != 0 ||
		!take_sequence(&cert, NULL, rest))
		return false;
	take(rest, V_ASN1_CONTEXT_SPECIFIC, 0, NULL, NULL);
	return take(rest, V_ASN1_UNIVERSAL, V_ASN1_INTEGER, NULL, NULL) && /* serial */
	       take_sequence(rest, NULL, NULL) &&                          /* signature */
	       take_sequence(rest, NULL, NULL) &&                          /* issuer */
	       take_sequence(rest, NULL, validity) && take_sequence(rest, subject, NULL);
}

static bool read_der(struct der der, struct cert_peek *out)
{
	struct der validity, subject, rest, spki;

	digest_sha256(der.at, (size_t)der.len, out->sha256);
	if (!enter_cert(der, &validity, &subject, &rest) ||
		!take_end(&validity, &out->not_after) || !take_sequence(&rest, &spki, NULL))
		return false;
	digest_sha256(spki.at, (size_t)spki.len, out->spki);
	return true;
}

bool der_peek_subject(
	const void *der, size_t len, const unsigned char **ret_at, size_t *ret_len)
{
	struct der validity, subject, rest;
	bool is_read = len <= CERT_MAX &&
		       enter_cert((struct der){ der, (long)len }, &validity, &subject, &rest);

	ssl_begin();
	if (!is_read)
		return false;
	*ret_at = subject.at;
	*ret_len = (size_t)subject.len;
	return true;
}

/*
 * Reads the only block of a text, which must have this label; the caller calls pem_block_done()
 * in any case.
 */
static bool read_block(const char *text, size_t len, const char *label, struct pem_block *out)
{
	struct err ignored;

	return pem_next(&text, &len, out, &ignored) > 0 && str_is(out->label, label) &&
	       !out->is_encrypted && !pem_is_text(text, len);
}

static struct der block_der(const struct pem_block *block)
{
	return (struct der){ (const unsigned char *)block->der.data, (long)block->der.len };
}

bool der_peek_cert(const void *pem, size_t len, struct cert_peek *out)
{
	struct pem_block block = { .label = "" };
	bool is_read = len <= CERT_MAX && read_block(pem, len, "CERTIFICATE", &block) &&
		       read_der(block_der(&block), out);

	pem_block_done(&block);
	ssl_begin();
	return is_read;
}

static bool is_ec(struct der algorithm)
{
	static const unsigned char oid[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
	struct der type;

	/* The parameters are a curve's name, not explicit ones. */
	return take(&algorithm, V_ASN1_UNIVERSAL, V_ASN1_OBJECT, NULL, &type) &&
	       type.len == sizeof(oid) && memcmp(type.at, oid, sizeof(oid)) == 0 &&
	       take(&algorithm, V_ASN1_UNIVERSAL, V_ASN1_OBJECT, NULL, NULL) &&
	       algorithm.len == 0;
}

/* RFC 5208, 5, around RFC 5915, 3. */
static bool read_ec_key(struct der der, struct der *algorithm, struct der *point)
{
	struct der key, inner, octets, ec, wrapped;

	if (!take_sequence(&der, NULL, &key) || der.len != 0 ||
		!take(&key, V_ASN1_UNIVERSAL, V_ASN1_INTEGER, NULL, NULL) ||
		!take_sequence(&key, algorithm, &inner) || !is_ec(inner) ||
		!take(&key, V_ASN1_UNIVERSAL, V_ASN1_OCTET_STRING, NULL, &octets) ||
		!take_sequence(&octets, NULL, &ec) || octets.len != 0 ||
		!take(&ec, V_ASN1_UNIVERSAL, V_ASN1_INTEGER, NULL, NULL) ||
		!take(&ec, V_ASN1_UNIVERSAL, V_ASN1_OCTET_STRING, NULL, NULL))
		return false;
	take(&ec, V_ASN1_CONTEXT_SPECIFIC, 0, NULL, NULL);
	return take(&ec, V_ASN1_CONTEXT_SPECIFIC, 1, NULL, &wrapped) && ec.len == 0 &&
	       take(&wrapped, V_ASN1_UNIVERSAL, V_ASN1_BIT_STRING, point, NULL) &&
	       wrapped.len == 0;
}

bool der_peek_key(const void *pem, size_t len, uint8_t ret_spki[SHA256_LEN])
{
	struct pem_block block = { .label = "" };
	struct der algorithm, point;
	bool is_read = len <= KEY_PEM_MAX && read_block(pem, len, "PRIVATE KEY", &block) &&
		       read_ec_key(block_der(&block), &algorithm, &point);

	if (is_read) {
		struct buf spki AUTO_BUF = BUF_INIT;
		unsigned char head[8], *p = head;

		ASN1_put_object(&p, 1, (int)(algorithm.len + point.len), V_ASN1_SEQUENCE,
			V_ASN1_UNIVERSAL);
		buf_add(&spki, head, (size_t)(p - head));
		buf_add(&spki, algorithm.at, (size_t)algorithm.len);
		buf_add(&spki, point.at, (size_t)point.len);
		digest_sha256(spki.data, spki.len, ret_spki);
	}
	pem_block_done(&block);
	ssl_begin();
	return is_read;
}

/* RFC 2986, 4: up to the public key. */
static bool read_request(struct der der, uint8_t ret_spki[SHA256_LEN])
{
	struct der request, info, spki;

	if (!take_sequence(&der, NULL, &request) || der.len != 0 ||
		!take_sequence(&request, NULL, &info) ||
		!take(&info, V_ASN1_UNIVERSAL, V_ASN1_INTEGER, NULL, NULL) ||
		!take_sequence(&info, NULL, NULL) || /* subject */
		!take_sequence(&info, &spki, NULL))
		return false;
	digest_sha256(spki.at, (size_t)spki.len, ret_spki);
	return true;
}

bool der_peek_csr(
	const void *pem, size_t len, uint8_t ret_spki[SHA256_LEN], struct buf *ret_der)
{
	struct pem_block block = { .label = "" };
	bool is_read = len <= CSR_PEM_MAX &&
		       read_block(pem, len, "CERTIFICATE REQUEST", &block) &&
		       read_request(block_der(&block), ret_spki);

	if (is_read)
		buf_add(ret_der, block.der.data, block.der.len);
	pem_block_done(&block);
	ssl_begin();
	return is_read;
}

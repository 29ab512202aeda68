/* SPDX-License-Identifier: MIT */
#include "lib/crypt/tls_alpn.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/crypt/digest.h"
#include "lib/crypt/ssl.h"

#define PROTOCOL                                                                               \
	"\x0a"                                                                                 \
	"acme-tls/1"
#define ACME_IDENTIFIER "1.3.6.1.5.5.7.1.31"
enum { SNI_MAX = 256, VALID_S = 7 * 86400 };

/*
 * State: a responder (struct tls_alpn) holds OpenSSL's settings and the owner's find(). It keeps no
 * certificates: each ClientHello asks find() for one, which the owner frees after its challenge. A
 * handshake wants to read or to write until it is over; its connection frees it, before the
 * responder.
 */
struct tls_alpn_cert {
	X509 *x509;
	EVP_PKEY *pkey;
};

struct tls_alpn {
	SSL_CTX *ctx;
	tls_alpn_find *find;
	void *data;
};

struct tls_handshake {
	SSL *ssl;
};

void tls_alpn_cert_free(struct tls_alpn_cert *cert)
{
	if (!cert)
		return;
	X509_free(cert->x509);
	EVP_PKEY_free(cert->pkey);
	free(cert);
}

static int ip_bytes(const char *name, unsigned char out[16])
{
	if (inet_pton(AF_INET, name, out) == 1)
		return 4;
	return inet_pton(AF_INET6, name, out) == 1 ? 16 : 0;
}

char *tls_alpn_sni(const char *name)
{
	struct buf out AUTO_BUF = BUF_INIT;
	unsigned char ip[16];
	int n = ip_bytes(name, ip);

	if (n == 0)
		return mem_strdup(name);
	while (n-- > 0)
		if (strchr(name, ':'))
			buf_printf(&out, "%x.%x.", ip[n] & 15U, ip[n] >> 4);
		else
			buf_printf(&out, "%u.", ip[n]);
	buf_add_text(&out, strchr(name, ':') ? "ip6.arpa" : "in-addr.arpa");
	return mem_strdup(buf_text(&out));
}

static bool add_extension(X509 *x509, X509_EXTENSION *extension)
{
	bool is_good = extension && X509_add_ext(x509, extension, -1);

	X509_EXTENSION_free(extension);
	return is_good;
}

/* The kind of a name decides how verifiers compare it, so there is one entry of one kind. */
static bool add_name(X509 *x509, const char *name)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *general = GENERAL_NAME_new();
	ASN1_STRING *text = ASN1_STRING_type_new(V_ASN1_IA5STRING);
	unsigned char ip[16];
	int n = ip_bytes(name, ip);
	bool is_good = names && general && text;

	if (n > 0) {
		ASN1_STRING_free(text);
		text = ASN1_STRING_type_new(V_ASN1_OCTET_STRING);
	}
	is_good = is_good && text &&
		  ASN1_STRING_set(text, n > 0 ? (const void *)ip : name, n > 0 ? n : -1);
	if (is_good) {
		GENERAL_NAME_set0_value(general, n > 0 ? GEN_IPADD : GEN_DNS, text);
		text = NULL;
		is_good = sk_GENERAL_NAME_push(names, general) > 0;
		general = is_good ? NULL : general;
	}
	is_good = is_good && X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, 0) > 0;
	ASN1_STRING_free(text);
	GENERAL_NAME_free(general);
	sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
	return is_good;
}

/* DER of an OCTET STRING of 32 octets, inside the extension's own. */
static bool add_digest(X509 *x509, const char *key_authorization)
{
	ASN1_OBJECT *object = OBJ_txt2obj(ACME_IDENTIFIER, 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	uint8_t der[2 + SHA256_LEN] = { V_ASN1_OCTET_STRING, SHA256_LEN };
	bool is_good = object && value;

	digest_sha256(key_authorization, strlen(key_authorization), der + 2);
	is_good = is_good && ASN1_OCTET_STRING_set(value, der, sizeof(der)) &&
		  add_extension(x509, X509_EXTENSION_create_by_OBJ(NULL, object, 1, value));
	ASN1_OBJECT_free(object);
	ASN1_OCTET_STRING_free(value);
	return is_good;
}

static bool add_serial(X509 *x509)
{
	uint64_t serial;

	return RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1 &&
	       ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial >> 1 | 1);
}

static bool fill(struct tls_alpn_cert *cert, const char *name, const char *key_authorization,
	struct instant now)
{
	X509 *x509 = cert->x509;
	X509_NAME *subject = X509_get_subject_name(x509);

	return X509_set_version(x509, X509_VERSION_3) && add_serial(x509) &&
	       ASN1_TIME_set(X509_getm_notBefore(x509), (time_t)(now.s - VALID_S)) &&
	       ASN1_TIME_set(X509_getm_notAfter(x509), (time_t)(now.s + VALID_S)) &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
		       (const unsigned char *)"ACME challenge", -1, -1, 0) &&
	       X509_set_issuer_name(x509, subject) && X509_set_pubkey(x509, cert->pkey) &&
	       add_name(x509, name) && add_digest(x509, key_authorization) &&
	       X509_sign(x509, cert->pkey, EVP_sha256()) > 0;
}

int tls_alpn_cert_new(const char *name, const char *key_authorization, struct instant now,
	struct tls_alpn_cert **out, struct err *err)
{
	struct tls_alpn_cert *cert = mem_new(struct tls_alpn_cert);

	ssl_begin();
	cert->pkey = EVP_EC_gen("P-256");
	cert->x509 = X509_new();
	if (!cert->pkey || !cert->x509 || !fill(cert, name, key_authorization, now)) {
		tls_alpn_cert_free(cert);
		return ssl_fail(err, ERR_CRYPTO,
			"the certificate that answers tls-alpn-01 for %s cannot be made", name);
	}
	*out = cert;
	return 0;
}

/* A list of lengths and names; a client of RFC 8737 offers acme-tls/1 alone. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
	const unsigned char *in, unsigned in_len, void *data)
{
	(void)ssl;
	(void)data;
	for (unsigned i = 0; i < in_len; i += in[i] + 1U)
		if (in_len - i >= sizeof(PROTOCOL) - 1 &&
			memcmp(in + i, PROTOCOL, sizeof(PROTOCOL) - 1) == 0) {
			*out = in + i + 1;
			*out_len = in[i];
			return SSL_TLSEXT_ERR_OK;
		}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Refuses a client without ALPN, for which choose_protocol() is not called. */
static int hear_hello(SSL *ssl, int *alert, void *data)
{
	const unsigned char *list;
	size_t len;

	(void)data;
	if (SSL_client_hello_get0_ext(
		    ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &list, &len) == 1)
		return SSL_CLIENT_HELLO_SUCCESS;
	*alert = SSL_AD_NO_APPLICATION_PROTOCOL;
	return SSL_CLIENT_HELLO_ERROR;
}

/* Called for every ClientHello, with a name or without. */
static int choose_card(SSL *ssl, int *alert, void *data)
{
	const struct tls_alpn *alpn = data;
	const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct tls_alpn_cert *cert;
	char sni[SNI_MAX];
	size_t len = asked ? strlen(asked) : 0;

	*alert = SSL_AD_UNRECOGNIZED_NAME;
	if (len == 0 || len >= sizeof(sni))
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	for (size_t i = 0; i <= len; i++)
		sni[i] = (char)tolower((unsigned char)asked[i]);
	cert = alpn->find(alpn->data, sni);
	return cert && SSL_use_certificate(ssl, cert->x509) == 1 &&
			       SSL_use_PrivateKey(ssl, cert->pkey) == 1
		       ? SSL_TLSEXT_ERR_OK
		       : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int tls_alpn_new(tls_alpn_find *find, void *data, struct tls_alpn **out, struct err *err)
{
	struct tls_alpn *alpn = mem_new(struct tls_alpn);
	SSL_CTX *ctx;

	ssl_begin();
	ctx = alpn->ctx = SSL_CTX_new(TLS_server_method());
	if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
		SSL_CTX_set_num_tickets(ctx, 0) != 1) {
		tls_alpn_free(alpn);
		return ssl_fail(err, ERR_CRYPTO, "cannot answer TLS handshakes");
	}
	alpn->find = find;
	alpn->data = data;
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_quiet_shutdown(ctx, 1);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	SSL_CTX_set_client_hello_cb(ctx, hear_hello, NULL);
	SSL_CTX_set_tlsext_servername_callback(ctx, choose_card);
	SSL_CTX_set_tlsext_servername_arg(ctx, alpn);
	*out = alpn;
	return 0;
}

void tls_alpn_free(struct tls_alpn *alpn)
{
	if (!alpn)
		return;
	SSL_CTX_free(alpn->ctx);
	free(alpn);
}

struct tls_handshake *tls_handshake_new(struct tls_alpn *alpn, int fd)
{
	struct tls_handshake *handshake = mem_new(struct tls_handshake);

	handshake->ssl = SSL_new(alpn->ctx);
	if (!handshake->ssl || SSL_set_fd(handshake->ssl, fd) != 1)
		mem_exhausted();
	SSL_set_accept_state(handshake->ssl);
	return handshake;
}

enum tls_alpn_state tls_handshake_go_on(struct tls_handshake *handshake)
{
	char unwanted[256];
	int result;

	ssl_begin();
	result = SSL_do_handshake(handshake->ssl);
	/*
	 * The client closes the connection when it has seen the certificate; its data is
	 * dropped.
	 */
	if (result == 1)
		result = SSL_read(handshake->ssl, unwanted, sizeof(unwanted));
	if (result > 0)
		return TLS_ALPN_OVER;
	switch (SSL_get_error(handshake->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return TLS_ALPN_WANTS_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_ALPN_WANTS_WRITE;
	default:
		ssl_begin();
		return TLS_ALPN_OVER;
	}
}

void tls_handshake_free(struct tls_handshake *handshake)
{
	if (!handshake)
		return;
	SSL_free(handshake->ssl);
	free(handshake);
}

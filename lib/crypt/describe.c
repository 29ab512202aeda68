/* SPDX-License-Identifier: MIT */
#include "lib/crypt/describe.h"

#include <stdio.h>

#include "lib/base/buf.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/csr.h"
#include "lib/crypt/key.h"
#include "lib/crypt/ssl.h"

static void tell_name(describe_tell *tell, void *data, const char *key, const X509_NAME *name)
{
	struct buf text AUTO_BUF = BUF_INIT;

	ssl_name_text(name, &text);
	if (text.len)
		tell(data, key, buf_text(&text));
}

static void tell_names(describe_tell *tell, void *data, char *const *names, size_t n)
{
	struct buf text AUTO_BUF = BUF_INIT;

	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%s%s", i ? " " : "", names[i]);
	if (n)
		tell(data, "names", buf_text(&text));
}

static void tell_hash(
	describe_tell *tell, void *data, const char *key, const uint8_t hash[SHA256_LEN])
{
	struct buf text AUTO_BUF = BUF_INIT;

	buf_add_hex(&text, hash, SHA256_LEN);
	tell(data, key, buf_text(&text));
}

static void tell_ca(const struct cert *cert, describe_tell *tell, void *data)
{
	int length = cert_path_length(cert);
	char text[16];

	tell(data, "ca", cert_is_ca(cert) ? "yes" : "no");
	if (length < 0)
		return;
	snprintf(text, sizeof(text), "%d", length);
	tell(data, "path_length", text);
}

void cert_describe(const struct cert *cert, describe_tell *tell, void *data)
{
	struct buf serial AUTO_BUF = BUF_INIT;
	char text[KEY_TYPE_LEN], time[INSTANT_TEXT_LEN];
	uint8_t hash[SHA256_LEN];

	tell_name(tell, data, "subject", X509_get_subject_name(cert->x509));
	tell_name(tell, data, "issuer", X509_get_issuer_name(cert->x509));
	tell_names(tell, data, cert->names, cert->n_names);
	tell(data, "not_before", instant_text(cert->not_before, time));
	tell(data, "not_after", instant_text(cert->not_after, time));
	tell(data, "key", cert_key_type(cert, text));
	tell(data, "signature", cert_signature(cert, text));
	tell_ca(cert, tell, data);
	cert_serial(cert, &serial);
	tell(data, "serial", buf_text(&serial));
	cert_sha256(cert, hash);
	tell_hash(tell, data, "sha256", hash);
	cert_spki_sha256(cert, hash);
	tell_hash(tell, data, "spki_sha256", hash);
}

void csr_describe(const struct csr *csr, describe_tell *tell, void *data)
{
	char text[KEY_TYPE_LEN];

	tell_name(tell, data, "subject", X509_REQ_get_subject_name(csr->req));
	tell_names(tell, data, csr->names, csr->n_names);
	tell(data, "key", ssl_key_type(X509_REQ_get0_pubkey(csr->req), text, sizeof(text)));
	tell(data, "signature", OBJ_nid2ln(X509_REQ_get_signature_nid(csr->req)));
}

void key_describe(const struct key *key, describe_tell *tell, void *data)
{
	char text[KEY_TYPE_LEN];
	uint8_t hash[SHA256_LEN];

	tell(data, "key", key_type_text(key, text));
	key_spki_sha256(key, hash);
	tell_hash(tell, data, "spki_sha256", hash);
}

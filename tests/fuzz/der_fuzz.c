/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/csr.h"
#include "lib/crypt/describe.h"

/* A name contains no control character; views escape the rest. */
static void check_value(void *data, const char *key, const char *value)
{
	size_t *n = data;

	assert(key[0]);
	for (const char *p = value; strcmp(key, "names") == 0 && *p; p++)
		assert((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f);
	(*n)++;
}

static void use_cert(const struct cert *cert)
{
	struct buf text AUTO_BUF = BUF_INIT, der AUTO_BUF = BUF_INIT;
	struct cert *again AUTO_CERT = NULL;
	struct err err = ERR_INIT;
	size_t n = 0;

	cert_describe(cert, check_value, &n);
	assert(n >= 8);
	cert_common_name(cert, &text);
	cert_ski(cert, &text);
	cert_aki(cert, &text);
	cert_purposes(cert);
	cert_is_self_signed(cert);
	cert_is_issued_by(cert, cert, &err);
	cert_write_der(cert, &der);
	assert(cert_read(der.data, der.len, &again, &err) == 0);
	assert(cert_not_after(again).s == cert_not_after(cert).s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cert *cert AUTO_CERT = NULL;
	struct csr *csr AUTO_CSR = NULL;
	struct err err = ERR_INIT;
	size_t n = 0;

	if (cert_read(data, len, &cert, &err) == 0)
		use_cert(cert);
	else
		assert(err.code != ERR_NONE && err.text[0] && !cert);
	if (csr_read(data, len, &csr, &err) == 0)
		csr_describe(csr, check_value, &n);
	return 0;
}

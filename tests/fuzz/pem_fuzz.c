/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/crypt/der_peek.h"
#include "lib/crypt/chain.h"
#include "lib/crypt/key.h"
#include "lib/crypt/pem.h"
#include "lib/crypt/secret.h"

/* Walking ends, and an accepted chain is read back as the same certificates. */
static void walk(const char *text, size_t len)
{
	struct pem_block block = { .label = "" };
	struct err err;
	size_t n = 0;

	while (pem_next(&text, &len, &block, &err) > 0) {
		assert(strlen(block.label) < PEM_LABEL_LEN);
		pem_block_done(&block);
		n++;
	}
	assert(n <= 1 + (size_t)1024 * 1024 / 20);
}

static void read_chain(const char *text, size_t len)
{
	struct chain chain AUTO_CHAIN = CHAIN_INIT, again AUTO_CHAIN = CHAIN_INIT;
	struct buf pem AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;

	if (chain_read(text, len, &chain, &err) < 0) {
		assert(err.code != ERR_NONE && err.text[0] && chain.n == 0);
		return;
	}
	assert(chain.n > 0 && chain.n <= CHAIN_MAX);
	chain_write(&chain, 0, &pem);
	assert(chain_read(pem.data, pem.len, &again, &err) == 0 && again.n == chain.n);
	for (size_t i = 0; i < chain.n; i++)
		assert(cert_equal(chain.at[i], again.at[i]));
	chain_verify(&chain, NULL, cert_not_before(chain.at[0]), &err);
}

static void read_key(const char *text, size_t len)
{
	struct key *key AUTO_KEY = NULL;
	struct err err = ERR_INIT;
	char type[KEY_TYPE_LEN];

	if (key_read(text, len, &key, &err) < 0) {
		assert(err.code != ERR_NONE && err.text[0]);
		return;
	}
	assert(key_type_text(key, type)[0]);
	key_check_strength(key, &err);
}

/* When der_peek and cert_read() both accept a certificate, they find the same end of it. */
static void glance(const char *text, size_t len)
{
	struct cert *cert AUTO_CERT = NULL;
	uint8_t spki[SHA256_LEN];
	struct cert_peek peek;
	struct err err;

	der_peek_key(text, len, spki);
	if (der_peek_cert(text, len, &peek) && cert_read(text, len, &cert, &err) == 0)
		assert(cert_not_after(cert).s == peek.not_after.s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	walk((const char *)data, len);
	read_chain((const char *)data, len);
	read_key((const char *)data, len);
	glance((const char *)data, len);
	return 0;
}

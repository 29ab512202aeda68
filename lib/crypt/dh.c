/* SPDX-License-Identifier: MIT */
#include "lib/crypt/dh.h"

#include <openssl/core_names.h>
#include <openssl/dh.h>
#include <openssl/pem.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/crypt/ssl.h"

#define GENERATOR 2

/* RFC 7919, appendix A. */
static const char *const groups[] = { "ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144",
	"ffdhe8192", NULL };

static bool bits_of(const char *group, int64_t *out)
{
	return str_to_int(group, DH_BITS_MIN, DH_BITS_MAX, out);
}

bool dh_is_named(const char *group)
{
	for (size_t i = 0; groups[i]; i++)
		if (str_is(group, groups[i]))
			return true;
	return false;
}

int dh_check(const char *group, struct err *err)
{
	const char *near = str_near_miss(group, groups);
	int64_t bits;

	if (dh_is_named(group) || bits_of(group, &bits))
		return 0;
	return err_set(err, ERR_BAD_VALUE,
		"%s is neither a group of RFC 7919 nor a size from %d to %d bits%s%s%s", group,
		DH_BITS_MIN, DH_BITS_MAX, near ? "; did you mean " : "", near ? near : "",
		near ? "?" : "");
}

static bool dh_begin(EVP_PKEY_CTX *ctx, const char *group)
{
	int64_t bits;

	if (!ctx || EVP_PKEY_paramgen_init(ctx) <= 0)
		return false;
	if (!bits_of(group, &bits))
		return EVP_PKEY_CTX_set_group_name(ctx, group) > 0;
	return EVP_PKEY_CTX_set_dh_paramgen_type(ctx, DH_PARAMGEN_TYPE_GENERATOR) > 0 &&
	       EVP_PKEY_CTX_set_dh_paramgen_prime_len(ctx, (int)bits) > 0 &&
	       EVP_PKEY_CTX_set_dh_paramgen_generator(ctx, GENERATOR) > 0;
}

int dh_make(const char *group, struct buf *out, struct err *err)
{
	EVP_PKEY_CTX *ctx AUTO_CTX = NULL;
	BIO *bio AUTO_BIO = ssl_sink();
	EVP_PKEY *pkey = NULL;
	int ok;

	if (dh_check(group, err) < 0)
		return -1;
	ssl_begin();
	ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
	if (!dh_begin(ctx, group) || EVP_PKEY_paramgen(ctx, &pkey) <= 0)
		return ssl_fail(err, ERR_CRYPTO, "cannot make DH parameters %s", group);
	ok = PEM_write_bio_Parameters(bio, pkey) == 1;
	EVP_PKEY_free(pkey);
	if (!ok)
		return ssl_fail(err, ERR_CRYPTO, "cannot write DH parameters %s", group);
	ssl_take_bio(bio, out);
	return 0;
}

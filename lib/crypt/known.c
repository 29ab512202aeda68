/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/crypt/digest.h"
#include "lib/crypt/ssl.h"

/*
 * State: `known` is a cache of decoded certificates by the digest of their bytes, guarded by
 * `lock`. d2i_X509() searches a decoder for the public key on each call, which costs more than
 * a signature of a quick curve, and thousands of certificates share an issuer. Entries are only
 * read once decoded, by any thread, and are reference-counted.
 */

/* Room for issuers, and for leaves between their order and the first check of their renewal. */
enum { KNOWN = 32 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	uint8_t sha256[SHA256_LEN];
	X509 *x509;
	unsigned long used;
} known[KNOWN];
static unsigned long now;

static X509 *share(X509 *x509)
{
	if (!X509_up_ref(x509))
		mem_exhausted();
	return x509;
}

static X509 *find(const uint8_t sha256[SHA256_LEN])
{
	X509 *x509 = NULL;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < KNOWN && !x509; i++)
		if (known[i].x509 && memcmp(known[i].sha256, sha256, SHA256_LEN) == 0) {
			known[i].used = ++now;
			x509 = share(known[i].x509);
		}
	pthread_mutex_unlock(&lock);
	return x509;
}

/* Replaces the entry that was unused for longest. */
static void keep(const uint8_t sha256[SHA256_LEN], X509 *x509)
{
	X509 *old;
	size_t at = 0;

	pthread_mutex_lock(&lock);
	for (size_t i = 1; i < KNOWN; i++)
		if (known[i].used < known[at].used)
			at = i;
	old = known[at].x509;
	known[at].x509 = share(x509);
	known[at].used = ++now;
	memcpy(known[at].sha256, sha256, SHA256_LEN);
	pthread_mutex_unlock(&lock);
	X509_free(old);
}

X509 *ssl_x509_read(const void *der, size_t len, bool *ret_whole)
{
	const unsigned char *p = der;
	uint8_t sha256[SHA256_LEN];
	X509 *x509;

	digest_sha256(der, len, sha256);
	x509 = find(sha256);
	*ret_whole = true;
	if (x509)
		return x509;
	x509 = d2i_X509(NULL, &p, (long)len);
	*ret_whole = p == (const unsigned char *)der + len;
	if (x509 && *ret_whole)
		keep(sha256, x509);
	return x509;
}

/* SPDX-License-Identifier: MIT */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/*
 * bench_floor CURVE CA_CURVE N: processor seconds of N times what no way of issuing can do without:
 * a key pair, its signature (the request) and one of the CA (the certificate), over the digest
 * that a CA of ours signs with by default.  Nothing is encoded, parsed, checked or written.
 */

enum { TBS_LEN = 500 };

static double processor_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static EVP_PKEY *make(const char *curve)
{
	EVP_PKEY *key = EVP_EC_gen(curve);

	if (!key) {
		fprintf(stderr, "bench_floor: no curve %s\n", curve);
		exit(EXIT_FAILURE);
	}
	return key;
}

static void sign(EVP_PKEY *key)
{
	unsigned char tbs[TBS_LEN], signature[256];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = sizeof(signature);

	memset(tbs, 'x', sizeof(tbs));
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha384(), NULL, key) <= 0 ||
		EVP_DigestSign(ctx, signature, &len, tbs, sizeof(tbs)) <= 0)
		exit(EXIT_FAILURE);
	EVP_MD_CTX_free(ctx);
}

int main(int argc, char **argv)
{
	long n = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
	double begin;
	EVP_PKEY *ca;

	if (n <= 0) {
		fputs("usage: bench_floor CURVE CA_CURVE N\n", stderr);
		return EXIT_FAILURE;
	}
	/* The first key of a process also loads the library's tables. */
	ca = make(argv[2]);
	EVP_PKEY_free(make(argv[1]));
	sign(ca);
	begin = processor_seconds();
	for (long i = 0; i < n; i++) {
		EVP_PKEY *key = make(argv[1]);

		sign(key);
		sign(ca);
		EVP_PKEY_free(key);
	}
	printf("%.6f\n", processor_seconds() - begin);
	EVP_PKEY_free(ca);
	return EXIT_SUCCESS;
}

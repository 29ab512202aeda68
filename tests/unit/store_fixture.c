/* SPDX-License-Identifier: MIT */
#include "tests/unit/store_fixture.h"

#include <assert.h>
#include <string.h>

#include "daemon/keeper/store/info.h"
#include "lib/base/err.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/csr.h"
#include "lib/crypt/key.h"

enum { N_KEYS = 4 };

static struct key *keys[N_KEYS];
static unsigned n_made;

static struct key *take_key(void)
{
	struct key **key = &keys[n_made++ % N_KEYS];
	struct err err;
	int result = *key ? 0 : key_make("ec:secp256r1", key, &err);

	assert(result == 0);
	return *key;
}

void fixture_version(struct version_files *files, struct version_facts *facts,
	struct instant created, struct duration life)
{
	static const struct dn_field subject[] = { { "CN", "test" } };
	static const char *const names[] = { "example.com" };
	struct cert_wish wish = { subject, 1, names, 1, EKU_SERVER_AUTH, false, -1 };
	struct key *key = take_key();
	struct cert_issue order = { &wish, key, NULL, NULL, "sha256",
		instant_sub(created, HOURS(1)), instant_add(created, life) };
	struct cert *cert AUTO_CERT = NULL;
	struct err err;
	int result;

	*files = (struct version_files){ 0 };
	result = cert_issue(&order, &cert, &err);
	assert(result == 0);
	result = key_write(key, &files->privkey, &err);
	assert(result == 0);
	result = csr_make(&wish, key, "sha256", &files->csr, &err);
	assert(result == 0);
	cert_write(cert, &files->cert);
	cert_write(cert, &files->fullchain);
	secret_add(&files->bundle, files->privkey.data, files->privkey.len);
	secret_add(&files->bundle, files->fullchain.data, files->fullchain.len);
	info_from_cert(cert, NULL, created, facts);
	facts->id = (struct version_id){ INSTANT_NONE, 0 };
	facts->digest = 7;
	facts->generation = n_made;
	info_write(facts, cert, "self", &files->info);
}

void fixture_done(void)
{
	for (size_t i = 0; i < N_KEYS; i++) {
		key_free(keys[i]);
		keys[i] = NULL;
	}
}

/* SPDX-License-Identifier: MIT */
#include "daemon/acme/nonce.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

enum { IDLE_MS = 10 * 60 * 1000 };

static bool is_nonce(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > NONCE_LEN)
		return false;
	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '_')
			return false;
	return true;
}

int nonce_missing(const char *nonce, struct err *err)
{
	if (!nonce || !*nonce)
		return err_set(err, ERR_BAD_ANSWER, "the answer brings no nonce");
	if (strlen(nonce) > NONCE_LEN)
		return err_set(err, ERR_BAD_ANSWER,
			"the answer brings a nonce of %zu characters, and %d are the most",
			strlen(nonce), NONCE_LEN);
	if (!is_nonce(nonce))
		return err_set(err, ERR_BAD_ANSWER,
			"the answer brings the nonce \"%.40s\", which is not base64url", nonce);
	return err_set(err, ERR_BAD_ANSWER,
		"the answer brings the nonce \"%.40s\", which was used before", nonce);
}

static bool is_known(const struct nonces *nonces, const char *nonce)
{
	uint64_t hash = str_hash(nonce, strlen(nonce));

	for (size_t i = 0; i < NONCES_USED; i++)
		if (nonces->used[i] == hash)
			return true;
	for (size_t i = 0; i < nonces->n; i++)
		if (str_is(nonces->fresh[i], nonce))
			return true;
	return false;
}

static void drop_idle(struct nonces *nonces, struct tick now)
{
	if (nonces->n > 0 && now.ms - nonces->touched.ms >= IDLE_MS)
		nonces_done(nonces);
	nonces->touched = now;
}

void nonces_add(struct nonces *nonces, const char *nonce, struct tick now)
{
	drop_idle(nonces, now);
	if (!is_nonce(nonce) || is_known(nonces, nonce))
		return;
	if (nonces->n == NONCES_MAX) {
		free(nonces->fresh[0]);
		memmove(nonces->fresh, nonces->fresh + 1,
			(NONCES_MAX - 1) * sizeof(*nonces->fresh));
		nonces->n--;
	}
	nonces->fresh[nonces->n++] = mem_strdup(nonce);
}

char *nonces_take(struct nonces *nonces, struct tick now)
{
	char *nonce;

	drop_idle(nonces, now);
	if (nonces->n == 0)
		return NULL;
	nonce = nonces->fresh[--nonces->n];
	nonces->fresh[nonces->n] = NULL;
	nonces->used[nonces->used_at] = str_hash(nonce, strlen(nonce));
	nonces->used_at = (nonces->used_at + 1) % NONCES_USED;
	return nonce;
}

void nonces_done(struct nonces *nonces)
{
	while (nonces->n > 0)
		free(nonces->fresh[--nonces->n]);
}

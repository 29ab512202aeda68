/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/jws.h"
#include "lib/crypt/jws_verify.h"
#include "lib/crypt/key.h"
#include "lib/json/json.h"
#include "tests/sim/fake_acme_private.h"

static bool refuse(struct acme_request *request, const char *text)
{
	acme_complain(request->acme, "%s: %s", request->http->url, text);
	acme_problem(request, 400, "malformed", text);
	return false;
}

static bool decode(const struct json *jws, const char *member, struct buf *out)
{
	const char *text = json_get_text(jws, member);
	struct err ignored;

	/* base64url without padding, and nothing else (RFC 8555, 6.1). */
	return text && !strpbrk(text, "=+/") &&
	       jws_base64_read(text, strlen(text), out, &ignored) == 0;
}

/* The text of an object inside of an object that we know to be well-formed; to be freed. */
static char *object_text(const char *json, const char *member)
{
	char *key AUTO_FREE = mem_printf("\"%s\":{", member);
	const char *at = strstr(json, key), *end;

	if (!at)
		return NULL;
	at += strlen(key) - 1;
	end = strchr(at, '}'); /* keys have no objects inside */
	return end ? mem_strndup(at, (size_t)(end - at) + 1) : NULL;
}

static void count_member(const char *key, const struct json *value, void *data)
{
	(void)value;
	if (str_is(key, "protected") || str_is(key, "payload") || str_is(key, "signature"))
		++*(unsigned *)data;
	else
		*(unsigned *)data += 100;
}

static bool take_nonce(struct acme_request *request)
{
	struct fake_acme *acme = request->acme;
	const char *nonce = json_get_text(request->header, "nonce");
	size_t len = strlen(acme->word);
	int64_t number;

	if (!nonce || strncmp(nonce, acme->word, len) != 0 || nonce[len] != '-' ||
		!str_to_int(nonce + len + 1, 0, (int64_t)acme->n_nonces - 1, &number))
		return refuse(request, "the nonce is not one of ours");
	if (acme->nonces[number] == 'u')
		return refuse(request, "the nonce was used before");
	acme->nonces[number] = 'u';
	if (acme_dice(acme, 100) >= acme->knobs.nonces_rejected)
		return true;
	acme->counts.n_rejected++;
	acme_problem(request, 400, "badNonce", "this nonce is too old");
	return false;
}

/* The key of a JWK in JSON, or NULL. */
static struct key *key_of(const char *jwk)
{
	struct json *json AUTO_JSON = NULL;
	struct jws_members members;
	struct key *key = NULL;
	struct err ignored;

	if (json_read(jwk, strlen(jwk), &json, &ignored) < 0)
		return NULL;
	members = (struct jws_members){ .kty = json_get_text(json, "kty"),
		.crv = json_get_text(json, "crv"),
		.x = json_get_text(json, "x"),
		.y = json_get_text(json, "y"),
		.n = json_get_text(json, "n"),
		.e = json_get_text(json, "e") };
	jws_public_key(&members, &key, &ignored);
	return key;
}

/* Did the key that it is said to be from sign it? */
static bool is_signed_by(const char *jwk, const struct json *header, const struct json *jws)
{
	struct key *key AUTO_KEY = key_of(jwk);
	struct err ignored;

	return key && jws_verify(key, json_get_text(header, "alg"),
			      json_get_text(jws, "protected"), json_get_text(jws, "payload"),
			      json_get_text(jws, "signature"), &ignored) == 0;
}

static bool check_signature(struct acme_request *request)
{
	const char *jwk = request->jwk ? request->jwk : request->account->jwk;

	return is_signed_by(jwk, request->header, request->jws) ||
	       refuse(request, "the signature is not that of its key");
}

bool acme_jws_is_by_key_of(const struct acme_request *request, const struct cert *cert)
{
	struct key *key AUTO_KEY = key_of(request->jwk);
	uint8_t own[SHA256_LEN], certs[SHA256_LEN];

	if (!key)
		return false;
	key_spki_sha256(key, own);
	cert_spki_sha256(cert, certs);
	return memcmp(own, certs, sizeof(own)) == 0;
}

/* Who is it?  A key where there may be no account, and an account everywhere else. */
static bool take_sender(struct acme_request *request, const char *header)
{
	struct fake_acme *acme = request->acme;
	const char *kid = json_get_text(request->header, "kid");
	char *prefix AUTO_FREE = mem_printf("%saccount/", acme->origin), *own AUTO_FREE = NULL;
	int64_t number;

	request->jwk = object_text(header, "jwk");
	if (!kid == !request->jwk)
		return refuse(request, "there is not exactly one of kid and jwk");
	if (request->jwk)
		return request->ask == ASK_NEW_ACCOUNT || request->ask == ASK_REVOKE ||
		       refuse(request, "this is not for a key");
	if (!str_starts(kid, prefix) ||
		!str_to_int(kid + strlen(prefix), 1, (int64_t)acme->n_accounts, &number))
		return refuse(request, "there never was such an account");
	own = mem_printf("%s%u", prefix, (unsigned)number);
	if (!str_is(kid, own))
		return refuse(request, "the account is called something else");
	request->account = acme->accounts[number - 1];
	if (request->account->is_shut) {
		acme_problem(request, 403, "unauthorized", "the account is deactivated");
		return false;
	}
	if (!request->account->is_lost)
		return true;
	if (acme->knobs.fails_for_lost)
		acme_problem(request, 500, "serverInternal", "no row");
	else
		acme_problem(request, 400, "accountDoesNotExist", "there is no such account");
	return false;
}

static bool take_payload(struct acme_request *request)
{
	const struct buf *text = &request->payload_text;
	struct err ignored;
	bool is_read = request->ask == ASK_CERT;

	if (text->len == 0)
		return request->ask == ASK_ORDER || request->ask == ASK_AUTHZ ||
		       request->ask == ASK_CERT || request->ask == ASK_ACCOUNT ||
		       request->ask == ASK_CHALLENGE || refuse(request, "there is no payload");
	if (is_read || json_read(text->data, text->len, &request->payload, &ignored) < 0)
		return refuse(request, "the payload is not what belongs there");
	return request->ask != ASK_CHALLENGE || str_is(buf_text(text), "{}") ||
	       refuse(request, "a challenge is answered with {}");
}

/* A CA at two hosts answers at its own what was asked at the other. */
static bool is_asked_url(const struct acme_request *request, const char *url)
{
	if (request->acme->knobs.foreign && str_starts(url, ACME_ELSEWHERE))
		return str_is(url + strlen(ACME_ELSEWHERE),
			request->http->url + strlen(request->acme->origin));
	return str_is(url, request->http->url);
}

bool acme_jws_read(struct acme_request *request)
{
	struct buf header AUTO_BUF = BUF_INIT, signature AUTO_BUF = BUF_INIT;
	const char *url;
	unsigned members = 0;
	struct err ignored;

	if (!str_is(request->http->content_type, "application/jose+json"))
		return refuse(request, "the content type is wrong");
	if (json_read(request->http->body, request->http->len, &request->jws, &ignored) < 0)
		return refuse(request, "this is no JSON");
	json_each(request->jws, count_member, &members);
	if (members != 3 || !decode(request->jws, "protected", &header) ||
		!decode(request->jws, "payload", &request->payload_text) ||
		!decode(request->jws, "signature", &signature) || signature.len < 32)
		return refuse(request, "this is no flattened JWS");
	if (json_read(header.data, header.len, &request->header, &ignored) < 0 ||
		!json_get_text(request->header, "alg"))
		return refuse(request, "the protected header is unreadable");
	url = json_get_text(request->header, "url");
	if (!url || !is_asked_url(request, url))
		return refuse(request, "the URL that is signed is another one");
	return take_nonce(request) && take_sender(request, buf_text(&header)) &&
	       check_signature(request) && take_payload(request);
}

/* RFC 8555, 7.3.5. */
char *acme_jws_new_key(struct acme_request *request)
{
	struct buf header AUTO_BUF = BUF_INIT, payload AUTO_BUF = BUF_INIT;
	struct json *inner AUTO_JSON = NULL;
	char *old AUTO_FREE = NULL, *account AUTO_FREE = NULL, *jwk = NULL;
	const char *url;
	struct err ignored;

	if (!decode(request->payload, "protected", &header) ||
		!decode(request->payload, "payload", &payload) ||
		json_read(header.data, header.len, &inner, &ignored) < 0) {
		refuse(request, "there is no JWS inside");
		return NULL;
	}
	url = json_get_text(inner, "url");
	old = object_text(buf_text(&payload), "oldKey");
	jwk = object_text(buf_text(&header), "jwk");
	account = mem_printf("\"account\":\"%saccount/%u\"", request->acme->origin,
		request->account->number);
	if (!old || !jwk || !url || !str_is(url, request->http->url) ||
		!str_is(old, request->account->jwk) || json_get_text(inner, "nonce") ||
		!json_get_text(inner, "alg") || !is_signed_by(jwk, inner, request->payload) ||
		!strstr(buf_text(&payload), account)) {
		refuse(request, "the JWS inside does not tell what is wanted");
		free(mem_take(&jwk));
	}
	return jwk;
}

void acme_jws_done(struct acme_request *request)
{
	json_free(request->jws);
	json_free(request->header);
	json_free(request->payload);
	buf_done(&request->payload_text);
	free(request->jwk);
}

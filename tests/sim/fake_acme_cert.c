/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/csr.h"
#include "lib/crypt/jws.h"
#include "lib/crypt/key.h"
#include "lib/json/json.h"
#include "tests/sim/fake_acme_private.h"

static void must(int result, const struct err *err)
{
	if (result == 0)
		return;
	fprintf(stderr, "the fake CA cannot work: %s\n", err->text);
	abort();
}

static struct cert *make_issuer(const char *name, const struct key *key,
	const struct cert *above, const struct key *above_key)
{
	struct dn_field field = { "CN", name };
	struct cert_wish wish = {
		.subject = &field, .n_subject = 1, .is_ca = true, .path_length = -1
	};
	struct cert_issue order = { .wish = &wish,
		.key = key,
		.issuer = above,
		.issuer_key = above_key,
		.digest = "sha256",
		.not_before = instant_sub(clock_now(), DAYS(100)),
		.not_after = instant_add(clock_now(), DAYS(3650)) };
	struct cert *cert = NULL;
	struct err err;

	must(cert_issue(&order, &cert, &err), &err);
	return cert;
}

static struct key *make_key(void)
{
	struct key *key = NULL;
	struct err err;

	must(key_make("ec:P-256", &key, &err), &err);
	return key;
}

void acme_make_ca(struct fake_acme *acme)
{
	char *root AUTO_FREE = mem_printf("%s root", acme->word);
	char *issuer AUTO_FREE = mem_printf("%s issuer", acme->word);

	acme->root_key = make_key();
	acme->key = make_key();
	acme->other_key = make_key();
	acme->root = make_issuer(root, acme->root_key, NULL, NULL);
	acme->issuer = make_issuer(issuer, acme->key, acme->root, acme->root_key);
	acme->other = make_issuer(issuer, acme->other_key, acme->root, acme->root_key);
}

void acme_drop_ca(struct fake_acme *acme)
{
	key_free(acme->root_key);
	key_free(acme->key);
	key_free(acme->other_key);
	cert_free(acme->root);
	cert_free(acme->issuer);
	cert_free(acme->other);
}

/* The names of the request are those of the order, each once. */
static bool has_names(const struct csr *csr, const struct acme_order *order)
{
	size_t found = 0;

	for (size_t i = 0; i < csr_n_names(csr); i++)
		for (size_t k = 0; k < order->n_names; k++)
			found += str_is(csr_name(csr, i), order->names[k]);
	return found == order->n_names && csr_n_names(csr) == order->n_names;
}

static enum acme_wrong take_wrong(struct fake_acme *acme)
{
	if (acme->knobs.n_wrong == 0)
		return WRONG_NOTHING;
	acme->knobs.n_wrong--;
	return acme->knobs.wrong;
}

static struct instant by_its_clock(const struct fake_acme *acme)
{
	return instant_add(clock_now(), acme->knobs.clock_ahead);
}

static void sign(struct fake_acme *acme, struct acme_order *order, const struct key *key,
	enum acme_wrong wrong)
{
	static const char *const odd[] = { "odd.test" };
	struct cert_wish wish = { .names = (const char *const *)order->names,
		.n_names = order->n_names,
		.purposes = EKU_SERVER_AUTH,
		.path_length = -1 };
	struct cert_issue issue = { .wish = &wish,
		.key = wrong == WRONG_KEY ? acme->other_key : key,
		.issuer = acme->issuer,
		.issuer_key = acme->key,
		.digest = "sha256",
		.not_before = instant_sub(by_its_clock(acme), HOURS(1)) };
	struct err err;

	if (wrong == WRONG_DATES)
		issue.not_before = instant_sub(
			by_its_clock(acme), SECONDS(acme->knobs.cert_life.s + 86400));
	issue.not_after = instant_add(issue.not_before, SECONDS(acme->knobs.cert_life.s - 1));
	if (wrong == WRONG_NAMES) {
		wish.names = odd;
		wish.n_names = 1;
	}
	must(cert_issue(&issue, &order->cert, &err), &err);
	cert_write(order->cert, &order->chain);
	cert_write(wrong == WRONG_CHAIN ? acme->other : acme->issuer, &order->chain);
	if (wrong == WRONG_BLOCK)
		buf_add_text(&order->chain, "-----BEGIN PRIVATE KEY-----\nMAA=\n"
					    "-----END PRIVATE KEY-----\n");
	order->is_wrong = wrong != WRONG_NOTHING;
}

bool acme_issue(struct acme_request *request, struct acme_order *order, const struct buf *csr)
{
	struct csr *read AUTO_CSR = NULL;
	struct key *key AUTO_KEY = NULL;
	struct err err;

	if (csr_read(csr->data, csr->len, &read, &err) < 0 || !has_names(read, order)) {
		acme_complain(request->acme, "the signing request of order %u is wrong",
			order->number);
		acme_problem(request, 400, "badCSR", "not these names");
		return false;
	}
	key = csr_key(read);
	sign(request->acme, order, key, take_wrong(request->acme));
	return true;
}

void acme_cert(struct acme_request *request)
{
	struct acme_order *order = acme_find_order(request);
	struct buf link AUTO_BUF = BUF_INIT;

	if (!order)
		return;
	if (order->state != STATE_VALID) {
		acme_complain(request->acme, "a certificate is fetched before it is there");
		acme_problem(request, 404, "malformed", "there is no certificate yet");
		return;
	}
	request->acme->counts.n_fetched += !order->is_fetched;
	order->is_fetched = true;
	buf_printf(&link, "<%sdir>;rel=\"index\"", request->acme->origin);
	acme_add_header(request, "Link", buf_text(&link));
	acme_add_header(request, "Content-Type", "application/pem-certificate-chain");
	buf_add(&request->reply->body, order->chain.data, order->chain.len);
}

void acme_revoke(struct acme_request *request)
{
	const char *text = json_get_text(request->payload, "certificate");
	struct fake_acme *acme = request->acme;
	struct buf der AUTO_BUF = BUF_INIT;
	struct cert *cert AUTO_CERT = NULL;
	struct err ignored;

	if (text && jws_base64_read(text, strlen(text), &der, &ignored) == 0)
		cert_read(der.data, der.len, &cert, &ignored);
	for (size_t i = 0; cert && i < acme->n_orders; i++) {
		struct acme_order *order = acme->orders[i];

		if (!order->cert || !cert_equal(order->cert, cert))
			continue;
		if (request->jwk ? !acme_jws_is_by_key_of(request, cert)
				 : request->account != order->account) {
			acme_complain(acme, "a stranger revokes a certificate");
			acme_problem(request, 403, "unauthorized", "it is not yours");
			return;
		}
		if (order->is_revoked) {
			acme_problem(request, 400, "alreadyRevoked", "it was revoked before");
			return;
		}
		order->is_revoked = true;
		acme->counts.n_revoked++;
		return;
	}
	acme_problem(request, 404, "malformed", "there is no such certificate");
}

/* Bytes of an identifier as cert_aki() and cert_serial() tell them. */
static bool is_same(const char *base64, size_t len, const struct buf *hex)
{
	struct buf raw AUTO_BUF = BUF_INIT, text AUTO_BUF = BUF_INIT;
	const char *from, *to = buf_text(hex);
	struct err ignored;

	if (jws_base64_read(base64, len, &raw, &ignored) < 0)
		return false;
	buf_add_hex(&text, raw.data, raw.len);
	from = buf_text(&text);
	return str_is(from + strspn(from, "0"), to + strspn(to, "0"));
}

static bool is_named(const struct cert *cert, const char *certid)
{
	struct buf aki AUTO_BUF = BUF_INIT, serial AUTO_BUF = BUF_INIT;
	size_t len = strcspn(certid, ".");

	cert_aki(cert, &aki);
	cert_serial(cert, &serial);
	return certid[len] && is_same(certid, len, &aki) &&
	       is_same(certid + len + 1, strlen(certid + len + 1), &serial);
}

struct acme_order *acme_find_issued(struct fake_acme *acme, const char *certid)
{
	for (size_t i = acme->n_orders; i > 0; i--)
		if (acme->orders[i - 1]->cert && is_named(acme->orders[i - 1]->cert, certid))
			return acme->orders[i - 1];
	return NULL;
}

/* The window that Boulder suggests: 2 % of the lifetime, around two thirds of it. */
static void window_of(const struct fake_acme *acme, const struct cert *cert,
	struct instant *start, struct instant *end)
{
	struct instant from = cert_not_before(cert);
	int64_t life = instant_since(cert_not_after(cert), from).s;

	*start = instant_add(from, SECONDS(life * 2 / 3 - life / 100));
	*end = instant_add(from, SECONDS(life * 2 / 3 + life / 100));
	if (!instant_is_set(acme->knobs.window_start))
		return;
	*start = acme->knobs.window_start;
	*end = acme->knobs.window_end;
}

void acme_renewal(struct acme_request *request)
{
	struct fake_acme *acme = request->acme;
	struct acme_order *order = acme_find_issued(acme, request->path + strlen("renewal/"));
	char from[INSTANT_TEXT_LEN], to[INSTANT_TEXT_LEN];
	struct instant start, end;

	if (!order || !acme->knobs.has_renewal_info) {
		acme_complain(acme, "nobody issued what is asked for at %s", request->path);
		acme_problem(request, 404, "malformed", "there is no such certificate");
		return;
	}
	window_of(acme, order->cert, &start, &end);
	buf_printf(&request->reply->body,
		"{\"suggestedWindow\":{\"start\":\"%s\",\"end\":\"%s\"}}",
		instant_text(start, from), instant_text(end, to));
	acme_retry_after(request, acme->knobs.ask_again.s);
}

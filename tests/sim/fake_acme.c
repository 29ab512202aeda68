/* SPDX-License-Identifier: MIT */
#include "tests/sim/fake_acme.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/sim/fake_acme_private.h"
#include "tests/sim/sim.h"
#include "tests/sim/town.h"

void acme_complain(const struct fake_acme *acme, const char *fmt, ...)
{
	char text[400], now[INSTANT_TEXT_LEN], line[600];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(line, sizeof(line), "%s: %s: %s", instant_text(clock_now(), now), acme->origin,
		text);
	sim_complain(line);
}

unsigned acme_dice(struct fake_acme *acme, unsigned n)
{
	return (unsigned)town_delay(acme->internet->town, (int64_t)n) - 1;
}

void acme_add_header(struct acme_request *request, const char *name, const char *value)
{
	buf_printf(&request->reply->headers, "%s: %s\n", name, value);
}

static void date_text(struct instant at, char out[60])
{
	time_t time = (time_t)at.s;
	struct tm tm;

	gmtime_r(&time, &tm);
	strftime(out, 60, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

void acme_retry_after(struct acme_request *request, int64_t s)
{
	char text[60];

	if (request->acme->n_retries++ % 2)
		date_text(instant_add(clock_now(), SECONDS(s)), text);
	else
		snprintf(text, sizeof(text), "%jd", (intmax_t)s);
	acme_add_header(request, "Retry-After", text);
}

void acme_problem(struct acme_request *request, int status, const char *type, const char *text)
{
	struct buf *body = &request->reply->body;

	request->reply->status = status;
	buf_clear(body);
	buf_printf(body,
		"{\"type\":\"urn:ietf:params:acme:error:%s\",\"status\":%d,\"detail\":", type,
		status);
	buf_add_json(body, text);
	buf_add_char(body, '}');
	acme_add_header(request, "Content-Type", "application/problem+json");
}

void acme_add_nonce(struct fake_acme *acme, struct buf *out)
{
	if ((acme->n_nonces & (acme->n_nonces - 1)) == 0)
		acme->nonces = mem_grow(
			acme->nonces, acme->n_nonces ? acme->n_nonces * 2 : 1, sizeof(char));
	acme->nonces[acme->n_nonces] = 'n';
	buf_printf(out, "%s-%zu", acme->word, acme->n_nonces++);
}

static void give_nonce(struct acme_request *request)
{
	struct buf nonce AUTO_BUF = BUF_INIT;

	acme_add_nonce(request->acme, &nonce);
	acme_add_header(request, "Replay-Nonce", buf_text(&nonce));
}

/* A reader of a directory must not care for what else is in there. */
static void directory(struct acme_request *request)
{
	static const struct {
		const char *key, *path;
	} all[] = { { "newNonce", "nonce" }, { "newAccount", "new-account" },
		{ "newOrder", "new-order" }, { "revokeCert", "revoke" },
		{ "keyChange", "key-change" }, { "renewalInfo", "renewal" } };
	struct fake_acme *acme = request->acme;
	struct buf *body = &request->reply->body;

	buf_add_text(body, "{\"something\":[\"else\"]");
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (acme->knobs.has_renewal_info || !str_is(all[i].path, "renewal"))
			buf_printf(body, ",\"%s\":\"%s%s\"", all[i].key,
				acme->knobs.foreign && str_is(acme->knobs.foreign, all[i].key)
					? ACME_ELSEWHERE
					: acme->origin,
				all[i].path);
	buf_add_text(body, ",\"meta\":{");
	if (acme->knobs.identity)
		buf_printf(body, "\"caaIdentities\":[\"%s\"]", acme->knobs.identity);
	buf_add_text(body, "}}");
}

static void nonce(struct acme_request *request)
{
	if (!str_is(request->http->method, "HEAD"))
		request->reply->status = 204;
	give_nonce(request);
}

static struct acme_account *find_key(struct fake_acme *acme, const char *jwk)
{
	for (size_t i = 0; i < acme->n_accounts; i++)
		if (!acme->accounts[i]->is_lost && str_is(acme->accounts[i]->jwk, jwk))
			return acme->accounts[i];
	return NULL;
}

static void tell_account(struct acme_request *request, const struct acme_account *account)
{
	struct buf url AUTO_BUF = BUF_INIT;

	buf_printf(&url, "%saccount/%u", request->acme->origin, account->number);
	acme_add_header(request, "Location", buf_text(&url));
	buf_printf(&request->reply->body, "{\"status\":\"%s\",\"contact\":[]}",
		account->is_shut ? "deactivated" : "valid");
}

static void new_account(struct acme_request *request)
{
	struct fake_acme *acme = request->acme;
	struct acme_account *account;

	if (!request->jwk) {
		acme_complain(acme, "an account is wanted for an account");
		acme_problem(request, 400, "malformed", "a key is needed here");
		return;
	}
	account = find_key(acme, request->jwk);
	if (account && account->is_shut && !acme->knobs.tells_status) {
		acme_problem(
			request, 403, "unauthorized", "the account of this key is deactivated");
		return;
	}
	if (account) {
		tell_account(request, account);
		return;
	}
	if (json_get_bool(request->payload, "onlyReturnExisting", false)) {
		acme_problem(request, 400, "accountDoesNotExist",
			"nobody knows an account of this key");
		return;
	}
	if (!json_get_bool(request->payload, "termsOfServiceAgreed", false)) {
		acme_problem(request, 403, "userActionRequired", "the terms are not agreed to");
		return;
	}
	account = mem_new(struct acme_account);
	acme->accounts =
		mem_grow(acme->accounts, acme->n_accounts + 1, sizeof(*acme->accounts));
	acme->accounts[acme->n_accounts++] = account;
	account->number = (unsigned)acme->n_accounts;
	account->jwk = mem_strdup(request->jwk);
	acme->counts.n_accounts++;
	request->reply->status = 201;
	tell_account(request, account);
}

static void account(struct acme_request *request)
{
	const char *status = json_get_text(request->payload, "status");

	if (status)
		acme_complain(request->acme, "our account is to become %s", status);
	if (request->number != request->account->number)
		acme_problem(request, 403, "unauthorized", "this is another account");
	else
		buf_add_text(&request->reply->body, "{\"status\":\"valid\",\"contact\":[]}");
}

static void key_change(struct acme_request *request)
{
	char *jwk = acme_jws_new_key(request);

	if (!jwk)
		return;
	if (find_key(request->acme, jwk)) {
		acme_problem(request, 409, "conflict", "that key has an account");
		free(jwk);
		return;
	}
	free(request->account->jwk);
	request->account->jwk = jwk;
	request->acme->counts.n_key_changes++;
	tell_account(request, request->account);
}

static const struct route {
	const char *path; /* a number follows where it ends with a slash */
	const char *tail; /* behind the number; "*": anything */
	void (*answer)(struct acme_request *request);
	bool is_signed;
} routes[ASK_COUNT] = {
	[ASK_DIRECTORY] = { "dir", "", directory, false },
	[ASK_NONCE] = { "nonce", "", nonce, false },
	[ASK_NEW_ACCOUNT] = { "new-account", "", new_account, true },
	[ASK_ACCOUNT] = { "account/", "", account, true },
	[ASK_KEY_CHANGE] = { "key-change", "", key_change, true },
	[ASK_NEW_ORDER] = { "new-order", "", acme_new_order, true },
	[ASK_ORDER] = { "order/", "", acme_order, true },
	[ASK_AUTHZ] = { "authz/", "", acme_authz, true },
	[ASK_CHALLENGE] = { "challenge/", "*", acme_challenge, true },
	[ASK_FINALIZE] = { "order/", "/finalize", acme_finalize, true },
	[ASK_CERT] = { "cert/", "", acme_cert, true },
	[ASK_REVOKE] = { "revoke", "", acme_revoke, true },
	[ASK_RENEWAL] = { "renewal/", "*", acme_renewal, false },
};

static bool is_route(struct acme_request *request, const struct route *route)
{
	const char *rest = request->path + strlen(route->path);
	char *end = (char *)(uintptr_t)rest;

	if (!str_starts(request->path, route->path))
		return false;
	if (str_ends(route->path, "/") && route->is_signed)
		request->number = (unsigned)strtoul(rest, &end, 10);
	return str_is(route->tail, "*") || str_is(end, route->tail);
}

static bool find_route(struct acme_request *request)
{
	request->path = mem_strdup(request->http->url + strlen(request->acme->origin));
	for (request->ask = 0; request->ask < ASK_COUNT; request->ask++)
		if (is_route(request, &routes[request->ask]))
			return true;
	return false;
}

/* Trouble that was asked for; in front of a CA stands something that knows no JWS. */
static bool has_trouble(struct acme_request *request)
{
	list_each(at, &request->acme->troubles) {
		struct acme_trouble *trouble = LIST_OF(at, struct acme_trouble, link);
		bool is_any = trouble->ask == ASK_COUNT && routes[request->ask].is_signed;

		if (trouble->name || trouble->times == 0 ||
			(trouble->ask != request->ask && !is_any))
			continue;
		trouble->times -= trouble->times > 0;
		acme_problem(request, trouble->status, trouble->type, "as it was asked for");
		if (trouble->retry_s > 0)
			acme_retry_after(request, trouble->retry_s);
		if (trouble->retry_s < 0)
			acme_add_header(request, "Retry-After", "0");
		return true;
	}
	return false;
}

void fake_acme_answer(void *data, const struct http_request *http, struct http_reply *reply)
{
	struct fake_acme *acme = data;
	struct acme_request request = { .acme = acme, .http = http, .reply = reply };
	char date[60];

	reply->status = 200;
	reply->ms = acme->knobs.answer_ms;
	date_text(instant_add(clock_now(), acme->knobs.clock_ahead), date);
	acme_add_header(&request, "Date", date);
	if (!find_route(&request)) {
		acme_complain(acme, "somebody asks for %s", http->url);
		acme_problem(&request, 404, "malformed", "there is no such page");
	} else {
		const struct route *route = &routes[request.ask];

		acme->counts.n_asked[request.ask]++;
		if (request.ask == ASK_FINALIZE)
			acme_note_finalize(&request);
		if (str_is(http->method, "POST") != route->is_signed) {
			acme_complain(acme, "%s of %s", http->method, http->url);
			acme_problem(&request, 405, "malformed", "not with this method");
		} else if (!has_trouble(&request) &&
			   (!route->is_signed || acme_jws_read(&request))) {
			route->answer(&request);
		}
		if (route->is_signed)
			give_nonce(&request);
	}
	acme_jws_done(&request);
	free(request.path);
}

struct fake_acme *fake_acme_new(
	struct internet *internet, const char *origin, acme_shows *shows, void *data)
{
	struct fake_acme *acme = mem_new(struct fake_acme);
	const char *word = strstr(origin, "//") + 2;

	acme->internet = internet;
	acme->origin = mem_strdup(origin);
	acme->word = mem_strndup(word, strcspn(word, "./"));
	acme->shows = shows;
	acme->data = data;
	acme->knobs = (struct acme_knobs){ .cert_life = DAYS(90),
		.order_life = HOURS(24),
		.authz_life = DAYS(30),
		.answer_ms = 5,
		.validate_ms = 500,
		.issue_ms = 1000,
		.ask_again = HOURS(6) };
	list_init(&acme->troubles);
	acme_make_ca(acme);
	internet_serve(internet, origin, fake_acme_answer, acme);
	return acme;
}

void fake_acme_free(struct fake_acme *acme)
{
	acme_drop_orders(acme);
	acme_drop_ca(acme);
	fake_acme_forgive(acme);
	for (size_t i = 0; i < acme->n_accounts; i++) {
		free(acme->accounts[i]->jwk);
		free(acme->accounts[i]);
	}
	free(acme->accounts);
	free(acme->nonces);
	free(acme->origin);
	free(acme->word);
	free(acme);
}

struct acme_knobs *fake_acme_knobs(struct fake_acme *acme)
{
	return &acme->knobs;
}

const struct acme_counts *fake_acme_counts(const struct fake_acme *acme)
{
	return &acme->counts;
}

void fake_acme_trouble(struct fake_acme *acme, enum acme_ask ask, int status, const char *type,
	int64_t retry_s, int times)
{
	struct acme_trouble *trouble = mem_new(struct acme_trouble);

	trouble->ask = ask;
	trouble->status = status;
	trouble->type = mem_strdup(type);
	trouble->retry_s = retry_s;
	trouble->times = times;
	list_append(&acme->troubles, &trouble->link);
}

void fake_acme_refuse(struct fake_acme *acme, const char *name)
{
	struct acme_trouble *trouble = mem_new(struct acme_trouble);

	trouble->name = mem_strdup(name);
	list_append(&acme->troubles, &trouble->link);
}

void fake_acme_forgive(struct fake_acme *acme)
{
	list_each_safe(at, &acme->troubles) {
		struct acme_trouble *trouble = LIST_OF(at, struct acme_trouble, link);

		list_remove(at);
		free(trouble->type);
		free(trouble->name);
		free(trouble);
	}
}

void fake_acme_lose_accounts(struct fake_acme *acme)
{
	for (size_t i = 0; i < acme->n_accounts; i++)
		acme->accounts[i]->is_lost = true;
}

void fake_acme_shut_accounts(struct fake_acme *acme, bool is_shut)
{
	for (size_t i = 0; i < acme->n_accounts; i++)
		acme->accounts[i]->is_shut = is_shut;
}

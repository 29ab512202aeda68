/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/digest.h"
#include "lib/crypt/jws.h"
#include "lib/json/json.h"
#include "tests/sim/fake_acme_private.h"
#include "tests/sim/town.h"

enum { OLD_TYPES = 3, TYPES = 5, POLL_S = 2 };

static const char *const types[TYPES] = { "http-01", "dns-01", "tls-alpn-01", "dns-account-01",
	"dns-persist-01" };

const char *acme_state_text(enum acme_state state)
{
	static const char *const texts[] = { "pending", "ready", "processing", "valid",
		"invalid", "deactivated", "expired" };

	return texts[state];
}

/* Looks at the world, at the moment when the timer fires. */
static void look(struct timer *timer)
{
	struct acme_authz *authz = CONTAINER_OF(timer, struct acme_authz, look);
	struct fake_acme *acme = authz->acme;
	uint8_t hash[SHA256_LEN];
	struct buf text AUTO_BUF = BUF_INIT;
	bool is_refused = false;

	if (authz->state != STATE_PENDING)
		return;
	digest_sha256(authz->account->jwk, strlen(authz->account->jwk), hash);
	buf_printf(&text, "%s.", authz->token);
	jws_base64url(&text, hash, sizeof(hash));
	list_each(at, &acme->troubles) {
		const struct acme_trouble *trouble = LIST_OF(at, struct acme_trouble, link);

		is_refused |= trouble->name && str_is(trouble->name, authz->name);
	}
	if (!acme->shows(acme->data, authz->type, authz->name, authz->token, buf_text(&text)))
		authz->state = STATE_INVALID;
	else
		authz->state = is_refused ? STATE_INVALID : STATE_VALID;
	if (authz->state == STATE_VALID) {
		authz->expires = instant_add(clock_now(), acme->knobs.authz_life);
		acme->counts.n_validated++;
		return;
	}
	acme->counts.n_invalid++;
	if (!acme->knobs.looks_once)
		return;
	authz->state = STATE_PENDING;
	authz->failed = authz->type;
	authz->type = NULL;
}

static void authz_age(struct acme_authz *authz)
{
	if ((authz->state == STATE_VALID || authz->state == STATE_PENDING) &&
		authz->expires.s <= clock_now().s)
		authz->state = STATE_EXPIRED;
}

void acme_order_age(struct acme_order *order)
{
	bool is_ready = true;

	if (order->state == STATE_PROCESSING && !order->is_stuck &&
		clock_tick().ms >= order->issued.ms)
		order->state = STATE_VALID;
	if (order->state != STATE_PENDING && order->state != STATE_READY)
		return;
	if (order->expires.s <= clock_now().s) {
		order->state = STATE_INVALID;
		return;
	}
	for (size_t i = 0; order->state == STATE_PENDING && i < order->n_names; i++) {
		authz_age(order->authz[i]);
		is_ready &= order->authz[i]->state == STATE_VALID;
		if (order->authz[i]->state > STATE_VALID)
			order->state = STATE_INVALID;
	}
	if (order->state == STATE_PENDING && is_ready)
		order->state = STATE_READY;
}

static bool is_address(const char *name)
{
	unsigned char ignored[16];

	return inet_pton(AF_INET, name, ignored) == 1 ||
	       inet_pton(AF_INET6, name, ignored) == 1;
}

/* What was shown before and is still believed, or a new one to be shown. */
static struct acme_authz *find_authz(
	struct fake_acme *acme, struct acme_account *account, const char *name)
{
	bool is_wildcard = str_starts(name, "*.");
	struct acme_authz *authz;

	name += is_wildcard ? 2 : 0;
	for (size_t i = 0; acme->knobs.reuses_authz && i < acme->n_authz; i++) {
		authz = acme->authz[i];
		authz_age(authz);
		if (authz->state == STATE_VALID && authz->account == account &&
			authz->is_wildcard == is_wildcard && str_is(authz->name, name))
			return authz;
	}
	authz = mem_new(struct acme_authz);
	acme->authz = mem_grow(acme->authz, acme->n_authz + 1, sizeof(*acme->authz));
	acme->authz[acme->n_authz++] = authz;
	authz->acme = acme;
	authz->number = (unsigned)acme->n_authz;
	authz->account = account;
	authz->name = mem_strdup(name);
	authz->token = mem_printf("%s-token-%u", acme->word, authz->number);
	authz->is_wildcard = is_wildcard;
	authz->is_ip = is_address(name);
	authz->expires = instant_add(clock_now(), acme->knobs.order_life);
	authz->look.fire = look;
	return authz;
}

/* Writes a list of places in an order that is another one each time. */
static void shuffle(struct fake_acme *acme, size_t n, size_t *out)
{
	for (size_t i = 0; i < n; i++) {
		size_t at = acme_dice(acme, (unsigned)i + 1);

		out[i] = out[at];
		out[at] = i;
	}
}

static void tell_order(struct acme_request *request, struct acme_order *order)
{
	struct buf *body = &request->reply->body;
	struct fake_acme *acme = request->acme;
	size_t places[100];
	char expires[INSTANT_TEXT_LEN];

	buf_printf(body, "{\"status\":\"%s\",\"expires\":\"%s\",\"identifiers\":[",
		acme_state_text(order->state), instant_text(order->expires, expires));
	shuffle(acme, order->n_names, places);
	for (size_t i = 0; i < order->n_names; i++)
		buf_printf(body, "%s{\"type\":\"%s\",\"value\":\"%s\"}", i ? "," : "",
			is_address(order->names[places[i]]) ? "ip" : "dns",
			order->names[places[i]]);
	buf_add_text(body, "],\"authorizations\":[");
	shuffle(acme, order->n_names, places);
	for (size_t i = 0; i < order->n_names; i++)
		buf_printf(body, "%s\"%sauthz/%u\"", i ? "," : "", acme->origin,
			order->authz[places[i]]->number);
	buf_printf(body, "],\"finalize\":\"%sorder/%u/finalize\"", acme->origin, order->number);
	if (order->state == STATE_VALID)
		buf_printf(body, ",\"certificate\":\"%scert/%u\"", acme->origin, order->number);
	if (order->state == STATE_INVALID)
		buf_add_text(body, ",\"error\":{\"type\":\"urn:ietf:params:acme:error:"
				   "unauthorized\",\"detail\":\"not all names were shown\"}");
	buf_add_char(body, '}');
	if (order->state != STATE_PROCESSING)
		return;
	if (acme->knobs.poll_after)
		acme_add_header(request, "Retry-After", acme->knobs.poll_after);
	else
		acme_retry_after(request, POLL_S);
}

static bool has_name(const struct acme_order *order, const char *name)
{
	for (size_t i = 0; i < order->n_names; i++)
		if (str_is(order->names[i], name))
			return true;
	return false;
}

static bool is_for_same(const struct acme_order *a, const struct acme_order *b)
{
	for (size_t i = 0; i < b->n_names; i++)
		if (!has_name(a, b->names[i]))
			return false;
	return a->account == b->account && a->n_names == b->n_names;
}

/* Nobody orders again what is being made, unless nothing told him that it is. */
static void check_manners(struct fake_acme *acme, struct acme_order *order)
{
	for (size_t i = 0; i + 1 < acme->n_orders; i++) {
		struct acme_order *other = acme->orders[i];

		acme_order_age(other);
		if (!acme->knobs.may_waste && other->is_known && is_for_same(other, order) &&
			!other->is_fetched && other->state != STATE_INVALID && !other->is_stuck)
			acme_complain(acme, "order %u for %s, while order %u is %s",
				order->number, order->names[0], other->number,
				acme_state_text(other->state));
	}
}

static struct acme_order *make_order(struct acme_request *request)
{
	const struct json *names = json_get(request->payload, "identifiers");
	struct fake_acme *acme = request->acme;
	struct acme_order *order = mem_new(struct acme_order);

	acme->orders = mem_grow(acme->orders, acme->n_orders + 1, sizeof(*acme->orders));
	acme->orders[acme->n_orders++] = order;
	order->number = (unsigned)acme->n_orders;
	order->account = request->account;
	order->n_names = json_n(names);
	order->names = mem_zalloc((order->n_names + 1) * sizeof(*order->names));
	order->authz = mem_zalloc((order->n_names + 1) * sizeof(struct acme_authz *));
	order->expires = instant_add(clock_now(), acme->knobs.order_life);
	for (size_t i = 0; i < order->n_names; i++) {
		const char *name = json_get_text(json_at(names, i), "value");

		order->names[i] = mem_strdup(name ? name : "");
		order->authz[i] = find_authz(acme, request->account, order->names[i]);
	}
	check_manners(acme, order);
	acme_order_age(order);
	acme->counts.n_orders++;
	return order;
}

static bool take_replaced(struct acme_request *request, struct acme_order **out)
{
	const char *certid = json_get_text(request->payload, "replaces");

	if (!certid)
		return true;
	*out = acme_find_issued(request->acme, certid);
	if (!*out || !request->acme->knobs.has_renewal_info) {
		acme_complain(request->acme, "nothing of ours has the name %s", certid);
		acme_problem(
			request, 400, "malformed", "no such certificate is to be replaced");
		return false;
	}
	if ((*out)->replaced_by) {
		acme_problem(
			request, 409, "alreadyReplaced", "there is another order for that");
		return false;
	}
	return true;
}

void acme_new_order(struct acme_request *request)
{
	size_t n = json_n(json_get(request->payload, "identifiers"));
	struct acme_order *order, *replaced = NULL;
	struct buf url AUTO_BUF = BUF_INIT;

	if (n == 0 || n > 100) {
		acme_problem(request, 400, "malformed", "the names are too many or none");
		return;
	}
	if (!take_replaced(request, &replaced))
		return;
	if (request->acme->knobs.n_old > 0 && request->acme->n_orders > 0) {
		request->acme->knobs.n_old--;
		replaced = NULL;
		order = request->acme->orders[request->acme->n_orders - 1];
		acme_order_age(order);
	} else {
		order = make_order(request);
	}
	if (replaced) {
		replaced->replaced_by = order->number;
		request->acme->counts.n_replacing++;
	}
	buf_printf(&url, "%sorder/%u", request->acme->origin, order->number);
	acme_add_header(request, "Location", buf_text(&url));
	request->reply->status = 201;
	tell_order(request, order);
}

struct acme_order *acme_find_order(struct acme_request *request)
{
	struct fake_acme *acme = request->acme;
	struct acme_order *order = NULL;

	if (request->number > 0 && request->number <= acme->n_orders)
		order = acme->orders[request->number - 1];
	if (!order || order->account != request->account) {
		acme_problem(request, 404, "malformed", "there is no such order");
		return NULL;
	}
	order->is_known = true;
	acme_order_age(order);
	return order;
}

void acme_order(struct acme_request *request)
{
	struct acme_order *order = acme_find_order(request);

	if (!order)
		return;
	order->is_unsure = false;
	order->was_asked |= order->state == STATE_READY;
	order->was_told |= order->state == STATE_PROCESSING || order->state == STATE_VALID;
	tell_order(request, order);
}

void acme_finalize(struct acme_request *request)
{
	struct acme_order *order = acme_find_order(request);
	struct buf csr AUTO_BUF = BUF_INIT;
	const char *text = json_get_text(request->payload, "csr");
	struct err ignored;

	if (!order)
		return;
	if (order->was_told)
		acme_complain(request->acme, "order %u is finalized twice", order->number);
	if (order->state != STATE_READY ||
		(request->acme->knobs.always_asks_again && !order->was_asked)) {
		acme_problem(request, 403, "orderNotReady", acme_state_text(order->state));
		return;
	}
	if (!text || jws_base64_read(text, strlen(text), &csr, &ignored) < 0) {
		acme_complain(request->acme, "no signing request comes with finalize");
		acme_problem(request, 400, "badCSR", "there is none");
		return;
	}
	if (!acme_issue(request, order, &csr))
		return;
	order->state = STATE_PROCESSING;
	order->issued = (struct tick){ clock_tick().ms + request->acme->knobs.issue_ms };
	order->is_stuck = request->acme->knobs.n_stuck > 0;
	request->acme->knobs.n_stuck -= order->is_stuck;
	request->acme->counts.n_finalized++;
	request->acme->counts.n_issued += !order->is_stuck;
	acme_order_age(order);
	tell_order(request, order);
}

static struct acme_authz *find_own_authz(struct acme_request *request)
{
	struct fake_acme *acme = request->acme;
	struct acme_authz *authz = NULL;

	if (request->number > 0 && request->number <= acme->n_authz)
		authz = acme->authz[request->number - 1];
	if (!authz || authz->account != request->account) {
		acme_problem(request, 404, "malformed", "there is no such authorization");
		return NULL;
	}
	authz_age(authz);
	return authz;
}

static bool has_type(const struct acme_authz *authz, size_t i)
{
	if (authz->state == STATE_VALID || authz->state == STATE_INVALID)
		return authz->type && str_is(authz->type, types[i]);
	if (i >= OLD_TYPES)
		return authz->acme->knobs.has_new_types && !authz->is_ip;
	return str_is(types[i], "dns-01") ? !authz->is_ip : !authz->is_wildcard;
}

static void tell_challenge(struct acme_request *request, struct acme_authz *authz, size_t i)
{
	bool is_answered = authz->type && str_is(authz->type, types[i]);
	struct buf *body = &request->reply->body;

	buf_printf(body,
		"{\"type\":\"%s\",\"url\":\"%schallenge/%u/%s\",\"token\":\"%s\","
		"\"status\":\"%s\"",
		types[i], request->acme->origin, authz->number, types[i], authz->token,
		authz->state != STATE_PENDING ? acme_state_text(authz->state)
		: is_answered                 ? "processing"
					      : "pending");
	if (str_is(types[i], "dns-persist-01"))
		buf_printf(body, ",\"issuer-domain-names\":[\"%s\"]",
			request->acme->knobs.identity);
	if (authz->state == STATE_INVALID || (authz->failed == types[i] && !is_answered))
		buf_add_text(body, ",\"error\":{\"type\":\"urn:ietf:params:acme:error:"
				   "incorrectResponse\",\"detail\":\"it does not show\"}");
	buf_add_char(body, '}');
}

static void tell_authz(struct acme_request *request, struct acme_authz *authz)
{
	struct buf *body = &request->reply->body;
	char expires[INSTANT_TEXT_LEN];
	size_t places[TYPES];

	buf_printf(body,
		"{\"identifier\":{\"type\":\"%s\",\"value\":\"%s\"},\"status\":\"%s\","
		"\"expires\":\"%s\",%s\"challenges\":[",
		authz->is_ip ? "ip" : "dns", authz->name, acme_state_text(authz->state),
		instant_text(authz->expires, expires),
		authz->is_wildcard ? "\"wildcard\":true," : "");
	buf_add_text(body, "{\"type\":\"odd-99\",\"status\":\"pending\"}");
	shuffle(request->acme, OLD_TYPES, places);
	for (size_t i = OLD_TYPES; i < TYPES; i++)
		places[i] = i;
	for (size_t i = 0; i < TYPES; i++)
		if (has_type(authz, places[i])) {
			buf_add_char(body, ',');
			tell_challenge(request, authz, places[i]);
		}
	buf_add_text(body, "]}");
}

void acme_authz(struct acme_request *request)
{
	const char *status = json_get_text(request->payload, "status");
	struct acme_authz *authz = find_own_authz(request);

	if (!authz)
		return;
	if (status && str_is(status, "deactivated"))
		authz->state = STATE_DEACTIVATED;
	else if (request->payload)
		acme_complain(request->acme, "an authorization is to become something odd");
	tell_authz(request, authz);
}

void acme_challenge(struct acme_request *request)
{
	struct acme_authz *authz = find_own_authz(request);
	struct fake_acme *acme = request->acme;
	const char *word = strrchr(request->path, '/') + 1;
	size_t i = 0;

	while (i < TYPES && !str_is(types[i], word))
		i++;
	if (!authz)
		return;
	if (i == TYPES) {
		acme_problem(request, 404, "malformed", "there is no such challenge");
		return;
	}
	if (request->payload && authz->state != STATE_PENDING) {
		acme_problem(request, 400, "malformed", "it is too late for an answer");
		return;
	}
	if (request->payload && !authz->type) {
		authz->type = types[i];
		loop_timer_in(
			acme->internet->town->loop, &authz->look, acme->knobs.validate_ms);
	}
	tell_challenge(request, authz, i);
}

void acme_drop_orders(struct fake_acme *acme)
{
	for (size_t i = 0; i < acme->n_orders; i++) {
		struct acme_order *order = acme->orders[i];

		for (size_t k = 0; k < order->n_names; k++)
			free(order->names[k]);
		free(order->names);
		free(order->authz);
		buf_done(&order->chain);
		cert_free(order->cert);
		free(order);
	}
	for (size_t i = 0; i < acme->n_authz; i++) {
		loop_timer_stop(acme->internet->town->loop, &acme->authz[i]->look);
		free(acme->authz[i]->name);
		free(acme->authz[i]->token);
		free(acme->authz[i]);
	}
	free(acme->orders);
	free(acme->authz);
}

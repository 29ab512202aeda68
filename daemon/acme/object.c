/* SPDX-License-Identifier: MIT */
#include "daemon/acme/object.h"

#include <ctype.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/wire/url.h"

static const char *const statuses[] = {
	[STATUS_UNKNOWN] = "unknown",
	[STATUS_PENDING] = "pending",
	[STATUS_READY] = "ready",
	[STATUS_PROCESSING] = "processing",
	[STATUS_VALID] = "valid",
	[STATUS_INVALID] = "invalid",
	[STATUS_DEACTIVATED] = "deactivated",
	[STATUS_EXPIRED] = "expired",
	[STATUS_REVOKED] = "revoked",
};

enum {
	STATUSES = sizeof(statuses) / sizeof(*statuses),
	TEXT_MAX = 2048,
	CAA_MAX = 100,
	ISSUERS_MAX = 10
};

const char *status_text(enum status status)
{
	return statuses[status];
}

static enum status status_of(const struct json *object)
{
	const char *text = json_get_text(object, "status");

	for (int i = 0; text && i < STATUSES; i++)
		if (str_is(statuses[i], text))
			return (enum status)i;
	return STATUS_UNKNOWN;
}

/* The object in `data`, or NULL with what it should have been. */
static struct json *read_object(const char *data, size_t len, const char *what, struct err *err)
{
	struct json *root = NULL;

	if (json_read(data, len, &root, err) < 0) {
		err->code = ERR_BAD_ANSWER;
		err_add(err, "the %s is unreadable", what);
		return NULL;
	}
	if (!json_is_object(root)) {
		json_free(root);
		err_set(err, ERR_BAD_ANSWER, "the %s is no object", what);
		return NULL;
	}
	return root;
}

/* A text that is not longer than it should be, in the arena; NULL when there is none. */
static const char *keep(struct arena *arena, const char *text)
{
	return text && strlen(text) <= TEXT_MAX ? arena_strdup(arena, text) : NULL;
}

static int keep_url(struct arena *arena, const char *url, const char *what, const char **out,
	struct err *err)
{
	if (url_check(url, err) < 0) {
		err->code = ERR_BAD_ANSWER;
		return err_add(err, "the %s is no URL to be used", what);
	}
	*out = arena_strdup(arena, url);
	return 0;
}

/* Leaves *out as it is when the member is absent. */
static int take_url(struct arena *arena, const struct json *object, const char *key,
	const char **out, struct err *err)
{
	const char *url = json_get_text(object, key);

	return url ? keep_url(arena, url, key, out, err) : 0;
}

static int need_url(struct arena *arena, const struct json *object, const char *key,
	const char **out, struct err *err)
{
	if (!json_get_text(object, key))
		return err_set(err, ERR_BAD_ANSWER, "the answer has no %s", key);
	return take_url(arena, object, key, out, err);
}

/* Up to `max` texts of a list; what is no text is passed over. */
static const char **take_texts(
	struct arena *arena, const struct json *list, size_t max, size_t *n)
{
	size_t most = json_n(list) < max ? json_n(list) : max;
	const char **texts = arena_zalloc(arena, (most + 1) * sizeof(*texts));

	*n = 0;
	for (size_t i = 0; i < most; i++) {
		const char *text = keep(arena, json_text(json_at(list, i)));

		if (text)
			texts[(*n)++] = text;
	}
	return texts;
}

static void take_profile(const char *key, const struct json *value, void *data)
{
	struct directory *directory = data;
	struct profile *profile = &directory->profiles[directory->n_profiles];

	if (directory->n_profiles == OBJECT_PROFILES_MAX || strlen(key) > TEXT_MAX)
		return;
	profile->name = arena_strdup(&directory->arena, key);
	profile->text = keep(&directory->arena, json_text(value));
	if (!profile->text)
		profile->text = "";
	directory->n_profiles++;
}

static void take_meta(const struct json *meta, struct directory *out)
{
	const struct json *profiles = json_get(meta, "profiles");

	out->terms = keep(&out->arena, json_get_text(meta, "termsOfService"));
	out->website = keep(&out->arena, json_get_text(meta, "website"));
	out->caa =
		take_texts(&out->arena, json_get(meta, "caaIdentities"), CAA_MAX, &out->n_caa);
	out->needs_binding = json_get_bool(meta, "externalAccountRequired", false);
	out->has_profiles = json_is_object(profiles);
	if (!out->has_profiles)
		return;
	out->profiles = arena_zalloc(&out->arena, OBJECT_PROFILES_MAX * sizeof(*out->profiles));
	json_each(profiles, take_profile, out);
}

/* The same, at one of the CA's origins. */
static int need_own_url(struct arena *arena, const struct json *object, const char *key,
	const struct url_origins *origins, const char **out, struct err *err)
{
	if (need_url(arena, object, key, out, err) < 0)
		return -1;
	if (url_is_of(*out, origins))
		return 0;
	return err_set(err, ERR_FOREIGN_URL, "the %s %.150s is not at the host of %.100s", key,
		*out, origins->base);
}

static int directory_take(const struct json *root, const struct url_origins *origins,
	struct directory *out, struct err *err)
{
	struct arena *arena = &out->arena;

	if (need_own_url(arena, root, "newNonce", origins, &out->new_nonce, err) < 0 ||
		need_own_url(arena, root, "newAccount", origins, &out->new_account, err) < 0 ||
		need_own_url(arena, root, "newOrder", origins, &out->new_order, err) < 0 ||
		take_url(arena, root, "revokeCert", &out->revoke_cert, err) < 0 ||
		take_url(arena, root, "keyChange", &out->key_change, err) < 0 ||
		take_url(arena, root, "renewalInfo", &out->renewal_info, err) < 0)
		return -1;
	take_meta(json_get(root, "meta"), out);
	return 0;
}

int directory_read(const char *data, size_t len, const struct url_origins *origins,
	struct directory *out, struct err *err)
{
	struct json *root AUTO_JSON = read_object(data, len, "directory", err);

	*out = (struct directory){ .arena = ARENA_INIT };
	if (root && directory_take(root, origins, out, err) == 0)
		return 0;
	directory_done(out);
	return -1;
}

void directory_done(struct directory *directory)
{
	arena_done(&directory->arena);
	*directory = (struct directory){ .arena = ARENA_INIT };
}

bool directory_has_profile(const struct directory *directory, const char *name)
{
	for (size_t i = 0; i < directory->n_profiles; i++)
		if (str_is(directory->profiles[i].name, name))
			return true;
	return false;
}

int account_object_read(
	const char *data, size_t len, struct account_object *out, struct err *err)
{
	struct json *root AUTO_JSON = read_object(data, len, "account", err);

	*out = (struct account_object){ .arena = ARENA_INIT };
	if (!root)
		return -1;
	out->status = status_of(root);
	out->contact =
		take_texts(&out->arena, json_get(root, "contact"), CAA_MAX, &out->n_contact);
	return 0;
}

void account_object_done(struct account_object *account)
{
	arena_done(&account->arena);
	*account = (struct account_object){ .arena = ARENA_INIT };
}

static int take_authz(const struct json *list, struct order_object *out, struct err *err)
{
	size_t n = json_n(list);

	if (n > OBJECT_AUTHZ_MAX)
		return err_set(err, ERR_BAD_ANSWER, "the order has %zu authorizations", n);
	out->authz = arena_zalloc(&out->arena, (n + 1) * sizeof(*out->authz));
	for (size_t i = 0; i < n; i++) {
		const char *url = json_text(json_at(list, i));

		if (!url)
			return err_set(
				err, ERR_BAD_ANSWER, "an authorization of the order is no URL");
		if (keep_url(&out->arena, url, "authorization", &out->authz[i], err) < 0)
			return -1;
		out->n_authz++;
	}
	return 0;
}

static void take_names(const struct json *list, struct order_object *out)
{
	size_t n = json_n(list) < OBJECT_AUTHZ_MAX ? json_n(list) : OBJECT_AUTHZ_MAX;

	out->names = arena_zalloc(&out->arena, (n + 1) * sizeof(*out->names));
	for (size_t i = 0; i < n; i++) {
		const char *name = keep(&out->arena, json_get_text(json_at(list, i), "value"));

		if (name)
			out->names[out->n_names++] = name;
	}
}

static int order_take(const struct json *root, struct order_object *out, struct err *err)
{
	const struct json *error = json_get(root, "error");

	out->status = status_of(root);
	out->expires = json_get_instant(root, "expires");
	take_names(json_get(root, "identifiers"), out);
	out->profile = keep(&out->arena, json_get_text(root, "profile"));
	out->replaces = keep(&out->arena, json_get_text(root, "replaces"));
	out->has_error = json_is_object(error);
	if (out->has_error)
		problem_take(error, &out->error);
	if (take_url(&out->arena, root, "finalize", &out->finalize, err) < 0 ||
		take_url(&out->arena, root, "certificate", &out->certificate, err) < 0)
		return -1;
	return take_authz(json_get(root, "authorizations"), out, err);
}

int order_object_read(const char *data, size_t len, struct order_object *out, struct err *err)
{
	struct json *root AUTO_JSON = read_object(data, len, "order", err);

	*out = (struct order_object){ .arena = ARENA_INIT };
	if (root && order_take(root, out, err) == 0)
		return 0;
	order_object_done(out);
	return -1;
}

void order_object_done(struct order_object *order)
{
	arena_done(&order->arena);
	*order = (struct order_object){ .arena = ARENA_INIT };
}

/* A challenge that cannot be used does not prevent the use of another. */
static void take_challenge(
	const struct json *object, struct arena *arena, struct challenge_object *out)
{
	const struct json *error = json_get(object, "error");
	struct err ignored;

	*out = (struct challenge_object){ .status = status_of(object) };
	out->type = keep(arena, json_get_text(object, "type"));
	out->token = keep(arena, json_get_text(object, "token"));
	if (!out->type)
		out->type = "";
	if (!out->token)
		out->token = "";
	out->issuers = take_texts(
		arena, json_get(object, "issuer-domain-names"), ISSUERS_MAX, &out->n_issuers);
	out->has_error = json_is_object(error);
	if (out->has_error)
		problem_take(error, &out->error);
	if (take_url(arena, object, "url", &out->url, &ignored) < 0)
		out->url = NULL;
}

/* Names are compared in lower case; what stands before them says whether it is a wildcard. */
static int take_identifier(const struct json *root, struct authz_object *out, struct err *err)
{
	const struct json *identifier = json_get(root, "identifier");
	const char *type = keep(&out->arena, json_get_text(identifier, "type"));
	const char *value = json_get_text(identifier, "value");
	char *lower;

	if (!type || !value || strlen(value) > TEXT_MAX)
		return err_set(err, ERR_BAD_ANSWER, "the authorization is for no name");
	out->is_wildcard = json_get_bool(root, "wildcard", false);
	if (str_starts(value, "*.")) {
		out->is_wildcard = true;
		value += 2;
	}
	lower = arena_strdup(&out->arena, value);
	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	out->type = type;
	out->value = lower;
	return 0;
}

static int authz_take(const struct json *root, struct authz_object *out, struct err *err)
{
	const struct json *list = json_get(root, "challenges");
	size_t n = json_n(list);

	out->status = status_of(root);
	out->expires = json_get_instant(root, "expires");
	if (take_identifier(root, out, err) < 0)
		return -1;
	if (n > OBJECT_CHALLENGES_MAX)
		return err_set(err, ERR_BAD_ANSWER, "the authorization has %zu challenges", n);
	out->challenges = arena_zalloc(&out->arena, (n + 1) * sizeof(*out->challenges));
	for (; out->n_challenges < n; out->n_challenges++)
		take_challenge(json_at(list, out->n_challenges), &out->arena,
			&out->challenges[out->n_challenges]);
	return 0;
}

int authz_object_read(const char *data, size_t len, struct authz_object *out, struct err *err)
{
	struct json *root AUTO_JSON = read_object(data, len, "authorization", err);

	*out = (struct authz_object){ .arena = ARENA_INIT };
	if (root && authz_take(root, out, err) == 0)
		return 0;
	authz_object_done(out);
	return -1;
}

void authz_object_done(struct authz_object *authz)
{
	arena_done(&authz->arena);
	*authz = (struct authz_object){ .arena = ARENA_INIT };
}

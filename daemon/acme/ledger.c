/* SPDX-License-Identifier: MIT */
#include "daemon/acme/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/acme/ledger_private.h"
#include "daemon/conf/conf.h"
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "proto/line.h"

static const struct {
	const char *word, *help;
	unsigned burst;
	struct duration period;
} limits[] = {
#define LIMIT(id, word, burst, period, help) { word, help, burst, { period } },
#include "daemon/acme/limits.def"
#undef LIMIT
};

static const struct duration ceiling_window = { 86400 };

const char *limit_text(enum limit limit)
{
	return limit < LIMIT_COUNT ? limits[limit].word : "ceiling";
}

/*
 * States: sets, buckets and ceilings come into being with the first entry or reservation that
 * concerns them and stay until ledger_done(), which frees them; ledger_read() and ledger_note()
 * are the only changes.  A bucket is a moment at which it is full again, so nothing has to
 * happen while time passes.
 */
/* The failures in a row of a set of names. */
struct set {
	struct failure failure;
	char id[IDENTITY_LEN];
};

void ledger_init(struct ledger *ledger, bool has_limits)
{
	*ledger = (struct ledger){ .has_limits = has_limits };
}

static void drop_all(struct map *map)
{
	size_t at = 0;
	void *value;

	while ((value = map_next(map, &at)))
		free(value);
	map_done(map);
}

void ledger_done(struct ledger *ledger)
{
	drop_all(&ledger->sets);
	drop_all(&ledger->buckets);
	drop_all(&ledger->ceilings);
	*ledger = (struct ledger){ .has_limits = false };
}

static struct duration token_time(enum limit limit)
{
	return SECONDS(limits[limit].period.s / limits[limit].burst);
}

/* Never emptier than empty: the clock may have been set back, or the CA let more through. */
static struct instant full_at(const struct bucket *bucket, struct instant now)
{
	return instant_min(bucket->full, instant_add(now, limits[bucket->limit].period));
}

/* When the bucket would be full again if so many more tokens were taken now. */
static struct instant full_after(
	const struct bucket *bucket, unsigned n_more, struct instant now)
{
	struct instant full = full_at(bucket, now);

	if (n_more == 0)
		return full;
	return instant_add(
		instant_max(full, now), SECONDS(n_more * token_time(bucket->limit).s));
}

/*
 * Most reservations end as tokens taken, so the next token is the one after theirs.  A reserved
 * failure rarely comes true: the question is worth asking again soon.
 */
static struct instant opens_at(const struct bucket *bucket, struct instant now)
{
	struct duration all_but_one =
		SECONDS(limits[bucket->limit].period.s - token_time(bucket->limit).s);
	struct instant open = instant_sub(full_at(bucket, now), all_but_one);
	struct instant later =
		instant_sub(full_after(bucket, bucket->reserved, now), all_but_one);

	if (bucket->limit == LIMIT_INVALID && bucket->reserved > 0 &&
		instant_before(now, later))
		return instant_max(open, instant_add(now, LEDGER_RESERVED_WAIT));
	return later;
}

static unsigned used_of(const struct bucket *bucket, struct instant now)
{
	int64_t missing = instant_since(full_at(bucket, now), now).s;
	int64_t token = token_time(bucket->limit).s;

	return bucket->reserved +
	       (missing <= 0 ? 0 : (unsigned)((missing + token - 1) / token));
}

static const char *bucket_key(enum limit limit, const char *subject, struct buf *out)
{
	buf_clear(out);
	buf_printf(out, "%s %s", limit_text(limit), subject);
	return buf_text(out);
}

struct bucket *ledger_want_bucket(struct ledger *ledger, enum limit limit, const char *subject)
{
	struct buf key AUTO_BUF = BUF_INIT;
	struct bucket *bucket = map_get(&ledger->buckets, bucket_key(limit, subject, &key));

	if (bucket)
		return bucket;
	bucket = mem_zalloc(sizeof(*bucket) + key.len + 1);
	bucket->limit = limit;
	memcpy(bucket->key, key.data, key.len);
	map_set(&ledger->buckets, bucket->key, bucket);
	return bucket;
}

static void take_token(
	struct ledger *ledger, enum limit limit, const char *subject, struct instant at)
{
	struct bucket *bucket;

	if (!ledger->has_limits)
		return;
	bucket = ledger_want_bucket(ledger, limit, subject);
	bucket->full =
		instant_add(instant_max(full_at(bucket, at), at), token_time(bucket->limit));
	bucket->full = full_at(bucket, at);
}

static struct set *want_set(struct ledger *ledger, const char *id)
{
	struct set *set = map_get(&ledger->sets, id);

	if (set)
		return set;
	set = mem_new(struct set);
	memcpy(set->id, id, IDENTITY_LEN);
	map_set(&ledger->sets, set->id, set);
	return set;
}

struct ceiling *ledger_want_ceiling(struct ledger *ledger, const char *id, const char *type)
{
	struct buf key AUTO_BUF = BUF_INIT;
	struct ceiling *ceiling;

	buf_printf(&key, "%s %s", id, type ? type : "");
	ceiling = map_get(&ledger->ceilings, key.data);
	if (ceiling)
		return ceiling;
	ceiling = mem_zalloc(sizeof(*ceiling) + key.len + 1);
	memcpy(ceiling->key, key.data, key.len);
	map_set(&ledger->ceilings, ceiling->key, ceiling);
	return ceiling;
}

static void note_ceiling(struct ledger *ledger, const struct ledger_entry *entry)
{
	struct ceiling *ceiling = ledger_want_ceiling(ledger, entry->id, entry->key);

	memmove(&ceiling->issued[1], &ceiling->issued[0],
		sizeof(ceiling->issued) - sizeof(ceiling->issued[0]));
	ceiling->issued[0] = entry->at;
	ceiling->life = entry->life;
}

/* The five that count must lie within a day, or within as many sixteenths of a shorter life. */
static struct duration window_of(const struct ceiling *ceiling)
{
	if (ceiling->life.s <= 0)
		return ceiling_window;
	return duration_min(ceiling_window, SECONDS(LEDGER_CEILING * (ceiling->life.s / 16)));
}

static struct instant ceiling_opens(const struct ceiling *ceiling, struct instant now)
{
	struct instant oldest;

	if (ceiling->reserved >= LEDGER_CEILING)
		return instant_add(now, LEDGER_RESERVED_WAIT);
	oldest = ceiling->issued[LEDGER_CEILING - 1 - ceiling->reserved];
	if (!instant_is_set(oldest) || instant_before(now, oldest))
		return INSTANT_NONE;
	return instant_add(oldest, window_of(ceiling));
}

static unsigned ceiling_used(const struct ceiling *ceiling, struct instant now)
{
	unsigned n = 0;

	while (n < LEDGER_CEILING && instant_is_set(ceiling->issued[n]) &&
		instant_before(now, instant_add(ceiling->issued[n], window_of(ceiling))))
		n++;
	return n + ceiling->reserved;
}

static bool is_stale(struct instant last, struct instant now)
{
	return instant_since(now, last).s > LEDGER_MEMORY.s;
}

static void sweep_map(struct map *map, struct instant now,
	bool (*is_over)(const void *value, struct instant now),
	const char *(*key_of)(const void *value))
{
	struct map kept = { NULL, 0, 0 };
	size_t at = 0;
	void *value;

	while ((value = map_next(map, &at))) {
		if (is_over(value, now))
			free(value);
		else
			map_set(&kept, key_of(value), value);
	}
	map_done(map);
	*map = kept;
}

static bool set_is_over(const void *value, struct instant now)
{
	const struct set *set = value;

	return set->failure.code == ERR_NONE || is_stale(set->failure.last, now);
}

static const char *set_key(const void *value)
{
	return ((const struct set *)value)->id;
}

static bool bucket_is_over(const void *value, struct instant now)
{
	const struct bucket *bucket = value;

	return bucket->reserved == 0 && !instant_before(now, bucket->full);
}

static const char *bucket_key_of(const void *value)
{
	return ((const struct bucket *)value)->key;
}

static bool ceiling_is_over(const void *value, struct instant now)
{
	const struct ceiling *ceiling = value;

	return ceiling->reserved == 0 && is_stale(ceiling->issued[0], now);
}

static const char *ceiling_key(const void *value)
{
	return ((const struct ceiling *)value)->key;
}

static size_t count(const struct ledger *ledger)
{
	return ledger->sets.n + ledger->buckets.n + ledger->ceilings.n;
}

/* Forgets what no longer matters, whenever there is twice as much as after the last time. */
static void sweep(struct ledger *ledger, struct instant now)
{
	if (count(ledger) < 2 * ledger->n_kept + 64)
		return;
	sweep_map(&ledger->sets, now, set_is_over, set_key);
	sweep_map(&ledger->buckets, now, bucket_is_over, bucket_key_of);
	sweep_map(&ledger->ceilings, now, ceiling_is_over, ceiling_key);
	ledger->n_kept = count(ledger);
}

/* Each of the words between spaces takes a token. */
static void take_each(
	struct ledger *ledger, enum limit limit, const char *names, struct instant at)
{
	while (names && *names) {
		size_t len = strcspn(names, " ");
		char *name AUTO_FREE = mem_strndup(names, len);

		if (len)
			take_token(ledger, limit, name, at);
		names += len + (names[len] == ' ');
	}
}

static void note_failure(struct ledger *ledger, const struct ledger_entry *entry)
{
	struct failure *failure = &want_set(ledger, entry->id)->failure;

	bool is_other = failure->digest && entry->digest && failure->digest != entry->digest;

	if (failure->code == ERR_NONE || is_other)
		*failure = (struct failure){ .first = entry->at };
	failure->digest = entry->digest;
	failure->code = entry->code == ERR_NONE ? ERR_INTERNAL : entry->code;
	failure->last = entry->at;
	failure->tries++;
}

static void note_issued(struct ledger *ledger, const struct ledger_entry *entry)
{
	struct set *set = map_get(&ledger->sets, entry->id);

	if (entry->kind == LEDGER_NEW)
		take_each(ledger, LIMIT_DOMAIN, entry->names, entry->at);
	if (entry->kind != LEDGER_ARI)
		take_token(ledger, LIMIT_SET, entry->id, entry->at);
	note_ceiling(ledger, entry);
	if (set)
		set->failure = (struct failure){ .code = ERR_NONE };
}

void ledger_note(struct ledger *ledger, const struct ledger_entry *entry)
{
	bool has_order = entry->what == LEDGER_ORDER || entry->has_order;

	if (has_order && entry->kind == LEDGER_NEW)
		take_token(ledger, LIMIT_ORDERS, "", entry->at);
	if (entry->what == LEDGER_ISSUED)
		note_issued(ledger, entry);
	if (entry->what == LEDGER_FAILED) {
		note_failure(ledger, entry);
		take_each(ledger, LIMIT_INVALID, entry->names, entry->at);
	}
	sweep(ledger, entry->at);
}

void ledger_each_limit(const struct ledger *ledger, const struct ledger_ask *ask,
	void (*visit)(enum limit limit, const char *subject, void *data), void *data)
{
	struct buf buf AUTO_BUF = BUF_INIT;
	struct ledger_entry entry = { .what = LEDGER_ISSUED };
	const char *domains;

	ledger_entry_about(&entry, ask->cert, &buf);
	if (!ledger->has_limits)
		return;
	if (ask->kind == LEDGER_NEW)
		visit(LIMIT_ORDERS, "", data);
	domains = buf_text(&buf);
	while (ask->kind == LEDGER_NEW && *domains) {
		size_t len = strcspn(domains, " ");
		char *domain AUTO_FREE = mem_strndup(domains, len);

		visit(LIMIT_DOMAIN, domain, data);
		domains += len + (domains[len] == ' ');
	}
	if (ask->kind == LEDGER_ARI)
		return;
	visit(LIMIT_SET, entry.id, data);
	for (size_t i = 0; i < ask->cert->n_names; i++)
		visit(LIMIT_INVALID, ask->cert->names[i], data);
}

/* One limit or the ceiling, as it stands for an order. */
struct walk {
	struct ledger *ledger;
	struct instant now;
	void (*tell)(const struct ledger_use *use, void *data);
	void *data;
};

static void tell_bucket(enum limit limit, const char *subject, void *data)
{
	const struct walk *walk = data;
	struct ledger_use use = { limit, limit == LIMIT_SET ? "" : subject, 0,
		limits[limit].burst, INSTANT_NONE };
	struct buf key AUTO_BUF = BUF_INIT;
	const struct bucket *bucket =
		map_get(&walk->ledger->buckets, bucket_key(limit, subject, &key));

	if (bucket) {
		use.used = used_of(bucket, walk->now);
		use.opens = opens_at(bucket, walk->now);
	}
	walk->tell(&use, walk->data);
}

static void tell_ceiling(const struct walk *walk, const struct ledger_ask *ask)
{
	struct ledger_use use = { LIMIT_COUNT, "", 0, LEDGER_CEILING, INSTANT_NONE };
	struct buf key AUTO_BUF = BUF_INIT;
	const struct ceiling *ceiling;
	char id[IDENTITY_LEN];

	buf_printf(&key, "%s %s", identity_of(ask->cert->names, ask->cert->n_names, id),
		ask->cert->key ? ask->cert->key : "");
	ceiling = map_get(&walk->ledger->ceilings, key.data);
	if (ceiling) {
		use.used = ceiling_used(ceiling, walk->now);
		use.opens = ceiling_opens(ceiling, walk->now);
	}
	walk->tell(&use, walk->data);
}

void ledger_uses(struct ledger *ledger, const struct ledger_ask *ask, struct instant now,
	void (*tell)(const struct ledger_use *use, void *data), void *data)
{
	struct walk walk = { ledger, now, tell, data };

	ledger_each_limit(ledger, ask, tell_bucket, &walk);
	tell_ceiling(&walk, ask);
}

bool ledger_account_use(const struct ledger *ledger, struct instant now, struct ledger_use *out)
{
	const struct bucket *bucket = map_get(&ledger->buckets, "orders ");

	*out = (struct ledger_use){ LIMIT_ORDERS, "", 0, limits[LIMIT_ORDERS].burst,
		INSTANT_NONE };
	if (bucket) {
		out->used = used_of(bucket, now);
		out->opens = opens_at(bucket, now);
	}
	return ledger->has_limits;
}

/* The refusal that lasts longest. */
struct verdict {
	const struct ledger_ask *ask;
	struct instant now;
	struct instant until;
	struct err *err;
};

static void judge(const struct ledger_use *use, void *data)
{
	struct verdict *verdict = data;
	char period[DURATION_TEXT_LEN];

	if (!instant_before(verdict->now, use->opens) ||
		(use->limit == LIMIT_COUNT && verdict->ask->is_forced) ||
		!instant_before(verdict->until, use->opens))
		return;
	verdict->until = use->opens;
	if (use->limit == LIMIT_COUNT)
		err_set(verdict->err, ERR_RATE_LIMITED,
			"these names were issued %u times in short order, which looks like a "
			"loop",
			use->used);
	else
		err_set(verdict->err, ERR_RATE_LIMITED,
			"the CA's limit of %u %s%s%s in %s is used up", use->of,
			limits[use->limit].help, *use->subject ? " " : "", use->subject,
			duration_text(limits[use->limit].period, period));
	verdict->err->not_before = use->opens;
}

int ledger_check(struct ledger *ledger, const struct ledger_ask *ask, struct instant now,
	struct err *err)
{
	struct verdict verdict = { ask, now, INSTANT_NONE, err };
	struct ledger_use account;

	ledger_uses(ledger, ask, now, judge, &verdict);
	if (!instant_is_set(verdict.until))
		return 0;
	if (ask->wants_turn && ask->kind == LEDGER_NEW &&
		ledger_account_use(ledger, now, &account) &&
		instant_before(now, account.opens)) {
		ledger->booked = instant_max(
			account.opens, instant_add(ledger->booked, token_time(LIMIT_ORDERS)));
		err->not_before = instant_max(err->not_before, ledger->booked);
	}
	return -1;
}

struct failure ledger_failure(const struct ledger *ledger, const struct cert_conf *cert)
{
	char id[IDENTITY_LEN];
	const struct set *set =
		map_get(&ledger->sets, identity_of(cert->names, cert->n_names, id));

	return set ? set->failure : (struct failure){ .code = ERR_NONE };
}

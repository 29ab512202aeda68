/* SPDX-License-Identifier: MIT */
#include "daemon/cert/plan.h"

#include "tests/unit/cert_world.h"
#include "tests/test.h"

/* Instants of the table that are not a number of seconds from now. */
enum { NEVER = 1000000001, RESERVE };

/* What a row changes about a plain certificate of 100 s, made by a valid local CA. */
enum {
	SELF = 1,
	OFF = 2,           /* active: false */
	BY_HAND = 4,       /* auto: false */
	CHANGED = 8,       /* curr was made for another configuration */
	NEXT_CHANGED = 16, /* and so was next */
	CA_NONE = 32,
	CA_OVER = 64,
	CA_ROLLED = 128, /* 40 s ago */
	CA_ENDS = 256,   /* with curr */
	CLOSED = 512,    /* the window opens in an hour */
	REVOKED = 2048,
	DOOMED = 4096, /* curr is to be revoked */
	REPLACED =
		8192, /* another version is to be revoked, and was tried as often as `tries` says */
	OTHER_KEY = 16384, /* next has another key than curr */
	UNKNOWN = 1024,    /* adopted: neither digest nor issuer are known */
};

/* Ages in seconds, NONE: there is none.  min_age is 5. */
enum { NONE = -1 };

static const struct row {
	const char *name;
	int curr, next; /* ages; both live 100 s, so the renewal moment is 50 s old */
	int tries, ago; /* failures in a row, the last so long ago */
	unsigned flags;
	enum action action;
	enum why why;
	int at;
} rows[] = {
	{ "nothing at all", NONE, NONE, 0, 0, 0, ACTION_ISSUE, WHY_ABSENT, 0 },
	{ "nothing, self", NONE, NONE, 0, 0, SELF, ACTION_ISSUE, WHY_ABSENT, 0 },
	{ "nothing, first by itself", NONE, NONE, 0, 0, BY_HAND, ACTION_ISSUE, WHY_ABSENT, 0 },
	{ "nothing, not active", NONE, NONE, 0, 0, OFF, ACTION_SLEEP, WHY_INACTIVE, NEVER },
	{ "nothing, no CA", NONE, NONE, 0, 0, CA_NONE, ACTION_ISSUE, WHY_NO_ISSUER, NEVER },
	{ "nothing, CA ended", NONE, NONE, 0, 0, CA_OVER, ACTION_ISSUE, WHY_NO_ISSUER, NEVER },
	{ "nothing, failed", NONE, NONE, 1, 20, 0, ACTION_ISSUE, WHY_BACKOFF, 40 },
	{ "nothing, failed long ago", NONE, NONE, 1, 61, 0, ACTION_ISSUE, WHY_ABSENT, 0 },
	{ "nothing, failed thrice", NONE, NONE, 3, 0, 0, ACTION_ISSUE, WHY_BACKOFF, 3600 },
	{ "nothing, failed often", NONE, NONE, 99, 0, 0, ACTION_ISSUE, WHY_BACKOFF, 86400 },
	{ "failed in the future", NONE, NONE, 1, -500, 0, ACTION_ISSUE, WHY_ABSENT, 0 },
	{ "first next", NONE, 0, 0, 0, CLOSED, ACTION_ROLL, WHY_FIRST, 0 },
	{ "first next, not active", NONE, 0, 0, 0, OFF, ACTION_SLEEP, WHY_INACTIVE, NEVER },
	{ "first next, failed", NONE, 20, 1, 0, 0, ACTION_ROLL, WHY_BACKOFF, 20 },
	{ "first next, ended", NONE, 100, 0, 0, 0, ACTION_ISSUE, WHY_NEXT_EXPIRED, 0 },
	{ "first next, changed", NONE, 1, 0, 0, NEXT_CHANGED, ACTION_ISSUE, WHY_CONFIG_CHANGED,
		0 },
	{ "young", 0, NONE, 0, 0, 0, ACTION_SLEEP, WHY_WINDOW, 50 },
	{ "young, self", 49, NONE, 0, 0, SELF, ACTION_SLEEP, WHY_WINDOW, 1 },
	{ "due", 50, NONE, 0, 0, 0, ACTION_ISSUE, WHY_RENEWAL, 0 },
	{ "overdue", 60, NONE, 0, 0, 0, ACTION_ISSUE, WHY_RENEWAL, -10 },
	{ "young, by hand", 0, NONE, 0, 0, BY_HAND, ACTION_SLEEP, WHY_MANUAL, NEVER },
	{ "due, by hand", 60, NONE, 0, 0, BY_HAND, ACTION_SLEEP, WHY_MANUAL, NEVER },
	{ "ended, by hand", 100, NONE, 0, 0, BY_HAND, ACTION_SLEEP, WHY_MANUAL, NEVER },
	{ "due, no CA", 60, NONE, 0, 0, CA_NONE, ACTION_ISSUE, WHY_NO_ISSUER, NEVER },
	{ "due, failed", 60, NONE, 1, 0, 0, ACTION_ISSUE, WHY_BACKOFF, 10 },
	{ "due, failed near the end", 96, NONE, 6, 0, 0, ACTION_ISSUE, WHY_BACKOFF, 1 },
	{ "young, failed", 10, NONE, 1, 0, 0, ACTION_SLEEP, WHY_WINDOW, 40 },
	{ "ended", 100, NONE, 0, 0, 0, ACTION_ISSUE, WHY_EXPIRED, 0 },
	{ "ended long ago, failed", 200, NONE, 6, 5, 0, ACTION_ISSUE, WHY_BACKOFF, 20 },
	{ "revoked", 1, NONE, 0, 0, REVOKED, ACTION_ISSUE, WHY_REVOKED, 0 },
	{ "revoked and ended", 100, NONE, 0, 0, REVOKED, ACTION_ISSUE, WHY_REVOKED, 0 },
	{ "doomed", 1, NONE, 0, 0, DOOMED, ACTION_ISSUE, WHY_DOOMED, 0 },
	{ "doomed, by hand", 1, NONE, 0, 0, DOOMED | BY_HAND, ACTION_ISSUE, WHY_DOOMED, 0 },
	{ "doomed, failed", 1, NONE, 1, 0, DOOMED, ACTION_ISSUE, WHY_BACKOFF, 24 },
	{ "doomed, not active", 1, NONE, 0, 0, DOOMED | OFF, ACTION_SLEEP, WHY_INACTIVE,
		NEVER },
	{ "doomed, next on its key", 9, 1, 0, 0, DOOMED, ACTION_ISSUE, WHY_DOOMED, 0 },
	{ "doomed, next waits for nothing", 9, 1, 0, 0, DOOMED | OTHER_KEY | CLOSED,
		ACTION_ROLL, WHY_DOOMED, 0 },
	{ "replaced", 1, NONE, 0, 0, REPLACED, ACTION_REVOKE, WHY_DOOMED, 0 },
	{ "replaced, and due", 60, NONE, 0, 0, REPLACED, ACTION_REVOKE, WHY_DOOMED, 0 },
	{ "replaced, failed", 1, NONE, 1, 0, REPLACED, ACTION_REVOKE, WHY_BACKOFF, 24 },
	{ "replaced, failed, and due", 60, NONE, 1, 0, REPLACED, ACTION_ISSUE, WHY_RENEWAL,
		-10 },
	{ "replaced, not active", 1, NONE, 0, 0, REPLACED | OFF, ACTION_SLEEP, WHY_INACTIVE,
		NEVER },
	{ "revoked, by hand", 1, NONE, 0, 0, REVOKED | BY_HAND, ACTION_SLEEP, WHY_MANUAL,
		NEVER },
	{ "revoked, failed", 1, NONE, 1, 0, REVOKED, ACTION_ISSUE, WHY_BACKOFF, 24 },
	{ "revoked, next waits for nothing", 10, 0, 0, 0, REVOKED | CLOSED, ACTION_ROLL,
		WHY_REVOKED, 0 },
	{ "changed", 1, NONE, 0, 0, CHANGED, ACTION_ISSUE, WHY_CONFIG_CHANGED, 0 },
	{ "changed, by hand", 1, NONE, 0, 0, CHANGED | BY_HAND, ACTION_SLEEP, WHY_MANUAL,
		NEVER },
	{ "changed, failed", 1, NONE, 1, 0, CHANGED, ACTION_ISSUE, WHY_BACKOFF, 24 },
	{ "adopted", 1, NONE, 0, 0, CHANGED | UNKNOWN | CA_ROLLED, ACTION_SLEEP, WHY_WINDOW,
		49 },
	{ "CA ends with it", 1, NONE, 0, 0, CA_ENDS, ACTION_SLEEP, WHY_ISSUER_ENDS, NEVER },
	{ "CA ends, due", 70, NONE, 0, 0, CA_ENDS, ACTION_SLEEP, WHY_ISSUER_ENDS, NEVER },
	{ "CA rolled", 45, NONE, 0, 0, CA_ROLLED, ACTION_ISSUE, WHY_ISSUER_ROLLED, -37 },
	{ "CA rolled, by hand", 45, NONE, 0, 0, CA_ROLLED | BY_HAND, ACTION_SLEEP, WHY_MANUAL,
		NEVER },
	{ "CA rolled, waits already", 45, 10, 0, 0, CA_ROLLED, ACTION_ROLL, WHY_READY, 0 },
	{ "next too young", 60, 2, 0, 0, 0, ACTION_ROLL, WHY_MIN_AGE, 3 },
	{ "next ready", 60, 5, 0, 0, 0, ACTION_ROLL, WHY_READY, 0 },
	{ "next ready, by hand", 60, 5, 0, 0, BY_HAND, ACTION_ROLL, WHY_READY, 0 },
	{ "next ready, failed", 60, 5, 1, 0, 0, ACTION_ROLL, WHY_BACKOFF, 10 },
	{ "window closed, yields", 60, 6, 0, 0, CLOSED, ACTION_ROLL, WHY_LATE, RESERVE },
	{ "too young, late", 80, 2, 0, 0, 0, ACTION_ROLL, WHY_LATE, 0 },
	{ "too young, curr ended", 100, 0, 0, 0, CLOSED, ACTION_ROLL, WHY_LATE, 0 },
	{ "next changed", 60, 6, 0, 0, NEXT_CHANGED, ACTION_ISSUE, WHY_CONFIG_CHANGED, 0 },
	{ "next changed, by hand", 60, 6, 0, 0, NEXT_CHANGED | BY_HAND, ACTION_SLEEP,
		WHY_MANUAL, NEVER },
	{ "next ended", 40, 100, 0, 0, 0, ACTION_SLEEP, WHY_WINDOW, 10 },
	{ "curr changed, next right", 10, 6, 0, 0, CHANGED, ACTION_ROLL, WHY_READY, 0 },
};

static struct version_facts aged(
	const struct world *w, int age, bool is_changed, unsigned flags)
{
	struct version_facts v;

	if (age == NONE)
		return (struct version_facts){ .generation = 0 };
	v = world_version(w, T0 - age, 100);
	v.digest = flags & UNKNOWN ? 0 : w->certs[LEAF].digest + is_changed;
	memset(v.issuer_spki, flags & UNKNOWN ? 0 : 9, 32);
	return v;
}

static struct issuer row_issuer(unsigned flags, const struct version_facts *curr)
{
	struct issuer issuer = { .is_local = !(flags & SELF),
		.ca = flags & SELF ? CA_SELF : 0 };

	if (flags & (SELF | CA_NONE))
		return issuer;
	issuer.is_set = true;
	issuer.not_after.s = flags & CA_OVER ? T0 : T0 + 100000;
	if (flags & CA_ENDS)
		issuer.not_after.s = curr->not_after.s + 1;
	issuer.rolled.s = T0 - (flags & CA_ROLLED ? 40 : 50000);
	memset(issuer.spki, flags & CA_ROLLED ? 8 : 9, 32);
	return issuer;
}

static struct plan row_plan(const struct row *row, struct cert_facts *facts)
{
	struct world w;
	struct issuer issuer;

	world_init(&w);
	w.certs[LEAF].is_active = !(row->flags & OFF);
	w.certs[LEAF].is_auto = !(row->flags & BY_HAND);
	w.certs[LEAF].n_targets = 0;
	w.roll.min_age = SECONDS(5);
	w.window = (struct window){ 127, 11 * 60 + 15, 12 * 60 };
	w.roll.n_windows = row->flags & CLOSED ? 1 : 0;
	*facts = (struct cert_facts){ .cert = "g/leaf" };
	facts->curr = aged(&w, row->curr, row->flags & CHANGED, row->flags);
	facts->next = aged(&w, row->next, row->flags & NEXT_CHANGED, row->flags);
	if (row->flags & REVOKED)
		facts->curr.revoked.s = T0 - 1;
	if (row->flags & DOOMED)
		facts->revocation.of = facts->curr.id;
	if (row->flags & OTHER_KEY)
		facts->next.spki[0] ^= 1;
	if (row->flags & REPLACED)
		facts->revocation.of.made.s = T0 - 1000;
	if (row->tries)
		*(row->flags & REPLACED ? &facts->revocation.failure : &facts->failure) =
			(struct failure){ ERR_IO, (uint32_t)row->tries, { T0 - row->ago },
				{ T0 - row->ago }, INSTANT_NONE, NULL };
	issuer = row_issuer(row->flags, &facts->curr);
	return cert_plan(&w.certs[LEAF], &w.conf, facts, &issuer, (struct instant){ T0 }, NULL);
}

TEST(ladder)
{
	setenv("TZ", "UTC0", 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct cert_facts facts;
		struct plan plan = row_plan(row, &facts);
		int64_t at = row->at == NEVER     ? INSTANT_NEVER.s
			     : row->at == RESERVE ? plan.reserve.s
						  : T0 + row->at;

		if (plan.action != row->action || plan.why != row->why || plan.at.s != at)
			TEST_FAIL("%s: %s %s at now%+" PRId64, row->name,
				action_text(plan.action), why_text(plan.why), plan.at.s - T0);
		CHECK(instant_is_set(plan.renewal) == (row->curr != NONE));
		CHECK(instant_is_set(plan.reserve) == (row->curr != NONE));
	}
}

TEST(health)
{
	static const struct {
		const char *row;
		bool is_working;
		enum health want;
	} table[] = { { "young", false, HEALTH_OK }, { "due", false, HEALTH_DUE },
		{ "due", true, HEALTH_WORKING }, { "next too young", false, HEALTH_WAITING },
		{ "nothing at all", false, HEALTH_ABSENT },
		{ "nothing at all", true, HEALTH_WORKING },
		{ "due, failed", false, HEALTH_FAILING },
		{ "due, failed", true, HEALTH_FAILING }, { "ended", true, HEALTH_EXPIRED },
		{ "due, no CA", false, HEALTH_WAITING },
		{ "CA ends with it", false, HEALTH_OK },
		{ "CA ends, due", false, HEALTH_WAITING },
		{ "young, by hand", false, HEALTH_OK },
		{ "due, by hand", false, HEALTH_WAITING },
		{ "nothing, failed", false, HEALTH_FAILING } };
	struct cert_conf without_targets = { .n_targets = 0 };
	struct conf conf = { .n_certs = 0 };

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
			struct cert_facts facts;
			struct plan plan;
			enum health got;

			if (strcmp(rows[k].name, table[i].row) != 0)
				continue;
			plan = row_plan(&rows[k], &facts);
			got = cert_health(&without_targets, &conf, &facts, &plan,
				table[i].is_working, (struct instant){ T0 });
			if (got != table[i].want)
				TEST_FAIL("%s: %s", table[i].row, health_text(got));
		}
	}
}

/* The CA's window instead of the curve; both are asked of a version of 1000 s, renewed at 500. */
TEST(renewal_information)
{
	enum { OTHER = 1, IGNORED = 2, NO_WINDOW = 4 };
	static const struct {
		int age, moment; /* of curr; the moment after the issue */
		unsigned flags;
		enum action action;
		enum why why;
		int at; /* after the issue */
	} table[] = {
		{ 100, 200, 0, ACTION_SLEEP, WHY_ARI_WINDOW, 200 },
		{ 200, 200, 0, ACTION_ISSUE, WHY_ARI, 200 },
		{ 100, 800, 0, ACTION_SLEEP, WHY_ARI_WINDOW, 800 },
		{ 600, 800, 0, ACTION_SLEEP, WHY_ARI_WINDOW, 800 },
		/* Whatever it says, a twentieth is left. */
		{ 100, 950, 0, ACTION_SLEEP, WHY_ARI_WINDOW, 950 },
		{ 100, 951, 0, ACTION_SLEEP, WHY_WINDOW, 950 },
		{ 951, 90000, 0, ACTION_ISSUE, WHY_RENEWAL, 950 },
		/* In the past: now, but not within the first sixteenth. */
		{ 100, -5000, 0, ACTION_ISSUE, WHY_ARI, 62 },
		{ 10, -5000, 0, ACTION_SLEEP, WHY_ARI_WINDOW, 62 },
		/* Said of another version, not to be followed, or nothing at all: the curve. */
		{ 100, 200, OTHER, ACTION_SLEEP, WHY_WINDOW, 500 },
		{ 100, 200, IGNORED, ACTION_SLEEP, WHY_WINDOW, 500 },
		{ 100, 200, NO_WINDOW, ACTION_SLEEP, WHY_WINDOW, 500 },
	};
	struct issuer issuer = row_issuer(SELF, NULL);

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct world w;
		struct cert_facts facts = { .cert = "g/leaf" };
		struct plan plan;
		int64_t made = T0 - table[i].age;

		world_init(&w);
		w.certs[LEAF].n_targets = 0;
		w.renew.n_curve = 0;
		w.renew.ari = !(table[i].flags & IGNORED);
		facts.curr = world_version(&w, made, 1000);
		facts.curr.not_before.s = made;
		facts.ari.of = facts.curr.id;
		facts.ari.of.suffix += table[i].flags & OTHER ? 1 : 0;
		facts.ari.moment.s = table[i].flags & NO_WINDOW ? 0 : made + table[i].moment;
		plan = cert_plan(
			&w.certs[LEAF], &w.conf, &facts, &issuer, (struct instant){ T0 }, NULL);
		if (plan.why == WHY_WINDOW && table[i].at == 500)
			CHECK(plan.at.s >= made + 500 && plan.at.s < made + 505);
		else if (plan.at.s != made + table[i].at)
			TEST_FAIL("row %zu: at %" PRId64, i, plan.at.s - made);
		if (plan.action != table[i].action || plan.why != table[i].why)
			TEST_FAIL("row %zu: %s %s", i, action_text(plan.action),
				why_text(plan.why));
		CHECK_INT(plan.renewal.s, plan.at.s);
		CHECK(plan.reserve.s > plan.renewal.s);
		CHECK(plan.reserve.s < facts.curr.not_after.s);
	}
}

/* Targets: in order, each with its own back-off, never in the way of a renewal that is urgent. */
TEST(targets)
{
	struct world w;
	struct target_facts targets[2] = { { .name = "web" }, { .name = "mail" } };
	struct cert_facts facts = { .cert = "g/leaf", .targets = targets, .n_targets = 2 };
	struct issuer issuer = row_issuer(0, NULL);
	struct instant now = { T0 };
	struct plan plan;

	world_init(&w);
	facts.curr = aged(&w, 10, false, 0);
	facts.curr.rolled.s = T0 - 8;
	plan = cert_plan(&w.certs[LEAF], &w.conf, &facts, &issuer, now, NULL);
	CHECK_INT(plan.action, ACTION_DEPLOY);
	CHECK_STR(plan.target, "web");

	/* What failed with the version before is tried at once. */
	targets[0].failure =
		(struct failure){ ERR_IO, 5, { T0 - 20 }, { T0 - 20 }, { 0 }, NULL };
	plan = cert_plan(&w.certs[LEAF], &w.conf, &facts, &issuer, now, NULL);
	CHECK_INT(plan.why, WHY_NOT_DEPLOYED);

	/* mail comes after web, so nothing can be done before web is tried again. */
	targets[0].failure.last.s = T0;
	plan = cert_plan(&w.certs[LEAF], &w.conf, &facts, &issuer, now, NULL);
	CHECK_INT(plan.action, ACTION_DEPLOY);
	CHECK_INT(plan.why, WHY_BACKOFF);
	CHECK_STR(plan.target, "web");
	CHECK_INT(plan.at.s, T0 + 22);
	CHECK_INT(cert_health(&w.certs[LEAF], &w.conf, &facts, &plan, false, now),
		HEALTH_FAILING);
	/* Another target that the configuration does not name any more fails nobody. */
	targets[0].name = "gone";
	CHECK_INT(cert_health(&w.certs[LEAF], &w.conf, &facts, &plan, false, now),
		HEALTH_WAITING);
	targets[0].name = "web";

	targets[0].failure = (struct failure){ .code = ERR_NONE };
	targets[0].confirmed = facts.curr.id;
	plan = cert_plan(&w.certs[LEAF], &w.conf, &facts, &issuer, now, NULL);
	CHECK_STR(plan.target, "mail");
	CHECK_INT(plan.at.s, T0);

	/* Due for renewal as well: the target first, but not near the end. */
	facts.curr = aged(&w, 60, false, 0);
	targets[0].confirmed = facts.curr.id;
	plan = cert_plan(&w.certs[LEAF], &w.conf, &facts, &issuer, now, NULL);
	CHECK_INT(plan.action, ACTION_DEPLOY);
	facts.curr = aged(&w, 80, false, 0);
	plan = cert_plan(&w.certs[LEAF], &w.conf, &facts, &issuer, now, NULL);
	CHECK_INT(plan.action, ACTION_ISSUE);
	facts.next = aged(&w, 6, false, 0);
	plan = cert_plan(&w.certs[LEAF], &w.conf, &facts, &issuer, now, NULL);
	CHECK_INT(plan.action, ACTION_ROLL);

	facts.curr = aged(&w, 10, false, 0);
	facts.next = aged(&w, NONE, false, 0);
	targets[0].confirmed = targets[1].confirmed = facts.curr.id;
	plan = cert_plan(&w.certs[LEAF], &w.conf, &facts, &issuer, now, NULL);
	CHECK_INT(plan.action, ACTION_SLEEP);
}

/* What an operator cancelled is held; what is to come later anyway, or never, says why itself. */
TEST(held)
{
	static const struct {
		int age;
		int64_t held;
		enum action action;
		enum why why;
		int64_t at;
	} looks[] = {
		{ 60, 60, ACTION_ISSUE, WHY_HELD, 60 },
		{ 60, 1, ACTION_ISSUE, WHY_HELD, 1 },
		{ 60, 0, ACTION_ISSUE, WHY_RENEWAL, -10 },
		{ 60, -5, ACTION_ISSUE, WHY_RENEWAL, -10 },
		/* The clock was set back. */
		{ 60, 61, ACTION_ISSUE, WHY_RENEWAL, -10 },
		{ 10, 60, ACTION_SLEEP, WHY_WINDOW, 40 },
	};
	struct issuer issuer = row_issuer(0, NULL);
	struct instant now = { T0 };
	struct world w;

	world_init(&w);
	w.certs[LEAF].n_targets = 0;
	for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
		struct cert_facts facts = { .cert = "g/leaf", .held = { T0 + looks[i].held } };
		struct plan plan;

		facts.curr = aged(&w, looks[i].age, false, 0);
		plan = cert_plan(&w.certs[LEAF], &w.conf, &facts, &issuer, now, NULL);
		CHECK_INT(plan.action, looks[i].action);
		CHECK_STR(why_text(plan.why), why_text(looks[i].why));
		CHECK_INT(plan.at.s, T0 + looks[i].at);
	}
}

/* What is due waits for the account, whatever its own failures; what is not due is not held up. */
TEST(an_account_that_is_refused)
{
	static const struct {
		int age, tries;
		enum action action;
		enum why why;
		int64_t at;
		enum health health;
	} looks[] = {
		{ 60, 0, ACTION_ISSUE, WHY_ACCOUNT, 0, HEALTH_FAILING },
		{ 60, 5, ACTION_ISSUE, WHY_ACCOUNT, 0, HEALTH_FAILING },
		{ 10, 0, ACTION_SLEEP, WHY_WINDOW, 40, HEALTH_OK },
	};
	struct issuer issuer = row_issuer(0, NULL);
	struct failure refusal = { .code = ERR_ACCOUNT_REFUSED, .tries = 1 };
	struct instant now = { T0 };
	struct world w;

	world_init(&w);
	w.certs[LEAF].n_targets = 0;
	issuer.refusal = &refusal;
	for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
		struct cert_facts facts = { .cert = "g/leaf" };
		struct plan plan;

		facts.curr = aged(&w, looks[i].age, false, 0);
		if (looks[i].tries)
			facts.failure = (struct failure){ .code = ERR_IO,
				.tries = (uint32_t)looks[i].tries,
				.first = now,
				.last = now };
		plan = cert_plan(&w.certs[LEAF], &w.conf, &facts, &issuer, now, NULL);
		CHECK_INT(plan.action, looks[i].action);
		CHECK_STR(why_text(plan.why), why_text(looks[i].why));
		CHECK_INT(plan.at.s, looks[i].at ? T0 + looks[i].at : INSTANT_NEVER.s);
		CHECK_INT(cert_health(&w.certs[LEAF], &w.conf, &facts, &plan, false, now),
			looks[i].health);
	}
}

/* Leaves of a rolled CA come spread over an hour, each at its own moment, the same each time. */
TEST(after_a_roll_of_the_ca)
{
	struct world w;
	struct issuer issuer = row_issuer(CA_ROLLED, NULL);
	int64_t least = INT64_MAX, most = 0;

	world_init(&w);
	issuer.rolled.s = T0;
	issuer.not_after.s = T0 + DAYS(900).s;
	for (int i = 0; i < 500; i++) {
		char name[32];
		struct cert_facts facts = { .cert = name };
		struct plan plan;

		snprintf(name, sizeof(name), "g/leaf-%d", i);
		w.certs[LEAF].name = name;
		w.certs[LEAF].n_targets = 0;
		facts.curr = world_version(&w, T0 - 100, DAYS(30).s);
		memset(facts.curr.issuer_spki, 9, 32);
		plan = cert_plan(
			&w.certs[LEAF], &w.conf, &facts, &issuer, (struct instant){ T0 }, NULL);
		CHECK_INT(plan.action, ACTION_ISSUE);
		CHECK_INT(plan.why, WHY_ISSUER_ROLLED);
		least = plan.at.s < least ? plan.at.s : least;
		most = plan.at.s > most ? plan.at.s : most;
	}
	CHECK(least >= T0 && least < T0 + 60);
	CHECK(most > T0 + 3540 && most < T0 + 3600);
}

/* SPDX-License-Identifier: MIT */
#include "daemon/cert/explain.h"

#include "lib/base/buf.h"
#include "tests/unit/cert_world.h"
#include "tests/test.h"

/*
 * Versions that begin in the future, because the clock was set back or a CA's clock is ahead: clients refuse
 * them, so they are no better than versions that have ended.
 */

enum { NONE = 0, NEVER = 1000000001 };

/* What a row changes about a leaf below a valid intermediate below a valid root, all made an hour ago. */
enum {
	BY_HAND = 1,
	OFF = 2,
	BY_BOTH = 4,     /* its CAs are the intermediate and, behind it, the root */
	FAILED = 8,      /* the last try, now */
	NO_TARGETS = 16, /* else two, and both have the current version */
	BEHIND = 32,     /* they have none */
	SHUT = 64,       /* the roll window opens in an hour */
};

/* Beginnings in seconds from now; a next was stored `ahead` seconds from now. */
static const struct row {
	const char *name;
	int root, sub, curr, next, ahead;
	unsigned flags;
	enum action action;
	enum why why;
	int at;
	enum health health;
	const char *says; /* by `why` */
} rows[] = {
	{ "all have begun", -9, -9, -9, NONE, 0, 0, ACTION_SLEEP, WHY_WINDOW, 503, HEALTH_OK,
		"Target web has the current version." },
	{ "begins now", 0, 0, 0, NONE, 0, 0, ACTION_SLEEP, WHY_WINDOW, 503, HEALTH_OK,
		"Nothing is to be done before" },
	{ "current", -9, -9, 9, NONE, 0, 0, ACTION_ISSUE, WHY_NOT_YET_VALID, 0, HEALTH_FAILING,
		"Target mail has the current version, and clients refuse it." },
	{ "current, of a target only", -9, -9, 9, NONE, 0, NO_TARGETS, ACTION_ISSUE,
		WHY_NOT_YET_VALID, 0, HEALTH_FAILING,
		"Every client refuses the current version before 2026-11-21T10:15:09Z (in "
		"9s)" },
	{ "current, not deployed", -9, -9, 9, NONE, 0, BEHIND, ACTION_ISSUE, WHY_NOT_YET_VALID,
		0, HEALTH_FAILING, "Due now is to issue a new version" },
	{ "current, by hand", -9, -9, 9, NONE, 0, BY_HAND, ACTION_SLEEP, WHY_MANUAL, NEVER,
		HEALTH_FAILING, "by an operator where the plan may not" },
	{ "current, by hand, not deployed", -9, -9, 9, NONE, 0, BY_HAND | BEHIND, ACTION_DEPLOY,
		WHY_NOT_YET_VALID, 9, HEALTH_FAILING, "deploy to web at" },
	{ "current, not active", -9, -9, 9, NONE, 0, OFF, ACTION_SLEEP, WHY_INACTIVE, NEVER,
		HEALTH_FAILING, "It is not valid before" },
	{ "current, failed", -9, -9, 9, NONE, 0, FAILED, ACTION_ISSUE, WHY_BACKOFF, 60,
		HEALTH_FAILING, "Every client refuses" },
	{ "issuer", -9, 9, 9, NONE, 0, 0, ACTION_ISSUE, WHY_NO_ISSUER, 9, HEALTH_FAILING,
		"The CA issuing cannot sign before 2026-11-21T10:15:09Z (in 9s), when the "
		"version "
		"of ca/int begins." },
	{ "issuer alone", -9, 9, -9, NONE, 0, 0, ACTION_ISSUE, WHY_NO_ISSUER, 9, HEALTH_FAILING,
		"before 2026-11-21T10:15:09Z (in 9s): the version of ca/int" },
	{ "issuer alone, and another CA", -9, 9, -9, NONE, 0, BY_BOTH, ACTION_ISSUE,
		WHY_ISSUER_NOT_YET_VALID, 0, HEALTH_FAILING,
		"The CA root signs with ca/root, which ends at" },
	{ "issuer of the issuer", 9, -9, -9, NONE, 0, 0, ACTION_ISSUE, WHY_NO_ISSUER, 9,
		HEALTH_FAILING, "when the version of ca/root begins" },
	{ "next is right", -9, -9, 9, -5, -1, SHUT, ACTION_ROLL, WHY_NOT_YET_VALID, 0,
		HEALTH_FAILING, "Due now is to make the next version" },
	{ "next begins soon, too", -9, -9, 9, 5, -1, 0, ACTION_ROLL, WHY_MIN_AGE, 5,
		HEALTH_FAILING, "The next version is" },
	{ "both are from before the clock was set back", -9, -9, 9, 900, 1000, 0, ACTION_ISSUE,
		WHY_NOT_YET_VALID, 0, HEALTH_FAILING, "Due now is to issue" },
	{ "next alone is, and comes in time", -9, -9, -9, 300, 400, 0, ACTION_ROLL, WHY_MIN_AGE,
		400, HEALTH_WAITING, "It is not valid before" },
	{ "next alone is, and comes too late", -9, -9, -9, 980, 1000, 0, ACTION_SLEEP,
		WHY_WINDOW, 503, HEALTH_OK, "It is not valid before" },
};

struct fixture {
	struct world w;
	struct cert_facts of[N_CERTS];
	struct target_facts targets[2];
	uint32_t int_and_root[2];
	char text[16], web[8], mail[8];
};

static const struct cert_facts *facts_of(uint32_t place, void *data)
{
	return &((struct fixture *)data)->of[place];
}

static struct version_facts made(int begin, uint8_t key, uint8_t signer, int life)
{
	struct version_facts v = { .id = { { T0 - 60 }, key },
		.created = { T0 },
		.not_before = { T0 + begin },
		.not_after = { T0 + life },
		.rolled = { T0 - 60 },
		.generation = key };

	memset(v.spki, key, sizeof(v.spki));
	memset(v.issuer_spki, signer, sizeof(v.issuer_spki));
	return v;
}

static void begin(struct fixture *f, const struct row *row)
{
	struct cert_facts *leaf = &f->of[LEAF];
	struct cert_conf *conf = &f->w.certs[LEAF];

	*f = (struct fixture){ .int_and_root = { CA_INT, CA_ROOT },
		.text = "it broke",
		.web = "web",
		.mail = "mail" };
	world_init(&f->w);
	f->w.window = (struct window){ 127, 11 * 60 + 15, 12 * 60 };
	f->w.roll.n_windows = row->flags & SHUT ? 1 : 0;
	f->of[ROOT].curr = made(row->root, 1, 1, 100000);
	f->of[INT].curr = made(row->sub, 2, 1, 50000);
	leaf->curr = made(row->curr, 3, 2, 1000);
	if (row->next) {
		leaf->next = made(row->next, 4, 2, 3000);
		leaf->next.created.s = T0 + row->ahead;
	}
	if (row->flags & BY_BOTH) {
		conf->cas = f->int_and_root;
		conf->n_cas = 2;
	}
	conf->is_active = !(row->flags & OFF);
	conf->is_auto = !(row->flags & BY_HAND);
	if (row->flags & FAILED)
		leaf->failure = (struct failure){ ERR_IO, 1, { T0 }, { T0 }, { 0 }, f->text };
	if (row->flags & NO_TARGETS)
		conf->n_targets = 0;
	f->targets[0] = (struct target_facts){ .name = f->web };
	f->targets[1] = (struct target_facts){ .name = f->mail };
	if (!(row->flags & BEHIND))
		f->targets[0].confirmed = f->targets[1].confirmed = leaf->curr.id;
	leaf->targets = f->targets;
	leaf->n_targets = 2;
}

static void collect(const char *sentence, void *data)
{
	buf_printf(data, "%s\n", sentence);
}

TEST(a_version_that_begins_in_the_future_is_no_current_one)
{
	struct instant now = { T0 };

	setenv("TZ", "UTC0", 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		int64_t at = row->at == NEVER ? INSTANT_NEVER.s : T0 + row->at;
		AUTO_BUF struct buf text = BUF_INIT;
		const struct cert_conf *conf;
		struct issuer issuer;
		enum health health;
		struct fixture f;
		struct plan plan;

		begin(&f, row);
		conf = &f.w.certs[LEAF];
		issuer = cert_issuer(conf, &f.w.conf, facts_of, &f, now);
		plan = cert_plan(conf, &f.w.conf, &f.of[LEAF], &issuer, now, NULL);
		health = cert_health(conf, &f.w.conf, &f.of[LEAF], &plan, false, now);
		if (plan.action != row->action || plan.why != row->why || plan.at.s != at)
			TEST_FAIL("%s: %s %s at now%+jd", row->name, action_text(plan.action),
				why_text(plan.why), (intmax_t)(plan.at.s - T0));
		if (health != row->health)
			TEST_FAIL("%s: %s", row->name, health_text(health));
		cert_explain(conf, &f.w.conf, &f.of[LEAF], &issuer, now, NULL, collect, &text);
		if (!strstr(buf_text(&text), row->says))
			TEST_FAIL(
				"%s: no \"%s\" in\n%s", row->name, row->says, buf_text(&text));
		/* Such a version is never told as one that is well. */
		if (plan.refusal != WHY_NONE &&
			(strstr(buf_text(&text), "othing is to be done") ||
				health == HEALTH_OK))
			TEST_FAIL("%s: %s", row->name, buf_text(&text));
	}
}

/* Chains in a store that no configuration made any more must not be climbed for ever. */
TEST(a_circle_of_issuers_ends)
{
	struct row row = { "", -9, -9, -9, NONE, 0, 0, ACTION_SLEEP, WHY_NONE, 0, HEALTH_OK,
		"" };
	struct issuer issuer;
	struct fixture f;

	begin(&f, &row);
	f.w.certs[ROOT].cas = f.w.by_int;
	f.of[ROOT].curr = made(-9, 1, 2, 1000);
	issuer = cert_issuer(&f.w.certs[LEAF], &f.w.conf, facts_of, &f, (struct instant){ T0 });
	CHECK(issuer_is_valid(&issuer, (struct instant){ T0 }));
}

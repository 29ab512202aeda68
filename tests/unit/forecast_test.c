/* SPDX-License-Identifier: MIT */
#include "daemon/cert/forecast.h"

#include "daemon/cert/clock_judge.h"
#include "daemon/cert/window.h"
#include "lib/base/str.h"
#include "tests/unit/cert_world.h"
#include "tests/test.h"

#define EVENTS_MAX 4000

struct story {
	struct forecast_event events[EVENTS_MAX];
	size_t n;
};

static uint64_t seed = 11;

static int64_t random_below(int64_t bound)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int64_t)((seed >> 20) % (uint64_t)bound);
}

/*
 * The naive oracle: facts of every certificate, effects written once more and plainly, the next
 * step found by asking everyone each time.
 */
struct stepper {
	struct world *w;
	struct cert_facts facts[N_CERTS];
	struct target_facts targets[N_CERTS][2];
	struct instant now;
};

static const struct cert_facts *stepper_facts(uint32_t place, void *data)
{
	return &((struct stepper *)data)->facts[place];
}

static struct plan stepper_plan(struct stepper *s, uint32_t place)
{
	const struct cert_conf *cert = &s->w->certs[place];
	struct issuer issuer = cert_issuer(cert, &s->w->conf, stepper_facts, s, s->now);

	return cert_plan(cert, &s->w->conf, &s->facts[place], &issuer, s->now, NULL);
}

static void stepper_init(struct stepper *s, struct world *w)
{
	*s = (struct stepper){ .w = w, .now = { T0 } };
	for (uint32_t i = 0; i < N_CERTS; i++) {
		s->facts[i].cert = (char *)(uintptr_t)w->certs[i].name;
		s->facts[i].targets = s->targets[i];
		s->facts[i].n_targets = w->certs[i].n_targets;
		for (size_t k = 0; k < w->certs[i].n_targets; k++)
			s->targets[i][k].name = (char *)(uintptr_t)w->targets[k].name;
	}
}

static void stepper_issue(struct stepper *s, uint32_t place)
{
	struct cert_facts *facts = &s->facts[place];
	const struct cert_facts *ca =
		place == ROOT ? NULL : &s->facts[place == INT ? ROOT : INT];
	struct version_facts v = { .id = { s->now, 1 },
		.created = s->now,
		.not_before = { s->now.s - 300 },
		.key_created = s->now,
		.digest = s->w->certs[place].digest };
	struct duration life = ca ? s->w->cas[place == INT ? CA_ROOT : CA_INT].lifetime
				  : s->w->certs[ROOT].lifetime;

	v.generation = 1 + (version_is_set(&facts->next.id) ? facts->next.generation
							    : facts->curr.generation);
	v.not_after.s = s->now.s + life.s;
	if (ca && v.not_after.s > ca->curr.not_after.s)
		v.not_after = ca->curr.not_after;
	memset(v.spki, (int)(1 + place * 16 + v.generation % 16), 32);
	memcpy(v.issuer_spki, ca ? ca->curr.spki : v.spki, 32);
	facts->next = v;
	facts->failure = (struct failure){ .code = ERR_NONE };
}

static void stepper_act(struct stepper *s, uint32_t place, const struct plan *plan)
{
	struct cert_facts *facts = &s->facts[place];

	if (plan->action == ACTION_ISSUE)
		stepper_issue(s, place);
	if (plan->action == ACTION_ROLL) {
		facts->prev = facts->curr.id;
		facts->curr = facts->next;
		facts->curr.rolled = s->now;
		facts->next = (struct version_facts){ .generation = 0 };
	}
	for (size_t k = 0; plan->action == ACTION_DEPLOY && k < facts->n_targets; k++)
		if (str_is(facts->targets[k].name, plan->target))
			facts->targets[k].confirmed = facts->curr.id;
}

/* One step of whoever is first; false when nothing comes before `until`. */
static bool stepper_step(struct stepper *s, struct instant until, struct forecast_event *out)
{
	struct plan best = { .at = INSTANT_NEVER };
	uint32_t who = 0;

	for (uint32_t i = 0; i < N_CERTS; i++) {
		struct plan plan = stepper_plan(s, i);

		plan.at = instant_max(plan.at, s->now);
		if (instant_before(plan.at, best.at)) {
			best = plan;
			who = i;
		}
	}
	if (best.at.s > until.s)
		return false;
	s->now = best.at;
	best = stepper_plan(s, who);
	*out = (struct forecast_event){ s->now, &s->w->certs[who], best.action, best.why,
		best.target };
	stepper_act(s, who, &best);
	return true;
}

static void keep(const struct forecast_event *event, void *data)
{
	struct story *story = data;

	REQUIRE(story->n < EVENTS_MAX);
	story->events[story->n++] = *event;
}

/* At one instant the order of certificates is free, that of one certificate's steps is not. */
static void sort(struct story *story)
{
	for (size_t i = 1; i < story->n; i++)
		for (size_t k = i; k > 0; k--) {
			struct forecast_event *a = &story->events[k - 1],
					      *b = &story->events[k];
			struct forecast_event swap = *a;

			if (a->at.s < b->at.s ||
				(a->at.s == b->at.s && a->cert->place <= b->cert->place))
				break;
			*a = *b;
			*b = swap;
		}
}

static bool is_same(const struct forecast_event *a, const struct forecast_event *b)
{
	return a->at.s == b->at.s && a->cert == b->cert && a->action == b->action &&
	       a->why == b->why && a->target == b->target;
}

static void describe(const char *who, const struct forecast_event *e)
{
	printf("# %s: %+" PRId64 " %s %s %s %s\n", who, e->at.s - T0, e->cert->name,
		action_text(e->action), why_text(e->why), e->target ? e->target : "");
}

static void init_lives(struct world *w, struct duration root, struct duration in,
	struct duration leaf, struct duration min_age)
{
	world_init(w);
	w->certs[ROOT].lifetime = root;
	w->cas[CA_ROOT].lifetime = in;
	w->cas[CA_INT].lifetime = leaf;
	w->roll.min_age = min_age;
}

static bool forecast_by(const struct stepper *s, struct instant until, size_t max_steps,
	const bool *wanted, const struct clock_verdict *clock, struct story *out)
{
	const struct cert_facts *facts[N_CERTS];
	struct forecast ask = { .conf = &s->w->conf,
		.facts = facts,
		.wanted = wanted,
		.now = s->now,
		.until = until,
		.clock = clock,
		.max_steps = max_steps,
		.tell = keep,
		.data = out };

	for (size_t i = 0; i < N_CERTS; i++)
		facts[i] = &s->facts[i];
	out->n = 0;
	return forecast_run(&ask);
}

static bool forecast(const struct stepper *s, struct instant until, size_t max_steps,
	const bool *wanted, struct story *out)
{
	return forecast_by(s, until, max_steps, wanted, NULL, out);
}

static struct story told, stepped, part;

static void compare(struct stepper *s, struct instant until)
{
	stepped.n = 0;
	CHECK(forecast(s, until, 100000, NULL, &told));
	while (stepped.n < EVENTS_MAX && stepper_step(s, until, &stepped.events[stepped.n])) {
		if (stepped.events[stepped.n].action != ACTION_SLEEP)
			stepped.n++;
		for (uint32_t i = 0; i < N_CERTS; i++)
			CHECK(!version_is_set(&s->facts[i].curr.id) ||
				s->now.s <= s->facts[i].curr.not_after.s);
	}
	sort(&told);
	sort(&stepped);
	CHECK(told.n > 0);
	CHECK_INT(told.n, stepped.n);
	for (size_t i = 0; i < told.n && i < stepped.n; i++) {
		if (is_same(&told.events[i], &stepped.events[i]))
			continue;
		TEST_FAIL("event %zu differs", i);
		describe("foretold", &told.events[i]);
		describe("stepped", &stepped.events[i]);
		return;
	}
}

TEST(agrees_with_stepping)
{
	struct world w;
	struct stepper s;

	setenv("TZ", "UTC0", 1);
	init_lives(&w, DAYS(3650), DAYS(90), DAYS(30), MINUTES(90));
	stepper_init(&s, &w);
	compare(&s, (struct instant){ T0 + DAYS(400).s });
	/* From the middle of its life as well. */
	compare(&s, (struct instant){ T0 + DAYS(500).s });

	init_lives(&w, HOURS(1), HOURS(1), SECONDS(60), SECONDS(5));
	stepper_init(&s, &w);
	compare(&s, (struct instant){ T0 + 300 });

	init_lives(&w, DAYS(3650), DAYS(90), DAYS(30), MINUTES(90));
	w.window = (struct window){ 4 | 8 | 16, 120, 300 };
	w.roll.n_windows = 1;
	stepper_init(&s, &w);
	compare(&s, (struct instant){ T0 + DAYS(200).s });
}

TEST(next_event_is_the_plan)
{
	struct world w;
	struct stepper s;
	struct instant until = { T0 + DAYS(400).s };
	struct forecast_event event;

	init_lives(&w, DAYS(3650), DAYS(90), DAYS(30), MINUTES(90));
	stepper_init(&s, &w);
	for (int i = 0; i < 200 && stepper_step(&s, until, &event); i++) {
		struct instant first = INSTANT_NEVER;

		for (uint32_t k = 0; k < N_CERTS; k++)
			first = instant_min(first, instant_max(stepper_plan(&s, k).at, s.now));
		CHECK(forecast(&s, until, 100000, NULL, &told));
		REQUIRE(told.n > 0);
		CHECK_INT(told.events[0].at.s, first.s);
	}
}

TEST(only_what_is_wanted)
{
	static const bool wanted[N_CERTS] = { [LEAF + 2] = true };
	struct instant until = { T0 + DAYS(400).s };
	struct world w;
	struct stepper s;
	size_t n = 0;

	init_lives(&w, DAYS(3650), DAYS(90), DAYS(30), MINUTES(90));
	stepper_init(&s, &w);
	CHECK(forecast(&s, until, 100000, NULL, &told));
	CHECK(forecast(&s, until, 100000, wanted, &part));
	for (size_t i = 0; i < told.n; i++) {
		if (told.events[i].cert != &w.certs[LEAF + 2])
			continue;
		REQUIRE(n < part.n);
		CHECK(is_same(&told.events[i], &part.events[n++]));
	}
	CHECK_INT(n, part.n);
	CHECK(n > 10);
	CHECK(!forecast(&s, until, 10, NULL, &part));
	CHECK(part.n <= 10);
}

/* By a clock that may be 25 days ahead, what is due by it alone is told as held, and not as done. */
TEST(doubted_clock_holds_what_is_due_by_it_alone)
{
	struct clock_verdict doubted = { CLOCK_CONTRADICTED, SECONDS(-DAYS(25).s), "ahead" },
			     trusted = { CLOCK_TRUSTED, { 0 }, "" };
	struct instant until = { T0 + DAYS(10).s };
	struct forecast_event event;
	struct world w;
	struct stepper s;
	size_t n_due = 0, n_held = 0;

	init_lives(&w, DAYS(3650), DAYS(90), DAYS(30), MINUTES(90));
	stepper_init(&s, &w);
	while (stepper_step(&s, until, &event))
		;
	s.now = instant_add(s.now, DAYS(25));
	until = instant_add(s.now, SECONDS(1));
	CHECK(forecast_by(&s, until, 100000, NULL, &trusted, &told));
	for (size_t i = 0; i < told.n; i++) {
		CHECK(told.events[i].why != WHY_CLOCK);
		n_due +=
			told.events[i].at.s == s.now.s && told.events[i].action == ACTION_ISSUE;
	}
	CHECK(n_due > 0);
	CHECK(forecast_by(&s, until, 100000, NULL, &doubted, &part));
	for (size_t i = 0; i < part.n; i++) {
		CHECK_INT(part.events[i].why, WHY_CLOCK);
		CHECK_INT(part.events[i].action, ACTION_ISSUE);
		CHECK_INT(part.events[i].at.s, s.now.s);
		n_held++;
	}
	CHECK_INT(n_held, n_due);
	/* What is due by both times is done. */
	doubted.ahead = DAYS(25);
	CHECK(forecast_by(&s, until, 100000, NULL, &doubted, &part));
	CHECK_INT(part.n, told.n);
	for (size_t i = 0; i < part.n; i++)
		CHECK(is_same(&part.events[i], &told.events[i]));
}

/* One leaf, everything random; after its first roll work fails up to three times in a row. */
struct life {
	struct world w;
	struct stepper s;
	struct issuer issuer;
	int fails_left;
	size_t n_steps, n_rolls;
};

static void check_roll(struct life *l, const struct plan *plan)
{
	const struct cert_facts *facts = &l->s.facts[LEAF];

	if (plan->why == WHY_FIRST)
		CHECK(!version_is_set(&facts->curr.id));
	else if (plan->why == WHY_LATE)
		CHECK(l->s.now.s >= plan->reserve.s);
	else
		CHECK(plan->why == WHY_READY &&
			l->s.now.s >= facts->next.created.s + l->w.roll.min_age.s &&
			window_is_open(&l->w.window, l->w.roll.n_windows, l->s.now));
}

static void fail(struct life *l, struct failure *failure)
{
	if (failure->code == ERR_NONE)
		failure->first = l->s.now;
	failure->code = ERR_IO;
	failure->tries++;
	failure->last = l->s.now;
}

static void act_or_fail(struct life *l, const struct plan *plan)
{
	struct cert_facts *facts = &l->s.facts[LEAF];
	struct failure *failure = &facts->failure;

	for (size_t i = 0; plan->action == ACTION_DEPLOY && i < facts->n_targets; i++)
		if (str_is(facts->targets[i].name, plan->target))
			failure = &facts->targets[i].failure;
	if (l->fails_left > 0 && l->n_rolls > 0) {
		l->fails_left--;
		fail(l, failure);
		return;
	}
	*failure = (struct failure){ .code = ERR_NONE };
	l->fails_left = random_below(4) ? 0 : (int)random_below(4);
	stepper_act(&l->s, LEAF, plan);
	l->n_rolls += plan->action == ACTION_ROLL;
}

static void live(struct life *l, struct instant until)
{
	while (l->s.now.s < until.s && l->n_steps++ < 100000) {
		struct plan plan = cert_plan(&l->w.certs[LEAF], &l->w.conf, &l->s.facts[LEAF],
			&l->issuer, l->s.now, NULL);

		if (plan.at.s > l->s.now.s) {
			l->s.now = plan.at;
			continue;
		}
		REQUIRE(plan.action != ACTION_SLEEP);
		if (plan.action == ACTION_ROLL)
			check_roll(l, &plan);
		if (l->s.facts[LEAF].curr.generation &&
			l->s.now.s >= l->s.facts[LEAF].curr.not_after.s) {
			TEST_FAIL("a version of %" PRId64 " s expired with min_age %" PRId64
				  " s",
				l->w.cas[CA_INT].lifetime.s, l->w.roll.min_age.s);
			return;
		}
		act_or_fail(l, &plan);
	}
}

TEST(a_life_with_failures_never_expires)
{
	static struct life l;
	const int64_t lives[] = { 64, 300, 3600, 86400, 7 * 86400, 90 * 86400 };

	for (int round = 0; round < 400; round++) {
		int64_t life = lives[random_below(6)];

		l = (struct life){ .n_steps = 0 };
		init_lives(&l.w, DAYS(3650), DAYS(3650), SECONDS(life),
			SECONDS(random_below(life)));
		l.w.window = (struct window){ (uint8_t)(1 + random_below(127)),
			(uint16_t)random_below(1440), (uint16_t)random_below(1441) };
		l.w.roll.n_windows = (size_t)random_below(2);
		l.w.renew.spread.s = random_below(3) ? 0 : random_below(life);
		stepper_init(&l.s, &l.w);
		l.s.facts[INT].curr.not_after.s = T0 + DAYS(36500).s;
		l.issuer = (struct issuer){ .is_local = true, .ca = CA_INT, .is_set = true };
		l.issuer.not_after = l.s.facts[INT].curr.not_after;
		live(&l, (struct instant){ T0 + 20 * life });
		/* At least one for each life, at most one for each sixteenth of it. */
		if (l.n_rolls < 19 || l.n_rolls >= 320)
			TEST_FAIL("%zu rolls of %" PRId64 " s", l.n_rolls, life);
		CHECK(l.n_steps < 3000);
	}
}

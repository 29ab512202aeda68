/* SPDX-License-Identifier: MIT */
#include "daemon/cert/renewal.h"

#include "daemon/conf/conf.h"
#include "tests/test.h"

#define T0 INT64_C(1795256100)

/* Durations that may stand in a constant. */
#define H(n)                                                                                   \
	{                                                                                      \
		(n) * 3600                                                                     \
	}
#define D(n)                                                                                   \
	{                                                                                      \
		(n) * 86400                                                                    \
	}

static struct curve_point curve[] = { { D(1), H(12) }, { D(2), D(1) }, { D(5), D(2) },
	{ D(10), D(5) }, { D(45), D(10) }, { D(60), D(20) }, { D(90), D(30) },
	{ D(120), D(45) }, { D(300), D(60) } };
static const struct renew_conf by_contract = { .curve = curve, .n_curve = ARRAY_LEN(curve) };

static uint64_t seed = 7;

static int64_t random_below(int64_t bound)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int64_t)((seed >> 20) % (uint64_t)bound);
}

static struct version_facts version(int64_t created, int64_t life)
{
	return (struct version_facts){ .id = { { created }, 0 },
		.created = { created },
		.not_before = { created - 300 },
		.not_after = { created + life },
		.generation = 1 };
}

TEST(curve_of_the_contract)
{
	static const struct {
		struct duration life, left;
	} table[] = { { D(1), H(12) }, { H(12), H(6) }, { { 60 }, { 30 } }, { { 1 }, { 0 } },
		{ D(2), D(1) }, { D(3), H(32) }, { D(45), D(10) }, { D(90), D(30) },
		{ D(100), D(35) }, { D(300), D(60) }, { D(3000), D(600) }, { H(36), H(18) } };
	static const struct renew_conf none = { .n_curve = 0 };

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		CHECK_INT(renewal_left(&by_contract, table[i].life).s, table[i].left.s);
	CHECK_INT(renewal_left(&none, SECONDS(100)).s, 50);
}

TEST(life_begins_when_we_stored_it)
{
	struct version_facts v = version(T0, 3600);

	CHECK_INT(version_issued(&v).s, T0);
	CHECK_INT(version_life(&v).s, 3600);
	v.not_before.s = T0 - 7200;
	CHECK_INT(version_issued(&v).s, T0);
	v.not_before.s = T0 - 7201; /* adopted long after its issue */
	CHECK_INT(version_issued(&v).s, T0 - 7201);
	v.not_before.s = T0 + 10; /* the CA's clock is ahead */
	CHECK_INT(version_issued(&v).s, T0 + 10);
	v.not_after.s = T0; /* nonsense stays harmless */
	CHECK_INT(version_life(&v).s, 1);
	CHECK(version_is_expired(&v, (struct instant){ T0 }));
	CHECK(!version_is_expired(&v, (struct instant){ T0 - 1 }));
}

TEST(short_lives_have_no_offset)
{
	struct cert_conf conf = { .name = "a/b", .renew = &by_contract };
	struct version_facts v = version(T0, 60);

	CHECK_INT(renewal_moment(&conf, &v).s, T0 + 30);
	v = version(T0, 199);
	CHECK_INT(renewal_moment(&conf, &v).s, T0 + 199 - 99);
}

TEST(reserve)
{
	CHECK_INT(renewal_reserve(SECONDS(60)).s, 15);
	CHECK_INT(renewal_reserve(DAYS(1)).s, HOURS(6).s);
	CHECK_INT(renewal_reserve(DAYS(6)).s, HOURS(20).s);
	CHECK_INT(renewal_reserve(DAYS(80)).s, DAYS(10).s);
}

TEST(self_signed_leaves)
{
	uint32_t self[] = { CA_SELF };
	struct cert_conf conf = {
		.name = "a/b", .renew = &by_contract, .cas = self, .n_cas = 1
	};
	struct version_facts v = version(T0, DAYS(365).s);
	int64_t left = v.not_after.s - renewal_moment(&conf, &v).s;

	CHECK(left <= DAYS(15).s && left > DAYS(15).s - 300);
	v = version(T0, DAYS(100).s);
	left = v.not_after.s - renewal_moment(&conf, &v).s;
	CHECK(left <= DAYS(15).s && left > DAYS(15).s - 300);
	v = version(T0, DAYS(10).s);
	left = v.not_after.s - renewal_moment(&conf, &v).s;
	CHECK(left <= DAYS(5).s && left > DAYS(5).s - 300);
	conf.is_ca = true;
	v = version(T0, DAYS(365).s);
	left = v.not_after.s - renewal_moment(&conf, &v).s;
	CHECK(left <= DAYS(73).s && left > DAYS(73).s - 300);
}

/* Whatever the configuration says: time to work before it, time to fail behind it, no loop. */
TEST(always_leaves_time)
{
	for (int i = 0; i < 20000; i++) {
		struct curve_point points[2] = { { { 1 + random_below(100000) }, { 0 } },
			{ { 0 }, { 0 } } };
		struct renew_conf renew = { .curve = points,
			.n_curve = (size_t)random_below(3) };
		struct cert_conf conf = { .name = "a/b", .renew = &renew };
		struct version_facts v =
			version(T0, 1 + random_below(random_below(2) ? 1000 : 40000000));
		struct duration life = version_life(&v);
		struct instant moment;

		points[1].life.s = points[0].life.s + 1 + random_below(10000000);
		points[0].left.s = 1 + random_below(points[0].life.s);
		points[1].left.s = 1 + random_below(points[1].life.s);
		renew.spread.s = random_below(3) ? 0 : random_below(40000000);
		v.generation = (uint32_t)i;
		moment = renewal_moment(&conf, &v);
		CHECK(moment.s >= T0 + life.s / 16);
		CHECK(moment.s <= v.not_after.s);
		CHECK(life.s < 16 || moment.s > T0);
		CHECK_INT(renewal_moment(&conf, &v).s, moment.s);
	}
}

TEST(stable_numbers_are_even)
{
	size_t buckets[10] = { 0 };
	size_t same = 0;

	for (uint32_t i = 0; i < 20000; i++) {
		char name[32];
		struct duration d;

		snprintf(name, sizeof(name), "group-%u/web", i / 10);
		d = renewal_stable(name, i % 10, STABLE_OFFSET, SECONDS(300));
		REQUIRE(d.s >= 0 && d.s < 300);
		buckets[d.s / 30]++;
		same += d.s == renewal_stable(name, i % 10, STABLE_SPREAD, SECONDS(300)).s;
		CHECK_INT(d.s, renewal_stable(name, i % 10, STABLE_OFFSET, SECONDS(300)).s);
	}
	for (size_t i = 0; i < ARRAY_LEN(buckets); i++)
		CHECK(buckets[i] > 1800 && buckets[i] < 2200);
	CHECK(same < 200);
	CHECK_INT(renewal_stable("a/b", 1, STABLE_OFFSET, SECONDS(0)).s, 0);
}

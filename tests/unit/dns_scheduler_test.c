/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <arpa/inet.h>

#include "lib/base/clock.h"
#include "lib/base/rand.h"
#include "lib/net/dns_op.h"
#include "lib/task/loop_virtual.h"

/* The order in which questions begin, on a time that jumps. */

enum { MANY = 4000, SERVERS = 40 };

static struct loop *loop;
static struct dns_scheduler scheduler;
static size_t most, under_way, n_begun;

static struct question {
	struct dns_probe_op op;
	struct timer timer; /* until it is answered */
	int64_t asked_ms, begun_ms, lasts_ms;
	unsigned server;
	bool has_begun, has_ended;
} * questions;

static size_t order[MANY]; /* in which they began */

static struct dns_address server_at(unsigned n)
{
	uint8_t octets[4] = { 192, 0, 2, (uint8_t)n };

	return dns_address_of(octets, 4, 53);
}

static void end(struct timer *timer)
{
	struct question *q = CONTAINER_OF(timer, struct question, timer);

	under_way--;
	q->has_ended = true;
	dns_waiter_end(&q->op.waiter);
}

static void begin(struct dns_waiter *waiter)
{
	struct question *q = CONTAINER_OF(waiter, struct question, op.waiter);

	CHECK(!q->has_begun && !q->has_ended);
	q->has_begun = true;
	q->begun_ms = clock_tick().ms;
	order[n_begun++] = (size_t)(q - questions);
	if (++under_way > most)
		most = under_way;
	q->timer.fire = end;
	if (q->lasts_ms == 0)
		end(&q->timer);
	else
		loop_timer_in(loop, &q->timer, q->lasts_ms);
}

static void take_for(struct question *q, const char *zone, unsigned server, int64_t lasts_ms)
{
	q->server = server;
	q->lasts_ms = lasts_ms;
	q->asked_ms = clock_tick().ms;
	q->op.server = server_at(server);
	q->op.zone = zone;
	dns_probe_enqueue(&scheduler, &q->op, begin);
	CHECK(!q->has_begun);
}

static void take(struct question *q, unsigned server, int64_t lasts_ms)
{
	take_for(q, NULL, server, lasts_ms);
}

static void setup(void)
{
	virtual_start((struct instant){ 1800000000 });
	loop = loop_new();
	scheduler = (struct dns_scheduler){ .loop = loop };
	questions = calloc(MANY, sizeof(*questions));
	most = under_way = n_begun = 0;
}

static void teardown(void)
{
	CHECK_INT(
		scheduler.n_waiting + scheduler.shared.n_in_flight + scheduler.own.n_in_flight,
		0);
	CHECK_INT(scheduler.shared.flows.n + scheduler.own.flows.n, 0);
	dns_scheduler_done(&scheduler);
	loop_free(loop);
	free(questions);
}

TEST(so_many_a_second_of_one_server)
{
	size_t n = 4 * DNS_RATE + 3;
	int64_t start;

	setup();
	start = clock_tick().ms;
	for (size_t i = 0; i < n; i++)
		take_for(&questions[i], i % 2 ? "odd.example" : "even.example", 1, 10);
	take(&questions[n], 2, 10);
	loop_run(loop);
	for (size_t i = 0; i < n; i++)
		CHECK_INT(questions[i].begun_ms - start, (int64_t)(i / DNS_RATE) * 1000);
	/* Nobody else waits for that. */
	CHECK_INT(questions[n].begun_ms, start);
	/* Later a server is nobody of whom something is known. */
	loop_run(loop);
	CHECK_INT(scheduler.shared.servers.n, 0);
	teardown();
}

TEST(the_window_slides)
{
	setup();
	take(&questions[0], 1, 0);
	loop_run(loop);
	virtual_run_until(loop, instant_add(clock_now(), SECONDS(0)));
	for (size_t i = 1; i < 2 * DNS_RATE + 2; i++)
		take(&questions[i], 1, 0);
	loop_run(loop);
	for (size_t i = DNS_RATE; i < 2 * DNS_RATE + 2; i++)
		CHECK(questions[i].begun_ms - questions[i - DNS_RATE].begun_ms >= 1000);
	teardown();
}

/* Whatever is asked of whom, and ended or given up when: the two bounds hold, and each begins in its order. */
TEST(many_at_random)
{
	int64_t last[SERVERS] = { 0 };
	size_t n = 0, given_up = 0;

	setup();
	while (n < MANY) {
		size_t more = (size_t)rand_below(200);

		for (; more > 0 && n < MANY; more--, n++)
			take(&questions[n], (unsigned)rand_below(SERVERS),
				(int64_t)rand_below(3) * (int64_t)rand_below(2000));
		for (int i = 0; i < 20; i++) {
			struct question *q = &questions[rand_below(n)];

			if (!q->has_begun && !q->has_ended) {
				q->has_ended = true;
				given_up++;
				dns_waiter_end(&q->op.waiter);
			}
		}
		virtual_run_until(
			loop, instant_add(clock_now(), SECONDS((int64_t)rand_below(3))));
	}
	loop_run(loop);
	CHECK_INT(n_begun + given_up, MANY);
	CHECK(most <= DNS_IN_FLIGHT && most > DNS_IN_FLIGHT / 2);
	for (unsigned server = 0; server < SERVERS; server++) {
		int64_t begun[DNS_RATE] = { 0 };
		size_t n_of = 0;

		for (size_t i = 0; i < n_begun; i++) {
			const struct question *q = &questions[order[i]];

			if (q->server != server)
				continue;
			CHECK((int64_t)order[i] + 1 > last[server]);
			last[server] = (int64_t)order[i] + 1;
			if (n_of >= DNS_RATE && q->begun_ms - begun[n_of % DNS_RATE] < 1000)
				TEST_FAIL("server %u was asked too often", server);
			begun[n_of++ % DNS_RATE] = q->begun_ms;
		}
	}
	teardown();
}

enum { HANG_MS = 10000 };

static void zone_name(char out[DNS_NAME_LEN], size_t i)
{
	snprintf(out, DNS_NAME_LEN, "z%zu.example", i);
}

/* So many zones with so many servers each hang, wherever they are asked, and want all they can get. */
static size_t crowd(size_t zones, size_t servers, size_t each)
{
	char zone[DNS_NAME_LEN];
	size_t n = 0;

	for (size_t i = 0; i < each; i++)
		for (size_t z = 0; z < zones; z++)
			for (size_t s = 0; s < servers; s++) {
				zone_name(zone, z);
				take_for(&questions[n++], zone,
					100 + (unsigned)((z * servers + s) % 150), HANG_MS);
			}
	return n;
}

/* Runs until everybody has what there is for now. */
static void let_begin(void)
{
	virtual_run_until(loop, instant_add(clock_now(), SECONDS(1)));
}

TEST(one_zone_holds_a_quarter_one_server_a_half)
{
	char zone[DNS_NAME_LEN];

	setup();
	crowd(1, 10, 40);
	let_begin();
	CHECK_INT(under_way, DNS_IN_FLIGHT / 4);
	loop_run(loop);
	CHECK_INT(most, DNS_IN_FLIGHT / 4);
	teardown();

	setup();
	for (size_t i = 0; i < 300; i++) {
		zone_name(zone, i);
		take_for(&questions[i], zone, 1, HANG_MS);
	}
	virtual_run_until(loop, instant_add(clock_now(), SECONDS(9)));
	CHECK_INT(under_way, DNS_IN_FLIGHT / 2);
	loop_run(loop);
	CHECK_INT(n_begun, 300);
	teardown();
}

/* Whoever comes finds room at once, and again as soon as its last question is answered. */
TEST(zones_that_hang_leave_room)
{
	for (size_t zones = 1; zones <= 20; zones++) {
		struct question *q;
		int64_t before;
		size_t n;

		setup();
		n = crowd(zones, 5, 12);
		let_begin();
		before = clock_tick().ms;
		q = &questions[n];
		for (unsigned i = 0; i < 20; i++)
			take_for(&q[i], "other.example", 1 + i % 4, 20);
		let_begin();
		for (int i = 0; i < 20; i++)
			if (!q[i].has_ended)
				TEST_FAIL("question %d waits for %zu zones", i, zones);
		CHECK(q[19].begun_ms - before <= 20 * 20);
		loop_run(loop);
		CHECK_INT(n_begun, n + 20);
		teardown();
	}
}

/* With more of them there is a queue, in which nobody goes twice while another one waits. */
TEST(with_all_places_taken_zones_take_turns)
{
	struct question *q;
	int64_t before;
	size_t n;

	setup();
	n = crowd(100, 1, 20);
	let_begin();
	CHECK_INT(under_way, DNS_IN_FLIGHT);
	q = &questions[n];
	before = clock_tick().ms;
	for (unsigned i = 0; i < 3; i++)
		take_for(&q[i], "other.example", 1 + i, 20);
	virtual_run_until(loop, instant_add(clock_now(), SECONDS(70)));
	/* Two rounds for each, as for anybody among a hundred. */
	for (int i = 0; i < 3; i++)
		if (!q[i].has_ended || q[i].begun_ms - before > 2 * 3 * HANG_MS)
			TEST_FAIL("question %d began after %lld ms", i,
				(long long)(q[i].begun_ms - before));
	loop_run(loop);
	CHECK_INT(n_begun, n + 3);
	teardown();
}

static size_t n_updates;

static void begin_update(struct dns_waiter *waiter)
{
	(void)waiter;
	n_updates++;
}

/* Neither our resolvers nor updates wait for any of that, nor updates for a server that is dead. */
TEST(ours_wait_for_nobody)
{
	static struct dns_deliver_op updates[100];
	char zone[DNS_NAME_LEN];
	struct question *q;
	int64_t before;
	size_t n;

	setup();
	n = crowd(100, 1, 20);
	let_begin();
	before = clock_tick().ms;
	q = &questions[n];
	for (size_t i = 0; i < 100; i++) {
		zone_name(zone, i);
		q[i].lasts_ms = i < 50 ? HANG_MS : 10;
		q[i].op.server = server_at(1);
		q[i].op.zone = i < 50 ? "hangs.example" : zone;
		q[i].op.is_own = true;
		dns_probe_enqueue(&scheduler, &q[i].op, begin);
	}
	let_begin();
	for (size_t i = 50; i < 100; i++)
		CHECK(q[i].has_ended && q[i].begun_ms - before < 200);
	loop_run(loop);
	teardown();

	setup();
	memset(updates, 0, sizeof(updates));
	n_updates = 0;
	for (size_t i = 0; i < 100; i++) {
		updates[i].server = server_at(i < 90 ? 1 : 2);
		dns_deliver_enqueue(&scheduler, &updates[i], begin_update);
	}
	let_begin();
	CHECK(updates[90].waiter.scheduler && !updates[90].waiter.queue);
	CHECK_INT(n_updates, 12);
	for (size_t i = 0; i < 100; i++)
		dns_waiter_end(&updates[i].waiter);
	teardown();
}

TEST(addresses)
{
	static const struct {
		const char *host;
		uint16_t port;
		const char *text;
	} rows[] = {
		{ "192.0.2.1", 53, "192.0.2.1" },
		{ "192.0.2.1", 5353, "192.0.2.1:5353" },
		{ "2001:db8::1", 53, "2001:db8::1" },
		{ "2001:db8::1", 5353, "[2001:db8::1]:5353" },
		{ "::ffff:192.0.2.1", 65535, "[::ffff:192.0.2.1]:65535" },
	};
	struct dns_address all[ARRAY_LEN(rows)];
	char text[DNS_ADDRESS_TEXT_LEN];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool is_six = strchr(rows[i].host, ':') != NULL;
		uint8_t octets[16];

		REQUIRE(inet_pton(is_six ? AF_INET6 : AF_INET, rows[i].host, octets) == 1);
		all[i] = dns_address_of(octets, is_six ? 16 : 4, rows[i].port);
		CHECK_STR(dns_address_text(&all[i], text), rows[i].text);
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t k = 0; k < ARRAY_LEN(rows); k++)
			CHECK_INT(dns_address_is(&all[i], &all[k]), i == k);
}

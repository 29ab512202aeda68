#include "tests/test.h"

#include <arpa/inet.h>

#include "lib/base/clock.h"
#include "lib/base/rand.h"
#include "lib/net/dns_op.h"
#include "lib/task/loop_virtual.h"

/* The order in which questions begin, on a time that jumps. */

enum { MANY = 4000, SERVERS = 40 };

static struct loop *loop;
static struct dns_pace pace;
static size_t most, under_way, n_begun;

static struct question {
	struct dns_turn turn;
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
	dns_turn_end(&q->turn);
}

static void begin(struct dns_turn *turn)
{
	struct question *q = CONTAINER_OF(turn, struct question, turn);

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

static void take(struct question *q, unsigned server, int64_t lasts_ms)
{
	struct dns_address at = server_at(server);

	q->server = server;
	q->lasts_ms = lasts_ms;
	q->asked_ms = clock_tick().ms;
	dns_turn_take(&pace, &q->turn, &at, begin);
	CHECK(!q->has_begun);
}

static void setup(void)
{
	virtual_start((struct instant){ 1800000000 });
	loop = loop_new();
	pace = (struct dns_pace){ .loop = loop };
	questions = calloc(MANY, sizeof(*questions));
	most = under_way = n_begun = 0;
}

static void teardown(void)
{
	CHECK_INT(pace.n_waiting + pace.n_in_flight, 0);
	dns_pace_done(&pace);
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
		take(&questions[i], 1, 10);
	take(&questions[n], 2, 10);
	loop_run(loop);
	for (size_t i = 0; i < n; i++)
		CHECK_INT(questions[i].begun_ms - start, (int64_t)(i / DNS_RATE) * 1000);
	/* Nobody else waits for that. */
	CHECK_INT(questions[n].begun_ms, start);
	/* Later a server is nobody of whom something is known. */
	loop_run(loop);
	CHECK_INT(pace.peers.n, 0);
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
				dns_turn_end(&q->turn);
			}
		}
		virtual_run_until(
			loop, instant_add(clock_now(), SECONDS((int64_t)rand_below(3))));
	}
	loop_run(loop);
	CHECK_INT(n_begun + given_up, MANY);
	CHECK_INT(most, DNS_IN_FLIGHT);
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

TEST(no_rate_but_a_bound_for_what_others_made)
{
	setup();
	for (size_t i = 0; i < 100; i++) {
		questions[i].lasts_ms = 50;
		dns_turn_take(&pace, &questions[i].turn, NULL, begin);
	}
	loop_run(loop);
	CHECK_INT(n_begun, 100);
	CHECK_INT(most, DNS_IN_FLIGHT);
	CHECK_INT(questions[99].begun_ms - questions[0].begun_ms, 50);
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

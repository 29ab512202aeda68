/* SPDX-License-Identifier: MIT */
#include "daemon/job/inform.h"

#include "daemon/conf/conf.h"
#include "daemon/job/fleet.h"
#include "lib/base/mem.h"
#include "tests/unit/job_world.h"

/* When CAs are asked about renewal, and about how many at once: request by request. */

#define DIRECTORY                                                                              \
	"{\"newNonce\":\"https://a.test/n\",\"newAccount\":\"https://a.test/a\","              \
	"\"newOrder\":\"https://a.test/o\",\"renewalInfo\":\"%s/ari\"}"
#define WINDOW                                                                                 \
	"{\"suggestedWindow\":{\"start\":\"2027-01-01T00:00:00Z\","                            \
	"\"end\":\"2027-01-02T00:00:00Z\"}}"

static struct job_world w;
static struct informer informer;
static struct acme_ca *ca;
static bool is_idle;

/* n certificates of a, /c00 and so on, whose current versions nobody was asked about. */
static void begin(int n, const char *origin)
{
	char *text AUTO_FREE = mem_printf(DIRECTORY, origin);
	struct err err;

	job_world_open(&w);
	informer_init(&informer, w.fleet, w.acme);
	ca = acme_ca(w.acme, conf_ca(w.fleet->conf, "a"), false);
	REQUIRE(directory_read(text, strlen(text), &ca->origins, &ca->directory, &err) == 0);
	ca->has_directory = true;
	ca->fetched = clock_tick();
	is_idle = false;
	for (int i = 0; i < n; i++) {
		char name[40];
		struct cert *cert;

		snprintf(name, sizeof(name), "example.com/c%02d", i);
		cert = fleet_find(w.fleet, name);
		REQUIRE(cert);
		cert->facts.curr = (struct version_facts){ .id = { clock_now(), 1 },
			.not_before = clock_now(),
			.not_after = instant_add(clock_now(), DAYS(90)),
			.ca = facts_ca("a") };
		informer_look(&informer, cert);
	}
}

static void idle(void *data)
{
	*(bool *)data = true;
}

static void pass(struct duration d)
{
	virtual_run_until(w.loop, instant_add(clock_now(), d));
}

static void end(void)
{
	informer_stop(&informer, idle, &is_idle);
	pass(SECONDS(0));
	CHECK(is_idle);
	informer_done(&informer);
	acme_ca_release(ca);
	job_world_close(&w);
}

/* All that wait for the keeper get their version's name; how many did. */
static int tell_names(void)
{
	int n = 0;

	pass(SECONDS(0));
	for (struct list *at; (at = list_first(&job_world_keeper)); n++) {
		struct keeper_op *op = LIST_OF(at, struct keeper_op, pending);
		char *packet = mem_printf("ok %u certid=AAAA.BBBB ca=a", op->id);

		CHECK_INT(op->request, REQUEST_certid);
		keeper_answer(op, packet, strlen(packet), -1);
		free(packet);
	}
	pass(SECONDS(0));
	return n;
}

/* The oldest request gets this answer. */
static void answer(int status, const char *header, const char *body)
{
	struct http_op *op = LIST_OF(list_first(&job_world_http), struct http_op, pending);
	struct err err = ERR_INIT;
	char head[40];

	CHECK_STR(buf_text(&op->url), "https://a.test/ari/AAAA.BBBB");
	snprintf(head, sizeof(head), "HTTP/1.1 %d X", status);
	list_remove(&op->pending);
	CHECK_INT(http_take_header(op, head, strlen(head), &err), 0);
	CHECK_INT(http_take_header(op, header, strlen(header), &err), 0);
	CHECK_INT(http_take_body(op, body, strlen(body), &err), 0);
	http_answer(op, NULL);
	pass(SECONDS(0));
}

static void answer_all(int status, const char *header, const char *body)
{
	while (!list_is_empty(&job_world_http))
		answer(status, header, body);
}

TEST(a_few_side_by_side)
{
	begin(JOB_WORLD_CERTS, "https://a.test");
	CHECK_INT(tell_names(), INFORM_SIDE_BY_SIDE);
	CHECK_INT(job_world_n(&job_world_http), INFORM_SIDE_BY_SIDE);
	/* Each that ends makes room for one; an answer goes to the keeper first. */
	answer(200, "Retry-After: 21600", WINDOW);
	CHECK_INT(job_world_n(&job_world_keeper), 1);
	CHECK_INT(informer.n_checks, INFORM_SIDE_BY_SIDE);
	answer(503, "X: y", "");
	CHECK_INT(informer.n_checks, INFORM_SIDE_BY_SIDE - 1);
	end();
}

/* Its silence is one, whatever number of certificates finds it; and it ends with the first answer. */
TEST(a_silent_ca_is_left_alone_for_all)
{
	static const int64_t waits[] = { 60, 120, 240, 480, 960 };

	begin(2, "https://a.test");
	for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
		CHECK_INT(tell_names(), 2);
		answer_all(i % 2 ? 503 : 429, "X: y", "");
		pass(SECONDS(waits[i] - 1));
		CHECK_INT(tell_names(), 0);
		pass(SECONDS(1));
	}
	CHECK_INT(tell_names(), 2);
	answer(200, "X: y", WINDOW);
	answer(503, "X: y", "");
	pass(SECONDS(59));
	CHECK_INT(job_world_n(&job_world_http), 0);
	pass(SECONDS(1));
	CHECK_INT(job_world_n(&job_world_keeper), 2);
	end();
}

TEST(a_silent_ca_may_say_for_how_long)
{
	begin(1, "https://a.test");
	CHECK_INT(tell_names(), 1);
	answer(503, "Retry-After: 7200", "");
	pass(SECONDS(7199));
	CHECK_INT(tell_names(), 0);
	pass(SECONDS(1));
	CHECK_INT(tell_names(), 1);
	/* At most a day. */
	answer(503, "Retry-After: 864000", "");
	pass(SECONDS(86400));
	CHECK_INT(tell_names(), 1);
	end();
}

TEST(an_answer_is_kept)
{
	struct keeper_op *op;

	begin(1, "https://a.test");
	CHECK_INT(tell_names(), 1);
	answer(200, "Retry-After: 30", WINDOW);
	CHECK_INT(job_world_n(&job_world_keeper), 1);
	op = LIST_OF(list_first(&job_world_keeper), struct keeper_op, pending);
	CHECK_INT(op->request, REQUEST_renewal);
	CHECK(strstr(buf_text(&op->text), " start=2027-01-01T00:00:00Z end=2027-01-02"));
	CHECK(strstr(buf_text(&op->text), " moment=2027-01-01T"));
	/* Not before a minute has passed, whatever the CA wants. */
	CHECK(strstr(buf_text(&op->text), " again=2026-11-21T10:16:00Z"));
	end();
}

/* A version that is no longer the current one while its name was asked for is nobody's business. */
TEST(another_version_is_another_question)
{
	begin(1, "https://a.test");
	pass(SECONDS(0));
	fleet_find(w.fleet, "example.com/c00")->facts.curr.id.suffix++;
	CHECK_INT(tell_names(), 1);
	CHECK_INT(job_world_n(&job_world_http), 0);
	CHECK_INT(tell_names(), 1);
	CHECK_INT(job_world_n(&job_world_http), 1);
	end();
}

TEST(nobody_else_is_asked)
{
	begin(1, "https://elsewhere.test");
	CHECK_INT(tell_names(), 1);
	CHECK_INT(job_world_n(&job_world_http), 0);
	CHECK_INT(informer.n_checks, 0);
	end();
}

TEST(what_is_not_asked_about)
{
	struct cert *cert;

	begin(1, "https://a.test");
	CHECK_INT(tell_names(), 1);
	answer(503, "X: y", "");
	cert = fleet_find(w.fleet, "example.com/c00");
	cert->facts.curr.not_after = clock_now();
	informer_look(&informer, cert);
	pass(DAYS(1));
	CHECK_INT(tell_names(), 0);
	cert->facts.curr.ca = facts_ca("gone");
	cert->facts.curr.not_after = instant_add(clock_now(), DAYS(9));
	informer_look(&informer, cert);
	pass(DAYS(1));
	CHECK_INT(tell_names(), 0);
	end();
}

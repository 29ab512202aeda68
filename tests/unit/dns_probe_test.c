/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <dirent.h>
#include <sys/resource.h>

#include "lib/base/clock.h"
#include "tests/unit/dns_ask.h"

/* dns_asker.c, dns_cares.c and dns_stream.c against a real socket on the other side, honest or not. */

static struct dns_probe_op op;

TEST(start)
{
	server_start();
	loop = loop_new();
	dns = dns_new(loop);
}

static void ask_name(const char *name, int64_t time_ms)
{
	struct dns_address server_at = address_next();

	dns_question(&op, name, DNS_TXT, &server_at);
	op.time_ms = time_ms;
	ask(&op);
}

TEST(what_a_server_does_and_what_comes_of_it)
{
	static const struct {
		const char *manner;
		int64_t time_ms;
		enum dns_outcome outcome;
		bool by_tcp, udp_is_dead;
		uint16_t rcode;
		const char *text, *why;
	} rows[] = {
		{ "right", 0, DNS_ANSWERED, false, false, DNS_NOERROR, "right", "" },
		{ "nodata", 0, DNS_ANSWERED, false, false, DNS_NOERROR, "", "" },
		{ "nxdomain", 0, DNS_ANSWERED, false, false, DNS_NXDOMAIN, "", "" },
		{ "refused", 0, DNS_ANSWERED, false, false, DNS_REFUSED, "", "" },
		{ "servfail", 0, DNS_ANSWERED, false, false, DNS_SERVFAIL, "", "" },
		/* lies, and the truth behind them */
		{ "wrongid", 0, DNS_ANSWERED, false, false, DNS_NOERROR, "right", "" },
		{ "wrongname", 0, DNS_ANSWERED, false, false, DNS_NOERROR, "right", "" },
		{ "wrongtype", 0, DNS_ANSWERED, false, false, DNS_NOERROR, "right", "" },
		{ "wrongsource", 0, DNS_ANSWERED, false, false, DNS_NOERROR, "right", "" },
		{ "wrongcase", 0, DNS_ANSWERED, true, false, DNS_NOERROR, "right", "" },
		{ "anycase", 0, DNS_ANSWERED, true, false, DNS_NOERROR, "right", "" },
		/* one way that does not work */
		{ "silent", 2000, DNS_ANSWERED, true, true, DNS_NOERROR, "right", "" },
		{ "question", 0, DNS_GARBAGE, false, false, 0, "",
			"UDP: the answer is not a DNS message; TCP: the answer is not a DNS message" },
		{ "udpgarbage", 0, DNS_ANSWERED, true, false, DNS_NOERROR, "right", "" },
		{ "garbage", 0, DNS_GARBAGE, false, false, 0, "",
			"UDP: the answer is not a DNS message; TCP: the answer is not a DNS message" },
		{ "halftruncated", 0, DNS_TRUNCATED, false, false, 0, "",
			"UDP: the answer is truncated; TCP: not reachable" },
		{ "alltruncated", 0, DNS_TRUNCATED, false, false, 0, "",
			"UDP: the answer is truncated; TCP: the answer is truncated" },
		{ "casehalf", 0, DNS_ALTERED, false, false, 0, "",
			"UDP: the answer changes the letters of the question; TCP: not reachable" },
		{ "dead", 300, DNS_TIMEOUT, false, false, 0, "",
			"UDP: no answer; TCP: no answer" },
		{ "closing", 1500, DNS_TIMEOUT, false, false, 0, "",
			"UDP: no answer; TCP: not reachable" },
		/* servers without EDNS */
		{ "formerr", 0, DNS_ANSWERED, false, false, DNS_NOERROR, "right", "" },
		{ "formerropt", 0, DNS_ANSWERED, false, false, DNS_NOERROR, "right", "" },
		{ "formerrhead", 2000, DNS_ANSWERED, false, false, DNS_NOERROR, "right", "" },
		{ "formerralways", 0, DNS_ANSWERED, false, false, DNS_FORMERR, "", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char name[64];

		snprintf(name, sizeof(name), "%s.example.org", rows[i].manner);
		ask_name(name, rows[i].time_ms);
		if (op.outcome != rows[i].outcome || op.by_tcp != rows[i].by_tcp ||
			op.udp_is_dead != rows[i].udp_is_dead ||
			op.answer.rcode != rows[i].rcode ||
			!str_is(answer_text(&op), rows[i].text) || !str_is(op.why, rows[i].why))
			TEST_FAIL("%s: outcome %d, by_tcp %d, udp_is_dead %d, rcode %u, text "
				  "\"%s\", why \"%s\"",
				rows[i].manner, op.outcome, op.by_tcp, op.udp_is_dead,
				op.answer.rcode, answer_text(&op), op.why);
	}
	dns_probe_done(&op);
}

/* With an id that is not ours it is silence; later versions of c-ares say that it is no message. */
TEST(noise)
{
	ask_name("noise.example", 300);
	CHECK(op.outcome == DNS_TIMEOUT || op.outcome == DNS_GARBAGE);
	CHECK(op.why[0]);
	dns_probe_done(&op);
}

TEST(long_answers)
{
	/* Whole within 1232 octets over UDP; else all of it over TCP. */
	ask_name("big.example", 0);
	CHECK(!op.by_tcp);
	CHECK_INT(op.answer.n_records, 4);
	CHECK(strchr(answer_text(&op), 'y'));
	ask_name("truncated.example", 0);
	CHECK(op.by_tcp && !op.udp_is_dead);
	CHECK_INT(op.answer.n_records, 20);
	dns_probe_done(&op);
}

static bool has_route(const struct dns_address *to)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 && connect(fd, &to->any, to->len) == 0;

	if (fd >= 0)
		close(fd);
	return has;
}

TEST(nobody_there)
{
	struct dns_address nobody = address_at("127.0.0.1", server.unused);

	dns_question(&op, "right.example", DNS_TXT, &nobody);
	ask(&op);
	CHECK_INT(op.outcome, DNS_UNREACHABLE);
	CHECK_STR(op.why, "UDP: not reachable; TCP: not reachable");
	/* Of the network that is for documentation the system knows no way, or swallows. */
	nobody = address_at("2001:db8::1", 53);
	dns_question(&op, "right.example", DNS_TXT, &nobody);
	op.time_ms = 200;
	ask(&op);
	if (has_route(&nobody))
		CHECK(op.outcome == DNS_UNREACHABLE || op.outcome == DNS_TIMEOUT);
	else
		CHECK_INT(op.outcome, DNS_NO_ROUTE);
	/* A name that is none is asked of nobody. */
	nobody = address_next();
	dns_question(&op, "a..b", DNS_TXT, &nobody);
	ask(&op);
	CHECK_INT(op.outcome, DNS_UNREACHABLE);
	CHECK(op.why[0]);
	dns_probe_done(&op);
}

TEST(an_address_of_the_other_family)
{
	struct dns_address six = address_at("::1", server.port);

	dns_question(&op, "right.example", DNS_TXT, &six);
	ask(&op);
	CHECK_STR(answer_text(&op), "right");
	dns_question(&op, "silent.example", DNS_TXT, &six);
	op.time_ms = 2000;
	ask(&op);
	CHECK_STR(answer_text(&op), "right");
	CHECK(op.by_tcp);
	dns_probe_done(&op);
}

/* No two tries look alike, and each says what it should. */
TEST(what_is_asked)
{
	char last_name[64] = "";
	int last_id = -1, last_port = -1, same_id = 0, same_port = 0, same_name = 0;

	for (int i = 0; i < 16; i++) {
		struct dns_address at = address_next();
		char name[64], flags[20] = "";
		int edns, dnssec, id, port;

		dns_question(&op, "echo.much.longer.name.example", DNS_TXT, &at);
		op.recurse = i & 1;
		op.wants_dnssec = i & 2;
		op.wants_authentic = i & 4;
		ask(&op);
		if (i & 5)
			CHECK(sscanf(answer_text(&op),
				      "%63s %19[^e]edns=%d do=%d id=%d port=%d", name, flags,
				      &edns, &dnssec, &id, &port) == 6);
		else
			CHECK(sscanf(answer_text(&op), "%63s edns=%d do=%d id=%d port=%d", name,
				      &edns, &dnssec, &id, &port) == 5);
		CHECK(strcasecmp(name, op.name) == 0);
		CHECK(strstr(flags, "rd") ? i & 1 : !(i & 1));
		CHECK(strstr(flags, "ad") ? i & 4 : !(i & 4));
		CHECK_INT(dnssec, (i & 2) != 0);
		CHECK_INT(edns, DNS_EDNS_SIZE);
		same_id += id == last_id;
		same_port += port == last_port;
		same_name += str_is(name, last_name);
		last_id = id;
		last_port = port;
		strcpy(last_name, name);
		CHECK(op.rtt_ms >= 0 && op.rtt_ms < 5000);
	}
	CHECK(same_id <= 1 && same_port <= 1 && same_name <= 1);
	dns_probe_done(&op);
}

static size_t count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	REQUIRE(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

TEST(cancelled_in_flight_or_waiting)
{
	struct dns_probe_op probes[100] = { { .type = 0 } };
	struct asking asking = { .probes = probes, .n = ARRAY_LEN(probes) };
	size_t before = count_descriptors();

	for (int64_t ms = 0; ms < 60; ms += 20) {
		struct dns_address at = address_next();

		asking.task = (struct task){ 0 };
		for (size_t i = 0; i < asking.n; i++) {
			if (i % 4 == 0)
				at = address_next();
			dns_question(&probes[i], i % 8 < 4 ? "dead.example" : "slow.example",
				DNS_TXT, &at);
		}
		CHECK_INT(ask_all(&asking, ms), ERR_CANCELLED);
		for (size_t i = 0; i < asking.n; i++)
			CHECK(!probes[i].impl);
	}
	CHECK_INT(count_descriptors(), before);
	for (size_t i = 0; i < asking.n; i++)
		dns_probe_done(&probes[i]);
}

static struct timer observer;
static size_t most_descriptors;

static void observe(struct timer *timer)
{
	size_t n = count_descriptors();

	if (n > most_descriptors)
		most_descriptors = n;
	loop_timer_in(loop, timer, 5);
}

/* A thousand at once: as many sockets as are under way, and soon done. */
TEST(many)
{
	enum { N = 1000 };
	struct dns_probe_op *probes = calloc(N, sizeof(*probes));
	struct asking asking = { .probes = probes, .n = N };
	size_t before = count_descriptors(), right = 0;
	int64_t begin = clock_tick().ms;

	for (size_t i = 0; i < N; i++) {
		struct dns_address at = address_next();

		dns_question(&probes[i], "slow.example", DNS_TXT, &at);
	}
	observer.fire = observe;
	loop_timer_in(loop, &observer, 0);
	CHECK_INT(ask_all(&asking, -1), ERR_NONE);
	loop_timer_stop(loop, &observer);
	for (size_t i = 0; i < N; i++) {
		right += str_is(answer_text(&probes[i]), "right") && !probes[i].by_tcp;
		dns_probe_done(&probes[i]);
	}
	CHECK_INT(right, N);
	CHECK(most_descriptors > before + DNS_IN_FLIGHT / 2);
	CHECK(most_descriptors <= before + DNS_IN_FLIGHT + 2);
	CHECK_INT(count_descriptors(), before);
	CHECK(clock_tick().ms - begin < 30000);
	free(probes);
}

/* Not a check but a number for the log: what one probe costs this process. */
TEST(processor_time)
{
	enum { N = 1000 };
	struct dns_probe_op *probes = calloc(N, sizeof(*probes));
	struct asking asking = { .probes = probes, .n = N };
	struct rusage from, to;

	for (size_t i = 0; i < N; i++) {
		struct dns_address at = address_next();

		dns_question(&probes[i], "right.example", DNS_TXT, &at);
	}
	getrusage(RUSAGE_SELF, &from);
	CHECK_INT(ask_all(&asking, -1), ERR_NONE);
	getrusage(RUSAGE_SELF, &to);
	printf("# %ld us of processor time a probe\n",
		((to.ru_utime.tv_sec - from.ru_utime.tv_sec + to.ru_stime.tv_sec -
			 from.ru_stime.tv_sec) *
				1000000L +
			to.ru_utime.tv_usec - from.ru_utime.tv_usec + to.ru_stime.tv_usec -
			from.ru_stime.tv_usec) /
			N);
	for (size_t i = 0; i < N; i++)
		dns_probe_done(&probes[i]);
	free(probes);
}

/* An update's header (RFC 2136, 2.2) and zone section, which is all that the server looks at. */
static void write_message(struct buf *out, const char *manner)
{
	static const char header[12] = { 0x12, 0x34, 0x28, 0, 0, 1 };
	size_t len = strlen(manner);

	buf_clear(out);
	buf_add(out, header, sizeof(header));
	buf_add_char(out, (char)len);
	buf_add(out, manner, len);
	buf_add(out, "\0\0\6\0\1", 5);
}

TEST(messages_delivered)
{
	static const struct {
		const char *manner;
		enum err_code code;
		const char *text;
	} rows[] = {
		{ "nodata", ERR_NONE, "" },
		{ "truncated", ERR_NONE, "" },
		{ "drip", ERR_NONE, "" },
		{ "foreign", ERR_NONE, "" },
		{ "foreigners", ERR_DNS, "does not answer with a DNS message" },
		{ "short", ERR_DNS, "does not answer with a DNS message" },
		{ "closing", ERR_DNS, "closes without an answer" },
		{ "dead", ERR_TIMEOUT, "does not answer" },
	};
	struct dns_deliver_op message = { .time_ms = 0 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct asking asking = { .messages = &message, .n = 1 };

		write_message(&message.message, rows[i].manner);
		message.server = address_next();
		message.time_ms = rows[i].code == ERR_TIMEOUT ? 300 : 0;
		CHECK_INT(ask_all(&asking, -1), ERR_NONE);
		if (message.err.code != rows[i].code || !strstr(message.err.text, rows[i].text))
			TEST_FAIL("%s: \"%s\"", rows[i].manner, message.err.text);
		if (rows[i].code == ERR_NONE)
			CHECK(message.answer.len > 12 &&
				memcmp(message.answer.data, "\x12\x34\xac", 3) == 0);
		else
			CHECK_INT(message.answer.len, 0);
	}
	dns_deliver_done(&message);
}

TEST(messages_to_nobody)
{
	struct dns_deliver_op messages[70] = { { .time_ms = 0 } };
	struct asking asking = { .messages = messages, .n = ARRAY_LEN(messages) };
	size_t before = count_descriptors();

	for (size_t i = 0; i < asking.n; i++) {
		write_message(&messages[i].message, "dead");
		messages[i].server = address_at("127.0.0.1", server.unused);
	}
	CHECK_INT(ask_all(&asking, -1), ERR_NONE);
	for (size_t i = 0; i < asking.n; i++) {
		CHECK_INT(messages[i].err.code, ERR_CONNECT);
		messages[i].server = address_next();
	}
	/* Some of these wait when they are cancelled. */
	asking.task = (struct task){ 0 };
	CHECK_INT(ask_all(&asking, 20), ERR_CANCELLED);
	for (size_t i = 0; i < asking.n; i++)
		dns_deliver_done(&messages[i]);
	CHECK_INT(count_descriptors(), before);
}

TEST(resolvers_of_the_system)
{
	struct dns_address found[4];
	size_t n = dns_system_resolvers(dns, found, ARRAY_LEN(found));

	CHECK(n >= 1 && n <= ARRAY_LEN(found));
	for (size_t i = 0; i < n; i++)
		CHECK(found[i].len > 0 && found[i].any.sa_family != AF_UNSPEC);
	CHECK_INT(dns_system_resolvers(dns, found, 0), 0);
}

TEST(stop)
{
	dns_free(dns);
	loop_free(loop);
	server_stop();
}

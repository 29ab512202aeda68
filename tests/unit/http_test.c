/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <dlfcn.h>
#include <netdb.h>
#include <semaphore.h>

#include "lib/base/clock.h"
#include "tests/unit/http_ask.h"

/* http_curl.c against real servers: well-behaved ones, rude ones and impostors. */

static struct http_op op;
static sem_t unstuck;

/* The C library's, but for one name whose server does not answer before the test says so. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
	struct addrinfo **out)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (node && str_is(node, "stuck.invalid")) {
		sem_wait(&unstuck);
		return EAI_AGAIN;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, out);
}

TEST(start)
{
	servers_start();
	loop = loop_new();
	http = http_new(loop, "certd-test/1 (+https://example.org)");
}

TEST(every_status_is_an_answer)
{
	static const int statuses[] = { 200, 201, 204, 304, 400, 401, 403, 404, 409, 429, 500,
		503, 599 };

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		char path[32], body[32];
		struct err err;

		snprintf(path, sizeof(path), "status/%d", statuses[i]);
		snprintf(body, sizeof(body), "status %d", statuses[i]);
		err = get(&op, "good", path);
		CHECK_STR(err.text, "");
		CHECK_INT(op.status, statuses[i]);
		CHECK_STR(buf_text(&op.body),
			statuses[i] == 204 || statuses[i] == 304 ? "" : body);
	}
}

/* Nobody waits for a name server: not the loop, not the end of the pool. */
TEST(a_look_up_that_does_not_end)
{
	int64_t begin = clock_tick().ms;
	struct err err;

	REQUIRE(sem_init(&unstuck, 0, 0) == 0);
	for (int i = 0; i < 2; i++) {
		http_get(&op, "https://stuck.invalid/directory");
		CHECK_INT(ask_all(&op, 1, 50).code, ERR_CANCELLED);
		http_get(&op, "https://stuck.invalid/directory");
		op.time_ms = 100;
		err = ask(&op);
		CHECK_INT(err.code, ERR_TIMEOUT);
		CHECK_STR(err.text, "stuck.invalid:443: there was no connection within 0.1 s");
		/* Others are asked meanwhile, and the pool ends. */
		CHECK_INT(get(&op, "good", "echo").code, ERR_NONE);
		http_free(http);
		http = http_new(loop, "certd-test/1 (+https://example.org)");
	}
	CHECK(clock_tick().ms - begin < 10000);
	for (int i = 0; i < 4; i++)
		sem_post(&unstuck);
}

TEST(what_is_asked)
{
	struct err err;

	err = get(&op, "good", "echo/a/../%7e/./b?c=/../d");
	CHECK_INT(err.code, ERR_NONE);
	CHECK(str_starts(buf_text(&op.body), "GET /echo/a/../%7e/./b?c=/../d HTTP/1.1\r\n"));
	CHECK(strstr(
		buf_text(&op.body), "\r\nUser-Agent: certd-test/1 (+https://example.org)\r\n"));
	CHECK(strstr(buf_text(&op.body), "\r\nAccept-Encoding: identity\r\n"));
	CHECK(strstr(buf_text(&op.body), "\r\nAccept-Language: en\r\n"));
	CHECK(!strcasestr(buf_text(&op.body), "cookie"));

	http_post(&op, servers_url("good", "echo"), "application/jose+json", "{\"a\":\0}", 7);
	op.trust = servers.trust;
	err = ask(&op);
	CHECK_INT(err.code, ERR_NONE);
	CHECK(str_starts(buf_text(&op.body), "POST /echo HTTP/1.1\r\n"));
	CHECK(strstr(buf_text(&op.body), "\r\nContent-Type: application/jose+json\r\n"));
	CHECK(strstr(buf_text(&op.body), "\r\nContent-Length: 7\r\n"));
	CHECK(!strstr(buf_text(&op.body), "Expect"));
	CHECK(op.body.len > 7 && memcmp(op.body.data + op.body.len - 7, "{\"a\":\0}", 7) == 0);

	http_head(&op, servers_url("good", "bytes/5000000"));
	op.trust = servers.trust;
	err = ask(&op);
	CHECK_STR(err.text, "");
	CHECK_INT(op.status, 200);
	CHECK_INT(op.body.len, 0);
	CHECK_STR(http_header(&op, "content-length", NULL), "5000000");
}

TEST(headers_repeat_in_their_order)
{
	const char *value = NULL, *names = "onetwothree";

	CHECK_INT(get(&op, "good", "headers").code, ERR_NONE);
	while ((value = http_header(&op, "x-many", value))) {
		CHECK(str_starts(names, value));
		names += strlen(value);
	}
	CHECK_STR(names, "");
	CHECK_STR(http_header(&op, "empty", NULL), "");
	CHECK(!http_header(&op, "x-man", NULL) && !http_header(&op, "nothing", NULL));

	CHECK_INT(get(&op, "good", "early").code, ERR_NONE);
	CHECK_INT(op.status, 201);
	CHECK(!http_header(&op, "x-early", NULL));
	CHECK_STR(buf_text(&op.body), "late");
}

TEST(bounds)
{
	static const struct {
		const char *path;
		size_t limit;
		enum err_code code;
	} rows[] = {
		{ "bytes/1000", 1000, ERR_NONE },
		{ "bytes/1001", 1000, ERR_TOO_LARGE },
		{ "bytes/1048576", 0, ERR_NONE },
		{ "bytes/1048577", 0, ERR_TOO_LARGE },
		{ "chunked/5000", 5000, ERR_NONE },
		{ "chunked/5001", 5000, ERR_TOO_LARGE },
		{ "lie/100000000000", 0, ERR_TOO_LARGE },
		{ "endless", 100000, ERR_TOO_LARGE },
		{ "heads/500", 0, ERR_NONE },
		{ "heads/700", 0, ERR_TOO_LARGE },
		{ "head/60000", 0, ERR_NONE },
		{ "head/70000", 0, ERR_TOO_LARGE },
		{ "gzip", 0, ERR_HTTP },
		{ "identity", 0, ERR_NONE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err;

		http_get(&op, servers_url("good", rows[i].path));
		op.trust = servers.trust;
		if (rows[i].limit)
			op.limit = rows[i].limit;
		err = ask(&op);
		if (err.code != rows[i].code)
			TEST_FAIL("%s: %d %s", rows[i].path, err.code, err.text);
		CHECK_INT(op.status, err.code ? 0 : 200);
		if (err.code) {
			CHECK(str_starts(err.text, "localhost: "));
			CHECK_INT(op.body.len + op.headers.len, 0);
		}
	}
	CHECK_INT(get(&op, "good", "chunked/12345").code, ERR_NONE);
	CHECK_INT(op.body.len, 12345);
	CHECK(!http_header(&op, "x-trailer", NULL));
	CHECK_STR(http_header(&op, "x-head", NULL), "yes");
	CHECK(!http_header(&op, "x-head", http_header(&op, "x-head", NULL)));
}

/* One sentence for each, which names the server. */
TEST(troubles)
{
	static const struct {
		const char *server, *path;
		enum err_code code;
		const char *text;
	} rows[] = {
		{ "good", "reset", ERR_HTTP, NULL },
		{ "good", "cut", ERR_HTTP,
			"localhost: the connection was closed within the answer" },
		{ "good", "empty", ERR_HTTP,
			"localhost: the connection was closed without an answer" },
		{ "good", "garbage", ERR_HTTP, NULL },
		{ "expired", "echo", ERR_TLS, "localhost: the certificate has expired" },
		{ "early", "echo", ERR_TLS, "localhost: the certificate is not valid yet" },
		{ "wrong", "echo", ERR_TLS, "localhost: the certificate is for another name" },
		{ "old", "echo", ERR_TLS, NULL },
		{ "plain", "echo", ERR_TLS, NULL },
		{ "good", "loop", ERR_NONE, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = get(&op, rows[i].server, rows[i].path);

		if (err.code != rows[i].code ||
			(rows[i].text && strcmp(err.text, rows[i].text) != 0))
			TEST_FAIL("%s/%s: %d %s", rows[i].server, rows[i].path, err.code,
				err.text);
		CHECK(err.code == ERR_NONE || str_starts(err.text, "localhost: "));
	}
}

TEST(only_the_given_root_is_trusted)
{
	static const char *const text =
		"localhost: the certificate is not from an authority that is trusted";
	struct err err;

	/* Also when a connection that somebody else trusts is kept. */
	CHECK_INT(get(&op, "good", "echo").code, ERR_NONE);
	http_get(&op, servers_url("good", "echo"));
	op.trust = servers.other;
	err = ask(&op);
	CHECK_INT(err.code, ERR_TLS);
	CHECK_STR(err.text, text);
	http_get(&op, servers_url("good", "echo"));
	err = ask(&op);
	CHECK_STR(err.text, text);
	http_get(&op, servers_url("good", "echo"));
	op.trust = "no certificate at all";
	CHECK_INT(ask(&op).code, ERR_TLS);
}

TEST(nobody_there)
{
	struct err err;

	http_get(&op, "https://127.0.0.1:1/directory");
	err = ask(&op);
	CHECK_INT(err.code, ERR_CONNECT);
	CHECK_STR(err.text, "no server answers at 127.0.0.1:1: Connection refused");
}

TEST(urls_that_are_not_asked)
{
	static const char *const urls[] = { "http://localhost/", "ftp://localhost/",
		"localhost", "file:///etc/passwd", "", "https://", "https://a:b@localhost/",
		"https://localhost/a b" };

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		http_get(&op, urls[i]);
		if (ask(&op).code != ERR_BAD_VALUE)
			TEST_FAIL("%s", urls[i]);
	}
}

TEST(redirects)
{
	static const struct {
		const char *path;
		bool follow;
		int status;
		enum err_code code;
	} rows[] = {
		{ "hop/0", true, 200, ERR_NONE },
		{ "hop/5", true, 200, ERR_NONE },
		{ "hop/6", true, 0, ERR_HTTP },
		{ "loop", true, 0, ERR_HTTP },
		{ "loop", false, 307, ERR_NONE },
		{ "to/http", true, 0, ERR_FOREIGN_URL },
		{ "to/ftp", true, 0, ERR_FOREIGN_URL },
		{ "to/file", true, 0, ERR_FOREIGN_URL },
		{ "to/https", true, 200, ERR_NONE },
		{ "to/https/u:p@", true, 0, ERR_FOREIGN_URL },
		{ "astray/https:", true, 0, ERR_FOREIGN_URL },
		{ "astray", true, 0, ERR_FOREIGN_URL },
		{ "astray", false, 302, ERR_NONE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err;

		http_get(&op, servers_url("good", rows[i].path));
		op.trust = servers.trust;
		op.follow = rows[i].follow;
		err = ask(&op);
		if (err.code != rows[i].code || op.status != rows[i].status)
			TEST_FAIL("%s: %d %d %s", rows[i].path, op.status, err.code, err.text);
	}
	/* Nor does a POST go anywhere. */
	http_post(&op, servers_url("good", "loop"), "text/plain", "x", 1);
	op.trust = servers.trust;
	CHECK_INT(ask(&op).code, ERR_NONE);
	CHECK_INT(op.status, 307);
	http_get(&op, servers_url("good", "hop/3"));
	op.trust = servers.trust;
	op.follow = true;
	CHECK_INT(ask(&op).code, ERR_NONE);
	CHECK_STR(buf_text(&op.body), "hop 0");
	CHECK_STR(buf_text(&op.url), servers_url("good", "hop/0"));
	CHECK(!http_header(&op, "location", NULL));
}

TEST(nothing_takes_longer_than_its_time)
{
	static const char *const paths[] = { "silent", "drip", "slow/5000" };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		int64_t begin = clock_tick().ms, took;
		struct err err;

		http_get(&op, servers_url("good", paths[i]));
		op.trust = servers.trust;
		op.time_ms = 400;
		err = ask(&op);
		took = clock_tick().ms - begin;
		CHECK_INT(err.code, ERR_TIMEOUT);
		CHECK(str_ends(err.text, " within 0.4 s"));
		CHECK(took >= 400 && took < 4000);
	}
}

TEST(soft_errors_stay_with_the_operation)
{
	struct err err;

	http_get(&op, servers_url("expired", "echo"));
	op.trust = servers.trust;
	op.is_soft = true;
	err = ask(&op);
	CHECK_INT(err.code, ERR_NONE);
	CHECK_INT(op.err.code, ERR_TLS);
	CHECK_INT(op.status, 0);
}

static int count(const char *what)
{
	CHECK_INT(get(&op, "good", what).code, ERR_NONE);
	return atoi(buf_text(&op.body));
}

static struct err ask_many(
	struct http_op *ops, size_t n, const char *server, const char *path, int64_t cancel_ms)
{
	for (size_t i = 0; i < n; i++) {
		http_get(&ops[i], servers_url(server, path));
		ops[i].trust = servers.trust;
	}
	return ask_all(ops, n, cancel_ms);
}

enum { MANY = 100 };

static void many_done(struct http_op ops[MANY])
{
	for (size_t i = 0; i < MANY; i++)
		http_op_done(&ops[i]);
}

TEST(many_at_once_share_few_connections)
{
	struct http_op ops[MANY] = { 0 };
	int before = count("accepted"), busy;

	CHECK_STR(ask_many(ops, MANY, "good", "slow/5", -1).text, "");
	for (size_t i = 0; i < MANY; i++)
		CHECK_STR(buf_text(&ops[i].body), "slow");
	busy = count("accepted") - before;
	CHECK(busy >= 1 && busy <= 4);
	many_done(ops);
}

TEST(http_2_needs_one)
{
	struct http_op ops[MANY] = { 0 };

	for (int round = 0; round < 2; round++) {
		CHECK_STR(ask_many(ops, MANY, "nginx", "", -1).text, "");
		for (size_t i = 0; i < MANY; i++) {
			CHECK_INT(ops[i].status, 200);
			CHECK_STR(http_header(&ops[i], "X-Protocol", NULL), "HTTP/2.0");
			CHECK_STR(buf_text(&ops[i].body), buf_text(&ops[0].body));
		}
	}
	many_done(ops);
}

/* The others of a task go with the one that fails. */
TEST(siblings_go_with_the_one_that_fails)
{
	struct http_op ops[3] = { 0 };
	int64_t begin = clock_tick().ms;

	http_get(&ops[0], servers_url("good", "silent"));
	http_get(&ops[1], servers_url("good", "empty"));
	http_get(&ops[2], servers_url("good", "drip"));
	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		ops[i].trust = servers.trust;
	CHECK_INT(ask_all(ops, ARRAY_LEN(ops), -1).code, ERR_HTTP);
	CHECK(clock_tick().ms - begin < 10000);
	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		http_op_done(&ops[i]);
}

TEST(cancelled_in_flight)
{
	struct http_op ops[MANY] = { 0 };
	int64_t begin = clock_tick().ms;

	/* Before the name is looked up, while connecting, asking, reading. */
	for (int ms = 0; ms < 40; ms += 2) {
		CHECK_INT(ask_many(ops, 5, "good", "drip", ms).code, ERR_CANCELLED);
		ask_many(ops, 5, "nginx", "", ms / 4);
	}
	CHECK_INT(ask_many(ops, MANY, "good", "drip", 50).code, ERR_CANCELLED);
	CHECK(clock_tick().ms - begin < 15000);
	many_done(ops);
	/* The server sees them go, all but the one that asks. */
	while (count("open") > 1 && clock_tick().ms - begin < 30000)
		;
	CHECK_INT(count("open"), 1);
}

TEST(stop)
{
	http_op_done(&op);
	http_free(http);
	http_free(NULL);
	loop_free(loop);
	servers_stop();
}

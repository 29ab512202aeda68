/* SPDX-License-Identifier: MIT */
#include "daemon/acme/responder.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/net/listener.h"
#include "lib/task/loop.h"
#include "tests/test.h"

/* The responder in a process of its own, and clients of every manner against it. */

#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
#define KEYAUTH TOKEN ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define PATH "/.well-known/acme-challenge/" TOKEN

static struct served {
	pid_t pid;
	int stop; /* closing it ends the process */
	uint16_t http, tls;
} s;

static int listen_somewhere(uint16_t *port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	REQUIRE(fd >= 0 && bind(fd, (struct sockaddr *)&addr, len) == 0 &&
		listen(fd, 1024) == 0 && getsockname(fd, (struct sockaddr *)&addr, &len) == 0);
	*port = ntohs(addr.sin_port);
	return fd;
}

static void stopped(struct watch *watch, unsigned what)
{
	(void)what;
	loop_stop(watch->loop);
}

static void add(struct responder *responder, enum challenge type, const char *name)
{
	struct err err = ERR_INIT;

	CHECK_INT(responder_add(responder, type, name, TOKEN, KEYAUTH, &err), 0);
}

static NORETURN void serve(int http, int tls, int stop)
{
	struct loop *loop = loop_new();
	struct responder *responder = responder_new(loop);
	struct watch watch = { .fd = stop, .ready = stopped };

	signal(SIGPIPE, SIG_IGN);
	responder_listen(responder, CHALLENGE_HTTP, "http", http);
	responder_listen(responder, CHALLENGE_TLS_ALPN, "tls", tls);
	add(responder, CHALLENGE_HTTP, "example.com");
	add(responder, CHALLENGE_DNS, "example.com");
	add(responder, CHALLENGE_TLS_ALPN, "example.com");
	add(responder, CHALLENGE_TLS_ALPN, "192.0.2.1");
	add(responder, CHALLENGE_TLS_ALPN, "2001:db8::1");
	loop_watch(loop, &watch, LOOP_READ);
	loop_run(loop);
	loop_watch_stop(&watch);
	responder_free(responder);
	loop_free(loop);
	close(stop);
	exit(test_failures != 0);
}

static void begin(void)
{
	int http = listen_somewhere(&s.http), tls = listen_somewhere(&s.tls), pair[2];

	REQUIRE(pipe2(pair, O_CLOEXEC) == 0);
	s.pid = fork();
	if (s.pid == 0) {
		close(pair[1]);
		serve(http, tls, pair[0]);
	}
	close(http);
	close(tls);
	close(pair[0]);
	s.stop = pair[1];
}

/* It must end well and without a leak. */
static void end(void)
{
	int status = -1;

	close(s.stop);
	CHECK(waitpid(s.pid, &status, 0) == s.pid);
	CHECK_INT(status, 0);
}

/* From 127.0.0.`from`. */
static int dial_from(uint8_t from, uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + from) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	REQUIRE(fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	addr.sin_port = htons(port);
	REQUIRE(connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	return fd;
}

static int dial(uint16_t port)
{
	return dial_from(1, port);
}

/* Everything until the end; false when the connection was reset instead. */
static bool hear(int fd, struct buf *out)
{
	char data[4096];
	ssize_t n;

	while ((n = recv(fd, data, sizeof(data), 0)) > 0)
		buf_add(out, data, (size_t)n);
	return n == 0;
}

static void ask(const char *text, size_t len, struct buf *out)
{
	int fd = dial(s.http);

	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		text += n;
		len -= (size_t)n;
	}
	CHECK(hear(fd, out));
	close(fd);
}

static bool is_404(const struct buf *out)
{
	return str_is(buf_text(out), "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n"
				     "Connection: close\r\n\r\n");
}

static bool is_found(const struct buf *out)
{
	return str_starts(buf_text(out), "HTTP/1.1 200 OK\r\n") &&
	       str_ends(buf_text(out), "\r\n\r\n" KEYAUTH);
}

TEST(only_a_get_or_head_of_a_known_token_is_answered)
{
	static const struct {
		const char *request;
		bool is_found;
	} rows[] = {
		{ GET(PATH), true },
		{ "GET " PATH " HTTP/1.0\r\n\r\n", true },
		{ "GET http://example.com:80" PATH " HTTP/1.1\r\nHost: other\r\n\r\n", true },
		{ GET(PATH) GET("/more") GET("/and-more"), true },
		{ GET(PATH "?x=1"), false },
		{ GET(PATH "/"), false },
		{ GET("/"), false },
		{ GET("/.well-known/acme-challenge/"), false },
		{ GET("/.well-known/acme-challenge/../acme-challenge/" TOKEN), false },
		{ GET("//.well-known/acme-challenge/" TOKEN), false },
		{ GET("*"), false },
		{ GET("http://example.com"), false },
		{ "POST " PATH " HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", false },
		{ "get " PATH " HTTP/1.1\r\n\r\n", false },
		{ "GET " PATH "\r\n\r\n", false },
		{ "GET " PATH " SPDY/1\r\n\r\n", false },
		{ "GET\r\n\r\n", false },
		{ "\r\n\r\n", false },
		{ " \r\n\r\n", false },
	};

	begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf out AUTO_BUF = BUF_INIT;

		ask(rows[i].request, strlen(rows[i].request), &out);
		if (rows[i].is_found ? !is_found(&out) : !is_404(&out))
			TEST_FAIL("row %zu: %s", i, buf_text(&out));
	}
	end();
}

TEST(head_tells_the_length_without_the_body)
{
	struct buf out AUTO_BUF = BUF_INIT, length AUTO_BUF = BUF_INIT;
	const char *request = "HEAD " PATH " HTTP/1.1\r\n\r\n";

	begin();
	ask(request, strlen(request), &out);
	buf_printf(&length, "Content-Length: %zu\r\n", strlen(KEYAUTH));
	CHECK(strstr(buf_text(&out), buf_text(&length)));
	CHECK(str_ends(buf_text(&out), "\r\n\r\n"));
	end();
}

TEST(a_request_may_come_in_single_bytes)
{
	struct buf out AUTO_BUF = BUF_INIT;
	int fd;

	begin();
	fd = dial(s.http);
	for (const char *p = GET(PATH); *p; p++)
		REQUIRE(send(fd, p, 1, MSG_NOSIGNAL) == 1);
	CHECK(hear(fd, &out));
	CHECK(is_found(&out));
	close(fd);
	end();
}

TEST(a_huge_head_is_refused_and_a_nul_is_no_end)
{
	struct buf request AUTO_BUF = BUF_INIT;

	begin();
	buf_add_text(&request, "GET " PATH " HTTP/1.1\r\nX: ");
	for (int i = 0; i < 100000; i++)
		buf_add_char(&request, i % 5000 == 4999 ? '\0' : 'x');
	for (int i = 0; i < 2; i++) {
		struct buf out AUTO_BUF = BUF_INIT;

		ask(request.data, request.len, &out);
		CHECK(is_404(&out));
	}
	end();
}

/* Whoever holds a thousand connections open keeps nobody out, and is thrown out himself. */
TEST(a_flood_keeps_nobody_out)
{
	enum { FLOOD = 1000 };
	struct rlimit limit = { 4096, 4096 };
	static int fds[FLOOD];
	struct buf out AUTO_BUF = BUF_INIT;
	struct pollfd first;

	(void)setrlimit(RLIMIT_NOFILE, &limit);
	begin();
	for (int i = 0; i < FLOOD; i++) {
		fds[i] = dial(s.http);
		CHECK(send(fds[i], "GET /", 5, MSG_NOSIGNAL) == 5);
	}
	ask(GET(PATH), strlen(GET(PATH)), &out);
	CHECK(is_found(&out));
	first = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	CHECK_INT(poll(&first, 1, 5000), 1);
	for (int i = 0; i < FLOOD; i++)
		close(fds[i]);
	end();
}

static int flood(uint8_t from, int *fds, int n)
{
	for (int i = 0; i < n; i++) {
		fds[i] = dial_from(from, s.http);
		CHECK(send(fds[i], "GET /", 5, MSG_NOSIGNAL) == 5);
	}
	return n;
}

/* Has the other side closed it?  Gives it that time. */
static bool is_closed(int fd, int ms)
{
	struct pollfd watched = { .fd = fd, .events = POLLIN };

	return poll(&watched, 1, ms) == 1;
}

/* A CA that came first and takes its time is still there after the flood of another address. */
TEST(a_flood_throws_out_its_own)
{
	enum { FLOOD = 1000, FEW = 20 };
	static int fds[FLOOD], few[FEW];
	struct buf out AUTO_BUF = BUF_INIT;
	int ca;

	begin();
	ca = dial_from(2, s.http);
	CHECK(send(ca, "GET ", 4, MSG_NOSIGNAL) == 4);
	flood(3, few, FEW);
	flood(1, fds, FLOOD);
	CHECK(is_closed(fds[0], 5000));
	CHECK(is_closed(fds[FLOOD - LISTENER_MAX], 5000));
	CHECK(!is_closed(fds[FLOOD - LISTENER_MAX / 2], 0));
	for (int i = 0; i < FEW; i++)
		CHECK(!is_closed(few[i], 0));
	CHECK(send(ca, GET(PATH) + 4, strlen(GET(PATH)) - 4, MSG_NOSIGNAL) > 0);
	CHECK(hear(ca, &out));
	CHECK(is_found(&out));
	close(ca);
	for (int i = 0; i < FLOOD; i++)
		close(fds[i]);
	for (int i = 0; i < FEW; i++)
		close(few[i]);
	end();
}

TEST(a_slow_client_is_cut_off)
{
	struct buf out AUTO_BUF = BUF_INIT;
	struct tick start = clock_tick();
	int fd;

	begin();
	fd = dial(s.http);
	CHECK(send(fd, "GET ", 4, MSG_NOSIGNAL) == 4);
	(void)hear(fd, &out);
	CHECK_INT(out.len, 0);
	CHECK(clock_tick().ms - start.ms >= LISTENER_TIME_MS - 100);
	CHECK(clock_tick().ms - start.ms < LISTENER_TIME_MS + 5000);
	close(fd);
	end();
}

/* Runs sh -c and gives what it prints. */
static void run(const char *script, struct buf *out)
{
	int pair[2], status;
	pid_t pid;
	char data[4096];
	ssize_t n;

	REQUIRE(pipe2(pair, O_CLOEXEC) == 0);
	pid = fork();
	if (pid == 0) {
		dup2(pair[1], 1);
		dup2(pair[1], 2);
		execlp("sh", "sh", "-c", script, (char *)NULL);
		_exit(127);
	}
	close(pair[1]);
	while ((n = read(pair[0], data, sizeof(data))) > 0)
		buf_add(out, data, (size_t)n);
	close(pair[0]);
	waitpid(pid, &status, 0);
}

static void shake(const char *options, struct buf *out)
{
	struct buf script AUTO_BUF = BUF_INIT;

	buf_printf(&script,
		"openssl s_client -connect 127.0.0.1:%u %s </dev/null 2>&1 | tee /dev/fd/2 | "
		"openssl x509 -noout -text 2>/dev/null",
		s.tls, options);
	run(buf_text(&script), out);
}

TEST(handshakes_show_the_certificate_of_the_challenge)
{
	static const struct {
		const char *options, *name; /* NULL: refused */
	} rows[] = {
		{ "-alpn acme-tls/1 -servername example.com", "DNS:example.com\n" },
		{ "-alpn acme-tls/1 -servername EXAMPLE.com", "DNS:example.com\n" },
		{ "-tls1_2 -alpn acme-tls/1 -servername example.com", "DNS:example.com\n" },
		{ "-alpn acme-tls/1 -servername 1.2.0.192.in-addr.arpa",
			"IP Address:192.0.2.1\n" },
		{ "-alpn acme-tls/1 -servername "
		  "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
			"IP Address:2001:DB8:0:0:0:0:0:1\n" },
		{ "-alpn acme-tls/1 -servername other.example.com", NULL },
		{ "-alpn acme-tls/1 -noservername", NULL },
		{ "-alpn h2 -servername example.com", NULL },
		{ "-servername example.com", NULL },
		{ "-tls1_1 -cipher DEFAULT@SECLEVEL=0 -alpn acme-tls/1 -servername example.com",
			NULL },
	};

	begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf out AUTO_BUF = BUF_INIT;

		shake(rows[i].options, &out);
		if (!rows[i].name) {
			if (strstr(buf_text(&out), "BEGIN CERTIFICATE") ||
				!strstr(buf_text(&out), "alert"))
				TEST_FAIL("%s: %s", rows[i].options, buf_text(&out));
			continue;
		}
		if (!strstr(buf_text(&out), "ALPN protocol: acme-tls/1") ||
			!strstr(buf_text(&out), rows[i].name) ||
			!strstr(buf_text(&out), "1.3.6.1.5.5.7.1.31: critical") ||
			strstr(buf_text(&out), "TLS session ticket"))
			TEST_FAIL("%s: %s", rows[i].options, buf_text(&out));
	}
	end();
}

/* RFC 8737, 3: the digest itself, as DER, in the extension. */
TEST(the_extension_holds_the_digest)
{
	struct buf out AUTO_BUF = BUF_INIT, script AUTO_BUF = BUF_INIT;

	begin();
	buf_printf(&script,
		"want=$(printf %%s %s | openssl dgst -sha256 -r | cut -d' ' -f1 | tr a-f A-F)\n"
		"openssl s_client -connect 127.0.0.1:%u -alpn acme-tls/1 -servername "
		"example.com "
		"</dev/null 2>/dev/null | openssl x509 | openssl asn1parse | grep \"HEX "
		"DUMP\\]:0420$want\" && echo same",
		KEYAUTH, s.tls);
	run(buf_text(&script), &out);
	CHECK(str_ends(buf_text(&out), "same\n"));
	end();
}

/* A client that opens and says nothing, or nonsense, takes nothing from the others. */
TEST(rude_callers_take_nothing)
{
	struct buf out AUTO_BUF = BUF_INIT, ignored AUTO_BUF = BUF_INIT;
	int silent, rude;

	begin();
	silent = dial(s.tls);
	rude = dial(s.tls);
	CHECK(send(rude, GET("/"), strlen(GET("/")), MSG_NOSIGNAL) > 0);
	(void)hear(rude, &ignored);
	shake("-alpn acme-tls/1 -servername example.com", &out);
	CHECK(strstr(buf_text(&out), "DNS:example.com"));
	close(silent);
	close(rude);
	end();
}

TEST(what_two_orders_added_goes_with_the_second)
{
	struct loop *loop = loop_new();
	struct responder *r = responder_new(loop);
	struct err err = ERR_INIT;
	const enum challenge types[] = { CHALLENGE_HTTP, CHALLENGE_TLS_ALPN };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		enum challenge type = types[i];

		responder_remove(r, type, "a", "t");
		CHECK(!responder_find(r, type, "a", "t"));
		REQUIRE(responder_add(r, type, "a", "t", "t.1", &err) == 0);
		REQUIRE(responder_add(r, type, "a", "t", "t.1", &err) == 0);
		REQUIRE(responder_add(r, type, "a", "u", "u.1", &err) == 0);
		CHECK_STR(responder_find(r, type, "a", "u"), "u.1");
		responder_remove(r, type, "a", "t");
		responder_remove(r, type, "a", "u");
		CHECK_STR(responder_find(r, type, "a", "t"), "t.1");
		responder_remove(r, type, "a", "t");
		CHECK(!responder_find(r, type, "a", "t"));
	}
	REQUIRE(responder_add(r, CHALLENGE_TLS_ALPN, "a", "old", "old.1", &err) == 0);
	REQUIRE(responder_add(r, CHALLENGE_TLS_ALPN, "a", "new", "new.1", &err) == 0);
	responder_remove(r, CHALLENGE_TLS_ALPN, "a", "old");
	CHECK_STR(responder_find(r, CHALLENGE_TLS_ALPN, "a", "new"), "new.1");
	responder_free(r);
	loop_free(loop);
}

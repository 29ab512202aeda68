/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/launch/listeners.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/attr.h"
#include "tests/unit/challenge_world.h"

/* When addresses of challenges are bound.  The port under test is one that the kernel gave. */

static struct listeners listeners;
static char at[32];
static int n_bound;
static struct err failed; /* what was told last of the address */

static void note(enum challenge type, const char *text, int fd, const struct err *err)
{
	bool was_failed = err_is_set(&failed);

	(void)type;
	CHECK_STR(text, at);
	CHECK(!err || fd < 0);
	failed = err ? *err : (struct err)ERR_INIT;
	if (fd >= 0)
		n_bound++;
	else if (!err && !was_failed)
		n_bound--;
}

static int begin_type(enum challenge type, struct err *err)
{
	return listeners_begin(&listeners, type, err);
}

static void end_type(enum challenge type)
{
	listeners_end(&listeners, type);
}

/* A web server at this port, 0: at any; -1 when the port is taken. */
static int serve(uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	REQUIRE(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
	if (bind(fd, (struct sockaddr *)&in, len) < 0 || listen(fd, 1) < 0) {
		close(fd);
		return -1;
	}
	REQUIRE(getsockname(fd, (struct sockaddr *)&in, &len) == 0);
	snprintf(at, sizeof(at), "127.0.0.1:%u", (unsigned)ntohs(in.sin_port));
	return fd;
}

static uint16_t port_of_at(void)
{
	return (uint16_t)strtoul(strchr(at, ':') + 1, NULL, 10);
}

static bool is_free(void)
{
	int fd = serve(port_of_at());

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void use(const char *hold)
{
	char text[128];
	struct conf *conf;

	snprintf(text, sizeof(text), "http: {listen: ['%s']%s}\n", at, hold);
	conf = load_text(text, NULL);
	REQUIRE(conf);
	listeners_use(&listeners, conf);
	conf_unref(conf);
}

static void begin_listeners(void)
{
	begin();
	n_bound = 0;
	failed = (struct err)ERR_INIT;
	listeners_init(&listeners, w.loop, note);
	challenges_use_listening(
		w.challenges, &(struct challenge_listening){ begin_type, end_type });
	close(serve(0));
}

static void end_listeners(void)
{
	listeners_done(&listeners);
	end();
}

TEST(the_port_is_bound_from_the_first_challenge_to_the_last)
{
	size_t one, two;

	begin_listeners();
	use("");
	CHECK(n_bound == 0 && is_free());
	one = present(CHALLENGE_HTTP, APEX, "one");
	two = present(CHALLENGE_HTTP, "www." APEX, "two");
	settle();
	CHECK(n_bound == 1 && !is_free());
	CHECK(challenge_withdraw(w.challenges, w.told[one].id, told, (void *)2));
	settle();
	CHECK(n_bound == 1 && !is_free());
	CHECK(challenge_withdraw(w.challenges, w.told[two].id, told, (void *)3));
	settle();
	CHECK(n_bound == 0 && is_free());
	end_listeners();
}

TEST(a_port_in_use_is_told_with_the_ways_out)
{
	struct err err = ERR_INIT;
	int server;

	begin_listeners();
	use("");
	server = serve(port_of_at());
	REQUIRE(server >= 0);
	CHECK(listeners_begin(&listeners, CHALLENGE_HTTP, &err) < 0);
	CHECK(strstr(err.text, "http.webroot") && strstr(err.text, "another port") &&
		strstr(err.text, "stop holding the port"));
	CHECK_INT(log_memory_count(&w.log, EVENT_LISTENER_FAILED, NULL, NULL), 1);
	CHECK(strstr(failed.text, "another port"));
	close(server);
	/* The next challenge looks anew. */
	CHECK(listeners_begin(&listeners, CHALLENGE_HTTP, &err) == 0);
	CHECK_INT(n_bound, 1);
	listeners_end(&listeners, CHALLENGE_HTTP);
	CHECK_INT(n_bound, 0);
	end_listeners();
}

TEST(an_operator_has_a_port_that_was_in_use_tried_at_once)
{
	int server;

	begin_listeners();
	server = serve(port_of_at());
	REQUIRE(server >= 0);
	use(", hold: always");
	CHECK_INT(n_bound, 0);
	listeners_retry(&listeners);
	CHECK_INT(n_bound, 0);
	close(server);
	listeners_retry(&listeners);
	CHECK_INT(n_bound, 1);
	CHECK(!heap_has(&listeners.timer.node));
	end_listeners();
}

TEST(a_challenge_that_cannot_be_answered_leaves_nothing_tried_again)
{
	int server;

	begin_listeners();
	use("");
	server = serve(port_of_at());
	REQUIRE(server >= 0);
	(void)present(CHALLENGE_HTTP, APEX, "one");
	CHECK(!heap_has(&listeners.timer.node));
	use(", hold: always");
	CHECK(heap_has(&listeners.timer.node));
	close(server);
	end_listeners();
}

TEST(a_failed_address_is_told_until_it_is_bound_or_not_configured)
{
	struct conf *conf;
	int server;

	begin_listeners();
	server = serve(port_of_at());
	REQUIRE(server >= 0);
	use(", hold: always");
	CHECK(err_is_set(&failed));
	close(server);
	use(", hold: always");
	CHECK(!err_is_set(&failed) && n_bound == 1);
	use(", hold: challenge");
	CHECK(n_bound == 0);
	server = serve(port_of_at());
	use(", hold: always");
	CHECK(err_is_set(&failed));
	conf = load_text("{}\n", NULL);
	REQUIRE(conf);
	listeners_use(&listeners, conf);
	conf_unref(conf);
	CHECK(!err_is_set(&failed) && n_bound == 0);
	close(server);
	end_listeners();
}

TEST(a_reload_binds_and_lets_go)
{
	begin_listeners();
	use(", hold: always");
	CHECK(n_bound == 1 && !is_free());
	listeners_end(&listeners, CHALLENGE_HTTP);
	CHECK_INT(n_bound, 1);
	use(", hold: challenge");
	CHECK(n_bound == 0 && is_free());
	use(", hold: always");
	CHECK_INT(n_bound, 1);
	end_listeners();
}

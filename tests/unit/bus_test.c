/* SPDX-License-Identifier: MIT */
#include "lib/bus/bus.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/task/loop.h"
#include "tests/test.h"

/* A system bus that hears and says nothing, until its end. */
static struct {
	struct loop *loop;
	char dir[40];
	int listener, peer;
	struct bus *bus;
	struct err err;
	int n_done, n_lost, n_done_before_lost;
	bool is_done, is_lost;
} w;

static void begin(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char text[120];

	memset(&w, 0, sizeof(w));
	w.loop = loop_new();
	strcpy(w.dir, "/tmp/bus-test-XXXXXX");
	REQUIRE(mkdtemp(w.dir));
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/bus", w.dir);
	w.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	REQUIRE(bind(w.listener, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	REQUIRE(listen(w.listener, 1) == 0);
	snprintf(text, sizeof(text), "unix:path=%s", addr.sun_path);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", text, 1);
}

static void end(void)
{
	char path[60];

	bus_close(w.bus);
	loop_free(w.loop);
	close(w.listener);
	if (w.peer > 0)
		close(w.peer);
	snprintf(path, sizeof(path), "%s/bus", w.dir);
	unlink(path);
	rmdir(w.dir);
}

/* The owner closes the bus from here. */
static void on_lost(void *data)
{
	(void)data;
	w.n_lost++;
	w.n_done_before_lost = w.n_done;
	bus_close(w.bus);
	w.bus = NULL;
	w.is_lost = true;
}

static void on_done(void *data, const struct err *err)
{
	(void)data;
	w.err = *err;
	w.n_done++;
	w.is_done = true;
}

static void connect_bus(void)
{
	struct err err = ERR_INIT;

	REQUIRE(bus_open(w.loop, on_lost, NULL, &w.bus, &err) == 0);
	w.peer = accept(w.listener, NULL, NULL);
	REQUIRE(w.peer >= 0);
}

TEST(a_lost_bus_ends_every_call_and_is_told_once)
{
	begin();
	connect_bus();
	bus_unit_job(w.bus, BUS_RELOAD, "a.service", SECONDS(60), on_done, NULL);
	bus_unit_job(w.bus, BUS_RELOAD, "b.service", SECONDS(60), on_done, NULL);
	CHECK(!loop_run_until(w.loop, &w.is_lost, 50));
	CHECK_INT(w.n_done, 0);
	close(w.peer);
	w.peer = 0;
	CHECK(loop_run_until(w.loop, &w.is_lost, 5000));
	CHECK_INT(w.n_done_before_lost, 2);
	CHECK_INT(w.err.code, ERR_UNIT_FAILED);
	w.is_lost = false;
	CHECK(!loop_run_until(w.loop, &w.is_lost, 50));
	CHECK_INT(w.n_lost, 1);
	end();
}

TEST(a_bus_can_be_opened_again_after_it_was_lost)
{
	begin();
	connect_bus();
	close(w.peer);
	CHECK(loop_run_until(w.loop, &w.is_lost, 5000));
	connect_bus();
	bus_unit_job(w.bus, BUS_RELOAD, "a.service", SECONDS(60), on_done, NULL);
	CHECK(!loop_run_until(w.loop, &w.is_done, 50));
	end();
}

TEST(a_call_without_an_answer_ends_with_its_limit)
{
	begin();
	connect_bus();
	bus_unit_job(w.bus, BUS_RESTART, "a.service", SECONDS(1), on_done, NULL);
	CHECK(loop_run_until(w.loop, &w.is_done, 5000));
	CHECK_INT(w.err.code, ERR_TIMEOUT);
	CHECK_INT(w.n_lost, 0);
	end();
}

TEST(a_cancelled_call_is_not_told)
{
	begin();
	connect_bus();
	bus_cancel(bus_unit_job(w.bus, BUS_RESTART, "a.service", SECONDS(1), on_done, NULL));
	CHECK(!loop_run_until(w.loop, &w.is_done, 1100));
	CHECK_INT(w.n_done, 0);
	end();
}

/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/acme/responder.h"
#include "daemon/engine/sandbox.h"
#include "daemon/engine/world.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/log/log.h"
#include "lib/net/dns_probe.h"
#include "lib/net/http.h"

/*
 * certd-engine: plans, runs jobs, serves the control socket; talks to the world, and to the
 * keeper for everything that needs a key or a file.  Started by certd only, with the pair to
 * the keeper as descriptor 3 and the listening control socket as descriptor 4.
 */

enum { KEEPER_FD = 3, CONTROL_FD = 4 };

static bool is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* The engine has the same kernel and tells what does not hold. */
static void lock_relay_in(void)
{
	struct buf holds AUTO_BUF = BUF_INIT;

	sandbox_enter_relay(&holds);
}

/* Nothing may be lost by it: a kernel without a protection still runs the daemon. */
static void lock_in(void)
{
	struct buf holds AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;

	tzset();
	if (log_relay_start(lock_relay_in, &err) < 0)
		buf_printf(&holds, "(no journal: %s)", err.text);
	sandbox_enter(NULL, &holds);
	log_event(NULL, EVENT_DAEMON_SANDBOX, NULL, "the engine is locked in: %s",
		buf_text(&holds));
}

int main(int argc, char **argv)
{
	struct world world;
	struct loop *loop;
	struct http *http;
	struct dns *dns;

	(void)argv;
	if (argc != 1 || !is_socket(KEEPER_FD) || !is_socket(CONTROL_FD)) {
		fputs("certd-engine is started by certd, not by hand\n", stderr);
		return EXIT_FAILURE;
	}
	log_open("certd");
	signal(SIGPIPE, SIG_IGN);
	/* The keeper hears the service manager's signals and tells us. */
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	umask(077);
	loop = loop_new();
	http = http_new(loop, "certd/" CERTD_VERSION);
	dns = dns_new(loop);
	lock_in();
	world_init(&world, loop, CONTROL_FD);
	world.http = http;
	world.dns = dns;
	world.responder = responder_new(loop);
	world.keeper = keeper_new(loop, KEEPER_FD, world_note, world_lost, &world);
	loop_run(loop);
	world_done(&world);
	responder_free(world.responder);
	/*
	 * Without the keeper jobs were left as they stood, and what they asked is still under
	 * way.
	 */
	if (world.is_idle) {
		http_free(http);
		dns_free(dns);
	}
	keeper_free(world.keeper);
	loop_free(loop);
	log_relay_end();
	return world.has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
#include "tests/unit/http_ask.h"
#include "tests/unit/locked_in.h"

/*
 * The engine's own order: the pool is made, the sandbox entered, and only then asked.  What libcurl, its
 * resolver's thread and the C library then open and call must be what the sandbox lets them.
 */

/* In a child, locked in: 0, or the line of the check that failed. */
static int ask_locked_in(void)
{
	struct http_op op = { 0 };
	struct buf holds = BUF_INIT;
	struct err err;

	loop = loop_new();
	http = http_new(loop, "certd-test/1");
	if (!sandbox_enter(NULL, &holds))
		return __LINE__;
	/* By name and by address, with a root that was handed over. */
	err = get(&op, "good", "echo");
	if (err_is_set(&err) || op.status != 200)
		return __LINE__;
	err = get(&op, "nginx", "");
	if (err_is_set(&err) || op.status != 200)
		return __LINE__;
	/* The system's roots can be read, or this would be another sentence. */
	http_get(&op, servers_url("good", "echo"));
	err = ask(&op);
	if (!str_is(err.text,
		    "localhost: the certificate is not from an authority that is trusted"))
		return __LINE__;
	/* A name that only a name server could know, whether there is one or not. */
	http_get(&op, "https://certd-test.invalid/");
	op.time_ms = 3000;
	err = ask(&op);
	if (err.code != ERR_CONNECT && err.code != ERR_TIMEOUT)
		return __LINE__;
	/* Leaving, the thread of the look-up may still be there. */
	http_op_done(&op);
	http_free(http);
	return 0;
}

TEST(requests_work_in_the_sandbox)
{
	servers_start();
	check_locked_in(ask_locked_in);
	servers_stop();
}

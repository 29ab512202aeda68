/* SPDX-License-Identifier: MIT */
#include "tests/unit/dns_ask.h"
#include "tests/unit/locked_in.h"

/*
 * The engine's own order: the asker is made, the sandbox entered, and only then asked.  What c-ares opens
 * and calls for each question must be what the sandbox lets it.
 */

/* In a child, locked in: 0, or the line of the check that failed. */
static int ask_locked_in(void)
{
	struct dns_address first[4], again[4], at;
	struct dns_deliver_op message = { .time_ms = 0 };
	struct asking asking = { .messages = &message, .n = 1 };
	struct dns_probe_op op = { .type = 0 };
	struct buf holds = BUF_INIT;
	size_t n;

	loop = loop_new();
	dns = dns_new(loop);
	n = dns_system_resolvers(dns, first, ARRAY_LEN(first));
	if (!sandbox_enter(NULL, &holds))
		return __LINE__;
	for (int i = 0; i < 4; i++) {
		/* Over both families and both protocols. */
		at = i & 1 ? address_at("::1", server.port) : address_next();
		dns_question(&op, i & 2 ? "truncated.example" : "right.example", DNS_TXT, &at);
		ask(&op);
		if (answer_text(&op)[0] == 0 || op.by_tcp != ((i & 2) != 0))
			return __LINE__;
	}
	dns_probe_done(&op);
	buf_add(&message.message, "\x12\x34\x28\0\0\1\0\0\0\0\0\0\6nodata\0\0\6\0\1", 24);
	message.server = address_next();
	if (ask_all(&asking, -1) != ERR_NONE || message.err.code != ERR_NONE)
		return __LINE__;
	dns_deliver_done(&message);
	if (dns_system_resolvers(dns, again, ARRAY_LEN(again)) != n)
		return __LINE__;
	for (size_t i = 0; i < n; i++)
		if (!dns_address_is(&first[i], &again[i]))
			return __LINE__;
	dns_free(dns);
	loop_free(loop);
	return 0;
}

TEST(questions_work_in_the_sandbox)
{
	server_start();
	check_locked_in(ask_locked_in);
	server_stop();
}

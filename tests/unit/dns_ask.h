/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_UNIT_DNS_ASK_H
#define CERTD_TESTS_UNIT_DNS_ASK_H

#include <arpa/inet.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "lib/net/dns_probe.h"
#include "tests/test.h"

/*
 * Starts dns_server.py beside a test program, and asks it: one task starts all operations side by side
 * and joins.  With `cancel_ms` a timer cancels the task meanwhile.
 */

static struct loop *loop;
static struct dns *dns;

static struct {
	uint16_t port, unused;
	pid_t pid;
	int stdin_fd;
} server;

static void server_start(void)
{
	char script[400];
	int in[2], out[2];
	FILE *f;

	REQUIRE(pipe(in) == 0 && pipe(out) == 0);
	snprintf(script, sizeof(script), "%s/tests/unit/dns_server.py", getenv("SOURCE_ROOT"));
	server.pid = fork();
	if (server.pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close_range(3, ~0U, 0);
		execlp("python3", "python3", "-B", script, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	server.stdin_fd = in[1];
	f = fdopen(out[0], "r");
	REQUIRE(f && fscanf(f, "%hu %hu", &server.port, &server.unused) == 2);
	fclose(f);
}

static void server_stop(void)
{
	close(server.stdin_fd);
	waitpid(server.pid, NULL, 0);
}

static struct dns_address address_at(const char *text, uint16_t port)
{
	uint8_t octets[16];
	bool is_six = strchr(text, ':') != NULL;

	REQUIRE(inet_pton(is_six ? AF_INET6 : AF_INET, text, octets) == 1);
	return dns_address_of(octets, is_six ? 16 : 4, port);
}

/* One of the server's addresses, each time another, so that no test waits for another one's second. */
static struct dns_address address_next(void)
{
	static unsigned last;
	char text[32];

	snprintf(text, sizeof(text), "127.0.0.%u", last++ % 250 + 1);
	return address_at(text, server.port);
}

struct asking {
	struct task task;
	struct dns_probe_op *probes;
	struct dns_deliver_op *messages;
	size_t n, i;
	struct timer timer;
};

static void asking_run(struct task *task)
{
	struct asking *a = TASK_OF(task, struct asking);

	TASK_BEGIN(task)
	for (a->i = 0; a->i < a->n; a->i++)
		if (a->probes)
			dns_probe(dns, task, &a->probes[a->i]);
		else
			dns_deliver(dns, task, &a->messages[a->i]);
	JOIN();
	FINALLY
	TASK_END
}

static void asking_done(struct task *task)
{
	loop_stop(task->loop);
}

static void asking_cancel(struct timer *timer)
{
	task_cancel(&CONTAINER_OF(timer, struct asking, timer)->task, "the test said so");
}

/* The task's error code; cancel_ms < 0: never. */
static enum err_code ask_all(struct asking *asking, int64_t cancel_ms)
{
	asking->timer.fire = asking_cancel;
	if (cancel_ms >= 0)
		loop_timer_in(loop, &asking->timer, cancel_ms);
	task_start(&asking->task, loop, asking_run, asking_done);
	loop_run(loop);
	loop_timer_stop(loop, &asking->timer);
	CHECK(asking->task.is_ended);
	return asking->task.err.code;
}

static void ask(struct dns_probe_op *probe)
{
	struct asking asking = { .probes = probe, .n = 1 };

	CHECK_INT(ask_all(&asking, -1), ERR_NONE);
}

/* The first string of the first TXT record of the answer; "" when there is none. */
static const char *answer_text(const struct dns_probe_op *probe)
{
	const struct dns_record *record = NULL;

	if (probe->outcome == DNS_ANSWERED)
		record = dns_message_find(&probe->answer, DNS_ANSWER, DNS_TXT, NULL, NULL);
	return record ? record->txt : "";
}

#endif

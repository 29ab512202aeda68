/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <sys/socket.h>
#include <unistd.h>

#include "daemon/link/keeper.h"
#include "lib/base/err.h"
#include "lib/task/loop.h"
#include "lib/task/task.h"

/* What strangers say ends up in requests; nothing of it may make us look like a broken engine. */

struct asking {
	struct task task;
	struct keeper *keeper;
	struct keeper_op op;
	bool is_soft;
};

static void asking_run(struct task *task)
{
	struct asking *a = TASK_OF(task, struct asking);

	TASK_BEGIN(task)
	if (a->is_soft)
		AWAIT(keeper_ask_soft(a->keeper, task, &a->op));
	else
		AWAIT(keeper_ask_firm(a->keeper, task, &a->op));
	FINALLY
	TASK_END
}

static void asking_done(struct task *task)
{
	loop_stop(task->loop);
}

static void no_note(const struct keeper_message *note, int fd, void *data)
{
	(void)note;
	(void)fd;
	(void)data;
	TEST_FAIL("a note came");
}

static void no_loss(const struct err *err, void *data)
{
	(void)data;
	TEST_FAIL("the keeper is lost: %s", err->text);
}

static void check_unsaid(const void *data, size_t len, bool is_soft)
{
	struct loop *loop = loop_new();
	struct asking asking = { .is_soft = is_soft };
	char heard[16];
	int ends[2];

	REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) ==
		0);
	asking.keeper = keeper_new(loop, ends[0], no_note, no_loss, NULL);
	keeper_request(&asking.op, REQUEST_accept);
	buf_add(&asking.op.text, data, len);
	task_start(&asking.task, loop, asking_run, asking_done);
	loop_run(loop);
	CHECK(asking.task.is_ended);
	CHECK_INT(asking.op.err.code, ERR_TOO_LARGE);
	CHECK_INT(asking.task.err.code, is_soft ? ERR_NONE : ERR_TOO_LARGE);
	CHECK(recv(ends[1], heard, sizeof(heard), 0) < 0);
	keeper_op_done(&asking.op);
	keeper_free(asking.keeper);
	loop_free(loop);
	close(ends[1]);
}

TEST(what_is_no_text_is_not_said)
{
	check_unsaid("\na\0b", 4, false);
	check_unsaid("\na\0b", 4, true);
}

TEST(what_is_too_long_is_not_said)
{
	struct buf text AUTO_BUF = BUF_INIT;

	while (text.len < KEEPER_MESSAGE_MAX)
		buf_add_text(&text, " url=\"\\\"\\\"\\\"\\\"\"");
	check_unsaid(text.data, text.len, false);
	check_unsaid(text.data, text.len, true);
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/cert/forecast.h"
#include "daemon/conf/conf.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/select.h"
#include "daemon/ctl/session.h"
#include "daemon/job/fleet.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/*
 * A year of a hundred thousand certificates takes seconds to play through, so a child does it
 * on its copy of the memory and writes rows into a pipe, which is read as fast as the client
 * reads.  Its last line is `ok` or `err`; a child that ends without one was stopped.
 */

enum {
	DAYS_DEFAULT = 30,
	DAYS_MAX = 3660,
	CHILDREN_MAX = 4,
	TIME_MS = 60 * 1000,
	STEPS_MAX = 1000 * 1000,
	CHUNK = 8 * 1024,
};

/*
 * States: a forecasting is the answer of one session while a child of the engine runs the plan
 * ahead.  The parent reads the child's rows from the pipe and passes them on as the session
 * pulls; the end of the pipe ends the answer.  The limit kills the child, sets is_late and ends
 * the answer with an error.  The session frees it, which kills a child that still runs.
 */
struct forecasting {
	struct answer answer;
	pid_t child;
	struct watch pipe;
	struct timer limit;
	struct buf in; /* of the child, not yet passed on */
	bool is_late;
};

/* In the child. */

struct teller {
	int fd;
	struct buf out;
};

/* A broken pipe ends the output: the reader has left. */
static void flush(struct teller *teller)
{
	struct err err = ERR_INIT;

	if (file_write_fd(teller->fd, teller->out.data, teller->out.len, &err))
		_exit(1);
	buf_clear(&teller->out);
}

static void tell(const struct forecast_event *event, void *data)
{
	struct teller *teller = data;
	struct buf *out = &teller->out;

	message_row_begin(out);
	line_add_instant(out, "at", event->at);
	line_add(out, "cert", event->cert->name);
	line_add(out, "action", action_text(event->action));
	if (event->target)
		line_add(out, "target", event->target);
	line_add(out, "why", why_text(event->why));
	line_add(out, "reason", why_sentence(event->why));
	line_end(out);
	if (out->len >= CHUNK)
		flush(teller);
}

static int mark_wanted(
	const struct fleet *fleet, struct selection *selection, bool *wanted, struct err *err)
{
	struct cert *cert;

	for (;;)
		switch (selection_next(selection, fleet, &cert, err)) {
		case SELECTED_CERT:
			wanted[cert->conf->place] = true;
			break;
		case SELECTED_NONE_YET:
			break;
		case SELECTED_END:
			return err_is_set(err) ? -1 : 0;
		}
}

static void forecast(const struct fleet *fleet, struct selection *selection, int64_t days,
	struct teller *teller, struct err *err)
{
	size_t n = fleet->conf->n_certs;
	const struct cert_facts **facts = mem_zalloc((n + 1) * sizeof(*facts));
	bool *wanted = mem_zalloc(n + 1);
	struct instant now = clock_now();
	struct forecast run = { .conf = fleet->conf,
		.facts = facts,
		.wanted = wanted,
		.now = now,
		.clock = &fleet->clock,
		.until = instant_add(now, DAYS(days)),
		.max_steps = STEPS_MAX,
		.tell = tell,
		.data = teller };

	for (size_t i = 0; i < n; i++)
		facts[i] = &fleet_at(fleet, i)->facts;
	if (mark_wanted(fleet, selection, wanted, err))
		return;
	if (!forecast_run(&run))
		err_set(err, ERR_TOO_LARGE,
			"more than %d events lie in that time; ask for fewer days or "
			"certificates",
			STEPS_MAX);
}

/* Nothing of the engine but its memory and this pipe; it must not hold its sockets open. */
static void shed(int fd)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close_range(STDERR_FILENO + 1, (unsigned)fd - 1, 0);
	close_range((unsigned)fd + 1, ~0U, 0);
}

static void play(const struct fleet *fleet, struct selection *selection, int64_t days, int fd)
{
	struct teller teller = { .fd = fd };
	struct err err = ERR_INIT;

	shed(fd);
	forecast(fleet, selection, days, &teller, &err);
	if (err_is_set(&err)) {
		message_err(&teller.out, &err);
	} else {
		message_ok_begin(&teller.out);
		line_end(&teller.out);
	}
	flush(&teller);
	_exit(0);
}

/* In the engine. */

static void read_err(const char *text, size_t len, struct err *err)
{
	struct line line = { 0 };
	struct err ignored = ERR_INIT;

	if (line_parse_copy(&line, text, len, LINE_MAX_LEN, &ignored) == 0)
		message_read_err(&line, err);
	line_done(&line);
}

/* Passes one line of the child on.  ANSWER_WAIT: there is no whole one. */
static enum answer_step pass_line(struct forecasting *forecasting, struct err *err)
{
	struct session *session = forecasting->answer.session;
	struct buf *in = &forecasting->in;
	const char *end = in->len ? memchr(in->data, '\n', in->len) : NULL;
	size_t len;

	if (!end)
		return ANSWER_WAIT;
	len = (size_t)(end + 1 - in->data);
	if (!str_starts(in->data, "row ")) {
		if (str_starts(in->data, "err "))
			read_err(in->data, len - 1, err);
		return ANSWER_END;
	}
	buf_add(&session->out, in->data, len);
	session->n_rows++;
	buf_drop(in, len);
	return ANSWER_MORE;
}

static enum answer_step next(struct answer *answer, struct err *err)
{
	struct forecasting *forecasting = CONTAINER_OF(answer, struct forecasting, answer);
	enum answer_step step = pass_line(forecasting, err);
	ssize_t n;

	if (step != ANSWER_WAIT)
		return step;
	n = read(forecasting->pipe.fd, buf_reserve(&forecasting->in, CHUNK), CHUNK);
	if (n > 0) {
		forecasting->in.len += (size_t)n;
		forecasting->in.data[forecasting->in.len] = '\0';
		return ANSWER_MORE;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		loop_watch(answer->session->ctl->loop, &forecasting->pipe, LOOP_READ);
		return ANSWER_WAIT;
	}
	if (forecasting->is_late)
		err_set(err, ERR_TIMEOUT, "the plan was not played through within %d seconds",
			TIME_MS / 1000);
	else
		err_set(err, ERR_INTERNAL,
			"the process that plays the plan through was stopped");
	return ANSWER_END;
}

static void ready(struct watch *watch, unsigned what)
{
	(void)what;
	loop_watch_stop(watch);
	session_wake(CONTAINER_OF(watch, struct forecasting, pipe)->answer.session);
}

static void too_late(struct timer *timer)
{
	struct forecasting *forecasting = CONTAINER_OF(timer, struct forecasting, limit);

	forecasting->is_late = true;
	kill(forecasting->child, SIGKILL);
}

static void done(struct answer *answer)
{
	struct forecasting *forecasting = CONTAINER_OF(answer, struct forecasting, answer);
	struct ctl *ctl = answer->session->ctl;

	loop_watch_stop(&forecasting->pipe);
	loop_timer_stop(ctl->loop, &forecasting->limit);
	close(forecasting->pipe.fd);
	/* It has nothing to clean up, so it is gone at once and waiting for it takes no time. */
	kill(forecasting->child, SIGKILL);
	while (waitpid(forecasting->child, NULL, 0) < 0 && errno == EINTR)
		;
	ctl->n_forecasts--;
	buf_done(&forecasting->in);
	free(forecasting);
}

static int begin(
	struct session *session, struct selection *selection, int64_t days, struct err *err)
{
	struct ctl *ctl = session->ctl;
	struct forecasting *forecasting;
	int fds[2];
	pid_t child;

	if (ctl->n_forecasts == CHILDREN_MAX)
		return err_set(err, ERR_BUSY, "%d plans are being played through already",
			CHILDREN_MAX);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, err_code_of_errno(errno), errno, "a pipe");
	child = fork();
	if (child == 0)
		play(ctl->fleet, selection, days, fds[1]);
	close(fds[1]);
	if (child < 0) {
		close(fds[0]);
		return err_sys(err, err_code_of_errno(errno), errno,
			"a process that plays the plan through");
	}
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	ctl->n_forecasts++;
	forecasting = mem_new(struct forecasting);
	forecasting->child = child;
	forecasting->pipe.fd = fds[0];
	forecasting->pipe.ready = ready;
	forecasting->limit.fire = too_late;
	loop_timer_in(ctl->loop, &forecasting->limit, TIME_MS);
	session_answer(session, &forecasting->answer, next, done);
	return 0;
}

int cmd_plan(struct session *session, struct err *err)
{
	struct selection selection;
	int64_t days = DAYS_DEFAULT;
	int result;

	if (line_get_int(session->request.line, "days", 1, DAYS_MAX, &days, err) ||
		selection_init(&selection, session->ctl->fleet, &session->request, err))
		return -1;
	result = begin(session, &selection, days, err);
	selection_done(&selection);
	return result;
}

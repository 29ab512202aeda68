/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/run/command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/conf/conf.h"
#include "daemon/conf/expand.h"
#include "daemon/keeper/run/capture.h"
#include "daemon/keeper/run/runaway.h"
#include "daemon/keeper/run/spawn.h"
#include "daemon/keeper/run/units.h"
#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/list.h"
#include "lib/base/mem.h"
#include "lib/bus/bus.h"
#include "lib/log/log.h"
#include "lib/task/process.h"

/* How long a command that has ended may leave its output open before its group is killed. */
#define DRAIN_MS 200
#define ABOUT_MAX 100
/*
 * A flood beyond the bound is drained in sips, so that it costs the flooder its time and not us
 * ours.
 */
#define SIP_MS 10
/* The status by which systemd says that execve(2) failed. */
#define SYSTEMD_EXEC_FAILED 203

struct commands {
	struct loop *loop;
	struct list running;
	struct units units;
	bool wants_units; /* for commands too, not only reloads */
};

/*
 * States: RUNNING until the process ends or its time is over; STOPPING from TERM on; DRAINING
 * when it has ended and another process still holds its output; KILLED until the kernel lets it
 * go.  A command is in commands->running from its start until `done` was called or
 * command_cancel() came, and is freed then.
 */
enum phase { RUNNING, STOPPING, KILLED, DRAINING };

struct command {
	struct list link;
	struct commands *commands;
	struct arena arena; /* argv, envp, fields */
	const struct log_field *context;
	char about[ABOUT_MAX];
	char mark[RUNAWAY_MARK_LEN];
	char **argv, **envp;
	struct duration limit;
	int64_t kill_after_ms;
	enum phase phase;
	struct capture output;
	struct watch out; /* fd -1: ended */
	int exec_fd;
	struct loop_child child;
	struct timer timer, sip;
	struct bus_call *call;
	struct bus_status status;
	bool is_unit, has_ended, is_late;
	bool is_stopped; /* command_stop() */
	struct err err;
	command_done *done;
	void *data;
};

static int new_commands(struct loop *loop, bool is_plain, struct commands **out)
{
	struct commands *commands = mem_new(struct commands);

	commands->loop = loop;
	list_init(&commands->running);
	units_init(&commands->units, loop, is_plain);
	*out = commands;
	return 0;
}

int commands_new(struct loop *loop, struct commands **out, struct err *err)
{
	(void)err;
	new_commands(loop, false, out);
	/* Only a service has a sandbox to escape from, and only root may ask for units. */
	(*out)->wants_units = getenv("INVOCATION_ID") && geteuid() == 0;
	return 0;
}

int commands_new_plain(struct loop *loop, struct commands **out, struct err *err)
{
	(void)err;
	return new_commands(loop, true, out);
}

/* Asked each time: the bus may come later than we do, and be restarted. */
bool commands_use_units(struct commands *commands)
{
	struct err err = ERR_INIT;

	if (!commands->wants_units)
		return false;
	if (units_bus(&commands->units, &err))
		return true;
	log_debug(NULL, "%s", err.text);
	return false;
}

struct units *commands_units(struct commands *commands)
{
	return &commands->units;
}

struct loop *commands_loop(struct commands *commands)
{
	return commands->loop;
}

static void close_output(struct command *command)
{
	loop_watch_stop(&command->out);
	file_closep(&command->out.fd);
}

static void command_free(struct command *command)
{
	loop_timer_stop(command->commands->loop, &command->timer);
	loop_timer_stop(command->commands->loop, &command->sip);
	loop_child_forget(&command->child);
	close_output(command);
	file_closep(&command->exec_fd);
	list_remove(&command->link);
	capture_done(&command->output);
	free(command->argv);
	free(command->envp);
	arena_done(&command->arena);
	free(command);
}

/* The group and, in the instant before it has one, the process itself. */
static void signal_group(struct command *command, int signal)
{
	if (command->child.pid <= 0)
		return;
	kill(-command->child.pid, signal);
	kill(command->child.pid, signal);
}

static void describe_end(struct command *command, struct err *err)
{
	const struct bus_status *status = &command->status;
	char said[CAPTURE_SUMMARY_MAX];

	if (command->is_stopped) {
		err_set(err, ERR_CANCELLED, "%s was stopped because the daemon stops",
			command->about);
	} else if (command->is_late) {
		err_set(err, ERR_TIMEOUT,
			"%s has not ended after %" PRId64 " s and was stopped", command->about,
			command->limit.s);
	} else if (status->by_signal) {
		err_set(err, ERR_COMMAND_FAILED, "%s was ended by signal %d (%s)",
			command->about, status->value, strsignal(status->value));
	} else if (command->is_unit && status->value == SYSTEMD_EXEC_FAILED) {
		/* systemd does not say why; mostly we see the same from here. */
		if (faccessat(AT_FDCWD, command->argv[0], X_OK, AT_EACCESS) < 0) {
			spawn_failed(command->about, errno, err);
			return;
		}
		err_set(err, ERR_COMMAND_FAILED, "%s cannot be executed", command->about);
	} else if (status->value != 0) {
		err_set(err, ERR_COMMAND_FAILED, "%s ended with status %d", command->about,
			status->value);
	} else {
		return;
	}
	capture_summary(&command->output, said);
	if (said[0])
		snprintf(err->text + strlen(err->text), sizeof(err->text) - strlen(err->text),
			": %s", said);
}

/* The one end of every command. */
static void finish(struct command *command)
{
	command_done *done = command->done;
	void *data = command->data;
	struct err err = command->err;

	if (!err_is_set(&err) && command->has_ended)
		describe_end(command, &err);
	if (done)
		capture_tell(&command->output, command->context, command->about);
	command_free(command);
	if (done)
		done(data, &err);
}

/* Takes the zombie away after its group, whose number it has kept safe till now. */
static void reap(struct command *command)
{
	int sys, status = 0;

	if (command->child.pid <= 0)
		return;
	signal_group(command, SIGKILL);
	if (command->is_late || command->is_stopped || !command->done)
		runaway_kill(command->mark);
	if (loop_child_reap(&command->child, &status) < 0)
		return;
	command->status.by_signal = WIFSIGNALED(status);
	command->status.value = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
	sys = spawn_exec_error(command->exec_fd);
	if (sys && !err_is_set(&command->err))
		spawn_failed(command->about, sys, &command->err);
}

/* Reads once; false at the end of the output. */
static bool read_output(struct command *command)
{
	char data[65536];
	ssize_t n = read(command->out.fd, data, sizeof(data));

	if (n > 0)
		capture_add(&command->output, data, (size_t)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/*
 * Reads what the pipe holds now, at most its capacity, so that a process that writes on cannot
 * hold the keeper here.
 */
static void read_rest(struct command *command)
{
	for (int i = 0; i < 2 && command->out.fd >= 0; i++)
		if (!read_output(command))
			close_output(command);
}

static void end(struct command *command)
{
	reap(command);
	if (command->out.fd >= 0)
		read_rest(command);
	finish(command);
}

static void output_ready(struct watch *out, unsigned what)
{
	struct command *command = CONTAINER_OF(out, struct command, out);

	(void)what;
	if (read_output(command)) {
		if (command->output.n_dropped == 0)
			return;
		loop_watch_stop(&command->out);
		loop_timer_in(command->commands->loop, &command->sip, SIP_MS);
		return;
	}
	close_output(command);
	if (command->has_ended)
		end(command);
}

static void sip_again(struct timer *sip)
{
	struct command *command = CONTAINER_OF(sip, struct command, sip);

	if (command->out.fd >= 0)
		loop_watch(command->commands->loop, &command->out, LOOP_READ);
}

static void has_ended(struct command *command)
{
	command->has_ended = true;
	if (command->out.fd >= 0)
		read_rest(command);
	if (command->out.fd < 0 || !command->done) {
		end(command);
		return;
	}
	command->phase = DRAINING;
	loop_timer_in(command->commands->loop, &command->timer, DRAIN_MS);
}

static void child_ended(struct loop_child *child)
{
	has_ended(CONTAINER_OF(child, struct command, child));
}

static void unit_ended(void *data, const struct bus_status *status, const struct err *err)
{
	struct command *command = data;

	command->call = NULL;
	command->status = *status;
	command->is_late = status->by_timeout;
	if (err_is_set(err))
		command->err = *err;
	else if (!status->is_known)
		err_set(&command->err, ERR_UNIT_FAILED, "%s was not started by systemd",
			command->about);
	has_ended(command);
}

/* Kills the unit of a command that did not end; its result is not awaited. */
static bool kill_unit(struct command *command)
{
	if (!command->call)
		return false;
	bus_cancel(command->call);
	command->call = NULL;
	return true;
}

static void timer_fired(struct timer *timer)
{
	struct command *command = CONTAINER_OF(timer, struct command, timer);
	struct loop *loop = command->commands->loop;

	if (err_is_set(&command->err) && !command->has_ended) {
		finish(command); /* it never started */
		return;
	}
	switch (command->phase) {
	case RUNNING:
		command->is_late = true;
		command->phase = STOPPING;
		signal_group(command, SIGTERM);
		loop_timer_in(loop, &command->timer, command->kill_after_ms);
		break;
	case STOPPING:
		command->phase = KILLED;
		signal_group(command, SIGKILL);
		loop_timer_in(
			loop, &command->timer, kill_unit(command) ? 0 : COMMAND_KILL_AFTER_MS);
		break;
	case KILLED:
		/* Stuck in the kernel: nothing more can be done about it. */
		command->has_ended = true;
		finish(command);
		break;
	case DRAINING:
		end(command);
		break;
	}
}

static int start_child(struct command *command, const char *path, int output)
{
	struct commands *commands = command->commands;
	pid_t pid;

	if (spawn(path, command->argv, command->envp, output, &pid, &command->exec_fd,
		    &command->err) < 0)
		return -1;
	command->child.ended = child_ended;
	if (loop_child_watch(commands->loop, &command->child, pid, &command->err) < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		command->child.pid = 0;
		return -1;
	}
	loop_timer_in(commands->loop, &command->timer, command->limit.s * 1000);
	return 0;
}

static int start_unit(struct command *command, const char *path, int output)
{
	struct units *units = &command->commands->units;
	struct bus *bus = units_bus(units, &command->err);
	struct bus_command run = {
		.path = path,
		.argv = command->argv,
		.envp = command->envp,
		.output = output,
		.about = command->about,
		.limit = command->limit,
		.kill_after = { command->kill_after_ms / 1000 },
	};

	if (!bus)
		return -1;
	command->call = bus_run(bus, &run, unit_ended, command);
	return 0;
}

static int start(struct command *command, const struct command_spec *spec)
{
	char mark[RUNAWAY_MARK_LEN + sizeof(RUNAWAY_VARIABLE)];
	const char *extra[] = { mark, NULL };
	char path[4096];
	int fd[2], r;

	if (expand_words(spec->words, spec->facts, &command->argv, &command->err) < 0)
		return -1;
	capture_about(command->argv, command->about, sizeof(command->about));
	runaway_mark(command->mark);
	snprintf(mark, sizeof(mark), "%s=%s", RUNAWAY_VARIABLE, command->mark);
	command->envp = expand_environment(spec->facts, extra);
	if (spawn_find_trusted(command->argv[0], path, sizeof(path), &command->err) < 0)
		return -1;
	if (pipe2(fd, O_CLOEXEC) < 0)
		return err_sys(&command->err, ERR_IO, errno, "cannot make a pipe");
	command->out = (struct watch){ .ready = output_ready, .fd = fd[0] };
	/* Our end only: a command expects its output to wait for room. */
	if (fcntl(fd[0], F_SETFL, O_NONBLOCK) < 0)
		r = err_sys(&command->err, ERR_IO, errno, "cannot change a pipe");
	else if ((command->is_unit = commands_use_units(command->commands)))
		r = start_unit(command, path, fd[1]);
	else
		r = start_child(command, path, fd[1]);
	close(fd[1]);
	if (r == 0)
		loop_watch(command->commands->loop, &command->out, LOOP_READ);
	return r;
}

struct command *command_start(struct commands *commands, const struct command_spec *spec,
	command_done *done, void *data)
{
	struct command *command = mem_new(struct command);

	command->commands = commands;
	command->done = done;
	command->data = data;
	command->out.fd = command->exec_fd = -1;
	command->limit = spec->limit.s > 0 ? spec->limit : COMMAND_LIMIT;
	command->kill_after_ms = spec->is_hurried ? COMMAND_STOP_MS : COMMAND_KILL_AFTER_MS;
	command->timer.fire = timer_fired;
	command->sip.fire = sip_again;
	command->context = capture_context(spec->context, &command->arena);
	list_append(&commands->running, &command->link);
	if (start(command, spec) < 0) {
		close_output(command);
		loop_timer_in(commands->loop, &command->timer, 0);
	}
	return command;
}

void command_stop(struct command *command)
{
	if (!command || command->phase != RUNNING || command->has_ended ||
		err_is_set(&command->err))
		return;
	command->is_stopped = true;
	command->phase = STOPPING;
	if (command->call)
		bus_terminate(command->call);
	signal_group(command, SIGTERM);
	loop_timer_in(command->commands->loop, &command->timer, COMMAND_STOP_MS);
}

void command_cancel(struct command *command)
{
	if (!command)
		return;
	command->done = NULL;
	if (command->call) {
		bus_cancel(command->call);
		command->call = NULL;
	} else if (command->child.pid > 0) {
		/* child_ended() or the timer reaps it. */
		signal_group(command, SIGKILL);
		command->phase = command->has_ended ? DRAINING : KILLED;
		loop_timer_in(command->commands->loop, &command->timer,
			command->has_ended ? 0 : COMMAND_KILL_AFTER_MS);
		return;
	}
	command_free(command);
}

void commands_free(struct commands *commands)
{
	struct list *first;

	if (!commands)
		return;
	while ((first = list_first(&commands->running))) {
		struct command *command = LIST_OF(first, struct command, link);

		if (command->call)
			bus_cancel(command->call);
		command->done = NULL;
		reap(command);
		command_free(command);
	}
	units_done(&commands->units);
	free(commands);
}

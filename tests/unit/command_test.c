/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/run/command.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/conf/conf.h"
#include "daemon/conf/expand.h"
#include "daemon/keeper/run/capture.h"
#include "daemon/keeper/run/reload.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/log/log.h"
#include "lib/task/loop.h"
#include "tests/test.h"

/* What the sink of this test keeps: whole lines, because lines are the matter here. */
static struct {
	size_t n, n_with_cert;
	char first[1100], last[1100];
} told;

static void keep(const struct log_entry *entry, void *data)
{
	const char *cert = log_field_get(entry->fields, "CERT");

	(void)data;
	if (entry->event != EVENT_HOOK_OUTPUT)
		return;
	if (told.n++ == 0)
		snprintf(told.first, sizeof(told.first), "%s", entry->text);
	snprintf(told.last, sizeof(told.last), "%s", entry->text);
	told.n_with_cert += cert && str_is(cert, "example.com/web");
}

struct run {
	struct loop *loop;
	struct commands *commands;
	bool is_done;
	int n_done;
	struct err err;
};

static const struct expand_facts facts = { .cert = "example.com/web", .service = "web" };

static void run_init(struct run *run)
{
	struct err err = ERR_INIT;

	/* Orphans come to us, so that is_gone() can tell the dead from zombies of a lazy init. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	memset(run, 0, sizeof(*run));
	memset(&told, 0, sizeof(told));
	log_to(keep, NULL);
	run->loop = loop_new();
	REQUIRE(commands_new_plain(run->loop, &run->commands, &err) == 0);
}

static void run_done(struct run *run)
{
	commands_free(run->commands);
	loop_run_ready(run->loop);
	loop_free(run->loop);
	log_to(log_to_stderr, NULL);
}

static void done(void *data, const struct err *err)
{
	struct run *run = data;

	run->err = *err;
	run->n_done++;
	run->is_done = true;
}

static struct command *start(struct run *run, char **words, size_t n, int64_t limit)
{
	struct words list = { words, n };
	struct log_field target = { "TARGET", "web", NULL };
	struct log_field cert = { "CERT", "example.com/web", &target };
	struct command_spec spec = { &list, &facts, &cert, { limit }, false };

	return command_start(run->commands, &spec, done, run);
}

static struct command *start_shell(struct run *run, const char *script, int64_t limit)
{
	char sh[] = "sh", c[] = "-c", copy[2000];
	char *words[] = { sh, c, copy };

	snprintf(copy, sizeof(copy), "%s", script);
	return start(run, words, 3, limit);
}

static void wait_done(struct run *run, int timeout_ms)
{
	CHECK(loop_run_until(run->loop, &run->is_done, timeout_ms));
	CHECK_INT(run->n_done, 1);
}

/* Runs a script to its end with fresh commands; the error stays in run->err. */
static void shell(struct run *run, const char *script)
{
	run_init(run);
	start_shell(run, script, 30);
	CHECK_INT(run->n_done, 0); /* never from command_start() */
	wait_done(run, 20000);
	run_done(run);
}

TEST(success_says_nothing)
{
	struct run run;

	shell(&run, ":");
	CHECK_INT(run.err.code, ERR_NONE);
	CHECK_INT(told.n, 0);
}

TEST(a_status_is_told_with_what_was_said)
{
	struct run run;

	shell(&run, "echo one; echo; echo 'no such host' >&2; echo; exit 3");
	CHECK_INT(run.err.code, ERR_COMMAND_FAILED);
	CHECK(str_ends(run.err.text, "ended with status 3: one ... no such host"));
	CHECK(str_starts(run.err.text, "sh -c echo one"));
	CHECK_INT(told.n, 2);
	CHECK_INT(told.n_with_cert, 2);
	CHECK(str_ends(told.first, ": one"));
	CHECK(str_ends(told.last, ": no such host"));
}

TEST(a_signal_is_told)
{
	struct run run;

	shell(&run, "kill -SEGV $$");
	CHECK_INT(run.err.code, ERR_COMMAND_FAILED);
	CHECK(strstr(run.err.text, "was ended by signal 11 (Segmentation fault)"));
}

TEST(programs_that_are_not_there)
{
	static const struct {
		const char *program;
		enum err_code code;
	} rows[] = {
		{ "no-such-program-here", ERR_NOT_FOUND },
		{ "/no/such/program", ERR_NOT_FOUND },
		{ "/etc/passwd", ERR_NO_RIGHTS },
		{ "relative/path", ERR_BAD_VALUE },
		{ "%{nonsense}", ERR_BAD_VALUE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char program[64];
		char *words[] = { program };
		struct run run;

		snprintf(program, sizeof(program), "%s", rows[i].program);
		run_init(&run);
		start(&run, words, 1, 5);
		CHECK_INT(run.n_done, 0);
		wait_done(&run, 20000);
		CHECK_INT(run.err.code, rows[i].code);
		CHECK(strstr(run.err.text, rows[i].program));
		run_done(&run);
	}
}

/* As GNU make starts its children: sigaction() refuses 32 and 33. */
static void ignore_signals_of_glibc(bool is_ignored)
{
	struct {
		uintptr_t handler, rest[20];
	} action = { .handler = is_ignored ? (uintptr_t)SIG_IGN : (uintptr_t)SIG_DFL };

	for (int i = 32; i < 34; i++)
		CHECK_INT(syscall(SYS_rt_sigaction, i, &action, NULL, NSIG / 8), 0);
}

/* The child sees exactly this and nothing of ours: environment, directory, descriptors, signals. */
TEST(nothing_is_inherited)
{
	char name[] = "grep", options[] = "-cE", pattern[] = "^Sig(Blk|Ign):\\s0+$",
	     file[] = "/proc/self/status";
	char *grep[] = { name, options, pattern, file };
	sigset_t set;
	struct run run;

	setenv("SECRET", "x", 1);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	ignore_signals_of_glibc(true);
	umask(077);
	shell(&run,
		"tr '\\0' '\\n' </proc/self/environ | grep -v '^CERTD_COMMAND=[0-9a-f]*$' | "
		"grep -vxE 'PATH=/usr/sbin:/usr/bin:/sbin:/bin|LANG=C.UTF-8|CERTD_SERVICE=web|"
		"CERTD_CERT=example.com/web|PWD=/' && exit 10; "
		"[ \"$(pwd)\" = / ] || exit 11; [ $(umask) = 0022 ] || exit 12; "
		"[ \"$(readlink /proc/self/fd/0)\" = /dev/null ] || exit 13; "
		"[ \"$(ls /proc/self/fd | tr '\\n' ' ')\" = '0 1 2 3 ' ] || exit 14; "
		"[ \"$(cut -d' ' -f5,6 /proc/$$/stat)\" = \"$$ $$\" ] || exit 15; exit 0");
	CHECK_STR(run.err.text, "");
	CHECK_INT(told.n, 0);
	/* Without a shell, which blocks signals of its own whenever it starts a program. */
	run_init(&run);
	start(&run, grep, ARRAY_LEN(grep), 30);
	wait_done(&run, 20000);
	CHECK_STR(run.err.text, "");
	CHECK(str_ends(told.first, ": 2"));
	run_done(&run);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGPIPE, SIG_DFL);
	ignore_signals_of_glibc(false);
	umask(022);
	unsetenv("SECRET");
}

TEST(words_are_words)
{
	char echo[] = "printf", format[] = "[%%s]", word[] = "$HOME `id` %{cert}; a  b",
	     empty[] = "";
	char *words[] = { echo, format, word, empty };
	struct run run;

	run_init(&run);
	start(&run, words, 4, 5);
	wait_done(&run, 20000);
	CHECK_INT(run.err.code, ERR_NONE);
	CHECK(str_ends(told.first, "[$HOME `id` example.com/web; a  b][]"));
	run_done(&run);
}

TEST(a_flood_is_bounded)
{
	struct run run;

	shell(&run, "yes 0123456789abcdef | head -c 1000000; echo; echo the end; exit 1");
	CHECK_INT(run.err.code, ERR_COMMAND_FAILED);
	CHECK(str_ends(run.err.text, ": 0123456789abcdef ... the end"));
	CHECK_INT(told.n, COMMAND_LINES_MAX + 1);
	CHECK(strstr(told.last, "more bytes"));
}

TEST(output_is_made_harmless)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "plain", "plain" },
		{ "a\tb\r", "a b" },
		{ "\x1b[31mred", "\\x1b[31mred" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "bad \xc3( \xff \xed\xa0\x80.", "bad \xef\xbf\xbd( \xef\xbf\xbd "
						  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd." },
		{ "c1 \xc2\x85 x", "c1 \\x85 x" },
		{ "sep\xe2\x80\xa8x", "sep\\u2028x" },
		{ "cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd" },
	};
	char out[64];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		capture_clean(rows[i].in, strlen(rows[i].in), out, sizeof(out));
		CHECK_STR(out, rows[i].want);
	}
	capture_clean("12345\xc3\xbc", 7, out, 7);
	CHECK_STR(out, "12345"); /* no half characters */
}

TEST(the_first_and_the_last_line_are_the_summary)
{
	char wide[600];
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "", "" },
		{ "\n \n\t\n", "" },
		{ "one", "one" },
		{ "\none\n\n", "one" },
		{ "one\ntwo\nthree", "one ... three" },
		{ "nginx: [emerg] no \x1b\nnginx: test failed\n",
			"nginx: [emerg] no \\x1b ... nginx: test failed" },
		{ "twice\ntwice\n", "twice" },
	};
	struct capture capture;
	char out[CAPTURE_SUMMARY_MAX];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		capture = (struct capture){ .n_dropped = 0 };
		capture_add(&capture, rows[i].in, strlen(rows[i].in));
		CHECK_STR(capture_summary(&capture, out), rows[i].want);
		capture_done(&capture);
	}
	/* Both are cut, at whole characters, and there is room for both in a sentence. */
	for (size_t i = 0; i < sizeof(wide); i += 2)
		memcpy(wide + i, "\xc3\xbc", 2);
	capture = (struct capture){ .n_dropped = 0 };
	capture_add(&capture, wide, sizeof(wide));
	capture_add(&capture, "\nz", 2);
	capture_add(&capture, wide, sizeof(wide));
	capture_summary(&capture, out);
	CHECK(strlen(out) > CAPTURE_SUMMARY_MAX - 10);
	CHECK(str_is_utf8(out, strlen(out)));
	CHECK(strstr(out, "\xc3\xbc ... z\xc3\xbc"));
	capture_done(&capture);
}

static bool is_gone(pid_t pid)
{
	int fd AUTO_CLOSE = pidfd_open(pid, 0);
	struct pollfd end = { .fd = fd, .events = POLLIN };

	return fd < 0 || poll(&end, 1, 5000) == 1;
}

/* The last line that a script has told is the number of a process that it has left behind. */
static pid_t told_pid(void)
{
	const char *colon = strrchr(told.last, ' ');

	return colon ? (pid_t)atoi(colon + 1) : -1;
}

TEST(what_hangs_is_stopped)
{
	int64_t begin = clock_tick().ms;
	struct run run;

	run_init(&run);
	start_shell(&run, "sleep 1000 & echo $!; sleep 1000", 1);
	wait_done(&run, 20000);
	CHECK_INT(run.err.code, ERR_TIMEOUT);
	CHECK(strstr(run.err.text, "has not ended after 1 s"));
	CHECK(clock_tick().ms - begin < 20000);
	CHECK(told_pid() > 1 && is_gone(told_pid()));
	run_done(&run);
}

TEST(what_is_left_in_the_group_is_killed)
{
	int64_t begin = clock_tick().ms;
	struct run run;

	shell(&run, "sleep 1000 & echo $!; exit 0");
	CHECK_INT(run.err.code, ERR_NONE);
	CHECK(clock_tick().ms - begin < 20000);
	CHECK(told_pid() > 1 && is_gone(told_pid()));
}

TEST(what_forks_away_is_not_waited_for)
{
	int64_t begin = clock_tick().ms;
	struct run run;

	/* A session of its own, our pipe in its hands: a server that was started on purpose. */
	shell(&run, "setsid sh -c 'echo $$; exec sleep 1000' & sleep 0.1; exit 0");
	CHECK_INT(run.err.code, ERR_NONE);
	CHECK(clock_tick().ms - begin < 20000);
	CHECK(told_pid() > 1 && kill(told_pid(), 0) == 0);
	kill(told_pid(), SIGKILL);
	CHECK(is_gone(told_pid()));
}

TEST(a_runaway_of_a_hanging_command_is_found)
{
	struct run run;

	run_init(&run);
	start_shell(&run,
		"setsid sh -c 'trap \"\" TERM; echo $$; while :; do sleep 0.05; done' & wait",
		1);
	wait_done(&run, 20000);
	CHECK_INT(run.err.code, ERR_TIMEOUT);
	CHECK(told_pid() > 1 && is_gone(told_pid()));
	run_done(&run);
}

TEST(cancelling_kills_and_is_silent)
{
	const bool never = false;
	struct command *command;
	struct run run;

	run_init(&run);
	command = start_shell(&run, "sleep 1000", 60);
	command_cancel(command);
	command = start_shell(&run, "exit 0", 60);
	(void)loop_run_until(run.loop, &run.is_done, 100);
	command_cancel(run.is_done ? NULL : command);
	command = start_shell(&run, "/no/such; echo x; sleep 1000", 60);
	(void)loop_run_until(run.loop, &never, 50);
	command_cancel(command);
	(void)loop_run_until(run.loop, &never, 50);
	CHECK_INT(told.n, 0);
	start_shell(&run, "sleep 1000", 60); /* is open when the commands end */
	run_done(&run);
}

TEST(many_at_once)
{
	struct run run;

	run_init(&run);
	for (int i = 0; i < 20; i++)
		start_shell(&run, "echo x", 10);
	while (run.n_done < 20 && loop_step(run.loop))
		CHECK_INT(run.err.code, ERR_NONE);
	CHECK_INT(told.n, 20);
	run_done(&run);
}

static void reload(struct run *run, struct reload_conf *steps, size_t n)
{
	struct target_conf target = { .name = "web", .reload = steps, .n_reload = n };
	struct command_spec spec = { NULL, &facts, NULL, { 10 }, false };

	run_init(run);
	reload_start(run->commands, &target, &spec, done, run);
	CHECK_INT(run->n_done, 0);
	wait_done(run, 20000);
	run_done(run);
}

TEST(reload_runs_its_steps_in_order)
{
	char sh[] = "sh", c[] = "-c", one[] = "echo one", two[] = "echo two; exit 4",
	     three[] = "echo 3";
	char *first[] = { sh, c, one }, *second[] = { sh, c, two }, *third[] = { sh, c, three };
	struct reload_conf steps[] = {
		{ .command = { first, 3 } },
		{ .command = { second, 3 } },
		{ .command = { third, 3 } },
	};
	struct run run;

	reload(&run, NULL, 0);
	CHECK_INT(run.err.code, ERR_NONE);
	reload(&run, steps, 1);
	CHECK_INT(run.err.code, ERR_NONE);
	CHECK_INT(told.n, 1);
	reload(&run, steps, 3);
	CHECK_INT(run.err.code, ERR_RELOAD_FAILED);
	CHECK_INT(told.n, 2);
	CHECK(strstr(run.err.text, "status 4: two"));
}

TEST(a_unit_without_systemd_is_a_clear_error)
{
	struct reload_conf step = { .unit = "nginx.service" };
	struct run run;

	reload(&run, &step, 1);
	CHECK_INT(run.err.code, ERR_UNIT_FAILED);
	CHECK(str_starts(run.err.text, "nginx.service: there is no system bus"));
}

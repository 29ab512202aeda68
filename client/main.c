/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ask.h"
#include "client/config.h"
#include "client/dhparam.h"
#include "client/failure.h"
#include "client/help.h"
#include "client/info.h"
#include "client/options.h"
#include "client/term.h"
#include "client/verify.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

/*
 * certctl, the client of certd: reads its arguments, asks the daemon or works offline, shows
 * the answer and returns an exit status for scripts (contract, section 3).
 */

/* Without open standard descriptors a socket would become standard output. */
static void open_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static int print_help(struct options *options, const struct term *term)
{
	struct buf out AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;

	if (options->command && options->command->id != COMMAND_HELP)
		help_command(options->command, term, &out);
	else if (!options->command)
		help_overview(term, &out);
	else if (help_answer(options, term, &out, &err))
		return tell_failure(&err);
	fputs(buf_text(&out), stdout);
	return 0;
}

/* Runs a command that works offline and reads its own arguments. */
static int run_offline(struct options *options)
{
	struct err err = ERR_INIT;

	switch (options->command->id) {
	case COMMAND_INFO:
		return info_main(options->n_args + 1, options->argv, options->is_json);
	case COMMAND_VERIFY:
		return verify_main(options->n_args + 1, options->argv, options->is_json);
	case COMMAND_DHPARAM:
		return dhparam_main(options->n_args + 1, options->argv);
	default:
		config_run(options, &err);
		return tell_failure(&err);
	}
}

static int run(struct options *options, const struct term *term)
{
	if (options->wants_version) {
		puts("certctl " CERTD_VERSION);
		return 0;
	}
	if (options->wants_help)
		return print_help(options, term);
	if (!options->command) {
		fputs("certctl: no command was given; certctl help lists them\n", stderr);
		return 2;
	}
	switch (options->command->id) {
	case COMMAND_HELP:
		return print_help(options, term);
	case COMMAND_VERSION:
		return ask_version(options, term);
	default:
		break;
	}
	if (options->command->role == ROLE_OFFLINE)
		return run_offline(options);
	return ask(options, term);
}

/* Checks that all output was written; a reader that has closed its end is no error. */
static int close_output(int status)
{
	bool failed = ferror(stdout) != 0;

	errno = 0;
	if (fflush(stdout) == 0 && !failed)
		return status;
	if (errno != EPIPE && errno != 0)
		fprintf(stderr, "certctl: the output cannot be written: %s\n", strerror(errno));
	return status ? status : 1;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct err err = ERR_INIT;
	struct term term;
	int status;

	open_standard_files();
	/*
	 * A reader that has closed its end (`| head`) ends certctl silently, as other programs.
	 */
	signal(SIGPIPE, SIG_DFL);
	/* Only the width of characters depends on it; messages and dates do not. */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "");
	status = options_parse(&options, argc, argv, &err) ? tell_failure_as(&options, &err)
							   : -1;
	term_init(&term, options.no_color);
	if (status < 0)
		status = run(&options, &term);
	options_done(&options);
	return close_output(status);
}

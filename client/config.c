/* SPDX-License-Identifier: MIT */
#include "client/config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/options.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

/*
 * Places of certd relative to certctl's directory: installed, side by side, and in a build
 * tree.
 */
static const char *const places[] = { "../sbin/certd", "certd", "../daemon/keeper/certd",
	"../bin/certd", NULL };

/* The path of certd, owned by the caller; a bare name is searched in $PATH. */
static char *find_program(void)
{
	const char *env = getenv("CERTD_PROGRAM");
	char self[PATH_MAX];
	ssize_t n;
	char *slash;

	if (env && *env)
		return mem_strdup(env);
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n <= 0)
		return mem_strdup("certd");
	self[n] = 0;
	slash = strrchr(self, '/');
	if (slash)
		*slash = 0;
	for (size_t i = 0; places[i]; i++) {
		char *path = mem_printf("%s/%s", self, places[i]);

		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return mem_strdup("certd");
}

static int check_args(const struct options *options, struct err *err)
{
	size_t min, max;

	command_arity(options->command, &min, &max);
	if (options->n_args && options->args[0][0] == '-')
		return err_set(err, ERR_BAD_ARGUMENT, "%s has no option %.60s",
			options->command->name, options->args[0]);
	if ((size_t)options->n_args > max)
		return err_set(err, ERR_BAD_ARGUMENT,
			"%s: too many arguments; it is certctl %s %s", options->command->name,
			options->command->name, options->command->arguments);
	return 0;
}

int config_run(const struct options *options, struct err *err)
{
	static char schema[] = "--schema", explain[] = "--explain", check[] = "--check",
		    file[] = "-c";
	AUTO_FREE char *program = find_program();
	char *arg = options->n_args ? options->args[0] : NULL;
	char *argv[5] = { program };

	if (check_args(options, err))
		return -1;
	if (options->command->id == COMMAND_CONFIG_SCHEMA) {
		argv[1] = schema;
	} else if (options->command->id == COMMAND_CONFIG_EXPLAIN) {
		argv[1] = explain;
		argv[2] = arg;
	} else {
		argv[1] = check;
		argv[2] = arg ? file : NULL;
		argv[3] = arg;
	}
	fflush(stdout);
	execvp(program, argv);
	return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno,
		"certd, which reads configurations, cannot be executed as %s", program);
}

/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/conf/conf.h"
#include "daemon/keeper/store/store.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/yaml/diag.h"
#include "tests/zoo/zoo.h"
#include "tests/zoo/zoo_store.h"

/*
 * The zoo for live tests (tests/live/test_zoo.py):
 *
 *	zoo_make config LE DOWN LIVE  prints the configuration without the keys of an instance
 *	zoo_make store CERTD.YAML     fills the store that the configuration names
 *	zoo_make states               prints each certificate with its health and reason
 *	zoo_make offline              prints the commands for certctl without a daemon
 *	zoo_make ask SOCKET ROLE      sends a daemon every line, each on its own connection, and
 *	                              prints complaints; run by a user with this role
 */

static int print_config(char **args)
{
	struct zoo_places places = { .le = args[0], .down = args[1], .live = args[2] };
	struct buf text AUTO_BUF = BUF_INIT;

	zoo_config(&places, &text);
	fputs(buf_text(&text), stdout);
	return 0;
}

static int complain(const struct err *err)
{
	fprintf(stderr, "%s\n", err->text);
	return 1;
}

static int fill(char **args)
{
	struct conf_files files = { 0 };
	struct yaml_diags diags = { 0 };
	struct store *store;
	struct conf *conf = NULL;
	struct err err;

	if (conf_read_files(args[0], &files, &diags) == 0)
		conf = conf_load(&files, &diags);
	yaml_diags_done(&diags);
	conf_files_done(&files);
	err_set(&err, ERR_BAD_CONFIG, "the configuration has mistakes");
	if (!conf || store_open(conf->state_dir, &store, &err) < 0) {
		conf_unref(conf);
		return complain(&err);
	}
	zoo_fill_store(store, conf, clock_now());
	store_close(store);
	conf_unref(conf);
	return 0;
}

static int print_states(char **args)
{
	(void)args;
	for (size_t i = 0; i < zoo_n; i++)
		printf("%s %s %s\n", zoo[i].cert, health_text(zoo[i].health),
			why_text(zoo[i].why));
	return 0;
}

static void print_line(const struct command *command, const char *line, void *data)
{
	(void)command;
	(void)data;
	printf("%s\n", line);
}

static int print_offline(char **args)
{
	(void)args;
	zoo_each_offline(print_line, NULL);
	return 0;
}

struct asking {
	const char *path;
	enum role role;
	unsigned n, n_complaints;
};

static FILE *connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = 60 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
		connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		perror("connect");
		exit(1);
	}
	return fdopen(fd, "r+");
}

/* Reads whole lines up to the one that ends the answer. */
static void read_answer(FILE *peer, struct buf *out)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, peer) > 0) {
		if (str_starts(line, "hello "))
			continue;
		buf_add_text(out, line);
		if (str_starts(line, "ok") || str_starts(line, "err "))
			break;
	}
	free(line);
}

static void ask(const struct command *command, const char *line, void *data)
{
	struct asking *asking = data;
	struct buf answer AUTO_BUF = BUF_INIT, complaint AUTO_BUF = BUF_INIT;
	FILE *peer = connect_to(asking->path);

	asking->n++;
	fprintf(peer, "%s\n", line);
	fflush(peer);
	read_answer(peer, &answer);
	fclose(peer);
	if (zoo_judge(command, line, asking->role, buf_text(&answer), &complaint))
		return;
	asking->n_complaints++;
	printf("%s\n", buf_text(&complaint));
}

static int ask_all(char **args)
{
	struct asking asking = { .path = args[0] };

	if (!role_parse(args[1], &asking.role))
		return 2;
	zoo_each_line(ask, &asking);
	printf("%u lines were asked\n", asking.n);
	return asking.n_complaints > 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *word;
		int n;
		int (*run)(char **args);
	} modes[] = {
		{ "config", 3, print_config },
		{ "store", 1, fill },
		{ "states", 0, print_states },
		{ "offline", 0, print_offline },
		{ "ask", 2, ask_all },
	};

	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(modes); i++)
		if (str_is(argv[1], modes[i].word) && argc == modes[i].n + 2)
			return modes[i].run(argv + 2);
	return 2;
}

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_UNIT_HTTP_SERVER_H
#define CERTD_TESTS_UNIT_HTTP_SERVER_H

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

/*
 * Starts http_server.py beside a test program and knows its ports and roots.  It ends when the program
 * does, by itself, and removes its folder; servers_stop() waits for that.
 */

static struct servers {
	char folder[40];
	struct {
		char name[16];
		int port;
	} port[8];
	size_t n;
	char *trust, *other; /* PEM of the root, and of one that signed nothing */
	pid_t pid;
	int stdin_fd;
} servers;

static char *servers_read(const char *name)
{
	char path[80], *text = calloc(1, 4096);
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", servers.folder, name);
	f = fopen(path, "r");
	REQUIRE(f && fread(text, 1, 4095, f) > 0);
	fclose(f);
	return text;
}

static void servers_start(void)
{
	char script[400], line[64] = "";
	int in[2], out[2];
	FILE *f;

	strcpy(servers.folder, "/tmp/http-test-XXXXXX");
	REQUIRE(mkdtemp(servers.folder) && pipe(in) == 0 && pipe(out) == 0);
	snprintf(script, sizeof(script), "%s/tests/unit/http_server.py", getenv("SOURCE_ROOT"));
	servers.pid = fork();
	if (servers.pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close_range(3, ~0U, 0);
		execlp("python3", "python3", "-B", script, servers.folder, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	servers.stdin_fd = in[1];
	f = fdopen(out[0], "r");
	while (fgets(line, sizeof(line), f) && strcmp(line, "ready\n") != 0) {
		REQUIRE(servers.n < sizeof(servers.port) / sizeof(servers.port[0]));
		REQUIRE(sscanf(line, "%15s %d", servers.port[servers.n].name,
				&servers.port[servers.n].port) == 2);
		servers.n++;
	}
	REQUIRE(strcmp(line, "ready\n") == 0);
	fclose(f);
	servers.trust = servers_read("ca.pem");
	servers.other = servers_read("other.pem");
}

static void servers_stop(void)
{
	close(servers.stdin_fd);
	waitpid(servers.pid, NULL, 0);
	CHECK(access(servers.folder, F_OK) != 0);
	free(servers.trust);
	free(servers.other);
}

static int servers_port(const char *name)
{
	for (size_t i = 0; i < servers.n; i++)
		if (strcmp(servers.port[i].name, name) == 0)
			return servers.port[i].port;
	return 0;
}

/* "https://localhost:PORT/PATH" of a server; good until the next call. */
static const char *servers_url(const char *name, const char *path)
{
	static char url[200];

	snprintf(url, sizeof(url), "https://localhost:%d/%s", servers_port(name), path);
	return url;
}

#endif

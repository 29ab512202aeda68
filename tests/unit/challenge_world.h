/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_UNIT_CHALLENGE_WORLD_H
#define CERTD_TESTS_UNIT_CHALLENGE_WORLD_H

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/keeper/publish/challenge_private.h"
#include "daemon/keeper/publish/journal.h"
#include "daemon/keeper/run/command.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/log/memory.h"
#include "lib/task/worker.h"
#include "tests/test.h"
#include "tests/unit/conf_test.h"

/*
 * A keeper's challenges in a directory of their own, with real commands, threads and files; what is
 * told stands in w.told.  begin() first, end() last; settle() after what is to be looked at.
 */

#define APEX "example.com"
#define TOKEN "token-1"
#define KEYAUTH TOKEN ".thumb"

enum { WAITS_MAX = 512 };

static struct world {
	char dir[64];
	int fd;
	struct log_memory log;
	struct loop *loop;
	struct commands *commands;
	struct worker *worker;
	struct challenges *challenges;
	struct conf *conf;
	struct zone_conf zone;
	char *words[64];
	size_t n_words;
	struct {
		struct err err;
		char id[24], value[64], owner[200];
		bool is_done;
	} told[WAITS_MAX];
	size_t n_asked, n_told;
} w;

static char scripts[64][300];

static inline void read_text(const char *name, struct buf *out)
{
	struct err err = ERR_INIT;

	(void)file_read(w.fd, name, 65536, out, &err);
}

static inline void check_text(const char *name, const char *want)
{
	struct buf have AUTO_BUF = BUF_INIT;

	read_text(name, &have);
	CHECK_STR(buf_text(&have), want);
}

/* Entries of a directory but "." and ".."; -1: there is none. */
static inline int count(const char *name)
{
	int fd = openat(w.fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return -1;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

/* A command of the configuration: sh -c SCRIPT name, in the test's directory. */
static inline struct words shell(const char *script)
{
	struct words words = { &w.words[w.n_words], 4 };
	const char *const parts[] = { "sh", "-c", NULL, "sh" };

	for (size_t i = 0; i < 4; i++) {
		if (parts[i])
			snprintf(scripts[w.n_words], sizeof(scripts[0]), "%s", parts[i]);
		else
			snprintf(scripts[w.n_words], sizeof(scripts[0]), "cd %s; %s", w.dir,
				script);
		w.words[w.n_words] = scripts[w.n_words];
		w.n_words++;
	}
	return words;
}

static inline void open_challenges(void)
{
	struct err err = ERR_INIT;

	REQUIRE(commands_new_plain(w.loop, &w.commands, &err) == 0);
	REQUIRE(worker_new(w.loop, &w.worker, &err) == 0);
	REQUIRE(challenges_new(w.dir, w.commands, w.worker, &w.challenges, &err) == 0);
	w.challenges->quiet_ms = w.challenges->split_ms = w.challenges->refresh_ms = 0;
}

static inline void close_challenges(void)
{
	challenges_free(w.challenges);
	worker_free(w.worker);
	commands_free(w.commands);
}

static inline void begin(void)
{
	memset(&w, 0, sizeof(w));
	snprintf(w.dir, sizeof(w.dir), "%s/challenge-test-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	REQUIRE(mkdtemp(w.dir));
	w.fd = open(w.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	log_memory_open(&w.log);
	w.conf = load_text("state_dir: /s\ngroups:\n  example.com:\n    web: {ca: self, "
			   "names: [example.com, \"*.example.com\", www.example.com]}\n",
		NULL);
	REQUIRE(w.conf);
	w.conf->dns.challenge_ttl.s = 60;
	w.conf->dns.zones = &w.zone;
	w.conf->dns.n_zones = 1;
	w.zone.name = APEX;
	w.loop = loop_new();
	open_challenges();
}

static inline void settle(void)
{
	CHECK(challenges_settle(w.challenges, 20000));
}

static inline void end(void)
{
	struct err err = ERR_INIT;

	close_challenges();
	loop_free(w.loop);
	conf_unref(w.conf);
	close(w.fd);
	CHECK_INT(file_remove_tree(AT_FDCWD, w.dir, &err), 0);
	log_memory_close(&w.log);
}

/* Runs the loop for a moment, beside what is not of it. */
static inline void run_loop(int ms)
{
	const bool never = false;

	(void)loop_run_until(w.loop, &never, ms);
}

/* What a kill leaves: nothing is undone, and somebody else opens the journal. */
static inline void restart(void)
{
	close_challenges();
	open_challenges();
	challenges_use(w.challenges, w.conf);
}

static inline void told(void *data, const struct challenge_told *what, const struct err *err)
{
	size_t i = (size_t)(uintptr_t)data;

	w.told[i].err = *err;
	w.told[i].is_done = true;
	snprintf(w.told[i].id, sizeof(w.told[i].id), "%s", what->id);
	if (what->owner) {
		snprintf(w.told[i].owner, sizeof(w.told[i].owner), "%s", what->owner);
		snprintf(w.told[i].value, sizeof(w.told[i].value), "%s", what->value);
	}
	w.n_told++;
}

/* At another owner, to which aliases lead, and in the zone of that apex, unless these are NULL. */
static inline size_t present_in(enum challenge type, const char *name, const char *token,
	const char *owner, const char *apex)
{
	struct challenge_wish wish = { .cert = conf_cert(w.conf, "example.com/web"),
		.ca = "ca",
		.type = type,
		.name = name,
		.token = token,
		.thumbprint = "thumb",
		.account_url = "https://example.com/acme/acct/ExampleAccount",
		.owner = owner,
		.apex = apex };
	size_t i = w.n_asked++;

	REQUIRE(i < WAITS_MAX);
	if (!challenge_present(
		    w.challenges, w.conf, &wish, told, (void *)(uintptr_t)i, &w.told[i].err))
		CHECK(err_is_set(&w.told[i].err));
	return i;
}

static inline size_t present_at(
	enum challenge type, const char *name, const char *token, const char *owner)
{
	return present_in(type, name, token, owner, NULL);
}

static inline size_t present(enum challenge type, const char *name, const char *token)
{
	return present_at(type, name, token, NULL);
}

static inline void withdraw(size_t i)
{
	size_t k = w.n_asked++;

	REQUIRE(k < WAITS_MAX);
	CHECK(challenge_withdraw(w.challenges, w.told[i].id, told, (void *)(uintptr_t)k));
}

static inline void use_include(const char *refresh)
{
	REQUIRE(mkdirat(w.fd, "zones", 0755) == 0);
	w.zone.publish.type = PUBLISH_INCLUDE;
	w.zone.publish.acme_dir = arena_printf(&w.conf->arena, "%s/zones", w.dir);
	if (refresh)
		w.zone.publish.refresh = shell(refresh);
	challenges_use(w.challenges, w.conf);
	settle();
}

static inline void use_command(const char *add, const char *remove)
{
	w.zone.publish.type = PUBLISH_COMMAND;
	w.zone.publish.add = shell(add);
	w.zone.publish.remove = shell(remove);
	challenges_use(w.challenges, w.conf);
}

#define INCLUDE "zones/acme-challenge." APEX
#define HEAD "; challenges of ACME CAs in " APEX ", kept by certd: do not edit\n"

static inline void use_webroot(void)
{
	REQUIRE(mkdirat(w.fd, "www", 0755) == 0);
	w.conf->http.webroot = arena_printf(&w.conf->arena, "%s/www", w.dir);
	challenges_use(w.challenges, w.conf);
}

/* A script in the test's directory; its exit status. */
static inline int run(const char *script)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (chdir(w.dir) == 0)
			execlp("sh", "sh", "-c", script, (char *)NULL);
		_exit(127);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif

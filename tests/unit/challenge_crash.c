/* SPDX-License-Identifier: MIT */
/*
 * Publishes and withdraws challenges of every kind, so that tests/live/test_challenge_kill.py can kill it at any
 * system call and then judge what the next start leaves.
 *
 *   challenge_crash work DIR     presents to a webroot, an include file, a command and a zone of
 *                                updates, and withdraws; a file in updates/ is a record there
 *   challenge_crash sweep DIR    what the keeper does when it starts
 *
 * Exit status: 0 done, 1 something failed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/keeper/publish/challenge_private.h"
#include "daemon/keeper/run/command.h"
#include "lib/base/str.h"
#include "lib/task/worker.h"
#include "lib/wire/dns_update.h"
#include "tests/unit/conf_test.h"

enum { WAIT_MS = 30000, VALUE_LEN = 43 };

static struct conf *conf;
static struct challenges *challenges;
static char ids[16][24];
static size_t n_ids;
static bool has_failed;
static struct timer engine;
static int records;

static struct conf *load(const char *dir)
{
	struct buf text AUTO_BUF = BUF_INIT, told AUTO_BUF = BUF_INIT;
	struct conf *loaded;

	buf_printf(&text,
		"state_dir: %s\n"
		"http: {webroot: %s/www}\n"
		"dns:\n"
		"  zones:\n"
		"    example.com: {publish: {type: include, acme_dir: %s/zones}}\n"
		"    example.org:\n"
		"      publish:\n"
		"        type: command\n"
		"        add: [sh, -c, \"touch %s/records/$4\", sh]\n"
		"        remove: [sh, -c, \"rm -f %s/records/$4\", sh]\n"
		"    example.net:\n"
		"      publish:\n"
		"        type: update\n"
		"        server: 192.0.2.53\n"
		"groups:\n"
		"  example.com:\n"
		"    web: {ca: self, names: [example.com, www.example.com, a.example.org, "
		"example.net]}\n",
		dir, dir, dir, dir, dir);
	loaded = load_text(buf_text(&text), &told);
	if (!loaded)
		fputs(buf_text(&told), stderr);
	return loaded;
}

/*
 * The engine and the server in one: what is wanted is answered when the loop runs next, by taking over the records
 * that the message adds (their type, class and TTL stand before the value), and removing the others.
 */
static void take_over(const struct buf *wire)
{
	for (size_t i = 10; i + VALUE_LEN <= wire->len; i++) {
		const uint8_t *at = (const uint8_t *)wire->data + i;
		char name[VALUE_LEN + 1];
		int fd;

		/* One string of that length, in a TXT record. */
		if (at[-1] != VALUE_LEN || at[-2] != VALUE_LEN + 1 || at[-3] != 0 ||
			at[-10] != 16)
			continue;
		memcpy(name, at, VALUE_LEN);
		name[VALUE_LEN] = 0;
		if (at[-8] == 1) {
			fd = openat(records, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
			has_failed |= fd < 0;
			close(fd);
		} else {
			(void)unlinkat(records, name, 0);
		}
	}
}

static void serve(struct timer *timer)
{
	struct dns_update_answer answer = { .id = 0 };
	struct buf wire AUTO_BUF = BUF_INIT;
	char header[12] = { 0, 0, (char)0xa8 };
	struct err err = ERR_INIT;
	const char *server;
	int64_t id;

	(void)timer;
	if (challenges_sign_update(
		    challenges, "example.net", NULL, &wire, &id, &server, &err) == 0) {
		take_over(&wire);
		memcpy(header, wire.data, 2);
		buf_add(&answer.input, header, sizeof(header));
		(void)challenges_judge_update(challenges, "example.net", id, &answer, &err);
		dns_update_answer_done(&answer);
	}
	if (err_is_set(&err)) {
		fprintf(stderr, "%s\n", err.text);
		has_failed = true;
	}
}

static void wanted(void *data, const char *zone)
{
	(void)zone;
	loop_timer_in(data, &engine, 0);
}

static void told(void *data, const struct challenge_told *what, const struct err *err)
{
	(void)data;
	has_failed |= err_is_set(err);
	if (what->key_authorization && n_ids < ARRAY_LEN(ids))
		snprintf(ids[n_ids++], sizeof(ids[0]), "%s", what->id);
}

static void gone(void *data, const struct challenge_told *what, const struct err *err)
{
	(void)data;
	(void)what;
	has_failed |= err_is_set(err);
}

static void present(enum challenge type, const char *name, const char *token)
{
	const struct challenge_wish wish = { .cert = conf_cert(conf, "example.com/web"),
		.ca = "ca",
		.type = type,
		.name = name,
		.token = token,
		.thumbprint = "thumb" };
	struct err err = ERR_INIT;

	if (!challenge_present(challenges, conf, &wish, told, NULL, &err)) {
		fprintf(stderr, "%s\n", err.text);
		has_failed = true;
	}
}

static void work(void)
{
	present(CHALLENGE_HTTP, "example.com", "one");
	present(CHALLENGE_DNS, "example.com", "two");
	present(CHALLENGE_DNS, "a.example.org", "three");
	present(CHALLENGE_DNS, "example.net", "six");
	present(CHALLENGE_DNS, "example.net", "seven");
	has_failed |= !challenges_settle(challenges, WAIT_MS);
	present(CHALLENGE_HTTP, "www.example.com", "four");
	present(CHALLENGE_DNS, "example.com", "five");
	has_failed |= !challenges_settle(challenges, WAIT_MS);
	while (n_ids > 0)
		(void)challenge_withdraw(challenges, ids[--n_ids], gone, NULL);
	has_failed |= !challenges_settle(challenges, WAIT_MS);
}

int main(int argc, char **argv)
{
	struct loop *loop = loop_new();
	struct commands *commands;
	struct worker *worker;
	struct err err = ERR_INIT;

	if (argc != 3 || !(conf = load(argv[2])))
		return 1;
	if (commands_new_plain(loop, &commands, &err) < 0 ||
		worker_new(loop, &worker, &err) < 0 ||
		challenges_new(argv[2], commands, worker, &challenges, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	challenges->quiet_ms = 0;
	challenges_use(challenges, conf);
	(void)challenges_sweep(challenges);
	engine.fire = serve;
	if (chdir(argv[2]) < 0)
		return 1;
	records = open("updates", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	challenges_use_engine(challenges, wanted, loop);
	has_failed = !challenges_settle(challenges, WAIT_MS);
	if (str_is(argv[1], "work"))
		work();
	challenges_free(challenges);
	worker_free(worker);
	commands_free(commands);
	loop_free(loop);
	conf_unref(conf);
	return has_failed;
}

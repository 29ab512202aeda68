/*
 * Publishes and withdraws challenges of every kind, so that tests/live/test_challenge_kill.py can kill it at any
 * system call and then judge what the next start leaves.
 *
 *   challenge_crash work DIR     presents to a webroot, an include file and a command, and withdraws
 *   challenge_crash sweep DIR    what the keeper does when it starts
 *
 * Exit status: 0 done, 1 something failed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/keeper/challenge_private.h"
#include "daemon/keeper/command.h"
#include "daemon/keeper/events.h"
#include "daemon/keeper/worker.h"
#include "lib/base/str.h"
#include "tests/unit/conf_test.h"

enum { WAIT_MS = 30000 };

static struct conf *conf;
static struct challenges *challenges;
static char ids[16][24];
static size_t n_ids;
static bool has_failed;

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
		"groups:\n"
		"  example.com:\n"
		"    web: {ca: self, names: [example.com, www.example.com, a.example.org]}\n",
		dir, dir, dir, dir, dir);
	loaded = load_text(buf_text(&text), &told);
	if (!loaded)
		fputs(buf_text(&told), stderr);
	return loaded;
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
	struct events events;
	struct commands *commands;
	struct worker *worker;
	struct err err = ERR_INIT;

	if (argc != 3 || !(conf = load(argv[2])))
		return 1;
	if (events_init(&events, &err) < 0 ||
		commands_new_plain(&events, &commands, &err) < 0 ||
		worker_new(&events, &worker, &err) < 0 ||
		challenges_new(argv[2], commands, worker, &challenges, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	challenges->quiet_ms = 0;
	challenges_use(challenges, conf);
	(void)challenges_sweep(challenges);
	has_failed = !challenges_settle(challenges, WAIT_MS);
	if (str_is(argv[1], "work"))
		work();
	challenges_free(challenges);
	worker_free(worker);
	commands_free(commands);
	events_done(&events);
	conf_unref(conf);
	return has_failed;
}

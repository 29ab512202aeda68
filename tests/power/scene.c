/* SPDX-License-Identifier: MIT */
#include "tests/power/scene.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keeper/publish/challenge.h"
#include "daemon/keeper/store/store.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/wire/dns_update.h"
#include "tests/power/life.h"
#include "tests/power/told.h"
#include "tests/power/trace.h"

#define SIGN "sign ca=le url=https://ca.example/x nonce=abc op="

static struct moments *all;
static bool has_failed;

static void note_moment(struct life *life)
{
	all->at = mem_grow(all->at, all->n + 1, sizeof(*all->at));
	all->at[all->n] = (struct buf)BUF_INIT;
	if (life)
		told_look(life, &all->at[all->n]);
	all->n++;
}

/*
 * State: `all` is the caller's moments, to which note_moment() adds one after each answer of the
 * cut life; scene_record() sets it, and the caller frees them with moments_done(). `has_failed` is
 * set by any request that is not answered with ok, and spoils the recording. `engine` is the timer
 * that plays the engine in scenes with dynamic updates.
 *
 * Copies the lines of one moment to another.
 */
static void copy_moment(size_t to, size_t from)
{
	buf_clear(&all->at[to]);
	buf_add(&all->at[to], buf_text(&all->at[from]), all->at[from].len);
}

/* Requires an answer with ok. */
#define MUST(life, rows, ...)                                                                  \
	do {                                                                                   \
		const char *got_ = life_ask(life, rows, __VA_ARGS__);                          \
		if (!str_starts(got_, "ok 1")) {                                               \
			printf("# line %d: %s\n", __LINE__, got_);                             \
			has_failed = true;                                                     \
		}                                                                              \
	} while (0)

static void deploy_to(struct life *life, const char *target)
{
	static const char *const steps[] = { "copy", "after", "check", "settle", "activate",
		"confirm" };

	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		MUST(life, NULL, "%s cert=" LIFE_CERT " target=%s", steps[i], target);
}

static void deploy(struct life *life)
{
	deploy_to(life, "web");
	deploy_to(life, "deep");
}

static void issue(struct life *life)
{
	MUST(life, NULL, "issue cert=" LIFE_CERT);
}

static void roll(struct life *life)
{
	MUST(life, NULL, "roll cert=" LIFE_CERT);
}

static void have_root(struct life *life)
{
	MUST(life, NULL, "issue cert=ca/root");
	MUST(life, NULL, "roll cert=ca/root");
}

static void have_curr(struct life *life)
{
	have_root(life);
	issue(life);
	roll(life);
	deploy(life);
}

static void have_next(struct life *life)
{
	have_curr(life);
	issue(life);
}

/* Adds a version that the next roll prunes. */
static void have_prev(struct life *life)
{
	have_next(life);
	roll(life);
	issue(life);
	roll(life);
	deploy(life);
	issue(life);
}

static void have_rolled(struct life *life)
{
	have_next(life);
	roll(life);
}

/* Where names cannot be exchanged, the second deploy replaces the directory by a link. */
static void have_linked(struct life *life)
{
	have_rolled(life);
	deploy(life);
	issue(life);
	roll(life);
}

static void restore(struct life *life)
{
	MUST(life, NULL, "copy cert=" LIFE_CERT " target=web");
	MUST(life, NULL, "restore cert=" LIFE_CERT " target=web");
}

static void first(struct life *life)
{
	have_curr(life);
}

static void have_account(struct life *life)
{
	MUST(life, NULL, SIGN "new-account");
	MUST(life, NULL, "account ca=le url=https://ca.example/acct/7");
	MUST(life, NULL, "record ca=le what=order id=0");
}

static void have_order(struct life *life)
{
	have_account(life);
	MUST(life, NULL, "order cert=" LIFE_ACME " ca=le url=" LIFE_ORDER);
}

static void order(struct life *life)
{
	struct buf chain AUTO_BUF = BUF_INIT;

	MUST(life, NULL, SIGN "finalize cert=" LIFE_ACME " order=" LIFE_ORDER);
	life_sign_chain(life, LIFE_ORDER, &chain);
	MUST(life, chain.data, "accept cert=" LIFE_ACME " ca=le order=" LIFE_ORDER);
	MUST(life, NULL, "record ca=le what=issued id=1");
	MUST(life, NULL, "roll cert=" LIFE_ACME);
}

static void rollover(struct life *life)
{
	MUST(life, NULL, SIGN "key-change");
	MUST(life, NULL, "account ca=le promote=candidate");
	MUST(life, NULL, SIGN "key-change");
	MUST(life, NULL, "account ca=le promote=old");
	MUST(life, NULL, "account ca=le gone=yes");
}

/* Plays engine and name server: an update is accepted and answered without a signature. */
static struct {
	struct timer timer;
	struct life *life;
} engine;

static void send_update(struct timer *timer)
{
	struct life *life = engine.life;
	struct challenges *challenges = life->server.challenges;
	struct dns_update_answer answer = { .id = 0 };
	struct buf wire AUTO_BUF = BUF_INIT;
	char header[12] = { 0, 0, (char)0xa8 };
	struct err err = ERR_INIT;
	const char *server;
	int64_t id;

	(void)timer;
	if (challenges_sign_update(challenges, "example.net", NULL, &wire, &id, &server, &err) <
		0)
		return;
	trace_told("an update is sent");
	note_moment(life);
	memcpy(header, wire.data, 2);
	buf_add(&answer.input, header, sizeof(header));
	if (challenges_judge_update(challenges, "example.net", id, &answer, &err) < 0)
		has_failed = true;
	dns_update_answer_done(&answer);
}

static void wanted(void *data, const char *zone)
{
	struct life *life = data;

	(void)zone;
	engine.life = life;
	engine.timer.fire = send_update;
	loop_timer_in(life->loop, &engine.timer, 0);
}

static void present(struct life *life, const char *what, char id[64])
{
	MUST(life, NULL, "present cert=" LIFE_ACME " ca=le %s", what);
	*id = 0;
	(void)sscanf(buf_text(&life->reply), "ok 1 id=%63s", id);
}

static void challenge(struct life *life)
{
	static const char *const kinds[] = {
		"type=http-01 name=www.example.com token=one",
		"type=dns-01 name=www.example.com token=two",
		"type=dns-01 name=example.net token=three",
		"type=http-01 name=example.net token=four",
	};
	char ids[ARRAY_LEN(kinds)][64];

	challenges_use_engine(life->server.challenges, wanted, life);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		present(life, kinds[i], ids[i]);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		MUST(life, NULL, "withdraw id=%s", ids[i]);
}

static void prune(struct life *life)
{
	MUST(life, NULL, "prune cert=" LIFE_CERT " keep=0");
}

static void note_facts(struct life *life)
{
	struct cert_facts facts CLEANUP(facts_done) = { .cert = NULL };
	char text[VERSION_ID_TEXT_LEN];
	struct err err;

	if (store_read(life->server.store, LIFE_CERT, &facts, &err) < 0)
		has_failed = true;
	version_id_text(&facts.prev, text);
	MUST(life, NULL, "fail cert=" LIFE_CERT " code=ca-refused text=no tries=2");
	MUST(life, NULL, "fail cert=" LIFE_CERT);
	MUST(life, NULL, "doom cert=" LIFE_CERT " version=%s reason=4", text);
	MUST(life, NULL, "revoked cert=" LIFE_CERT " version=%s", text);
}

/* The kinds of damage that store_read() repairs. */

static void path_of_version(const char *link, char out[512])
{
	char path[256], target[128];
	struct err err;

	snprintf(path, sizeof(path), "state/certs/" LIFE_CERT "/%s", link);
	if (file_read_link(life_root_fd, path, target, sizeof(target), &err) < 0)
		abort();
	snprintf(out, 512, "state/certs/" LIFE_CERT "/%s", target);
}

static void remove_name(const char *path)
{
	if (unlinkat(life_root_fd, path, 0) < 0)
		abort();
}

static void lose_links(void)
{
	remove_name("state/certs/" LIFE_CERT "/curr");
	remove_name("state/certs/" LIFE_CERT "/prev");
}

static void spoil_versions(void)
{
	char next[512], curr[512];
	struct err err;

	path_of_version("next", next);
	path_of_version("curr", curr);
	strcat(next, "/cert.pem");
	strcat(curr, "/info");
	remove_name(curr);
	remove_name(next);
	if (file_create(life_root_fd, next, "", 0, FILE_PUBLIC, &err) < 0)
		abort();
	remove_name("state/facts/" LIFE_CERT);
	if (file_create(life_root_fd, "state/facts/" LIFE_CERT, "\n\n", 2, FILE_SECRET, &err) <
		0)
		abort();
}

static void stop_roll(void)
{
	char next[512];
	const char *id;

	path_of_version("next", next);
	id = strstr(next, "versions/");
	remove_name("state/certs/" LIFE_CERT "/curr");
	if (symlinkat(id, life_root_fd, "state/certs/" LIFE_CERT "/curr") < 0)
		abort();
}

/* A backup is certs/ and facts/, from a time without published answers. */
static void lose_journal(void)
{
	if (unlinkat(life_root_fd, "state/challenges", AT_REMOVEDIR) < 0)
		abort();
}

static void repair(struct life *life)
{
	struct cert_facts facts CLEANUP(facts_done) = { .cert = NULL };
	struct err err;

	if (store_read(life->server.store, LIFE_CERT, &facts, &err) < 0)
		has_failed = true;
	MUST(life, NULL, "versions cert=" LIFE_CERT);
}

static void archive(void)
{
	struct life life;
	struct err err;

	if (life_begin(&life, LIFE_CERT, &err) < 0)
		abort();
	life_end(&life);
}

static void only_start(struct life *life)
{
	MUST(life, NULL, "ledger ca=le");
}

/* clang-format off */
const struct scene scenes[] = {
	{ .name = "first", .run = first },
	{ .name = "issue", .before = have_curr, .run = issue },
	{ .name = "roll", .before = have_prev, .run = roll },
	{ .name = "deploy", .before = have_rolled, .run = deploy },
	{ .name = "deploy_by_link", .before = have_linked, .run = deploy, .by_links = true },
	{ .name = "restore", .before = have_rolled, .run = restore },
	{ .name = "restore_link", .before = have_linked, .run = restore, .by_links = true },
	{ .name = "account", .run = have_account },
	{ .name = "order", .before = have_order, .run = order },
	{ .name = "rollover", .before = have_account, .run = rollover },
	{ .name = "challenge", .before = have_account, .run = challenge },
	{ .name = "first_challenge",
		.before = have_account,
		.harm = lose_journal,
		.run = challenge },
	{ .name = "prune", .before = have_prev, .run = prune },
	{ .name = "facts", .before = have_prev, .run = note_facts },
	{ .name = "repair_links", .before = have_prev, .harm = lose_links, .run = repair,
		.is_damaged = true },
	{ .name = "repair_versions", .before = have_prev, .harm = spoil_versions, .run = repair,
		.is_damaged = true },
	{ .name = "repair_roll", .before = have_prev, .harm = stop_roll, .run = repair,
		.is_damaged = true },
	{ .name = "archive", .before = have_prev, .run = only_start, .without = LIFE_CERT },
	{ .name = "unarchive", .before = have_prev, .harm = archive, .run = only_start },
};
const size_t n_scenes = ARRAY_LEN(scenes);

static bool live(const char *without, void (*run)(struct life *life), bool is_noted)
{
	struct life life;
	struct err err;

	if (life_begin(&life, without, &err) < 0 || !life_sweep(&life)) {
		printf("# a life does not begin: %s\n", err.text);
		return false;
	}
	life.told = is_noted ? note_moment : NULL;
	run(&life);
	life.told = NULL;
	if (all->n == 0)
		note_moment(&life);
	life_end(&life);
	return true;
}

bool scene_record(const struct scene *scene, struct moments *moments)
{
	bool is_good = true;

	*moments = (struct moments){ .at = NULL };
	all = moments;
	has_failed = false;
	trace_begin(life_root);
	if (mkdirat(life_root_fd, "www", 0755) < 0 || mkdirat(life_root_fd, "zones", 0755) < 0)
		abort();
	trace_forbid_exchange(scene->by_links);
	if (scene->before)
		is_good = live(NULL, scene->before, false);
	else
		note_moment(NULL);
	if (scene->harm)
		scene->harm();
	trace_settled();
	is_good = is_good && live(scene->without, scene->run, true);
	(void)trace_pause(true);
	for (size_t i = 1; i < all->n; i++)
		if (scene->without)
			copy_moment(i, 0);
	if (scene->is_damaged)
		copy_moment(0, 1);
	return is_good && !has_failed && trace_is_whole();
}

void moments_done(struct moments *moments)
{
	for (size_t i = 0; i < moments->n; i++)
		buf_done(&moments->at[i]);
	for (size_t i = 0; i < moments->n_after; i++)
		buf_done(&moments->after[i]);
	free(moments->at);
	free(moments->after);
	*moments = (struct moments){ .at = NULL };
}

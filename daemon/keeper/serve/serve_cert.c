/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/serve/serve_private.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/conf/expand.h"
#include "daemon/keeper/copy/copy.h"
#include "daemon/keeper/store/info.h"
#include "daemon/keeper/store/store.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/task/loop.h"

/* Requests about one certificate that need no key: roll, hook, fail, versions, prune. */

int serve_forget_failure(struct asked *asked, struct err *err)
{
	struct cert_facts facts;
	int result = 0;

	if (store_read(asked->server->store, asked->cert->name, &facts, err) < 0)
		return -1;
	if (facts.failure.code != ERR_NONE) {
		facts_set_failure(&facts, NULL, &(struct failure){ .code = ERR_NONE });
		result = store_write_facts(asked->server->store, &facts, err);
	}
	facts_done(&facts);
	return result;
}

void serve_prune(struct asked *asked)
{
	struct err err = ERR_INIT;
	size_t n = 0;

	/* The next roll prunes what stays. */
	if (asked->server->clock_is_doubted)
		return;
	if (store_prune(asked->server->store, asked->cert->name, asked->cert->keep, &n, &err) <
		0)
		log_event(&asked->log_cert, EVENT_CERT_PRUNED, &err,
			"%s: not all old versions could be deleted", asked->cert->name);
}

void serve_roll_request(struct asked *asked)
{
	struct err err = ERR_INIT;

	if (store_roll(asked->server->store, asked->cert->name, clock_now(), &err) < 0 ||
		serve_forget_failure(asked, &err) < 0) {
		asked_fail(asked, &err);
		return;
	}
	if (asked->server->kept.name && str_is(asked->server->kept.name, asked->cert->name))
		serve_forget_signer(asked->server);
	serve_prune(asked);
	serve_show_next(asked, false);
}

/* The ids of versions are moments: which one is the oldest is not known. */
static int refuse_deletion(const struct server *server, struct err *err)
{
	if (!server->clock_is_doubted)
		return 0;
	return err_set(err, ERR_CLOCK,
		"nothing is deleted while the clock of this machine is not trusted; certctl "
		"why tells what contradicts it");
}

void serve_discard_request(struct asked *asked)
{
	char id[VERSION_ID_TEXT_LEN];
	struct cert_facts facts;
	struct version_id next;
	struct err err;

	if (store_read(asked->server->store, asked->cert->name, &facts, &err) < 0) {
		asked_fail(asked, &err);
		return;
	}
	next = facts.next.id;
	facts_done(&facts);
	if (store_drop_next(asked->server->store, asked->cert->name, &err) < 0) {
		asked_fail(asked, &err);
		return;
	}
	if (version_is_set(&next))
		log_event(&asked->log_cert, EVENT_CERT_DISCARDED, NULL,
			"%s: the next version %s was dropped by an operator", asked->cert->name,
			version_id_text(&next, id));
	serve_show_next(asked, false);
}

void serve_prune_request(struct asked *asked)
{
	int64_t keep = asked->cert->keep;
	struct buf words AUTO_BUF = BUF_INIT;
	struct err err;
	size_t n = 0;

	if (line_get_int(&asked->message.line, "keep", 0, UINT16_MAX, &keep, &err) < 0 ||
		refuse_deletion(asked->server, &err) < 0 ||
		store_prune(asked->server->store, asked->cert->name, (size_t)keep, &n, &err) <
			0) {
		asked_fail(asked, &err);
		return;
	}
	line_add_int(&words, "n", (int64_t)n);
	asked_ok(asked, &words);
}

/* Longest word of an info file that is told. */
#define WORD_MAX ((size_t)512)

/* The rows of one certificate's versions; what the facts do not hold comes from the info file. */
struct listing {
	struct asked *asked;
	struct buf rows, info, value;
};

static void add_info(struct listing *listing, const char *key)
{
	buf_clear(&listing->value);
	/* A CA may have given a serial of any length, and the answer has none. */
	if (info_value(buf_text(&listing->info), key, &listing->value) &&
		listing->value.len <= WORD_MAX)
		line_add(&listing->rows, key, buf_text(&listing->value));
}

static void add_version(const struct version_facts *version, const char *role, void *data)
{
	struct listing *listing = data;
	const struct ca_conf *ca = serve_issuer(listing->asked->conf, version);
	struct buf *rows = &listing->rows;
	char id[VERSION_ID_TEXT_LEN];
	struct err ignored;

	/* A store that was never pruned may hold more than one answer can: the newest are told. */
	if (rows->len > KEEPER_MESSAGE_MAX - 4096)
		return;
	buf_clear(&listing->info);
	store_read_file(listing->asked->server->store, listing->asked->cert->name, &version->id,
		"info", 64 * 1024, &listing->info, &ignored);
	buf_add_char(rows, '\n');
	line_add(rows, "version", version_id_text(&version->id, id));
	if (role && *role)
		line_add(rows, "link", role);
	line_add_instant(rows, "created", version->created);
	line_add_instant(rows, "not_before", version->not_before);
	line_add_instant(rows, "not_after", version->not_after);
	line_add_instant(rows, "rolled", version->rolled);
	line_add_instant(rows, "revoked", version->revoked);
	add_info(listing, "key");
	if (ca)
		line_add(rows, "ca", ca->name);
	else
		add_info(listing, "ca");
	add_info(listing, "serial");
	line_add_hex(rows, "spki_sha256", version->spki, sizeof(version->spki));
}

void serve_versions_request(struct asked *asked)
{
	struct listing listing = { .asked = asked };
	struct err err;

	if (store_versions(
		    asked->server->store, asked->cert->name, add_version, &listing, &err) < 0)
		asked_fail(asked, &err);
	else
		asked_ok(asked, &listing.rows);
	buf_done(&listing.rows);
	buf_done(&listing.info);
	buf_done(&listing.value);
}

/*
 * The ledger's next entry, as the engine counted it; no code: forget.  The text stays the
 * line's.
 */
static int read_failure(const struct line *line, struct failure *out, struct err *err)
{
	const char *code = line_get(line, "code"), *text = line_get(line, "text");
	const char *conf = line_get(line, "conf");
	int64_t tries = 1;

	*out = (struct failure){ .code = ERR_NONE };
	if (!code)
		return 0;
	/* It is kept for ever, and nothing longer can have come from an error. */
	if (text && strlen(text) >= 2 * sizeof(err->text))
		return err_set(err, ERR_BAD_ARGUMENT, "the text of a failure is too long");
	out->code = err_code_parse(code);
	if (out->code == ERR_COUNT)
		return err_set(err, ERR_BAD_ARGUMENT, "%s is not a code", code);
	if (line_get_int(line, "tries", 1, UINT32_MAX, &tries, err) < 0 ||
		line_get_instant(line, "first", &out->first, err) < 0 ||
		line_get_instant(line, "last", &out->last, err) < 0 ||
		line_get_instant(line, "not-before", &out->not_before, err) < 0)
		return -1;
	if (conf && !facts_parse_digest(conf, &out->digest))
		return err_set(err, ERR_BAD_ARGUMENT, "conf is not a digest");
	out->tries = (uint32_t)tries;
	out->text = (char *)(uintptr_t)(text ? text : "");
	return 0;
}

/* No wish of a CA is granted that is longer (daemon/cert/failure.c). */
#define WISH_MAX DAYS(8)

/*
 * A failure delays work until a moment, so an engine that was taken over may not put that
 * moment years ahead, or behind the end of the certificate.
 */
static void bound_failure(struct failure *failure, const struct version_facts *curr)
{
	struct instant now = clock_now(), most = instant_add(now, WISH_MAX);
	struct duration left = instant_since(curr->not_after, now);

	if (version_is_set(&curr->id) && left.s > 0)
		most = instant_min(most, instant_add(now, SECONDS(left.s / 2)));
	failure->first = instant_min(failure->first, now);
	failure->last = instant_min(failure->last, now);
	failure->not_before = instant_min(failure->not_before, most);
}

void serve_fail_request(struct asked *asked)
{
	struct cert_facts facts = { 0 };
	struct failure failure;
	struct err err;

	if (read_failure(&asked->message.line, &failure, &err) < 0) {
		asked_fail(asked, &err);
		return;
	}
	if (store_read(asked->server->store, asked->cert->name, &facts, &err) < 0) {
		asked_fail(asked, &err);
		return;
	}
	bound_failure(&failure, &facts.curr);
	facts_set_failure(&facts, asked->target ? asked->target->name : NULL, &failure);
	if (store_write_facts(asked->server->store, &facts, &err) < 0)
		asked_fail(asked, &err);
	else
		asked_facts(asked);
	facts_done(&facts);
}

static void hook_ended(void *data, const struct err *err)
{
	struct asked *asked = data;
	const char *hook = line_get(&asked->message.line, "hook");
	struct err veto = *err;

	asked->work = NULL;
	if (err_is_set(err)) {
		log_event(&asked->log_cert, EVENT_HOOK_FAILED, err, "%s: the hook %s failed",
			asked->cert->name, hook);
		if (err->code == ERR_COMMAND_FAILED && strncmp(hook, "before", 6) == 0)
			veto.code = ERR_VETOED;
		err_add(&veto, "the hook %s", hook);
	}
	asked_result(asked, &veto);
}

static void drop_command(void *work)
{
	command_cancel(work);
}

void serve_describe(struct asked *asked, const char *event)
{
	struct expand_facts *facts = &asked->facts;
	struct cert_facts known;
	struct err ignored;

	*facts = (struct expand_facts){ .cert = asked->cert->name,
		.service = asked->cert->service,
		.group = cert_conf_group(asked->cert, asked->group),
		.event = event,
		.host = "local" };
	if (asked->target) {
		struct copy copy = { 0 };

		copy_init_place(&copy, asked->target, asked->cert);
		asked->dir = copy_path(&copy);
		copy_done(&copy);
		facts->dir = asked->dir;
	}
	if (store_read(asked->server->store, asked->cert->name, &known, &ignored) == 0) {
		const struct version_facts *of =
			version_is_set(&known.next.id) && !asked->target ? &known.next
									 : &known.curr;

		if (version_is_set(&of->id))
			facts->version = version_id_text(&of->id, asked->version);
		facts_done(&known);
	}
	asked->spec = (struct command_spec){ .facts = facts,
		.context = asked->target ? &asked->log_target : &asked->log_cert };
}

/*
 * A run that waits for its turn.
 *
 * State: wait_turn() makes it and arms the timer; the request owns it as its work.  The timer frees
 * it and calls go(); a request that is dropped before frees it by drop_turn().
 */
struct turn {
	struct asked *asked;
	struct timer timer;
	void (*go)(struct asked *asked);
};

static void drop_turn(void *work)
{
	struct turn *turn = work;

	loop_timer_stop(commands_loop(turn->asked->server->commands), &turn->timer);
	free(turn);
}

static void turn_came(struct timer *timer)
{
	struct turn *turn = CONTAINER_OF(timer, struct turn, timer);
	struct asked *asked = turn->asked;
	void (*go)(struct asked * asked) = turn->go;

	asked->work = NULL;
	free(turn);
	go(asked);
}

static void wait_turn(struct asked *asked, int64_t ms, void (*go)(struct asked *asked))
{
	struct turn *turn = mem_new(struct turn);

	turn->asked = asked;
	turn->go = go;
	turn->timer.fire = turn_came;
	asked->work = turn;
	asked->drop_work = drop_turn;
	loop_timer_in(commands_loop(asked->server->commands), &turn->timer, ms);
}

void serve_in_turn(struct asked *asked, const char *what, const char *name,
	void (*go)(struct asked *asked))
{
	struct err err;
	int64_t ms = run_pace_take(
		&asked->server->pace, what, name, asked->conf->n_certs, clock_tick(), &err);

	if (ms < 0)
		asked_fail(asked, &err);
	else if (ms > 0)
		wait_turn(asked, ms, go);
	else
		go(asked);
}

void serve_command(
	struct asked *asked, const struct words *words, const char *event, command_done *done)
{
	serve_describe(asked, event);
	asked->spec.words = words;
	asked->drop_work = drop_command;
	asked->work = command_start(asked->server->commands, &asked->spec, done, asked);
}

static void run_hook(struct asked *asked)
{
	const char *name = line_get(&asked->message.line, "hook");

	serve_command(asked, &asked->conf->hooks[hook_parse(name)], name, hook_ended);
}

void serve_hook_request(struct asked *asked)
{
	const char *name = line_get(&asked->message.line, "hook");
	enum hook hook = name ? hook_parse(name) : HOOK_COUNT;
	struct err err;

	if (hook == HOOK_COUNT) {
		err_set(&err, ERR_BAD_ARGUMENT, "there is no such hook");
		asked_fail(asked, &err);
	} else if (asked->conf->hooks[hook].n == 0) {
		asked_ok(asked, NULL);
	} else {
		serve_in_turn(asked, "the hook", name, run_hook);
	}
}

/* SPDX-License-Identifier: MIT */
#include "daemon/acme/account.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/acme/account_private.h"
#include "daemon/acme/refusal.h"
#include "daemon/conf/index.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/log/log.h"

enum {
	FRESH_MS = 24 * 60 * 60 * 1000, /* how long a directory is believed */
	OPEN_MS = 2 * 60 * 1000,
	FETCH_PAUSE_MS = 2000,
};

static bool is_fresh(const struct acme_ca *ca)
{
	return ca->has_directory && clock_tick().ms - ca->fetched.ms < FRESH_MS;
}

static bool is_open(const struct acme_ca *ca)
{
	return is_fresh(ca) && ca->account == ACCOUNT_OPEN && ca->was_checked;
}

static void ask_accounts(struct acme_opening *o)
{
	keeper_request(&o->keeper, REQUEST_accounts);
	keeper_ask(o->ca->acme->keeper, &o->task, &o->keeper);
}

/* The refusal of an earlier life of the daemon. */
static int recall(struct acme_opening *o, const struct line *line, struct err *err)
{
	const char *refused = line_get(line, "refused");
	struct instant since = INSTANT_NONE;
	int64_t tries = 0;

	if (!refused)
		return 0;
	if (line_get_instant(line, "refused_since", &since, err) < 0 ||
		line_get_int(line, "refused_tries", 0, INT32_MAX, &tries, err) < 0)
		return -1;
	refusal_recall(o->ca, refused, line_get(line, "refused_text"), since, tries);
	o->was_refused = o->by_key = true;
	return 0;
}

/* The row of this CA among those of the keeper. */
static int take_accounts(struct acme_opening *o, struct err *err)
{
	struct line line = { 0 };
	char *save, *row = o->keeper.answer.rows;

	for (row = row ? strtok_r(row, "\n", &save) : NULL; row;
		row = strtok_r(NULL, "\n", &save)) {
		bool is_test = false, has_candidate = false;
		const char *ca, *url;

		if (line_parse(&line, row, strlen(row), KEEPER_MESSAGE_MAX, err) < 0 ||
			line_get_bool(&line, "test", &is_test, err) < 0 ||
			line_get_bool(&line, "candidate", &has_candidate, err) < 0) {
			line_done(&line);
			return -1;
		}
		ca = line_get(&line, "ca");
		if (!ca || !str_is(ca, o->ca->name) || is_test != o->ca->is_test)
			continue;
		url = line_get(&line, "url");
		o->known = url && *url ? mem_strdup(url) : NULL;
		o->has_key = line_get(&line, "thumbprint") != NULL;
		o->has_candidate = has_candidate;
		if (recall(o, &line, err) < 0) {
			line_done(&line);
			return -1;
		}
		break;
	}
	line_done(&line);
	return 0;
}

static void tell_keeper(struct acme_opening *o, const char *key, const char *value)
{
	keeper_request(&o->keeper, REQUEST_account);
	line_add(&o->keeper.text, "ca", o->ca->name);
	if (o->ca->is_test)
		line_add_bool(&o->keeper.text, "test", true);
	line_add(&o->keeper.text, key, value);
	keeper_ask(o->ca->acme->keeper, &o->task, &o->keeper);
}

/* The state of the account is kept, so that `accounts` tells it after a restart. */
static void keep_refusal(struct acme_opening *o)
{
	const struct failure *refusal = &o->ca->refusal;
	struct buf *text = &o->keeper.text;

	keeper_request(&o->keeper, REQUEST_account);
	line_add(text, "ca", o->ca->name);
	if (o->ca->is_test)
		line_add_bool(text, "test", true);
	if (o->is_refused) {
		line_add(text, "refused", err_code_text(refusal->code));
		line_add(text, "text", refusal->text);
		line_add_instant(text, "since", refusal->first);
		line_add_int(text, "tries", refusal->tries);
	} else {
		line_add_bool(text, "admitted", true);
	}
	keeper_ask_soft(o->ca->acme->keeper, &o->task, &o->keeper);
}

static void ask_ca(struct acme_opening *o, enum sign op, const char *url)
{
	o->is_asking = true;
	post_begin(&o->post, o->ca, op, url);
	o->post.deadline = o->deadline;
	post_send_soft(&o->post, &o->task);
}

static bool is_gone(const struct acme_opening *o)
{
	return o->post.problem.kind == PROBLEM_ACCOUNT_GONE;
}

/* Some CAs answer with errors of their own for an account that they lost. */
static bool is_answer(const struct acme_opening *o)
{
	return o->post.problem.status >= 400 && str_is(o->post.http.method, "POST") &&
	       o->post.err.code != ERR_RATE_LIMITED;
}

static int take_location(struct acme_opening *o, struct err *err)
{
	const char *url = post_location(&o->post);

	if (err_is_set(&o->post.err)) {
		*err = o->post.err;
		return -1;
	}
	if (!url)
		return err_set(err, ERR_BAD_ANSWER, "the CA %s tells no URL of the account",
			o->ca->name);
	free(o->url);
	o->url = mem_strdup(url);
	return 0;
}

static bool has_contact(const struct account_object *account, const char *address)
{
	for (size_t i = 0; i < account->n_contact; i++)
		if (str_starts(account->contact[i], "mailto:") &&
			str_is(account->contact[i] + strlen("mailto:"), address))
			return true;
	return false;
}

/*
 * A plain yes says that the account is there; a plain no is checked by asking for that of the
 * key.
 */
static void take_known(struct acme_opening *o)
{
	if (!err_is_set(&o->post.err))
		o->url = mem_strdup(o->known);
	else if (!is_gone(o) && !is_answer(o))
		o->task.err = o->post.err;
}

static int take_found(struct acme_opening *o, struct err *err)
{
	return is_gone(o) ? 0 : take_location(o, err);
}

/* Judges the account by the last answer; some CAs tell nothing. */
static int judge_account(struct acme_opening *o, struct err *err)
{
	struct account_object account;
	struct err ignored;
	enum status status;

	if (account_object_read(buf_text(&o->post.http.body), o->post.http.body.len, &account,
		    &ignored) < 0)
		return 0;
	status = account.status;
	o->has_other_contacts = account.n_contact != o->acme->n_contact;
	for (size_t i = 0; i < o->acme->n_contact; i++)
		o->has_other_contacts |= !has_contact(&account, o->acme->contact[i]);
	if (o->post.op == SIGN_NEW_ACCOUNT)
		o->has_other_contacts = false;
	account_object_done(&account);
	if (status == STATUS_DEACTIVATED || status == STATUS_REVOKED)
		return err_set(err, ERR_ACCOUNT_REFUSED, "the account %s of the CA %s is %s",
			o->url, o->ca->name, status_text(status));
	return 0;
}

static void note_contacts(const struct acme_opening *o)
{
	if (err_is_set(&o->post.err))
		log_debug(&o->task.log, "the contacts stay as they are: %s", o->post.err.text);
}

static int may_register(const struct acme_opening *o, struct err *err)
{
	if (o->ca->directory.needs_binding && !o->acme->eab_kid)
		return err_set(err, ERR_ACCOUNT_REFUSED,
			"the CA %s registers no account without an external binding (eab)",
			o->ca->name);
	return 0;
}

static int take_registered(struct acme_opening *o, struct err *err)
{
	if (take_location(o, err) == 0)
		return 0;
	if (!is_answer(o))
		return -1;
	if (o->ca->directory.terms && (o->post.problem.kind == PROBLEM_USER_ACTION ||
					      o->post.problem.kind == PROBLEM_AGREEMENT))
		err_add(err, "the terms at %s", o->ca->directory.terms);
	if (err->code == ERR_CA_REFUSED)
		err->code = ERR_ACCOUNT_REFUSED;
	return -1;
}

static void say_opened(const struct acme_opening *o)
{
	if (o->known)
		log_event(&o->task.log, EVENT_ACME_LOST, NULL,
			"the CA %s had lost our account; the key is registered again as %s, "
			"and records "
			"that name the old account need a change",
			o->ca->name, o->url);
	else
		log_event(&o->task.log, EVENT_ACME_ACCOUNT, NULL,
			"the account at the CA %s is %s", o->ca->name, o->url);
}

/* Is this no of the CA about the account, and not about the way to it? */
static bool is_accounts(const struct acme_opening *o)
{
	return o->task.err.code == ERR_ACCOUNT_REFUSED ||
	       (o->is_asking && err_is_set(&o->post.err) && is_answer(o) &&
		       o->task.err.code == o->post.err.code);
}

/* Tells the state before anything that waits goes on. */
static void settle_refusal(struct acme_opening *o)
{
	o->was_refused |= refusal_holds(o->ca);
	o->is_refused = is_accounts(o);
	if (o->is_refused)
		refusal_note(o->ca, &o->task.err, &o->task.log);
	else if (err_is_set(&o->task.err))
		refusal_keep(o->ca);
	else
		refusal_end(o->ca, &o->task.log);
}

static bool must_keep_refusal(const struct acme_opening *o)
{
	return o->is_refused || (o->was_refused && !refusal_holds(o->ca));
}

static void take_open(struct acme_opening *o)
{
	o->ca->is_doubted = false;
	free(o->ca->account_url);
	o->ca->account_url = mem_take(&o->url);
	o->ca->account = ACCOUNT_OPEN;
	o->ca->was_checked = true;
}

static void run(struct task *task)
{
	struct acme_opening *o = TASK_OF(task, struct acme_opening);

	TASK_BEGIN(task)
	while (!is_fresh(o->ca)) {
		AWAIT(opening_fetch(o));
		if (opening_must_fetch_again(o))
			AWAIT(task_sleep(task, &o->pause, FETCH_PAUSE_MS));
		else if (err_is_set(&task->err))
			FINISH();
	}
	AWAIT(ask_accounts(o));
	TRY(take_accounts(o, &task->err));
	if (o->has_candidate)
		AWAIT(rollover_recover_start(&o->recover, o->ca, task));
	if (o->known && !o->by_key) {
		AWAIT(ask_ca(o, SIGN_READ, o->known));
		take_known(o);
		if (err_is_set(&task->err))
			FINISH();
	}
	if (!o->url && o->has_key) {
		AWAIT(ask_ca(o, SIGN_FIND_ACCOUNT, o->ca->directory.new_account));
		TRY(take_found(o, &task->err));
	}
	if (!o->url) {
		TRY(may_register(o, &task->err));
		if (o->known)
			AWAIT(tell_keeper(o, "gone", "yes"));
		AWAIT(ask_ca(o, SIGN_NEW_ACCOUNT, o->ca->directory.new_account));
		TRY(take_registered(o, &task->err));
	}
	TRY(judge_account(o, &task->err));
	if (!o->known || !str_is(o->known, o->url)) {
		AWAIT(tell_keeper(o, "url", o->url));
		say_opened(o);
	}
	if (o->has_other_contacts) {
		AWAIT(ask_ca(o, SIGN_UPDATE_ACCOUNT, o->url));
		note_contacts(o);
	}
	take_open(o);
	FINALLY
	settle_refusal(o);
	if (must_keep_refusal(o))
		AWAIT(keep_refusal(o));
	if (o->is_refused)
		refusal_err(o->ca, &task->err);
	TASK_END
}

static void opening_free(struct acme_opening *o)
{
	post_done(&o->post);
	rollover_recover_done(&o->recover);
	keeper_op_done(&o->keeper);
	http_op_done(&o->http);
	conf_unref(o->conf);
	free(o->known);
	free(o->url);
	free(o);
}

/* A waiting task may begin anew at once, so the opening is unlinked before any is resumed. */
static void ended(struct task *task)
{
	struct acme_opening *o = TASK_OF(task, struct acme_opening);
	struct acme_ca *ca = o->ca;
	struct acme *acme = ca->acme;
	struct err err = task->err;

	ca->opening = NULL;
	acme->n_openings--;
	opening_free(o);
	while (!list_is_empty(&ca->waiting)) {
		struct account_op *first =
			LIST_OF(list_first(&ca->waiting), struct account_op, link);

		list_remove(&first->link);
		op_end(&first->op, &err);
	}
	acme_ca_release(ca);
	if (acme->is_stopping && acme->n_openings == 0 && acme->idle)
		acme->idle(acme->idle_data);
}

static const struct ca_conf *conf_of(const struct conf *conf, const struct acme_ca *ca)
{
	for (size_t i = 0; i < conf->n_cas; i++)
		if (conf_ca_at(conf, i)->acme && str_is(conf_ca_at(conf, i)->name, ca->name))
			return conf_ca_at(conf, i);
	return NULL;
}

static void open_now(struct acme_ca *ca, const struct ca_conf *conf)
{
	struct acme_opening *o = mem_new(struct acme_opening);

	o->ca = ca;
	o->conf = conf_ref(ca->acme->conf);
	o->acme = conf->acme;
	o->deadline = post_deadline(OPEN_MS);
	o->by_key = ca->is_doubted || refusal_holds(ca);
	ca->is_insisting = false;
	o->log_ca = (struct log_field){ "CA", ca->name, NULL };
	o->task.log.up = &o->log_ca;
	ca->opening = &o->task;
	ca->n_opened++;
	ca->n_users++;
	ca->acme->n_openings++;
	task_start(&o->task, ca->acme->loop, run, ended);
}

/* The CA did not let the account in lately (refusal.h); nothing waits for what comes of it. */
static void on_ask_again(struct timer *timer)
{
	struct acme_ca *ca = CONTAINER_OF(timer, struct acme_ca, ask_again);
	const struct ca_conf *conf = conf_of(ca->acme->conf, ca);

	if (conf && !ca->opening && !ca->acme->is_stopping)
		open_now(ca, conf);
}

static void leave(struct op *op)
{
	list_remove(&CONTAINER_OF(op, struct account_op, op)->link);
	op_end(op, NULL);
}

void account_open(struct acme_ca *ca, struct task *task, struct account_op *op)
{
	const struct ca_conf *conf = conf_of(ca->acme->conf, ca);
	struct err err;

	if (is_open(ca))
		return;
	op_begin(&op->op, task, leave);
	if (!conf || ca->acme->is_stopping) {
		err_set(&err, ERR_CANCELLED, "the CA %s left the configuration", ca->name);
		op_end(&op->op, &err);
		return;
	}
	if (refusal_holds(ca) && !ca->opening && !ca->is_insisting) {
		refusal_err(ca, &err);
		op_end(&op->op, &err);
		return;
	}
	list_append(&ca->waiting, &op->link);
	ca->ask_again.fire = on_ask_again;
	if (!ca->opening)
		open_now(ca, conf);
	op->opening = ca->n_opened;
}

bool account_is_told(struct acme_ca *ca, const struct account_op *op)
{
	bool is_told = ca->told_opening == op->opening;

	ca->told_opening = op->opening;
	return is_told;
}

void account_insist(struct acme_ca *ca)
{
	ca->is_insisting = true;
}

/* SPDX-License-Identifier: MIT */
#include "daemon/acme/authz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/acme/record.h"
#include "daemon/acme/responder.h"
#include "daemon/conf/conf.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

enum {
	WITHDRAWALS = 3,
	WITHDRAW_PAUSE_MS = 200,
	CLOSE_MS = 10 * 1000, /* for telling the CA that we give up */
	GRACE_MS = 5 * 1000,  /* for a CA that looks just now */
	GRACE_PAUSE_MS = 1000,
	PATIENCE_MS = 10 * 60 * 1000, /* with an order that began, longer than before */
	ANSWERS = 4,
	ANSWER_MAX = 64 * 1024, /* there may be a thousand of them, all kept at once */
	ANSWER_PAUSE_MS = 1000, /* before the second; three times as long before each more */
};

void authz_init(struct authz *authz, struct order *order, const char *url)
{
	authz->order = order;
	authz->url = url;
}

void authz_done(struct authz *authz)
{
	post_done(&authz->post);
	keeper_op_done(&authz->keeper);
	authz_object_done(&authz->object);
	free(mem_take(&authz->challenge_url));
	free(mem_take(&authz->token));
	free(mem_take(&authz->id));
	free(mem_take(&authz->value));
	free(mem_take(&authz->zone));
	record_done(authz);
}

static const struct acme_conf *conf(const struct authz *a)
{
	return a->order->conf;
}

static void ask(struct authz *a, enum sign op, const char *url)
{
	post_begin(&a->post, a->order->ca, op, url);
	line_add(&a->post.words, "cert", a->order->args.cert);
	a->post.deadline = a->order->deadline;
	a->post.patience_ms = PATIENCE_MS;
	a->post.limit = ANSWER_MAX;
	post_send(&a->post, &a->task);
}

/* The configured name that this authorization is for. */
static int find_name(struct authz *a, struct err *err)
{
	const struct cert_conf *cert = conf_cert(a->order->args.conf, a->order->args.cert);
	char value[NAME_MAX_LEN];
	struct err ignored;

	if (name_canonical(a->object.value, value, &ignored) < 0)
		value[0] = '\0';
	for (size_t i = 0; i < cert->n_names; i++) {
		const char *name = cert->names[i];
		bool is_wildcard = name_is_wildcard(name);

		if (is_wildcard != a->object.is_wildcard ||
			name_is_ip(name) != str_is(a->object.type, "ip") ||
			!str_is(is_wildcard ? name + 2 : name, value))
			continue;
		snprintf(a->name, sizeof(a->name), "%s", name);
		return 0;
	}
	return err_set(err, ERR_BAD_ANSWER,
		"the CA %s wants %s%s authorized, which the certificate does not have",
		a->order->ca->name, a->object.is_wildcard ? "*." : "", a->object.value);
}

static int take(struct authz *a, struct err *err)
{
	authz_object_done(&a->object);
	if (authz_object_read(
		    buf_text(&a->post.http.body), a->post.http.body.len, &a->object, err) < 0)
		return err_add(err, "the CA %s", a->order->ca->name);
	return find_name(a, err);
}

/* Why it came to nothing, with the CA's own reason where it gave one. */
static int fail(struct authz *a, struct err *err)
{
	const char *ca = a->order->ca->name;

	for (size_t i = 0; i < a->object.n_challenges; i++) {
		const struct challenge_object *challenge = &a->object.challenges[i];

		if (!challenge->has_error)
			continue;
		problem_err(&challenge->error, INSTANT_NONE, err);
		if (err->code == ERR_CA_REFUSED || err->code == ERR_BAD_ANSWER)
			err->code = ERR_NOT_VALIDATED;
		return err_add(err, "the CA %s does not accept the challenge %s for %s", ca,
			challenge->type, a->name);
	}
	return err_set(err, ERR_NOT_VALIDATED, "the authorization of %s at the CA %s is %s",
		a->name, ca, status_text(a->object.status));
}

/* The configured type, with a token and a URL; all others are as good as unknown. */
static int pick(struct authz *a, struct err *err)
{
	const char *type = challenge_text(conf(a)->challenge);
	char offered[200] = "";

	for (size_t i = 0; i < a->object.n_challenges; i++) {
		const struct challenge_object *challenge = &a->object.challenges[i];
		size_t len = strlen(offered);

		if (!str_is(challenge->type, type)) {
			snprintf(offered + len, sizeof(offered) - len, "%s%s", len ? ", " : "",
				challenge->type);
			continue;
		}
		if (!challenge->url)
			continue;
		a->challenge_url = mem_strdup(challenge->url);
		a->token = mem_strdup(challenge->token);
		a->issuers = challenge->issuers;
		a->n_issuers = challenge->n_issuers;
		a->is_answered = challenge->status != STATUS_PENDING &&
				 challenge->status != STATUS_UNKNOWN;
		return 0;
	}
	return err_set(err, ERR_CA_REFUSED, "the CA %s offers no %s for %s, only: %s",
		a->order->ca->name, type, a->name, *offered ? offered : "nothing");
}

/* Waits for the answer even when cancelled, because the answer says what is to be withdrawn. */
static void present(struct authz *a)
{
	struct buf *text = &a->keeper.text;

	a->asked = clock_now();
	keeper_request(&a->keeper, REQUEST_present);
	line_add(text, "cert", a->order->args.cert);
	line_add(text, "ca", a->order->ca->name);
	if (a->order->args.is_test)
		line_add_bool(text, "test", true);
	line_add(text, "type", challenge_text(conf(a)->challenge));
	line_add(text, "name", a->name);
	line_add(text, "token", a->token);
	if (record_is_needed(a)) {
		line_add(text, "owner", a->trace.owner);
		if (!a->trace.is_blind)
			line_add(text, "apex", a->trace.apex);
		/* The rest is waiting for others, and a record is cheapest with many others. */
		a->order->on_wait(a->order, ORDER_WAITS_OTHERS);
	}
	keeper_ask_firm(a->order->ca->acme->keeper, &a->task, &a->keeper);
}

static char *take_word(const struct authz *a, const char *key)
{
	const char *text = line_get(&a->keeper.answer.line, key);

	return text ? mem_strdup(text) : NULL;
}

static void note_presented(struct authz *a)
{
	const char *id;

	if (a->keeper.request != REQUEST_present || a->keeper.answer.kind != KEEPER_OK)
		return;
	id = line_get(&a->keeper.answer.line, "id");
	if (!id || a->id)
		return;
	a->id = mem_strdup(id);
	a->value = take_word(a, "value");
	a->zone = take_word(a, "zone");
}

static int add(struct authz *a, struct err *err)
{
	const char *text = line_need(&a->keeper.answer.line, "key_authorization", err);
	struct responder *responder = a->order->ca->acme->responder;

	if (!text)
		return -1;
	if (!responder)
		return 0;
	a->is_added = true;
	return responder_add(responder, conf(a)->challenge, a->name, a->token, text, err);
}

static void prepare_run(struct task *task)
{
	struct authz *a = TASK_OF(task, struct authz);

	TASK_BEGIN(task)
	AWAIT(ask(a, SIGN_READ, a->url));
	TRY(take(a, &task->err));
	if (a->object.status == STATUS_VALID)
		FINISH();
	if (a->object.status != STATUS_PENDING)
		TRY(fail(a, &task->err));
	TRY(pick(a, &task->err));
	a->order->on_step(a->order, "challenge");
	if (record_is_needed(a)) {
		AWAIT(record_find(a));
		TRY(record_place(a, &task->err));
	}
	if (conf(a)->challenge == CHALLENGE_DNS_PERSIST)
		FINISH();
	AWAIT(present(a));
	TRY(add(a, &task->err));
	FINALLY
	note_presented(a);
	TASK_END
}

/*
 * Some CAs look while we wait for the answer and leave a challenge that failed pending, with
 * the error in it: they look again only when answered again (RFC 8555, 8.2).
 */
static bool was_in_vain(const struct authz *a)
{
	for (size_t i = 0; i < a->object.n_challenges; i++) {
		const struct challenge_object *challenge = &a->object.challenges[i];

		if (challenge->url && str_is(challenge->url, a->challenge_url))
			return challenge->status == STATUS_PENDING && challenge->has_error;
	}
	return false;
}

static void answer_later(struct authz *a)
{
	int64_t ms = ANSWER_PAUSE_MS;

	for (unsigned i = 1; i < a->answers; i++)
		ms *= 3;
	a->order->on_wait(a->order, ORDER_WAITS_CA);
	task_sleep(&a->task, &a->pause, ms);
}

static void answer(struct authz *a)
{
	a->answers++;
	a->is_answered = true;
	ask(a, SIGN_ANSWER, a->challenge_url);
}

static void look_later(struct authz *a)
{
	int64_t ms = post_poll_ms(&a->post, a->looks++, a->order->deadline);

	a->order->on_wait(a->order, ORDER_WAITS_CA);
	if (ms < 0)
		err_set(&a->task.err, ERR_TIMEOUT,
			"the CA %s did not look at the challenge for %s in time",
			a->order->ca->name, a->name);
	else
		task_sleep(&a->task, &a->pause, ms);
}

static void validate_run(struct task *task)
{
	struct authz *a = TASK_OF(task, struct authz);

	TASK_BEGIN(task)
	if (a->object.status == STATUS_VALID)
		FINISH();
	a->order->on_step(a->order, "validate");
	if (!a->is_answered)
		AWAIT(answer(a));
	while (a->object.status == STATUS_PENDING || a->object.status == STATUS_UNKNOWN) {
		AWAIT(look_later(a));
		AWAIT(ask(a, SIGN_READ, a->url));
		TRY(take(a, &task->err));
		if (!was_in_vain(a))
			continue;
		if (a->answers >= ANSWERS)
			break;
		AWAIT(answer_later(a));
		AWAIT(answer(a));
	}
	if (a->object.status != STATUS_VALID)
		fail(a, &task->err);
	FINALLY
	TASK_END
}

static void withdraw(struct authz *a)
{
	if (a->is_added)
		responder_remove(
			a->order->ca->acme->responder, conf(a)->challenge, a->name, a->token);
	a->is_added = false;
	if (!a->id)
		return;
	a->withdrawals++;
	keeper_request(&a->keeper, REQUEST_withdraw);
	line_add(&a->keeper.text, "id", a->id);
	keeper_ask_soft(a->order->ca->acme->keeper, &a->task, &a->keeper);
}

/* A busy keeper may refuse; a record that is not withdrawn again stays until the next start. */
static bool must_withdraw_again(struct authz *a)
{
	if (a->id && (!err_is_set(&a->keeper.err) || a->withdrawals == WITHDRAWALS))
		free(mem_take(&a->id));
	return a->id != NULL;
}

/* Does the CA, which was asked to look, still do so, as far as we know? */
static bool is_looked_at(const struct authz *a)
{
	bool is_open = a->object.status == STATUS_PENDING || a->object.status == STATUS_UNKNOWN;

	return a->is_answered && is_open && !was_in_vain(a) && clock_tick().ms < a->grace.ms;
}

static void look_last(struct authz *a)
{
	post_begin(&a->post, a->order->ca, SIGN_READ, a->url);
	line_add(&a->post.words, "cert", a->order->args.cert);
	a->post.deadline = a->grace;
	a->post.patience_ms = 0;
	a->post.limit = ANSWER_MAX;
	post_send_soft(&a->post, &a->task);
}

/* A CA that does not tell a state is not waited for. */
static void take_last(struct authz *a)
{
	struct err ignored;

	if (err_is_set(&a->post.err) || take(a, &ignored) < 0)
		a->grace.ms = 0;
}

static void give_up(struct authz *a)
{
	post_begin(&a->post, a->order->ca, SIGN_DEACTIVATE, a->url);
	a->post.deadline = post_deadline(CLOSE_MS);
	a->post.patience_ms = 0;
	post_send_soft(&a->post, &a->task);
}

static void close_run(struct task *task)
{
	struct authz *a = TASK_OF(task, struct authz);

	TASK_BEGIN(task)
	a->grace = post_deadline(GRACE_MS);
	while (is_looked_at(a)) {
		AWAIT(look_last(a));
		take_last(a);
		if (is_looked_at(a))
			AWAIT(task_sleep(task, &a->pause, GRACE_PAUSE_MS));
	}
	AWAIT(withdraw(a));
	while (must_withdraw_again(a)) {
		AWAIT(task_sleep(task, &a->pause, WITHDRAW_PAUSE_MS));
		AWAIT(withdraw(a));
	}
	if (a->order->is_dead && a->object.status == STATUS_PENDING) {
		AWAIT(give_up(a));
		a->object.status = STATUS_DEACTIVATED;
	}
	FINALLY
	TASK_END
}

void authz_prepare(struct authz *authz)
{
	task_start_child(&authz->task, &authz->order->task, prepare_run);
}

void authz_validate(struct authz *authz)
{
	task_start_child(&authz->task, &authz->order->task, validate_run);
}

void authz_close(struct authz *authz)
{
	if (authz->id || authz->is_added ||
		(authz->order->is_dead && authz->object.status == STATUS_PENDING))
		task_start_child(&authz->task, &authz->order->task, close_run);
}

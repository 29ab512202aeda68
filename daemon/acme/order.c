/* SPDX-License-Identifier: MIT */
#include "daemon/acme/order.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/acme/authz.h"
#include "daemon/acme/download.h"
#include "daemon/acme/placing.h"
#include "daemon/acme/record.h"
#include "daemon/acme/refusal.h"
#include "daemon/conf/index.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

static void on_step(struct order *o, const char *step)
{
	if (o->args.step)
		o->args.step(o->args.data, step);
}

static void on_wait(struct order *o, enum order_wait what)
{
	if (what == ORDER_WAITS_OTHERS || clock_tick().ms - o->begun.ms >= ORDER_BUSY_MS)
		acme_leave(&o->place);
}

static void open_account(struct order *o)
{
	o->is_opening = true;
	account_open(o->ca, &o->task, &o->account);
}

static void take_facts(struct order *o)
{
	struct cert_facts facts;
	struct err ignored;

	if (o->keeper.answer.kind == KEEPER_OK && o->args.take &&
		keeper_facts(&o->keeper, &facts, &ignored) == 0)
		o->args.take(o->args.data, &facts);
	keeper_op_done(&o->keeper);
}

static void ask_about(struct order *o, enum request request)
{
	keeper_request(&o->keeper, request);
	line_add(&o->keeper.text, "cert", o->args.cert);
	line_add(&o->keeper.text, "ca", o->ca->name);
	if (o->args.is_test)
		line_add_bool(&o->keeper.text, "test", true);
}

/* Before anything is done with it, so that a restart finds it again. */
static void note(struct order *o)
{
	ask_about(o, REQUEST_order);
	line_add(&o->keeper.text, "url", buf_text(&o->url));
	line_add_instant(&o->keeper.text, "expires", o->object.expires);
	o->is_noted = true;
	keeper_ask_firm(o->ca->acme->keeper, &o->task, &o->keeper);
}

static void forget(struct order *o)
{
	ask_about(o, REQUEST_order);
	line_add_bool(&o->keeper.text, "done", true);
	if (o->url.len > 0)
		line_add(&o->keeper.text, "url", buf_text(&o->url));
	keeper_ask_soft(o->ca->acme->keeper, &o->task, &o->keeper);
	o->is_noted = false;
}

/* The keeper notes one order in flight, so that nothing gets lost. */
static void forget_abandoned(struct order *o)
{
	keeper_request(&o->keeper, REQUEST_order);
	line_add(&o->keeper.text, "cert", o->args.cert);
	line_add(&o->keeper.text, "ca", o->abandoned);
	line_add_bool(&o->keeper.text, "done", true);
	keeper_ask(o->ca->acme->keeper, &o->task, &o->keeper);
}

/* A key that cannot be asked about now fails the order, and nothing is forgotten. */
static void ask_key(struct order *o)
{
	ask_about(o, REQUEST_order_key);
	line_add(&o->keeper.text, "order", buf_text(&o->url));
	keeper_ask(o->ca->acme->keeper, &o->task, &o->keeper);
}

static void take_key(struct order *o)
{
	o->held = order_held_parse(line_get(&o->keeper.answer.line, "key"));
	keeper_op_done(&o->keeper);
}

static void begin_authz(struct order *o)
{
	o->n_authz = o->object.n_authz;
	o->authz = mem_zalloc((o->n_authz + 1) * sizeof(*o->authz));
	for (size_t i = 0; i < o->n_authz; i++)
		authz_init(&o->authz[i], o, mem_strdup(o->object.authz[i]));
}

static void prepare(struct order *o)
{
	for (size_t i = 0; i < o->n_authz; i++)
		authz_prepare(&o->authz[i]);
}

/* No CA looks before all name servers of all names were seen to show what it looks for. */
static void watch_records(struct order *o)
{
	for (size_t i = 0; i < o->n_authz; i++)
		if (o->authz[i].id && o->authz[i].value) {
			on_step(o, "dns");
			record_watch(&o->authz[i], &o->task);
		}
}

static int records_seen(const struct order *o, struct err *err)
{
	for (size_t i = 0; i < o->n_authz; i++)
		if (record_seen(&o->authz[i], err) < 0)
			return -1;
	return 0;
}

/* The CA makes the certificate, and takes its time. */
static bool tell_processing(const struct order *o, struct buf *lines)
{
	char since[INSTANT_TEXT_LEN], again[INSTANT_TEXT_LEN], end[INSTANT_TEXT_LEN];
	int64_t left_ms = o->deadline.ms - clock_tick().ms;

	if (!instant_is_set(o->processing) || !instant_is_set(o->again))
		return false;
	buf_printf(lines,
		"The CA %s processes the order %s since %s and has not issued yet; certd looks "
		"again at %s and waits until %s.\n",
		o->ca->name, buf_text(&o->url), instant_text(o->processing, since),
		instant_text(o->again, again),
		instant_text(instant_add(clock_now(), SECONDS(left_ms / 1000)), end));
	return true;
}

bool order_tell(const struct order *order, struct buf *lines)
{
	bool has_any = tell_processing(order, lines);

	for (size_t i = 0; i < order->n_authz; i++) {
		struct buf line AUTO_BUF = BUF_INIT;

		if (!record_tell(&order->authz[i], &line))
			continue;
		has_any = true;
		buf_add_char(&line, '\n');
		/* A name and its wildcard wait at one owner, mostly for the same servers. */
		if (!strstr(buf_text(lines), buf_text(&line)))
			buf_add_text(lines, buf_text(&line));
	}
	return has_any;
}

static void validate(struct order *o)
{
	for (size_t i = 0; i < o->n_authz; i++)
		authz_validate(&o->authz[i]);
}

static void close_all(struct order *o)
{
	for (size_t i = 0; i < o->n_authz; i++)
		authz_close(&o->authz[i]);
}

static void look(struct order *o)
{
	placing_ask(o, SIGN_READ, buf_text(&o->url));
	o->must_look = false;
	o->again = INSTANT_NONE;
}

static void look_later(struct order *o)
{
	int64_t ms = post_poll_ms(&o->post, o->looks++, o->deadline);

	on_wait(o, ORDER_WAITS_CA);
	if (o->object.status == STATUS_PROCESSING) {
		if (!instant_is_set(o->processing))
			o->processing = clock_now();
		on_step(o, "processing");
	}
	if (ms < 0) {
		err_set(&o->task.err, ERR_TIMEOUT,
			"the order %s at the CA %s is still %s, and no time is left",
			buf_text(&o->url), o->ca->name, status_text(o->object.status));
		return;
	}
	o->again = instant_add(clock_now(), SECONDS((ms + 999) / 1000));
	task_sleep(&o->task, &o->pause, ms);
}

static enum order_fate fate_of(const struct order *o)
{
	return order_fate(order_state_of(&o->object), o->held);
}

static void finalize(struct order *o)
{
	on_step(o, "finalize");
	o->was_finalized = true;
	o->held = HELD_KEY; /* the keeper stores it before it signs */
	placing_ask(o, SIGN_FINALIZE, o->object.finalize);
}

/*
 * A refusal is one; with "not ready", trouble on the way or an answer that tells nothing, the
 * order itself has to be looked at: finalize is never sent again before.
 */
static int take_finalized(struct order *o, struct err *err)
{
	struct err ignored;

	o->must_look = true;
	if (err_is_set(&o->post.err)) {
		if (o->post.problem.kind == PROBLEM_NOT_READY ||
			err_code_class(o->post.err.code) == CLASS_TRANSIENT)
			return 0;
		return placing_gone(o, err);
	}
	if (placing_take(o, &ignored) == 0)
		o->must_look = fate_of(o) != FATE_FETCH;
	return 0;
}

static int take_look(struct order *o, struct err *err)
{
	if (err_is_set(&o->post.err))
		return placing_gone(o, err);
	if (placing_take(o, err) < 0)
		return -1;
	/* Pending with everything shown becomes ready by itself. */
	o->must_look = fate_of(o) != FATE_FINALIZE;
	return 0;
}

static bool is_issued(const struct order *o)
{
	return fate_of(o) == FATE_FETCH;
}

static int check_alive(struct order *o, struct err *err)
{
	if (fate_of(o) == FATE_DROP)
		return placing_invalid(o, err);
	if (!o->must_look && !o->object.finalize)
		return err_set(err, ERR_BAD_ANSWER,
			"the order at the CA %s cannot be finalized", o->ca->name);
	return 0;
}

/* The keeper decides; whatever it says is waited for, because a stored version is a fact. */
static void accept_chain(struct order *o)
{
	on_step(o, "store");
	ask_about(o, REQUEST_accept);
	line_add(&o->keeper.text, "order", buf_text(&o->url));
	line_end(&o->keeper.text);
	buf_add(&o->keeper.text, o->chain.data, o->chain.len);
	keeper_ask_firm(o->ca->acme->keeper, &o->task, &o->keeper);
}

/* One account that could not be opened ends all orders that waited for it, and counts once. */
static bool is_told(const struct order *o)
{
	return o->is_opening && health_is_the_cas(&o->task.err) &&
	       account_is_told(o->ca, &o->account);
}

/* A refusal of a name server is mended there, and is nothing between us and the CA. */
static bool may_pass(const struct err *err)
{
	return err_code_class(err->code) == CLASS_TRANSIENT || err->code == ERR_ZONE_REFUSED;
}

/* A no to any other request of the order, which the account may be the reason of. */
static bool must_ask_account(struct order *o)
{
	if (!o->ca->is_doubted || o->has_asked_account || o->is_opening ||
		err_code_class(o->task.err.code) != CLASS_REFUSED)
		return false;
	o->has_asked_account = true;
	return true;
}

/* A failure of the account is told as the account's, not the order's. */
static void blame_account(struct order *o)
{
	if (refusal_holds(o->ca) && o->has_asked_account)
		refusal_err(o->ca, &o->task.err);
}

/*
 * Can a certificate still come of it?  An order may go on later after a passing error or a
 * cancellation.
 */
static void judge(struct order *o)
{
	const struct err *err = &o->task.err;
	enum err_class class = err_code_class(err->code);

	if (o->begun.ms != 0 && !is_told(o) &&
		health_note(&o->ca->health, err, clock_tick(), clock_now()))
		log_event(&o->task.log, EVENT_ACME_DOWN, err,
			"the CA %s counts as down and is left alone for a while", o->ca->name);
	/* The account may be let in again, and the order with it. */
	if (may_pass(err) || err->code == ERR_ACCOUNT_REFUSED)
		o->is_dead = clock_tick().ms + POST_LAST_MS >= o->given_up.ms;
	else
		o->is_dead = class == CLASS_REFUSED || class == CLASS_CONFIG;
	o->is_dead = (o->is_dead || err->code == ERR_ACCOUNT_LOST) && o->url.len > 0;
}

static void end_trying(struct order *o)
{
	o->ca->n_trying -= o->is_trying;
	o->is_trying = false;
}

static void run(struct task *task)
{
	struct order *o = TASK_OF(task, struct order);

	TASK_BEGIN(task)
	AWAIT(acme_enter(o->ca, task, &o->place));
	o->begun = clock_tick();
	on_step(o, "account");
	AWAIT(open_account(o));
	o->is_opening = false;
	on_step(o, "order");
	if (o->abandoned) {
		AWAIT(forget_abandoned(o));
		take_facts(o);
	}
	if (o->url.len > 0) {
		AWAIT(look(o));
		if (placing_doubts_account(o))
			AWAIT(open_account(o));
		o->is_opening = false;
		AWAIT(ask_key(o));
		take_key(o);
		TRY(placing_resumed(o, &task->err));
		if (o->url.len == 0) {
			AWAIT(forget(o));
			take_facts(o);
		}
	}
	while (o->url.len == 0) {
		AWAIT(open_account(o));
		o->is_opening = false;
		TRY(placing_check(o, &task->err));
		if (!o->precheck.is_passed) {
			AWAIT(precheck_start(&o->precheck, o));
			AWAIT(acme_enter(o->ca, task, &o->place));
		}
		AWAIT(placing_send(o));
		if (placing_doubts_account(o))
			AWAIT(open_account(o));
		o->is_opening = false;
		TRY(placing_placed(o, &task->err));
		if (placing_is_old(o)) {
			AWAIT(ask_key(o));
			take_key(o);
			TRY(placing_old(o, &task->err));
		}
	}
	if (!o->is_noted) {
		AWAIT(note(o));
		take_facts(o);
	}
	begin_authz(o);
	AWAIT(prepare(o));
	AWAIT(watch_records(o));
	TRY(records_seen(o, &task->err));
	AWAIT(validate(o));
	AWAIT(close_all(o));
	while (!is_issued(o)) {
		TRY(check_alive(o, &task->err));
		if (o->must_look) {
			AWAIT(look_later(o));
			AWAIT(look(o));
			TRY(take_look(o, &task->err));
		} else {
			AWAIT(finalize(o));
			TRY(take_finalized(o, &task->err));
		}
	}
	on_step(o, "download");
	AWAIT(download_start(&o->download, o));
	/* The CA is done with it; the next one may begin while this one is stored. */
	acme_leave(&o->place);
	AWAIT(accept_chain(o));
	FINALLY
	end_trying(o);
	take_facts(o);
	if (must_ask_account(o))
		AWAIT(open_account(o));
	blame_account(o);
	judge(o);
	AWAIT(close_all(o));
	if (o->is_dead && o->is_noted) {
		AWAIT(forget(o));
		take_facts(o);
	}
	acme_leave(&o->place);
	o->err = task->err;
	if (o->args.is_soft)
		task->err = (struct err)ERR_INIT;
	TASK_END
}

void order_start(struct order *order, struct task *parent, const struct order_args *args)
{
	const struct ca_conf *ca = conf_ca_at(args->conf, args->ca);

	order_done(order);
	*order = (struct order){
		.args = *args, .conf = ca->acme, .on_step = on_step, .on_wait = on_wait
	};
	order->ca = acme_ca(args->acme, ca, args->is_test);
	order->place.ends = args->ends;
	order->wants_profile = ca->acme->profile != NULL;
	order->wants_replaces = args->is_renewal;
	order->given_up = order->deadline = post_deadline(ORDER_MS);
	order->abandoned = args->abandoned ? mem_strdup(args->abandoned) : NULL;
	if (args->resume)
		placing_resume(order);
	task_start_child(&order->task, parent, run);
}

/*
 * Where nothing was ordered yet, a refusal speaks for this CA alone: the next one has rules of
 * its own.
 */
static bool is_own_refusal(const struct order *order)
{
	switch (order->err.code) {
	case ERR_CAA:
		return order->url.len == 0 || order->is_dead;
	case ERR_ACCOUNT_REFUSED:
	case ERR_BAD_PROFILE:
	case ERR_CA_REFUSED:
	case ERR_NAME_REFUSED:
		return order->url.len == 0;
	default:
		return false;
	}
}

bool order_may_fail_over(const struct order *order)
{
	if (is_own_refusal(order))
		return true;
	return (health_is_the_cas(&order->err) || order->err.code == ERR_ACCOUNT_REFUSED) &&
	       (!order->was_finalized || order->is_dead);
}

void order_done(struct order *order)
{
	for (size_t i = 0; i < order->n_authz; i++) {
		free((char *)(uintptr_t)order->authz[i].url);
		authz_done(&order->authz[i]);
	}
	free(mem_take(&order->authz));
	order->n_authz = 0;
	post_done(&order->post);
	keeper_op_done(&order->keeper);
	download_done(&order->download);
	precheck_done(&order->precheck);
	order_object_done(&order->object);
	buf_done(&order->url);
	buf_done(&order->chain);
	free(mem_take(&order->abandoned));
	acme_ca_release(mem_take(&order->ca));
}

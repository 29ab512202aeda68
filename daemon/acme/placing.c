/* SPDX-License-Identifier: MIT */
#include "daemon/acme/placing.h"

#include "daemon/acme/order.h"
#include "daemon/conf/conf.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/log/log.h"
#include "lib/wire/name.h"

enum {
	PATIENCE_MS = 10 * 60 * 1000,
	REPLACES_MS = 5 * 1000, /* some servers fail for good on a serial that they misread */
	LOST_MAX = 2,
	DROPS_MAX = 1, /* orders that a CA hands out again although they are of no use */
};

void placing_ask(struct order *o, enum sign op, const char *url)
{
	post_begin(&o->post, o->ca, op, url);
	line_add(&o->post.words, "cert", o->args.cert);
	o->post.deadline = o->deadline;
	if (op == SIGN_FINALIZE) {
		line_add(&o->post.words, "order", buf_text(&o->url));
		if (o->args.reuse_key)
			line_add_bool(&o->post.words, "reuse", true);
	}
	/* Once there is an order, it is worth more waiting. */
	if (o->object.status != STATUS_UNKNOWN)
		o->post.patience_ms = PATIENCE_MS;
	post_send_soft(&o->post, &o->task);
}

int placing_take(struct order *o, struct err *err)
{
	struct order_object object;

	if (order_object_read(
		    buf_text(&o->post.http.body), o->post.http.body.len, &object, err) < 0)
		return err_add(err, "the CA %s", o->ca->name);
	order_object_done(&o->object);
	o->object = object;
	return 0;
}

/* Nothing goes on beyond the end that the CA set. */
static void bound(struct order *o)
{
	struct instant now = clock_now();
	int64_t left_ms;

	if (!instant_is_set(o->object.expires))
		return;
	left_ms = instant_since(o->object.expires, now).s * 1000;
	if (left_ms < o->deadline.ms - clock_tick().ms)
		o->deadline = post_deadline(left_ms);
	if (o->deadline.ms < o->given_up.ms)
		o->given_up = o->deadline;
}

void placing_resume(struct order *o)
{
	int64_t age_ms = instant_since(clock_now(), o->args.resume_at).s * 1000;
	int64_t left_ms = age_ms < 0 ? ORDER_MS : ORDER_MS - age_ms;

	buf_add_text(&o->url, o->args.resume);
	o->is_noted = o->was_finalized = true;
	o->given_up = post_deadline(left_ms);
	o->deadline = post_deadline(left_ms > ORDER_RESUME_MS ? left_ms : ORDER_RESUME_MS);
}

/* Did the configuration change since it was placed?  Both hold each name once. */
static bool has_names(const struct order *o)
{
	const struct cert_conf *cert = conf_cert(o->args.conf, o->args.cert);
	char name[NAME_MAX_LEN];
	struct err ignored;
	size_t found = 0;

	for (size_t i = 0; i < o->object.n_names; i++) {
		if (name_canonical(o->object.names[i], name, &ignored) < 0)
			return false;
		for (size_t k = 0; k < cert->n_names; k++)
			found += str_is(cert->names[k], name);
	}
	return found == cert->n_names && o->object.n_names == cert->n_names;
}

static void drop(struct order *o)
{
	order_object_done(&o->object);
	buf_clear(&o->url);
	o->is_noted = o->was_finalized = o->must_look = false;
	o->held = HELD_NOTHING;
	o->given_up = o->deadline = post_deadline(ORDER_MS);
}

/* An order that would give a certificate without a use; all others end by themselves. */
static void tell_dropped(const struct order *o, enum order_state state)
{
	if (state != ORDER_ISSUED && o->held != HELD_BROKEN)
		return;
	log_event(&o->task.log, EVENT_ACME_DROPPED, NULL,
		"%s: the order %s at the CA %s is %s, but %s; it is forgotten, and a new one "
		"is "
		"placed",
		o->args.cert, buf_text(&o->url), o->ca->name, status_text(o->object.status),
		order_held_text(o->held));
}

/* How the order stands by the last look at it. */
static int take_state(struct order *o, enum order_state *out, struct err *err)
{
	const struct err *failed = &o->post.err;

	*out = ORDER_GONE;
	if (failed->code == ERR_ACCOUNT_LOST || err_code_class(failed->code) == CLASS_REFUSED)
		return 0;
	if (err_is_set(failed)) {
		*err = *failed;
		return -1;
	}
	if (placing_take(o, err) < 0)
		return -1;
	bound(o);
	*out = order_state_of(&o->object);
	return 0;
}

int placing_resumed(struct order *o, struct err *err)
{
	enum order_state state;
	enum order_fate fate;

	if (take_state(o, &state, err) < 0)
		return -1;
	if (state != ORDER_GONE && !has_names(o))
		o->held = HELD_FOREIGN;
	fate = order_fate(state, o->held);
	o->must_look = fate == FATE_WAIT;
	if (fate == FATE_FETCH || (fate != FATE_DROP && clock_tick().ms < o->deadline.ms))
		return 0;
	tell_dropped(o, state);
	drop(o);
	return 0;
}

bool placing_doubts_account(struct order *o)
{
	const struct problem *problem = &o->post.problem;
	bool is_no = problem->kind == PROBLEM_UNAUTHORIZED ||
		     (problem->kind == PROBLEM_NONE &&
			     (problem->status == 401 || problem->status == 403)) ||
		     (problem->status >= 500 && !instant_is_set(o->post.err.not_before));

	if (!err_is_set(&o->post.err) || o->has_asked_account || !is_no ||
		!str_is(o->post.http.method, "POST"))
		return false;
	o->has_asked_account = true;
	acme_ca_doubt_account(o->ca);
	return true;
}

bool placing_is_old(const struct order *o)
{
	enum order_state state = order_state_of(&o->object);

	return o->url.len > 0 && order_fate(state, HELD_NOTHING) == FATE_DROP &&
	       order_fate(state, HELD_KEY) != FATE_DROP;
}

int placing_old(struct order *o, struct err *err)
{
	enum order_state state = order_state_of(&o->object);

	if (order_fate(state, o->held) != FATE_DROP)
		return 0;
	if (o->n_dropped++ == DROPS_MAX)
		return err_set(err, ERR_BAD_ANSWER,
			"the CA %s answers a new order with an old one, %s, that is %s, but %s",
			o->ca->name, buf_text(&o->url), status_text(o->object.status),
			order_held_text(o->held));
	tell_dropped(o, state);
	drop(o);
	return 0;
}

static bool has_profile(const struct order *o)
{
	return directory_has_profile(&o->ca->directory, o->conf->profile);
}

/* The CA has told the time by now, if it tells it at all. */
static int check_clock(struct order *o, struct err *err)
{
	if (!o->ca->acme->is_doubted || o->is_trying || o->args.is_forced || o->args.is_test)
		return 0;
	if (!acme_ca_may_try(o->ca, o->args.is_certain))
		return err_set(err, ERR_CLOCK,
			"the clock of this machine is not trusted, and another order at the "
			"CA %s is the one that tries",
			o->ca->name);
	o->is_trying = true;
	o->ca->n_trying++;
	o->ca->tried = clock_tick();
	return 0;
}

int placing_check(struct order *o, struct err *err)
{
	if (check_clock(o, err) < 0)
		return -1;
	if (!o->wants_profile || has_profile(o))
		return 0;
	if (o->conf->profile_required)
		return err_set(err, ERR_BAD_PROFILE, "the CA %s has no profile %s", o->ca->name,
			o->conf->profile);
	o->wants_profile = false;
	log_event(&o->task.log, EVENT_ACME_FALLBACK, NULL,
		"%s: the CA %s has no profile %s; its own choice is taken", o->args.cert,
		o->ca->name, o->conf->profile);
	return 0;
}

void placing_send(struct order *o)
{
	post_begin(&o->post, o->ca, SIGN_NEW_ORDER, o->ca->directory.new_order);
	line_add(&o->post.words, "cert", o->args.cert);
	if (!o->ca->directory.renewal_info)
		o->wants_replaces = false;
	if (o->wants_replaces) {
		line_add_bool(&o->post.words, "replaces", true);
		o->post.patience_ms = REPLACES_MS;
	}
	if (o->wants_profile)
		line_add_bool(&o->post.words, "profile", true);
	o->post.deadline = o->deadline;
	post_send_soft(&o->post, &o->task);
}

/*
 * The judgement of a refused order that named what it replaces (RFC 9773, 5).  A limit, and a
 * problem of the account or the nonce, are never about that.  Some problems say plainly that
 * they are about the names: placing the order again would end the same, and only later orders
 * leave it out.  A CA in trouble (5xx) is asked without it at once, and nothing follows for
 * later.
 */
struct replaces_judgement {
	bool place_again, leave_out_later;
};

static struct replaces_judgement judge_replaces(const struct order *o)
{
	const struct problem *problem = &o->post.problem;
	bool is_about_names = false;

	switch (problem->kind) {
	case PROBLEM_RATE_LIMITED:
	case PROBLEM_USER_ACTION:
	case PROBLEM_ACCOUNT_GONE:
	case PROBLEM_BAD_NONCE:
		return (struct replaces_judgement){ .place_again = false };
	case PROBLEM_CAA:
	case PROBLEM_NAME_REFUSED:
	case PROBLEM_NAME_TYPE:
	case PROBLEM_BAD_PROFILE:
		is_about_names = true;
		break;
	default:
		break;
	}
	if (!o->wants_replaces || problem->status < 400 || problem->status == 429)
		return (struct replaces_judgement){ .place_again = false };
	return (struct replaces_judgement){ .place_again = !is_about_names,
		.leave_out_later = problem->status < 500 };
}

/* Servers also say "malformed" or "unauthorized" when they mean the profile. */
static bool may_be_profile(const struct order *o)
{
	return o->wants_profile && (o->post.problem.kind == PROBLEM_BAD_PROFILE ||
					   o->post.problem.kind == PROBLEM_MALFORMED ||
					   o->post.problem.kind == PROBLEM_UNAUTHORIZED);
}

static int refused(struct order *o, struct err *err)
{
	struct replaces_judgement replaces = judge_replaces(o);

	*err = o->post.err;
	o->was_replacing_refused |= replaces.leave_out_later;
	if (err->code == ERR_ACCOUNT_LOST && o->n_lost++ < LOST_MAX)
		return 0;
	if (replaces.place_again) {
		o->wants_replaces = false;
		log_event(&o->task.log, EVENT_ACME_FALLBACK, err,
			"%s: the CA %s does not take what is replaced; the order goes without",
			o->args.cert, o->ca->name);
		return 0;
	}
	if (may_be_profile(o) && o->conf->profile_required) {
		err->code = ERR_BAD_PROFILE;
	} else if (may_be_profile(o)) {
		o->wants_profile = false;
		log_event(&o->task.log, EVENT_ACME_FALLBACK, err,
			"%s: the CA %s does not take the profile %s; the order goes without",
			o->args.cert, o->ca->name, o->conf->profile);
		return 0;
	}
	return -1;
}

int placing_placed(struct order *o, struct err *err)
{
	const char *url = post_location(&o->post);

	if (err_is_set(&o->post.err)) {
		if (refused(o, err) < 0)
			return -1;
		*err = (struct err)ERR_INIT;
		return 0;
	}
	if (!url)
		return err_set(err, ERR_BAD_ANSWER, "the CA %s tells no URL of the order",
			o->ca->name);
	if (placing_take(o, err) < 0)
		return -1;
	buf_add_text(&o->url, url);
	bound(o);
	o->must_look = order_fate(order_state_of(&o->object), HELD_KEY) == FATE_WAIT;
	return 0;
}

int placing_gone(const struct order *o, struct err *err)
{
	*err = o->post.err;
	if (!order_is_gone(&o->post.problem))
		return -1;
	return err_add(err, "the CA %s does not know the order %s any more", o->ca->name,
		buf_text(&o->url));
}

int placing_invalid(const struct order *o, struct err *err)
{
	if (o->object.status != STATUS_INVALID)
		return err_set(err, ERR_CA_REFUSED, "the order %s at the CA %s is %s, and %s",
			buf_text(&o->url), o->ca->name, status_text(o->object.status),
			order_held_text(o->held));
	if (!o->object.has_error)
		return err_set(
			err, ERR_CA_REFUSED, "the CA %s made the order invalid", o->ca->name);
	problem_err(&o->object.error, INSTANT_NONE, err);
	return err_add(err, "the CA %s made the order invalid", o->ca->name);
}

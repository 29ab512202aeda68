/* SPDX-License-Identifier: MIT */
#include "daemon/acme/precheck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/acme/order.h"
#include "daemon/acme/record.h"
#include "daemon/conf/challenge.h"
#include "daemon/conf/conf.h"
#include "daemon/dns/rules/caa.h"
#include "daemon/dns/rules/caa_find.h"
#include "daemon/dns/rules/persist.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/wire/name.h"

struct name_check {
	struct task task;
	struct order *order;
	const char *name;           /* without "*." */
	bool is_plain, is_wildcard; /* as which it is wanted */
	struct buf owner;           /* of its record */
	struct trace trace;
	struct caa_find caa;
};

static bool is_in_dns(const struct name_check *check)
{
	return challenge_is_dns(check->order->conf->challenge);
}

static void find_record(struct name_check *check)
{
	const struct order *o = check->order;

	check->order->on_wait(check->order, ORDER_WAITS_OTHERS);
	challenge_owner(o->conf->challenge, check->name,
		o->ca->account_url ? o->ca->account_url : "", &check->owner);
	record_trace(&check->trace, &check->task, o, buf_text(&check->owner));
}

/* Whom the record may name is told by the challenge; before there is one, by the directory. */
static int judge_persist(const struct name_check *check, struct err *err)
{
	const struct directory *directory = &check->order->ca->directory;
	struct persist_wish wish = {
		.name = check->name,
		.is_wildcard = check->is_wildcard,
		.issuers = directory->caa,
		.n_issuers = directory->n_caa,
		.account_url = check->order->ca->account_url,
		.now = clock_now(),
	};
	struct instant until;

	if (err_is_set(&check->trace.err)) {
		*err = check->trace.err;
		return -1;
	}
	return wish.n_issuers == 0 || check->trace.is_blind
		       ? 0
		       : persist_judge(&wish, trace_answer(&check->trace), &until, err);
}

static int judge_record(const struct name_check *check, struct err *err)
{
	const struct order *o = check->order;

	if (o->conf->challenge == CHALLENGE_DNS_PERSIST)
		return judge_persist(check, err);
	return record_may_publish(
		o->ca->acme->zones, buf_text(&check->owner), &check->trace, err);
}

static int judge_caa_of(const struct name_check *check, bool is_wildcard, struct err *err)
{
	const struct order *o = check->order;
	const struct dns_message *found = caa_found(&check->caa);
	char name[NAME_MAX_LEN];
	struct caa_wish wish = {
		.name = name,
		.is_wildcard = is_wildcard,
		.identities = o->ca->directory.caa,
		.n_identities = o->ca->directory.n_caa,
		.account_url = o->ca->account_url,
		.challenge = challenge_text(o->conf->challenge),
		.at = check->caa.at,
	};

	snprintf(name, sizeof(name), "%s%s", is_wildcard ? "*." : "", check->name);
	return found ? caa_judge(&wish, found, err) : 0;
}

static int judge_caa(const struct name_check *check, struct err *err)
{
	if (check->is_plain && judge_caa_of(check, false, err) < 0)
		return -1;
	return check->is_wildcard ? judge_caa_of(check, true, err) : 0;
}

/* A forced order ignores CAA answers cached before it was forced. */
static bool recall_caa(struct name_check *check)
{
	const struct order *o = check->order;

	return caa_find_recall(&check->caa, o->ca->acme->zones, check->name, o->args.doubted);
}

static void find_caa(struct name_check *check, struct tick since)
{
	check->order->on_wait(check->order, ORDER_WAITS_OTHERS);
	caa_find(&check->caa, &check->task, check->order->ca->acme->zones, check->name, since);
}

static bool is_in_doubt(const struct name_check *check)
{
	struct err ignored;

	return check->caa.is_remembered && judge_caa(check, &ignored) < 0;
}

static void note_unknown(const struct name_check *check)
{
	if (err_is_set(&check->caa.err))
		log_debug(&check->task.log,
			"%s: whether CAA records forbid it is not known: %s", check->name,
			check->caa.err.text);
}

static void check_run(struct task *task)
{
	struct name_check *check = TASK_OF(task, struct name_check);

	TASK_BEGIN(task)
	if (is_in_dns(check)) {
		AWAIT(find_record(check));
		TRY(judge_record(check, &task->err));
	}
	if (check->order->ca->directory.n_caa == 0)
		FINISH();
	if (!recall_caa(check))
		AWAIT(find_caa(check, check->order->args.doubted));
	if (is_in_doubt(check))
		AWAIT(find_caa(check, clock_tick()));
	note_unknown(check);
	TRY(judge_caa(check, &task->err));
	FINALLY
	TASK_END
}

static struct name_check *check_of(struct precheck *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_is(p->names[i].name, name))
			return &p->names[i];
	p->names[p->n].order = p->order;
	p->names[p->n].name = name;
	return &p->names[p->n++];
}

static void begin(struct precheck *p)
{
	const struct cert_conf *cert = conf_cert(p->order->args.conf, p->order->args.cert);

	p->names = mem_zalloc((cert->n_names + 1) * sizeof(*p->names));
	for (size_t i = 0; i < cert->n_names; i++) {
		const char *name = cert->names[i];

		if (name_is_ip(name))
			continue;
		if (name_is_wildcard(name))
			check_of(p, name + strlen("*."))->is_wildcard = true;
		else
			check_of(p, name)->is_plain = true;
	}
	for (size_t i = 0; i < p->n; i++)
		task_start_child(&p->names[i].task, &p->task, check_run);
}

/* The answers are not needed any more, only where they led. */
static void keep(struct precheck *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->names[i].trace.is_done)
			found_add(&p->found, p->names[i].name, &p->names[i].trace);
	p->is_passed = true;
}

static void forget(struct precheck *p)
{
	for (size_t i = 0; i < p->n; i++) {
		buf_done(&p->names[i].owner);
		trace_done(&p->names[i].trace);
		caa_find_done(&p->names[i].caa);
	}
	free(mem_take(&p->names));
	p->n = 0;
}

static void run(struct task *task)
{
	struct precheck *p = TASK_OF(task, struct precheck);

	TASK_BEGIN(task)
	AWAIT(begin(p));
	keep(p);
	FINALLY
	forget(p);
	TASK_END
}

void precheck_start(struct precheck *precheck, struct order *order)
{
	precheck_done(precheck);
	*precheck = (struct precheck){ .order = order };
	order->on_step(order, "precheck");
	task_start_child(&precheck->task, &order->task, run);
}

void precheck_done(struct precheck *precheck)
{
	forget(precheck);
	found_done(&precheck->found);
}

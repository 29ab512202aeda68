#include "daemon/acme/precheck.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/acme/order.h"
#include "daemon/acme/record.h"
#include "daemon/conf/challenge.h"
#include "daemon/conf/conf.h"
#include "daemon/dns/caa.h"
#include "daemon/dns/caa_find.h"
#include "daemon/dns/persist.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/wire/name.h"

struct name_check {
	struct task task;
	struct order *order;
	const char *name; /* as configured */
	struct buf owner; /* of its record */
	struct trace trace;
	struct caa_find caa;
};

static const char *bare(const struct name_check *check)
{
	return name_is_wildcard(check->name) ? check->name + strlen("*.") : check->name;
}

static bool is_in_dns(const struct name_check *check)
{
	return challenge_is_dns(check->order->conf->challenge);
}

static void find_record(struct name_check *check)
{
	const struct order *o = check->order;

	challenge_owner(o->conf->challenge, bare(check),
		o->ca->account_url ? o->ca->account_url : "", &check->owner);
	trace_start(&check->trace, &check->task, o->ca->acme->zones, buf_text(&check->owner),
		DNS_TXT);
}

/* Whom the record may name is told by the challenge; before there is one, by the directory. */
static int judge_persist(const struct name_check *check, struct err *err)
{
	const struct directory *directory = &check->order->ca->directory;
	struct persist_wish wish = {
		.name = bare(check),
		.is_wildcard = name_is_wildcard(check->name),
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

static int judge_caa(const struct name_check *check, struct err *err)
{
	const struct order *o = check->order;
	const struct dns_message *found = caa_found(&check->caa);
	struct caa_wish wish = {
		.name = check->name,
		.is_wildcard = name_is_wildcard(check->name),
		.identities = o->ca->directory.caa,
		.n_identities = o->ca->directory.n_caa,
		.account_url = o->ca->account_url,
		.challenge = challenge_text(o->conf->challenge),
		.at = check->caa.at,
	};

	if (err_is_set(&check->caa.err))
		log_debug(&check->task.log,
			"%s: whether CAA records forbid it is not known: %s", check->name,
			check->caa.err.text);
	return found ? caa_judge(&wish, found, err) : 0;
}

static void check_run(struct task *task)
{
	struct name_check *check = TASK_OF(task, struct name_check);

	TASK_BEGIN(task)
	if (is_in_dns(check)) {
		AWAIT(find_record(check));
		TRY(judge_record(check, &task->err));
	}
	if (check->order->ca->directory.n_caa > 0) {
		AWAIT(caa_find(&check->caa, task, check->order->ca->acme->zones, bare(check)));
		TRY(judge_caa(check, &task->err));
	}
	FINALLY
	TASK_END
}

static void begin(struct precheck *p)
{
	const struct cert_conf *cert = conf_cert(p->order->args.conf, p->order->args.cert);

	p->names = mem_zalloc((cert->n_names + 1) * sizeof(*p->names));
	for (size_t i = 0; i < cert->n_names; i++) {
		struct name_check *check = &p->names[p->n];

		if (name_is_ip(cert->names[i]))
			continue;
		p->n++;
		check->order = p->order;
		check->name = cert->names[i];
		task_start_child(&check->task, &p->task, check_run);
	}
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
	p->is_passed = true;
	FINALLY
	forget(p);
	TASK_END
}

void precheck_start(struct precheck *precheck, struct order *order)
{
	precheck_done(precheck);
	*precheck = (struct precheck){ .order = order };
	order_step(order, "precheck");
	task_start_child(&precheck->task, &order->task, run);
}

void precheck_done(struct precheck *precheck)
{
	forget(precheck);
}

/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "daemon/acme/acme.h"
#include "daemon/acme/refusal.h"
#include "daemon/conf/conf.h"
#include "daemon/ctl/deferred.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/handlers.h"
#include "daemon/job/rekey.h"
#include "daemon/job/runner.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"

/*
 * The accounts that the keeper has, one row each, and for each what the engine knows of its CA:
 * is it up, how many orders it has, and how much of its limit is used.  With --rollover the
 * account gets a new key.
 */

struct accounts {
	struct deferred deferred;
	size_t told; /* bytes of the keeper's rows */
};

static void add_limit(const struct ctl *ctl, const struct ca_conf *conf, struct buf *row)
{
	const struct ledger *ledger = manners_ledger(&ctl->runner->manners, conf);
	struct ledger_use use;

	if (!ledger || !ledger_account_use(ledger, clock_now(), &use))
		return;
	line_add_int(row, "orders_used", use.used);
	line_add_int(row, "orders_of", use.of);
	if (instant_before(clock_now(), use.opens))
		line_add_instant(row, "orders_open", use.opens);
}

static void add_ca(
	const struct ctl *ctl, const struct ca_conf *conf, bool is_test, struct buf *row)
{
	const struct acme_ca *ca = acme_ca_find(ctl->runner->acme, conf, is_test);

	if (ca) {
		line_add(row, "health", ca_state_text(health_state(&ca->health, clock_tick())));
		line_add_instant(
			row, "until", health_opens(&ca->health, clock_tick(), clock_now()));
		line_add_int(row, "in_flight", ca->n_entered);
		if (refusal_holds(ca))
			line_add_instant(row, "asked_again", refusal_again(ca));
		if (skew_is_wrong(&ca->skew))
			line_add_int(row, "clock_ahead", ca->skew.ahead.s);
	}
	if (!is_test)
		add_limit(ctl, conf, row);
}

/* A row of the keeper's: its words, and ours. */
static void add_row(struct session *session, const char *text, size_t len)
{
	struct line line = { 0 };
	struct err ignored = ERR_INIT;
	bool is_test = false;
	struct buf *row = session_row(session);

	buf_add_char(row, ' ');
	buf_add(row, text, len);
	if (line_parse_copy(&line, text, len, len, &ignored) == 0) {
		const char *name = line_get(&line, "ca");
		const struct ca_conf *conf =
			name ? conf_ca(session->ctl->fleet->conf, name) : NULL;

		line_get_bool(&line, "test", &is_test, &ignored);
		if (conf && conf->type == CA_ACME && session->ctl->runner->acme &&
			(!is_test || conf->acme->staging))
			add_ca(session->ctl, conf, is_test, row);
	}
	line_done(&line);
	line_end(row);
}

static enum answer_step next(struct answer *answer, struct err *err)
{
	struct deferred *deferred = CONTAINER_OF(answer, struct deferred, answer);
	struct accounts *accounts = CONTAINER_OF(deferred, struct accounts, deferred);
	const char *row = deferred->op.answer.rows;
	size_t len;

	if (deferred->is_running)
		return ANSWER_WAIT;
	if (err_is_set(&deferred->task.err)) {
		*err = deferred->task.err;
		return ANSWER_END;
	}
	if (!row || !row[accounts->told])
		return ANSWER_END;
	row += accounts->told;
	len = strcspn(row, "\n");
	accounts->told += len + (row[len] == '\n');
	if (len)
		add_row(answer->session, row, len);
	return ANSWER_MORE;
}

static void accounts_free(struct deferred *deferred)
{
	free(CONTAINER_OF(deferred, struct accounts, deferred));
}

static int roll_over(struct session *session, const char *name, struct err *err)
{
	const struct ca_conf *ca = conf_ca(session->ctl->fleet->conf, name);
	const struct job *job;

	if (!ca || ca->type != CA_ACME)
		return err_set(err, ERR_BAD_ARGUMENT, "%.100s is no ACME CA", name);
	job = rekey_start(session->ctl->runner, ca, err);
	if (!job)
		return -1;
	session->job = job->number;
	return 0;
}

int cmd_accounts(struct session *session, struct err *err)
{
	const char *ca = line_get(session->request.line, "rollover");
	struct accounts *accounts;

	if (ca)
		return roll_over(session, ca, err);
	accounts = mem_new(struct accounts);
	accounts->deferred.ctl = session->ctl;
	accounts->deferred.free = accounts_free;
	session_answer(session, &accounts->deferred.answer, next, deferred_release);
	keeper_request(&accounts->deferred.op, REQUEST_accounts);
	deferred_start(&accounts->deferred);
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "daemon/job/manners.h"

#include <stdlib.h>
#include <unistd.h>

#include "daemon/acme/authz.h"
#include "daemon/cert/renewal.h"
#include "daemon/conf/index.h"
#include "daemon/job/job.h"
#include "daemon/job/runner.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define LEDGER_TEXT_MAX ((size_t)64 * 1024 * 1024)

/*
 * States: the entry of a CA is made at its first use and kept until manners_done().  Its ledger
 * is read once: the first job that needs it becomes the reader, others wait in `waiting`; the
 * end of the reading sets is_read or, after a failure or a cancellation, lets the next one
 * read.
 */
struct manners_ca {
	struct list link;
	char *name;
	struct ledger ledger;
	bool is_read;
	const struct job *reader; /* the job that reads it now, or NULL */
	struct list waiting;      /* struct manners_wait, for the end of that */
};

void manners_init(struct manners *manners)
{
	list_init(&manners->cas);
}

void manners_done(struct manners *manners)
{
	if (!manners->cas.next)
		return;
	list_each_safe(at, &manners->cas) {
		struct manners_ca *ca = LIST_OF(at, struct manners_ca, link);

		list_remove(&ca->link);
		ledger_done(&ca->ledger);
		free(ca->name);
		free(ca);
	}
}

static struct manners_ca *find(struct manners *manners, const struct ca_conf *conf)
{
	struct manners_ca *ca;

	list_each(at, &manners->cas) {
		ca = LIST_OF(at, struct manners_ca, link);
		if (str_is(ca->name, conf->name)) {
			ca->ledger.has_limits = conf->acme->limits != LIMITS_NONE;
			return ca;
		}
	}
	ca = mem_new(struct manners_ca);
	ca->name = mem_strdup(conf->name);
	ledger_init(&ca->ledger, conf->acme->limits != LIMITS_NONE);
	list_init(&ca->waiting);
	list_append(&manners->cas, &ca->link);
	return ca;
}

struct ledger *manners_ledger(struct manners *manners, const struct ca_conf *conf)
{
	struct manners_ca *ca = find(manners, conf);

	return ca->is_read ? &ca->ledger : NULL;
}

static const struct ca_conf *next_unread(struct job *job)
{
	const struct cert_conf *cert = conf_cert(job->conf, job->cert->conf->name);

	for (size_t i = 0; i < cert->n_cas; i++) {
		const struct ca_conf *ca = cert_conf_nth_acme(job->conf, cert, i);

		if (ca && !find(&job->runner->manners, ca)->is_read)
			return ca;
	}
	return NULL;
}

bool manners_must_read(struct job *job)
{
	return next_unread(job) != NULL;
}

static void stop_waiting(struct op *op)
{
	list_remove(&CONTAINER_OF(op, struct manners_wait, op)->link);
	op_end(op, NULL);
}

/* Thousands may begin at once, and a ledger may be long. */
void manners_read(struct job *job)
{
	const struct ca_conf *conf = next_unread(job);
	struct manners_ca *ca = find(&job->runner->manners, conf);

	if (ca->reader) {
		op_begin(&job->manners_wait.op, &job->task, stop_waiting);
		list_append(&ca->waiting, &job->manners_wait.link);
		return;
	}
	ca->reader = job;
	keeper_request(&job->keeper, REQUEST_ledger);
	line_add(&job->keeper.text, "ca", conf->name);
	keeper_ask_soft(job->runner->fleet->keeper, &job->task, &job->keeper);
}

static struct manners_ca *read_by(const struct job *job)
{
	list_each(at, &job->runner->manners.cas) {
		struct manners_ca *ca = LIST_OF(at, struct manners_ca, link);

		if (ca->reader == job)
			return ca;
	}
	return NULL;
}

/* Waiting jobs look again, and one of them reads it when it was not read. */
static void end_reading(struct manners_ca *ca)
{
	ca->reader = NULL;
	while (!list_is_empty(&ca->waiting)) {
		struct manners_wait *first =
			LIST_OF(list_first(&ca->waiting), struct manners_wait, link);

		list_remove(&first->link);
		op_end(&first->op, NULL);
	}
}

static void reserve(struct manners_ca *ca, const struct conf *conf, struct cert *cert,
	enum ledger_kind kind)
{
	struct ledger_ask ask = { .cert = conf_cert(conf, cert->conf->name), .kind = kind };

	if (ask.cert)
		ledger_reserve(&ca->ledger, &ask, &cert->reserved);
}

/* Orders that an earlier run left in flight are counted before any new one is let through. */
static void reserve_found(struct runner *runner, struct manners_ca *ca)
{
	const struct fleet *fleet = runner->fleet;
	const struct ca_conf *conf = conf_ca(fleet->conf, ca->name);

	for (size_t i = 0; conf && i < fleet->conf->n_certs; i++) {
		struct cert *cert = fleet_at(fleet, i);

		if (cert->facts.order.url && str_is(cert->facts.order.ca, ca->name))
			reserve(ca, fleet->conf, cert, manners_kind(cert, conf));
	}
}

void manners_take(struct job *job)
{
	struct buf text AUTO_BUF = BUF_INIT;
	struct manners_ca *ca = read_by(job);
	struct err ignored;

	if (!ca)
		return;
	ca->is_read = true;
	reserve_found(job->runner, ca);
	if (!err_is_set(&job->keeper.err) && job->keeper.fd >= 0 &&
		file_read_fd(job->keeper.fd, LEDGER_TEXT_MAX, &text, &ignored) == 0)
		ledger_read(&ca->ledger, buf_text(&text), text.len, clock_now());
	keeper_op_done(&job->keeper);
	end_reading(ca);
}

void manners_leave(struct job *job)
{
	struct manners_ca *ca = read_by(job);

	if (ca)
		end_reading(ca);
	manners_release(job);
}

/* Within the CA's window an order that names what it replaces is free of limits (RFC 9773, 5). */
enum ledger_kind manners_kind(const struct cert *cert, const struct ca_conf *ca)
{
	const struct cert_facts *facts = &cert->facts;
	const struct ari_facts *ari = &facts->ari;
	struct instant now = clock_now();

	if (!version_is_set(&facts->curr.id) || facts->curr.ca != facts_ca(ca->name))
		return LEDGER_NEW;
	if (version_id_equal(&ari->of, &facts->curr.id) && instant_is_set(ari->start) &&
		!version_id_equal(&cert->unreplaced, &facts->curr.id) &&
		!instant_before(now, ari->start) && instant_before(now, ari->end))
		return LEDGER_ARI;
	return facts->curr.digest == cert->conf->digest ? LEDGER_RENEWAL : LEDGER_NEW;
}

/*
 * Failures that only the ledger remembers, because the certificate was made again.  Where the
 * facts have one, they alone say whether it still counts.
 */
static int check_failures(const struct ledger *ledger, const struct cert_conf *conf,
	const struct cert *cert, struct err *err)
{
	struct failure failure = ledger_failure(ledger, conf);
	struct instant retry = failure_retry(&failure, &cert->facts.curr, clock_now());

	if (cert->facts.failure.code != ERR_NONE ||
		!failure_counts(&failure, conf->issue_digest) ||
		!instant_before(clock_now(), retry))
		return 0;
	err_set(err, ERR_RATE_LIMITED,
		"orders for these names failed %u times in a row, the last time as %s",
		failure.tries, err_code_text(failure.code));
	err->not_before = retry;
	return -1;
}

/*
 * Limits that the CA itself told hold for all, forced orders included.  Of several CAs another
 * one may help.
 */
static int check_wish(const struct cert *cert, struct err *err)
{
	const struct failure *last = cert_failure(cert->conf, &cert->facts);
	struct instant until;

	if (!last || last->code != ERR_RATE_LIMITED || cert->conf->n_cas != 1)
		return 0;
	until = instant_min(
		last->not_before, failure_retry(last, &cert->facts.curr, clock_now()));
	if (!instant_before(clock_now(), until))
		return 0;
	err_set(err, ERR_RATE_LIMITED, "asking again earlier would be refused again: %s",
		last->text ? last->text : "a limit is used up");
	err->not_before = until;
	return -1;
}

int manners_check(struct manners *manners, const struct conf *conf, const struct cert *cert,
	const struct ca_conf *ca, bool is_forced, bool wants_turn, struct err *err)
{
	struct ledger *ledger = manners_ledger(manners, ca);
	struct ledger_ask ask = { .cert = conf_cert(conf, cert->conf->name),
		.kind = manners_kind(cert, ca),
		.is_forced = is_forced,
		.wants_turn = wants_turn };

	if (!ledger || !ask.cert)
		return 0;
	if (check_wish(cert, err) < 0 ||
		(!is_forced && check_failures(ledger, ask.cert, cert, err) < 0) ||
		ledger_check(ledger, &ask, clock_now(), err) < 0)
		return err_add(err, "the CA %s", ca->name);
	return 0;
}

void manners_reserve(struct job *job, const struct ca_conf *conf)
{
	struct manners_ca *ca = find(&job->runner->manners, conf);

	job->order_kind = manners_kind(job->cert, conf);
	if (ca->is_read && !job->is_test)
		reserve(ca, job->conf, job->cert, job->order_kind);
}

/* An order that is still in flight may be used up by its CA at any time. */
void manners_release(struct job *job)
{
	if (!job->is_test && job->cert && !job->cert->facts.order.url)
		reservation_done(&job->cert->reserved);
}

static const struct ca_conf *asked(const struct job *job)
{
	return conf_ca_at(job->order.args.conf, job->order.args.ca);
}

void manners_note_order(struct job *job)
{
	struct ledger *ledger = manners_ledger(&job->runner->manners, asked(job));
	struct ledger_entry entry = { .what = LEDGER_ORDER, .at = clock_now() };

	if (!ledger || job->has_noted_order || job->order.args.resume ||
		job->order.args.is_test)
		return;
	entry.kind = job->order_kind;
	job->has_noted_order = true;
	reservation_drop(&job->cert->reserved, LIMIT_ORDERS);
	ledger_entry_about(&entry, job->cert->conf, NULL);
	ledger_note(ledger, &entry);
}

/* Names whose challenge was answered and that the CA found wanting. */
static void add_invalid(const struct job *job, struct buf *names)
{
	for (size_t i = 0; i < job->order.n_authz; i++) {
		const struct authz *authz = &job->order.authz[i];

		if (authz->object.status == STATUS_INVALID && authz->name[0])
			buf_printf(names, "%s%s", names->len ? " " : "", authz->name);
	}
}

/*
 * Outcomes that count: a certificate, or a refusal because of the names, which is no fault of
 * the CA.
 */
static bool is_worth_it(const struct err *err)
{
	return !err_is_set(err) ||
	       (err_code_class(err->code) == CLASS_REFUSED && !health_is_the_cas(err) &&
		       err->code != ERR_ACCOUNT_REFUSED);
}

bool manners_must_record(struct job *job)
{
	const struct err *err = &job->order.err;
	struct buf names AUTO_BUF = BUF_INIT;
	struct ledger_entry entry = { .at = clock_now(),
		.what = err_is_set(err) ? LEDGER_FAILED : LEDGER_ISSUED,
		.kind = job->order_kind,
		.code = err->code,
		.has_order = job->order.url.len > 0 };
	struct ledger *ledger;

	if (!job->order.args.acme || job->order.args.is_test || !is_worth_it(err))
		return false;
	ledger = manners_ledger(&job->runner->manners, asked(job));
	if (!ledger)
		return false;
	ledger_entry_about(&entry, conf_cert(job->conf, job->cert->conf->name), &names);
	if (entry.what == LEDGER_ISSUED)
		entry.life = version_life(&job->cert->facts.next);
	else
		add_invalid(job, &names);
	entry.names = buf_text(&names);
	manners_release(job);
	keeper_request(&job->keeper, REQUEST_record);
	line_add(&job->keeper.text, "ca", asked(job)->name);
	ledger_entry_write(&entry, &job->keeper.text);
	entry.has_order &= !job->has_noted_order;
	ledger_note(ledger, &entry);
	job->has_noted_order = false;
	return true;
}

void manners_record(struct job *job)
{
	keeper_ask_soft(job->runner->fleet->keeper, &job->task, &job->keeper);
}

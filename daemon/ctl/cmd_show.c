/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "daemon/cert/target.h"
#include "daemon/conf/index.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/limits.h"
#include "daemon/ctl/rows.h"
#include "daemon/ctl/select.h"
#include "daemon/ctl/session.h"
#include "daemon/job/job.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"

enum {
	NAMES_LEN_MAX = 8 * 1024, /* of one row */
	EVENTS_MAX = 20,
};

static struct buf *row_of(struct session *session, const char *kind)
{
	struct buf *row = session_row(session);

	line_add(row, "kind", kind);
	return row;
}

/* As many as fit into a line; the configuration has the rest. */
static void add_names(struct buf *row, const struct cert_conf *conf)
{
	struct buf names AUTO_BUF = BUF_INIT;

	for (size_t i = 0; i < conf->n_names; i++) {
		if (names.len > NAMES_LEN_MAX) {
			buf_printf(&names, " ... and %zu more", conf->n_names - i);
			break;
		}
		buf_printf(&names, "%s%s", i ? " " : "", conf->names[i]);
	}
	if (names.len)
		line_add(row, "names", names.data);
}

static void add_cas(struct buf *row, const struct conf *conf, const struct cert *cert)
{
	struct buf cas AUTO_BUF = BUF_INIT;

	for (size_t i = 0; i < cert->conf->n_cas && cas.len < NAMES_LEN_MAX / 4; i++)
		buf_printf(&cas, "%s%s", i ? " " : "", rows_ca(conf, cert, i));
	if (cas.len)
		line_add(row, "ca", cas.data);
}

static void add_retry(struct buf *row, const struct failure *failure, const struct cert *cert)
{
	line_add_instant(row, "retry",
		failure_retry(
			failure_holds(failure, &cert->facts), &cert->facts.curr, clock_now()));
	line_add_int(row, "tries", failure->tries);
}

static void add_ari(struct buf *row, const struct cert_facts *facts)
{
	const struct ari_facts *ari = &facts->ari;

	if (!version_is_set(&ari->of) || !version_id_equal(&ari->of, &facts->curr.id))
		return;
	line_add_instant(row, "ari_start", ari->start);
	line_add_instant(row, "ari_end", ari->end);
	line_add_instant(row, "ari_moment", ari->moment);
	line_add_instant(row, "ari_again", ari->again);
	if (ari->url)
		line_add(row, "ari_url", ari->url);
}

static void add_order(struct buf *row, const struct order_facts *order)
{
	if (!order->url)
		return;
	line_add(row, "order", order->url);
	if (order->ca)
		line_add(row, "order_ca", order->ca);
	line_add_instant(row, "order_at", order->at);
	line_add_instant(row, "order_expires", order->expires);
}

static void add_cert(struct session *session, const struct cert *cert)
{
	const struct fleet *fleet = session->ctl->fleet;
	const struct failure *failure = cert_failure(cert->conf, &cert->facts);
	struct plan plan = fleet_plan(fleet, cert);
	struct buf *row = row_of(session, "cert");

	line_add(row, "cert", cert->conf->name);
	add_names(row, cert->conf);
	add_cas(row, fleet->conf, cert);
	line_add(row, "key", cert->conf->key);
	line_add(row, "health", health_text(fleet_health(fleet, cert, &plan)));
	rows_add_held(row, &cert->facts);
	line_add_instant(row, "renewal", plan.renewal);
	add_ari(row, &cert->facts);
	add_order(row, &cert->facts.order);
	rows_add_plan(row, &plan);
	if (cert->job)
		line_add(row, "job", cert->job->number_text);
	if (failure) {
		rows_add_error(row, failure);
		line_add_instant(row, "error_first", failure->first);
		line_add_instant(row, "error_last", failure->last);
		add_retry(row, failure, cert);
	}
	line_end(row);
}

static void add_version(
	struct session *session, const struct version_facts *version, const char *link)
{
	struct buf *row;

	if (!version_is_set(&version->id))
		return;
	row = row_of(session, "version");
	rows_add_version(row, "version", &version->id);
	line_add(row, "link", link);
	line_add_instant(row, "created", version->created);
	line_add_instant(row, "not_before", version->not_before);
	line_add_instant(row, "not_after", version->not_after);
	line_add_instant(row, "rolled", version->rolled);
	line_add_instant(row, "revoked", version->revoked);
	line_add_hex(row, "spki_sha256", version->spki, sizeof(version->spki));
	line_end(row);
}

static void add_prev(struct session *session, const struct version_id *prev)
{
	struct buf *row;

	if (!version_is_set(prev))
		return;
	row = row_of(session, "version");
	rows_add_version(row, "version", prev);
	line_add(row, "link", "prev");
	line_end(row);
}

static void add_target(
	struct session *session, const struct cert *cert, const struct target_conf *target)
{
	const struct target_facts *facts = facts_target(&cert->facts, target->name);
	const struct failure *failure = target_failure(&cert->facts, target);
	struct buf *row = row_of(session, "target");

	line_add(row, "target", target->name);
	line_add(row, "dir", target->dir);
	rows_add_version(row, "desired", &cert->facts.curr.id);
	if (facts)
		rows_add_version(row, "confirmed", &facts->confirmed);
	if (facts && facts->untidy)
		line_add(row, "leftover", facts->untidy);
	if (failure) {
		rows_add_error(row, failure);
		add_retry(row, failure, cert);
	}
	line_end(row);
}

static void add_old_copy(struct session *session, const char *target, const char *dir)
{
	struct buf *row = row_of(session, "old-copy");

	line_add(row, "target", target);
	line_add(row, "dir", dir);
	line_end(row);
}

/*
 * Where copies lie that are configured no longer.  The directory of a target that is still the
 * certificate's is in use until the deploy to another one has passed its check.
 */
static void add_old_copies(struct session *session, const struct cert *cert)
{
	const struct conf *conf = session->ctl->fleet->conf;

	for (size_t i = 0; i < cert->facts.n_targets; i++) {
		const struct target_facts *facts = &cert->facts.targets[i];
		const char *left = facts->left;
		char *dir;

		while (facts_next_left(&left, &dir)) {
			add_old_copy(session, facts->name, dir);
			free(dir);
		}
		if (target_facts_dir(facts) &&
			!cert_conf_uses_dir(conf, cert->conf, facts->name, facts->dir))
			add_old_copy(session, facts->name, facts->dir);
	}
}

/* The newest that the ring remembers, oldest of them first. */
static void add_events(struct session *session, const struct cert *cert)
{
	const struct ring *ring = &session->ctl->ring;
	uint64_t from = ring->next;

	for (int n = 0; n < EVENTS_MAX && from > ring->first;) {
		const struct ring_event *event = ring_get(ring, --from);

		n += event->cert && str_is(event->cert, cert->conf->name);
	}
	for (; from < ring->next; from++) {
		const struct ring_event *event = ring_get(ring, from);
		struct buf *row;

		if (!event->cert || !str_is(event->cert, cert->conf->name))
			continue;
		row = row_of(session, "event");
		line_add_instant(row, "at", event->at);
		line_add(row, "name", event_name(event->event));
		line_add(row, "text", event->text);
		line_end(row);
	}
}

int cmd_show(struct session *session, struct err *err)
{
	const struct fleet *fleet = session->ctl->fleet;
	const struct cert *cert = select_one(fleet, &session->request, err);

	if (!cert)
		return -1;
	add_cert(session, cert);
	add_version(session, &cert->facts.curr, "curr");
	add_version(session, &cert->facts.next, "next");
	add_prev(session, &cert->facts.prev);
	for (size_t i = 0; i < cert->conf->n_targets; i++)
		add_target(session, cert, cert_conf_nth_target(fleet->conf, cert->conf, i));
	add_old_copies(session, cert);
	limits_add_rows(session, cert);
	add_events(session, cert);
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/acme/acme.h"
#include "daemon/conf/conf.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/failed_listeners.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/session.h"
#include "daemon/job/runner.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"

enum { HEALTHS = HEALTH_ABSENT + 1 };

/* One walk over the certificates tells each one's end and counts the health of all. */
struct metrics {
	struct answer answer;
	char *cursor;
	uint64_t n_of[HEALTHS];
	bool has_begun, has_walked;
	struct buf extra; /* metrics of the engine's main */
	size_t told;
};

static void text_of(struct session *session, struct buf *line)
{
	session_text(session, buf_text(line));
	buf_clear(line);
}

static void family(
	struct session *session, const char *name, const char *type, const char *help)
{
	struct buf line AUTO_BUF = BUF_INIT;

	buf_printf(&line, "# HELP %s %s", name, help);
	text_of(session, &line);
	buf_printf(&line, "# TYPE %s %s", name, type);
	text_of(session, &line);
}

static void add_label(struct buf *line, const char *name, const char *value)
{
	buf_printf(line, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			buf_add_char(line, '\\');
		buf_add_char(line, *value);
	}
	buf_add_char(line, '"');
}

static void sample(struct session *session, const char *name, const char *label,
	const char *value, int64_t number)
{
	struct buf line AUTO_BUF = BUF_INIT;

	buf_add_text(&line, name);
	if (label) {
		buf_add_char(&line, '{');
		add_label(&line, label, value);
		buf_add_char(&line, '}');
	}
	buf_printf(&line, " %" PRId64, number);
	text_of(session, &line);
}

static void tell_cert(struct metrics *metrics, const struct cert *cert)
{
	struct session *session = metrics->answer.session;
	const struct fleet *fleet = session->ctl->fleet;
	struct plan plan = fleet_plan(fleet, cert);

	metrics->n_of[fleet_health(fleet, cert, &plan)]++;
	if (version_is_set(&cert->facts.curr.id))
		sample(session, "certd_certificate_not_after_seconds", "cert", cert->conf->name,
			cert->facts.curr.not_after.s);
}

/* False after the last one. */
static bool walk(struct metrics *metrics)
{
	const struct fleet *fleet = metrics->answer.session->ctl->fleet;
	const struct cert *cert = fleet_after(fleet, metrics->cursor ? metrics->cursor : "");

	if (!cert)
		return false;
	free(metrics->cursor);
	metrics->cursor = mem_strdup(cert->conf->name);
	tell_cert(metrics, cert);
	return true;
}

/* Only CAs that were used in this run; staging directories are left out. */
static void tell_cas(struct session *session)
{
	const struct acme *acme = session->ctl->runner->acme;

	if (!acme || list_is_empty(&acme->cas))
		return;
	family(session, "certd_ca_up", "gauge", "Whether an ACME CA is asked; 0: left alone.");
	list_each(at, &acme->cas) {
		const struct acme_ca *ca = LIST_OF(at, struct acme_ca, link);

		if (!ca->is_test && !ca->is_gone)
			sample(session, "certd_ca_up", "ca", ca->name,
				health_state(&ca->health, clock_tick()) <= CA_BACK);
	}
	family(session, "certd_ca_orders", "gauge", "Orders at work at an ACME CA.");
	list_each(at, &acme->cas) {
		const struct acme_ca *ca = LIST_OF(at, struct acme_ca, link);

		if (!ca->is_test && !ca->is_gone)
			sample(session, "certd_ca_orders", "ca", ca->name, ca->n_entered);
	}
}

static void tell_listeners(struct session *session)
{
	const struct failed_listener *at = session->ctl->failed_listeners;

	family(session, "certd_listener_failed", "gauge",
		"Addresses for challenges that cannot be listened at.");
	for (; at; at = at->next) {
		struct buf line AUTO_BUF = BUF_INIT;

		buf_add_text(&line, "certd_listener_failed{");
		add_label(&line, "challenge", at->challenge);
		buf_add_char(&line, ',');
		add_label(&line, "at", at->at);
		buf_add_char(&line, ',');
		add_label(&line, "reason", at->text);
		buf_add_text(&line, "} 1");
		text_of(session, &line);
	}
}

static void tell_totals(struct metrics *metrics)
{
	struct session *session = metrics->answer.session;
	const struct ctl *ctl = session->ctl;

	family(session, "certd_certificates", "gauge", "Certificates by health.");
	for (int i = 0; i < HEALTHS; i++)
		sample(session, "certd_certificates", "health", health_text((enum health)i),
			(int64_t)metrics->n_of[i]);
	family(session, "certd_events_total", "counter",
		"Events since the daemon was started.");
	for (int i = 0; i < EVENT_COUNT; i++)
		sample(session, "certd_events_total", "event", event_name((enum event)i),
			(int64_t)ctl->ring.counts[i]);
	family(session, "certd_jobs", "gauge", "Jobs at work.");
	sample(session, "certd_jobs", NULL, NULL, (int64_t)ctl->runner->n_jobs);
	family(session, "certd_scheduler_looks_total", "counter", "Plans made.");
	sample(session, "certd_scheduler_looks_total", NULL, NULL,
		(int64_t)ctl->fleet->n_looks);
	family(session, "certd_scheduler_pass_age_seconds", "gauge",
		"Seconds since the scheduler ran last.");
	sample(session, "certd_scheduler_pass_age_seconds", NULL, NULL,
		(clock_tick().ms - ctl->fleet->last_pass.ms) / 1000);
	tell_cas(session);
	tell_listeners(session);
	if (ctl->metrics)
		ctl->metrics(&metrics->extra, ctl->data);
}

static enum answer_step tell_extra(struct metrics *metrics)
{
	const char *line = buf_text(&metrics->extra) + metrics->told;
	size_t len = strcspn(line, "\n");
	char *copy AUTO_FREE = mem_strndup(line, len);

	if (!*line)
		return ANSWER_END;
	metrics->told += len + (line[len] == '\n');
	session_text(metrics->answer.session, copy);
	return ANSWER_MORE;
}

static enum answer_step next(struct answer *answer, struct err *err)
{
	struct metrics *metrics = CONTAINER_OF(answer, struct metrics, answer);

	(void)err;
	if (metrics->has_walked)
		return tell_extra(metrics);
	if (!metrics->has_begun)
		family(answer->session, "certd_certificate_not_after_seconds", "gauge",
			"End of the current version, in seconds since 1970.");
	metrics->has_begun = true;
	if (!walk(metrics)) {
		metrics->has_walked = true;
		tell_totals(metrics);
	}
	return ANSWER_MORE;
}

static void done(struct answer *answer)
{
	struct metrics *metrics = CONTAINER_OF(answer, struct metrics, answer);

	free(metrics->cursor);
	buf_done(&metrics->extra);
	free(metrics);
}

int cmd_metrics(struct session *session, struct err *err)
{
	struct metrics *metrics = mem_new(struct metrics);

	(void)err;
	session_answer(session, &metrics->answer, next, done);
	return 0;
}

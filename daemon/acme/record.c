/* SPDX-License-Identifier: MIT */
#include "daemon/acme/record.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/conf/challenge.h"
#include "daemon/conf/conf.h"
#include "daemon/dns/resolve/trouble.h"
#include "daemon/dns/rules/persist.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/log/log.h"

/* The life of a public CA's certificate; only for how early an end is told. */
#define LIFE DAYS(90)

static enum challenge type_of(const struct authz *a)
{
	return a->order->conf->challenge;
}

static struct zones *zones_of(const struct authz *a)
{
	return a->order->ca->acme->zones;
}

static const char *bare(const struct authz *a)
{
	return name_is_wildcard(a->name) ? a->name + strlen("*.") : a->name;
}

bool record_is_needed(const struct authz *a)
{
	return challenge_is_dns(type_of(a)) && a->challenge_url != NULL;
}

/* A record that stays is read as the CA reads it; others are ours to publish. */
void record_trace(
	struct trace *trace, struct task *parent, const struct order *order, const char *owner)
{
	struct zones *zones = order->ca->acme->zones;

	if (order->conf->challenge == CHALLENGE_DNS_PERSIST)
		trace_start(trace, parent, zones, owner, DNS_TXT);
	else
		trace_start_publish(trace, parent, zones, owner, DNS_SOA);
}

void record_find(struct authz *a)
{
	struct buf owner AUTO_BUF = BUF_INIT;
	const struct trace *found = found_get(&a->order->precheck.found, bare(a));
	const char *account = a->order->ca->account_url;

	if (type_of(a) != CHALLENGE_DNS_PERSIST && found) {
		trace_settled(&a->trace, found);
		return;
	}
	challenge_owner(type_of(a), bare(a), account ? account : "", &owner);
	record_trace(&a->trace, &a->task, a->order, buf_text(&owner));
}

static int judge_persist(struct authz *a, struct err *err)
{
	const struct order *o = a->order;
	struct persist_wish wish = {
		.name = bare(a),
		.is_wildcard = name_is_wildcard(a->name),
		.issuers = a->issuers,
		.n_issuers = a->n_issuers,
		.account_url = o->ca->account_url,
		.now = clock_now(),
	};
	struct instant until;

	if (persist_judge(&wish, trace_answer(&a->trace), &until, err) < 0)
		return -1;
	if (persist_is_ending(until, wish.now, LIFE)) {
		char text[INSTANT_TEXT_LEN];

		log_event(&o->task.log, EVENT_PERSIST_ENDING, NULL,
			"%s: the record %s ends at %s", o->args.cert, a->trace.owner,
			instant_text(until, text));
	}
	return 0;
}

int record_may_publish(const struct zones *zones, const char *asked, const struct trace *trace,
	struct err *err)
{
	const struct zone_conf *zone = zones_conf(zones, trace->owner);

	if (err_is_set(&trace->err)) {
		*err = trace->err;
		return -1;
	}
	if (!str_is(asked, trace->owner) &&
		challenge_check_alias(zones->conf, asked, trace->owner, err) < 0)
		return -1;
	if (!zone || zone->publish.type == PUBLISH_NONE)
		return err_set(err, ERR_BAD_CONFIG,
			"%s lies in a zone that nothing publishes to; see dns.zones",
			trace->owner);
	return 0;
}

int record_place(struct authz *a, struct err *err)
{
	struct buf owner AUTO_BUF = BUF_INIT;

	challenge_owner(type_of(a), bare(a), a->order->ca->account_url, &owner);
	if (type_of(a) != CHALLENGE_DNS_PERSIST)
		return record_may_publish(zones_of(a), buf_text(&owner), &a->trace, err);
	if (a->trace.is_blind)
		return 0;
	if (!err_is_set(&a->trace.err))
		return judge_persist(a, err);
	*err = a->trace.err;
	return -1;
}

/* An alias in a zone whose servers cannot be told is believed. */
static void watch_aliases(struct authz *a, struct task *task)
{
	const struct trace *trace = &a->trace;

	a->n_aliases = trace->aliases ? trace->n_aliases : 0;
	a->aliases = mem_zalloc((a->n_aliases + 1) * sizeof(*a->aliases));
	for (size_t i = 0; i < a->n_aliases; i++) {
		struct propagation_args args = {
			.apex = trace->aliases[i].apex,
			.owner = trace->aliases[i].owner,
			.type = DNS_CNAME,
			.value = trace->aliases[i].target,
			.about = a->order->args.cert,
			.expires = a->object.expires,
		};

		if (*args.apex)
			propagation_wait(zones_of(a), task, &a->aliases[i], &args);
	}
}

void record_watch(struct authz *a, struct task *task)
{
	struct propagation_args args = {
		.asked = a->asked,
		.apex = a->trace.apex,
		.owner = a->trace.owner,
		.type = DNS_TXT,
		.value = a->value,
		.zone = a->zone,
		.about = a->order->args.cert,
		.name = a->name,
		.expires = a->object.expires,
	};

	propagation_wait(zones_of(a), task, &a->propagation, &args);
	watch_aliases(a, task);
}

void record_done(struct authz *a)
{
	for (size_t i = 0; i < a->n_aliases; i++)
		propagation_done(&a->aliases[i]);
	free(mem_take(&a->aliases));
	a->n_aliases = 0;
	propagation_done(&a->propagation);
	trace_done(&a->trace);
}

/* The wait that failed, or that is still under way. */
static const struct propagation *find(
	const struct authz *a, bool (*is_it)(const struct propagation *propagation))
{
	for (size_t i = 0; i < a->n_aliases; i++)
		if (is_it(&a->aliases[i]))
			return &a->aliases[i];
	return is_it(&a->propagation) ? &a->propagation : NULL;
}

static bool has_failed(const struct propagation *propagation)
{
	return err_is_set(&propagation->err);
}

static bool is_waiting(const struct propagation *propagation)
{
	return op_is_pending(&propagation->op);
}

int record_seen(const struct authz *a, struct err *err)
{
	const struct propagation *failed = find(a, has_failed);

	if (!failed)
		return 0;
	*err = failed->err;
	return err_add(err, "the CA %s is not asked about %s", a->order->ca->name, a->name);
}

/* It is not there yet, perhaps because it cannot be. */
static void tell_publishing(const struct authz *a, struct buf *out)
{
	const struct trouble *trouble = trouble_of(zones_of(a), a->trace.owner);
	char text[INSTANT_TEXT_LEN];

	buf_printf(out, "%s: ", a->trace.owner);
	if (!trouble) {
		buf_add_text(out, "the record is being published.");
		return;
	}
	buf_printf(out, "publishing fails since %s: %s", instant_text(trouble->since, text),
		trouble->text);
	if (instant_is_set(trouble->again))
		buf_printf(out, "; the next try is at %s", instant_text(trouble->again, text));
	buf_add_char(out, '.');
}

static bool is_publishing(const struct authz *a)
{
	return record_is_needed(a) && a->keeper.request == REQUEST_present &&
	       op_is_pending(&a->keeper.op);
}

bool record_tell(const struct authz *a, struct buf *out)
{
	const struct propagation *propagation = find(a, is_waiting);
	char end[INSTANT_TEXT_LEN];

	if (is_publishing(a))
		return tell_publishing(a, out), true;
	if (!propagation)
		return false;
	instant_text(
		instant_add(propagation->policy.published, propagation->policy.deadline), end);
	buf_printf(out, "%s: ", propagation->owner);
	propagation_describe(propagation, EVIDENCE_ROOM, out);
	buf_printf(out, "; the order fails unless it is seen by %s.", end);
	return true;
}

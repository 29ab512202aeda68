/* SPDX-License-Identifier: MIT */
#include "daemon/dns/resolve/survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/dns/resolve/delegation.h"
#include "daemon/dns/resolve/lookup.h"
#include "daemon/dns/resolve/resolver.h"
#include "daemon/dns/resolve/servers.h"
#include "daemon/dns/resolve/trace.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/log/log.h"

enum { FRESH_MIN_S = 60, FRESH_MAX_S = 3600, DOUBT_MS = 60 * 1000, PARENTS_ASKED = 2 };

/*
 * States: a survey is made by the first zone_open() of a zone that is not fresh, and
 * zone->survey points to it while its task runs.  It asks the configured primary and name
 * servers, or the resolver, for the NS records; the parent for its own; then for all addresses,
 * side by side.  The end of the task puts the servers found into the zone, or keeps those of
 * the last survey, unlinks and frees the survey, and only then resumes the tasks in
 * zone->waiting.  survey_stop() cancels it; the waiting tasks then get ERR_CANCELLED.
 */
struct survey {
	struct task task;
	struct zone *zone;
	const struct zone_conf *conf; /* of zones->conf, which outlives it: see held */
	struct conf *held;
	struct servers found;
	struct lookup ns, soa;    /* ns: of the resolver, the zone itself, its parent */
	struct lookup *addresses; /* two a name */
	size_t n_addresses;
	struct dns_address start[LOOKUP_SERVERS];
	size_t n_start;
	char *said; /* the resolver's view of the servers; NULL: it was not asked, or was silent */
	char *primary_error; /* the error of a configured primary that is passed over; or NULL */
	struct trace *above; /* NULL: it was known */
	struct dns_address parents[PARENTS_ASKED];
	size_t n_parents;
	struct err err;
};

static struct zones *zones_of(const struct survey *s)
{
	return s->zone->zones;
}

static void add_start(struct survey *s, const struct dns_address *address)
{
	for (size_t i = 0; i < s->n_start; i++)
		if (dns_address_is(&s->start[i], address))
			return;
	if (s->n_start < LOOKUP_SERVERS)
		s->start[s->n_start++] = *address;
}

/* A server given by its address needs no lookup. */
static void take_configured(struct survey *s)
{
	const struct zone_conf *conf = s->conf;
	struct dns_address address;

	if (!conf)
		return;
	if (conf->primary.text && zones_address(&conf->primary, &address) == 0) {
		servers_add(&s->found, "", &address, ROLE_PRIMARY);
		add_start(s, &address);
	}
	if (conf->primary.text && conf->primary.len == 0)
		servers_name(&s->found, conf->primary.host, conf->primary.port, ROLE_PRIMARY);
	for (size_t i = 0; i < conf->nameservers.n; i++) {
		const struct endpoint *at = &conf->nameservers.at[i];

		if (zones_address(at, &address) == 0)
			servers_add(&s->found, "", &address, ROLE_AUTHORITATIVE);
		else
			servers_name(&s->found, at->host, at->port, ROLE_AUTHORITATIVE);
	}
}

/* Are the zone's servers fixed by the configuration? */
static bool is_fixed(const struct survey *s)
{
	return s->conf && s->conf->has_nameservers;
}

static void take_extras(struct survey *s)
{
	const struct endpoints *extra = &s->held->dns.extra;
	struct dns_address address;

	for (size_t i = 0; i < extra->n; i++)
		if (zones_address(&extra->at[i], &address) == 0)
			servers_add(&s->found, "", &address, ROLE_EXTRA);
		else
			servers_name(
				&s->found, extra->at[i].host, extra->at[i].port, ROLE_EXTRA);
}

/* Asks the resolver for the zone's servers, where the configuration names none. */
static void ask_resolver(struct survey *s)
{
	lookup_start(&s->ns, &s->task, zones_of(s), s->zone->apex, s->zone->apex, DNS_NS);
}

static void want_ns(struct survey *s, const struct lookup *lookup, enum dns_section section)
{
	const struct dns_message *answer = lookup_answer(lookup);
	const struct dns_record *ns = NULL, *glue;

	while (answer && (ns = dns_message_find(answer, section, DNS_NS, s->zone->apex, ns))) {
		struct dns_address address;

		servers_want(&s->found, ns->target, 0, ROLE_AUTHORITATIVE);
		glue = NULL;
		while ((glue = dns_message_find(answer, DNS_ADDITIONAL, 0, ns->target, glue)))
			if (lookup_address(glue, &address) == 0)
				servers_add_glue(&s->found, ns->target, &address);
	}
}

static void take_resolver(struct survey *s)
{
	free(s->said);
	s->said = resolver_said(&s->ns);
	want_ns(s, &s->ns, DNS_ANSWER);
}

static void forget_addresses(struct survey *s)
{
	for (size_t i = 0; i < s->n_addresses; i++)
		lookup_done(&s->addresses[i]);
	free(mem_take(&s->addresses));
	s->n_addresses = 0;
}

/*
 * Looks up all addresses of all names that have none yet, side by side: at the servers asked
 * first, because a split horizon has other addresses there, or at the resolver.
 */
static void ask_addresses(struct survey *s, bool of_resolver)
{
	static const uint16_t types[] = { DNS_A, DNS_AAAA };

	s->addresses =
		mem_zalloc((2 * servers_unresolved(&s->found) + 1) * sizeof(*s->addresses));
	for (size_t i = 0; i < s->found.n_wanted; i++) {
		struct wanted_server *wanted = &s->found.wanted[i];

		wanted->lookup = s->n_addresses;
		for (size_t k = 0; k < 2 && !wanted->is_resolved; k++) {
			struct lookup *lookup = &s->addresses[s->n_addresses++];

			if (of_resolver)
				lookup_start(lookup, &s->task, zones_of(s), s->zone->apex,
					wanted->name, types[k]);
			else
				lookup_start_at(lookup, &s->task, zones_of(s), s->zone->apex,
					wanted->name, types[k], s->start, s->n_start);
		}
	}
}

static void take_addresses(struct survey *s)
{
	for (size_t i = 0; i < s->found.n_wanted; i++) {
		struct wanted_server *wanted = &s->found.wanted[i];
		struct dns_address address;

		for (size_t k = 0; !wanted->is_resolved && k < 2; k++) {
			const struct dns_message *answer =
				lookup_answer(&s->addresses[wanted->lookup + k]);
			const struct dns_record *record = NULL;

			while (answer && (record = dns_message_find(
						  answer, DNS_ANSWER, 0, NULL, record)))
				if (lookup_address(record, &address) == 0)
					servers_add_for(&s->found, wanted, &address);
		}
	}
	for (size_t i = 0; i < s->found.n_wanted; i++)
		if (s->found.wanted[i].n > 0)
			s->found.wanted[i].is_resolved = true;
	forget_addresses(s);
}

/* The servers to ask about the zone itself: the primary, then others that are no extras. */
static void choose_start(struct survey *s)
{
	size_t n = s->found.n, first = zone_turn(s->zone->apex, n);

	for (size_t i = 0; i < n; i++)
		if (s->found.at[i].role == ROLE_PRIMARY && !s->primary_error)
			add_start(s, &s->found.at[i].address);
	for (size_t i = 0; i < n; i++)
		if (s->found.at[(first + i) % n].role == ROLE_AUTHORITATIVE)
			add_start(s, &s->found.at[(first + i) % n].address);
}

static void ask_own(struct survey *s)
{
	lookup_start_at(&s->ns, &s->task, zones_of(s), s->zone->apex, s->zone->apex, DNS_NS,
		s->start, s->n_start);
	lookup_start_at(&s->soa, &s->task, zones_of(s), s->zone->apex, s->zone->apex, DNS_SOA,
		s->start, s->n_start);
}

static int take_own(struct survey *s, struct err *err)
{
	const struct dns_message *answer = lookup_answer(&s->ns);

	if (!answer) {
		*err = s->ns.err;
		return -1;
	}
	if (!dns_message_find(answer, DNS_ANSWER, DNS_NS, s->zone->apex, NULL))
		return err_set(
			err, ERR_DNS, "%s is no zone: it has no NS records", s->zone->apex);
	want_ns(s, &s->ns, DNS_ANSWER);
	return 0;
}

/* The configured primary is asked first, not alone.  It stays a server of the zone. */
static bool go_past_primary(struct survey *s)
{
	if (lookup_answer(&s->ns) || !s->conf || !s->conf->primary.text)
		return false;
	s->primary_error = mem_strdup(s->ns.err.text);
	s->n_start = 0;
	return true;
}

static int choose_others(struct survey *s, struct err *err)
{
	choose_start(s);
	if (s->n_start > 0)
		return 0;
	if (!err_is_set(&s->ns.err))
		return err_set(
			err, ERR_DNS, "no address is found of any server of %s", s->zone->apex);
	*err = s->ns.err;
	return -1;
}

static void take_parents(struct survey *s, const struct delegation *delegation)
{
	s->n_parents = delegation->n < PARENTS_ASKED ? delegation->n : PARENTS_ASKED;
	memcpy(s->parents, delegation->at, s->n_parents * sizeof(*s->parents));
}

static void forget_trace(struct survey *s)
{
	if (s->above)
		trace_done(s->above);
	free(mem_take(&s->above));
}

/* The parent's NS records may differ from the zone's own, and resolvers follow both. */
static void find_parent(struct survey *s)
{
	const char *above = dns_name_parent(s->zone->apex);
	const struct delegation *delegation;

	if (!above || !*above)
		return;
	delegation = delegation_learnt(zones_of(s), above);
	if (delegation) {
		take_parents(s, delegation);
		return;
	}
	s->above = mem_new(struct trace);
	trace_start(s->above, &s->task, zones_of(s), above, DNS_NS);
}

static void ask_parent(struct survey *s)
{
	if (s->above && trace_answer(s->above))
		take_parents(s, &s->above->delegation);
	forget_trace(s);
	lookup_start_at(&s->ns, &s->task, zones_of(s), s->zone->apex, s->zone->apex, DNS_NS,
		s->parents, s->n_parents);
}

static void take_fresh(struct survey *s)
{
	const struct dns_message *answer = lookup_answer(&s->soa);
	const struct dns_record *soa =
		answer ? dns_message_find(answer, DNS_ANSWER, DNS_SOA, s->zone->apex, NULL)
		       : NULL;
	int64_t fresh_s = soa ? soa->ttl : FRESH_MIN_S;

	if (soa && !(s->conf && s->conf->primary.text))
		servers_name_primary(&s->found, soa->target);
	fresh_s = fresh_s < FRESH_MIN_S ? FRESH_MIN_S : fresh_s;
	fresh_s = fresh_s > FRESH_MAX_S ? FRESH_MAX_S : fresh_s;
	s->zone->fresh_until.ms = clock_tick().ms + fresh_s * 1000;
	s->zone->is_doubted = false;
	/* Another configuration came into force meanwhile, which may name other servers. */
	s->zone->is_known = s->held == zones_of(s)->conf;
	if (!s->zone->is_known)
		s->zone->fresh_until.ms = 0;
}

static void tell_unresolved(struct survey *s, const struct wanted_server *wanted)
{
	static const char *const kinds[] = { "primary", "name server", "extra name server" };

	if (zones_note_unresolved(s->zone->zones, wanted->name, wanted->is_resolved))
		log_event(NULL, EVENT_DNS_UNRESOLVED, NULL,
			"%s: no address is found of its %s %s", s->zone->apex,
			kinds[wanted->role], wanted->name);
}

static int take_found(struct survey *s, struct err *err)
{
	for (size_t i = 0; s->conf && i < s->conf->anycast.n; i++) {
		struct dns_address address;

		if (zones_address(&s->conf->anycast.at[i], &address) == 0)
			servers_mark_anycast(&s->found, &address);
	}
	if (!is_fixed(s) && servers_authoritative(&s->found) == 0)
		return err_set(
			err, ERR_DNS, "no address is found of any server of %s", s->zone->apex);
	for (size_t i = 0; i < s->found.n_wanted; i++)
		if (s->found.wanted[i].is_configured)
			tell_unresolved(s, &s->found.wanted[i]);
		else if (!s->found.wanted[i].is_resolved)
			log_debug(NULL, "%s: no address is found of its server %s",
				s->zone->apex, s->found.wanted[i].name);
	take_fresh(s);
	servers_add_unresolved(&s->found);
	servers_sort(&s->found);
	free(s->zone->servers);
	s->zone->servers = mem_take(&s->found.at);
	s->zone->n_servers = s->found.n;
	s->zone->n_surveys++;
	return 0;
}

static void run(struct task *task)
{
	struct survey *s = TASK_OF(task, struct survey);

	TASK_BEGIN(task)
	take_configured(s);
	if (!is_fixed(s)) {
		if (s->n_start == 0) {
			AWAIT(ask_resolver(s));
			take_resolver(s);
		}
		AWAIT(ask_addresses(s, true));
		take_addresses(s);
		choose_start(s);
		AWAIT(ask_own(s));
		if (go_past_primary(s)) {
			AWAIT(ask_resolver(s));
			take_resolver(s);
			AWAIT(ask_addresses(s, true));
			take_addresses(s);
			TRY(choose_others(s, &s->err));
			AWAIT(ask_own(s));
		}
		TRY(take_own(s, &s->err));
		AWAIT(find_parent(s));
		AWAIT(ask_parent(s));
		want_ns(s, &s->ns, DNS_AUTHORITY);
		if (s->conf && s->conf->primary.text) {
			AWAIT(ask_addresses(s, false));
			take_addresses(s);
		}
	}
	take_extras(s);
	AWAIT(ask_addresses(s, true));
	take_addresses(s);
	servers_use_glue(&s->found);
	TRY(take_found(s, &s->err));
	FINALLY
	lookup_add_primary_error(s->primary_error, &s->err);
	if (s->said)
		resolver_add_help(zones_of(s), s->zone->apex, s->said, &s->err);
	TASK_END
}

static void survey_free(struct survey *s)
{
	forget_addresses(s);
	lookup_done(&s->ns);
	lookup_done(&s->soa);
	forget_trace(s);
	servers_done(&s->found);
	free(s->primary_error);
	free(s->said);
	conf_unref(s->held);
	free(s);
}

/*
 * Servers of the last survey stay in use while no new ones are found; their silence is evidence
 * too.
 */
static bool may_keep(const struct zone *zone, const struct err *err)
{
	return zone->is_known && err->code == ERR_DNS;
}

/*
 * A waiting task may open the zone again at once, so the survey is unlinked before any is
 * resumed.
 */
static void ended(struct task *task)
{
	struct survey *s = TASK_OF(task, struct survey);
	struct zone *zone = s->zone;
	struct err err = err_is_set(&task->err) ? task->err : s->err;

	if (may_keep(zone, &err)) {
		zone->fresh_until.ms = clock_tick().ms + FRESH_MIN_S * 1000;
		zone->is_doubted = true;
		err = (struct err)ERR_INIT;
	}
	free(zone->trouble);
	zone->trouble = err_is_set(&err) ? mem_strdup(err.text) : NULL;
	zone->survey = NULL;
	survey_free(s);
	while (!list_is_empty(&zone->waiting)) {
		struct zone_op *first =
			LIST_OF(list_first(&zone->waiting), struct zone_op, link);

		list_remove(&first->link);
		first->err = err;
		op_end(&first->op, NULL);
	}
	zones_task_ended(zone->zones);
	zone_release(zone);
}

static void survey(struct zone *zone)
{
	struct survey *s = mem_new(struct survey);

	s->zone = zone;
	s->held = conf_ref(zone->zones->conf);
	s->conf = conf_zone(s->held, zone->apex);
	if (s->conf && s->conf->name && !str_is(s->conf->name, zone->apex))
		s->conf = NULL; /* it is about the zone above */
	zone->survey = s;
	zone->n_users++;
	zones_task_began(zone->zones);
	task_start(&s->task, zone->zones->loop, run, ended);
}

static void leave(struct op *op)
{
	list_remove(&CONTAINER_OF(op, struct zone_op, op)->link);
	op_end(op, NULL);
}

void zone_open(struct zone *zone, struct task *task, struct zone_op *op)
{
	*op = (struct zone_op){ .err = ERR_INIT };
	if (clock_tick().ms < zone->fresh_until.ms)
		return;
	op_begin(&op->op, task, leave);
	if (zone->zones->is_stopping) {
		err_set(&op->err, ERR_CANCELLED, "the daemon stops");
		op_end(&op->op, NULL);
		return;
	}
	list_append(&zone->waiting, &op->link);
	if (!zone->survey)
		survey(zone);
}

void zone_invalidate(struct zone *zone)
{
	int64_t soon = clock_tick().ms + DOUBT_MS;

	zone->is_doubted = true;
	if (zone->fresh_until.ms > soon)
		zone->fresh_until.ms = soon;
}

void survey_stop(struct zone *zone)
{
	if (zone->survey)
		task_cancel(&zone->survey->task, "the daemon stops");
}

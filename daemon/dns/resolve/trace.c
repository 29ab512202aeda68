/* SPDX-License-Identifier: MIT */
#include "daemon/dns/resolve/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/dns/resolve/delegation.h"
#include "daemon/dns/resolve/resolver.h"
#include "daemon/dns/resolve/trace_apex.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define LINK " -> "

enum { CHAIN_MAX = 300 };

static void copy_name(char out[DNS_NAME_LEN], const char *name)
{
	snprintf(out, DNS_NAME_LEN, "%s", name);
}

/* Takes the servers that the configuration names; false when it names none. */
static bool ask_as_configured(struct trace *t, const struct zone_conf *zone)
{
	struct dns_address address;

	if (!t->primary_error && zone->primary.text &&
		zones_address(&zone->primary, &address) == 0)
		delegation_add(&t->delegation, &address);
	for (size_t i = 0; !t->primary_error && i < zone->nameservers.n; i++)
		if (zones_address(&zone->nameservers.at[i], &address) == 0)
			delegation_add(&t->delegation, &address);
	t->is_configured = t->delegation.n > 0;
	return t->is_configured;
}

/* A primary that was silent is passed over while other servers are known. */
static void take_known(struct trace *t, const struct delegation *delegation)
{
	t->delegation = *delegation;
	if (!t->primary_error || delegation->is_instead)
		return;
	t->delegation.is_instead = true;
	delegation_remember(t->zones, &t->delegation);
}

/*
 * The last two labels of a name.  The resolver may be asked for them: they exist whatever the
 * name is.
 */
static const char *last_two(const char *name)
{
	const char *at = name, *up, *upper;

	while ((up = dns_name_parent(at)) && *up && (upper = dns_name_parent(up)) && *upper)
		at = up;
	return at;
}

static bool is_unreachable(const struct zone_conf *zone)
{
	return zone->has_nameservers && zone->nameservers.n == 0 && !zone->primary.text;
}

/*
 * Sets where the search for the present owner begins: t->delegation when it is known, else
 * t->wanted, the zone whose servers are looked for.
 */
static void begin_inflight(struct trace *t)
{
	const struct zone_conf *zone = zones_conf(t->zones, t->owner);
	const struct delegation *delegation;

	t->delegation = (struct delegation){ .n = 0 };
	t->is_configured = false;
	t->wanted[0] = '\0';
	mem_freep(&t->said);
	t->is_blind = t->is_done = zone && is_unreachable(zone);
	if (t->is_blind) {
		copy_name(t->apex, zone->name ? zone->name : last_two(t->owner));
		return;
	}
	for (const char *at = t->owner; at && *at; at = dns_name_parent(at)) {
		bool is_configured = zone && zone->name && str_is(zone->name, at);

		delegation = delegation_known(t->zones, at);
		if (is_configured)
			copy_name(t->delegation.apex, at);
		if (is_configured && !(delegation && delegation->is_instead) &&
			ask_as_configured(t, zone))
			return;
		if (delegation) {
			take_known(t, delegation);
			return;
		}
		if (is_configured) {
			copy_name(t->wanted, at);
			return;
		}
	}
	/* Are the servers asked authoritative for all zones, by the configuration? */
	if (zone && !zone->name && ask_as_configured(t, zone))
		return;
	copy_name(t->wanted, last_two(t->owner));
}

/* Nothing is known of the zone that is wanted. */
static bool is_lost(const struct trace *t)
{
	return t->delegation.n == 0 && t->n_servers == 0;
}

const struct err *trace_foreseen(struct zones *zones, const char *owner)
{
	struct trace t = { .zones = zones };

	copy_name(t.owner, owner);
	begin_inflight(&t);
	return t.is_blind || !is_lost(&t) ? NULL : inflight_failed(zones, t.wanted);
}

/* Whether another one searches for it. */
static bool can_join(const struct trace *t)
{
	return is_lost(t) && inflight_is_on(t->zones, t->wanted);
}

static void join(struct trace *t)
{
	inflight_join(t->zones, &t->task, &t->join, t->wanted);
}

static int take_joined(struct trace *t, struct err *err)
{
	if (err_is_set(&t->join.err)) {
		*err = t->join.err;
		return -1;
	}
	begin_inflight(t);
	return 0;
}

static void start_inflight(struct trace *t)
{
	if (is_lost(t))
		t->inflight = inflight_begin(t->zones, t->wanted);
}

static void end_inflight(struct trace *t)
{
	inflight_end(mem_take(&t->inflight), err_is_set(&t->task.err) ? &t->task.err : &t->err);
}

static void ask_servers(struct trace *t)
{
	lookup_start(&t->lookup, &t->task, t->zones, t->wanted, t->wanted, DNS_NS);
}

static void forget_servers(struct trace *t)
{
	while (t->n_servers > 0)
		free(mem_take(&t->servers[--t->n_servers]));
}

/* Takes server names and glue addresses from a section of a message. */
static void take_servers(struct trace *t, const struct dns_message *message,
	enum dns_section section, const char *apex)
{
	const struct dns_record *ns = NULL, *glue;

	forget_servers(t);
	t->delegation = (struct delegation){ .is_instead = t->primary_error != NULL };
	copy_name(t->delegation.apex, apex);
	while ((ns = dns_message_find(message, section, DNS_NS, apex, ns))) {
		struct dns_address address;

		glue = NULL;
		while ((glue = dns_message_find(message, DNS_ADDITIONAL, 0, ns->target, glue)))
			if (lookup_address(glue, &address) == 0)
				delegation_add(&t->delegation, &address);
		if (t->n_servers < ARRAY_LEN(t->servers))
			t->servers[t->n_servers++] = mem_strdup(ns->target);
	}
	delegation_rotate(&t->delegation);
}

/* The zones above the one the resolver knows have servers, too; the search can begin there. */
static int take_delegation(struct trace *t, struct err *err)
{
	const struct dns_message *answer = lookup_answer(&t->lookup);

	if (!answer) {
		*err = t->lookup.err;
		resolver_add_help(t->zones, t->wanted, NULL, err);
		return -1;
	}
	free(t->said);
	t->said = resolver_said(&t->lookup);
	take_servers(t, answer, DNS_ANSWER, t->wanted);
	if (t->delegation.n > 0)
		delegation_remember(t->zones, &t->delegation);
	if (t->n_servers > 0)
		return 0;
	const char *up = dns_name_parent(t->wanted);

	if (!up || !*up) {
		err_set(err, ERR_DNS, "no zone is found that holds %s", t->inflight->apex);
		resolver_add_help(t->zones, t->inflight->apex, t->said, err);
		return -1;
	}
	memmove(t->wanted, up, strlen(up) + 1);
	return 0;
}

static void forget_addresses(struct trace *t)
{
	for (size_t i = 0; t->addresses && i < 2 * t->n_servers; i++)
		lookup_done(&t->addresses[i]);
	free(mem_take(&t->addresses));
}

static void ask_addresses(struct trace *t)
{
	t->addresses = mem_zalloc(2 * t->n_servers * sizeof(*t->addresses));
	for (size_t i = 0; i < t->n_servers; i++) {
		lookup_start(&t->addresses[2 * i], &t->task, t->zones, t->delegation.apex,
			t->servers[i], DNS_A);
		lookup_start(&t->addresses[2 * i + 1], &t->task, t->zones, t->delegation.apex,
			t->servers[i], DNS_AAAA);
	}
}

static int take_addresses(struct trace *t, struct err *err)
{
	struct dns_address address;

	for (size_t i = 0; i < 2 * t->n_servers; i++) {
		const struct dns_message *answer = lookup_answer(&t->addresses[i]);
		const struct dns_record *record = NULL;

		while (answer &&
			(record = dns_message_find(answer, DNS_ANSWER, 0, NULL, record)))
			if (lookup_address(record, &address) == 0)
				delegation_add(&t->delegation, &address);
	}
	forget_addresses(t);
	if (t->delegation.n == 0) {
		err_set(err, ERR_DNS, "no address is found of the servers of %s",
			t->delegation.apex);
		resolver_add_help(t->zones, t->delegation.apex, t->said, err);
		return -1;
	}
	delegation_rotate(&t->delegation);
	delegation_remember(t->zones, &t->delegation);
	return 0;
}

static void ask_owner(struct trace *t)
{
	lookup_start_at(&t->lookup, &t->task, t->zones, t->delegation.apex, t->owner, t->type,
		t->delegation.at, t->delegation.n);
}

static void note_alias(struct trace *t, const struct dns_record *found)
{
	struct trace_alias *alias;

	t->is_alias = false;
	if (found->ttl < t->alias_ttl)
		t->alias_ttl = found->ttl;
	if (!t->is_publish || t->n_aliases >= TRACE_ALIASES)
		return;
	t->aliases = mem_grow(t->aliases, t->n_aliases + 1, sizeof(*t->aliases));
	alias = &t->aliases[t->n_aliases];
	copy_name(alias->owner, t->owner);
	copy_name(alias->target, found->target);
	copy_name(alias->apex, t->apex);
}

/* Is the name one of "a -> b -> c"? */
static bool is_in_chain(const struct trace *t, const char *name)
{
	size_t len = strlen(name);
	const char *at = buf_text(&t->chain);

	while (at && !(strncmp(at, name, len) == 0 && (!at[len] || at[len] == ' '))) {
		at = strstr(at, LINK);
		at = at ? at + strlen(LINK) : NULL;
	}
	return at != NULL;
}

static int follow(struct trace *t, struct err *err)
{
	const struct dns_record *alias = dns_message_find(
		lookup_answer(&t->lookup), DNS_ANSWER, DNS_CNAME, t->owner, NULL);
	const char *target = alias->target;
	bool is_circle = is_in_chain(t, target);

	note_alias(t, alias);
	buf_printf(&t->chain, LINK "%s", target);
	if (is_circle || ++t->n_aliases > TRACE_ALIASES)
		return err_set(err, ERR_DNS_LOOP, "aliases in DNS lead %s: %.*s%s",
			is_circle ? "in a circle" : "too far", CHAIN_MAX, buf_text(&t->chain),
			t->chain.len > CHAIN_MAX ? " and on" : "");
	copy_name(t->owner, target);
	mem_freep(&t->primary_error);
	begin_inflight(t);
	return 0;
}

static int go_down(struct trace *t, const char *apex, struct err *err)
{
	const struct dns_message *answer = lookup_answer(&t->lookup);

	if (++t->n_delegations > TRACE_DELEGATIONS ||
		strlen(apex) <= strlen(t->delegation.apex) ||
		!dns_name_is_below(t->owner, apex)) {
		err_set(err, ERR_DNS, "the servers of %s refer to %s for %s",
			t->delegation.apex, *apex ? apex : "the root", t->owner);
		if (t->said)
			resolver_add_help(t->zones, t->delegation.apex, t->said, err);
		return -1;
	}
	t->is_configured = false;
	/* That was about a zone above. */
	mem_freep(&t->said);
	take_servers(t, answer, DNS_AUTHORITY, apex);
	if (t->delegation.n > 0)
		delegation_remember(t->zones, &t->delegation);
	return 0;
}

/* A primary is asked first, not alone, unless the configuration names all servers there are. */
static bool go_past_primary(struct trace *t)
{
	const struct zone_conf *zone = zones_conf(t->zones, t->owner);

	if (!t->is_configured || t->primary_error || (zone && zone->has_nameservers))
		return false;
	t->primary_error = mem_strdup(t->lookup.err.text);
	begin_inflight(t);
	return true;
}

/* Where does the answer lead?  A server may have followed aliases within its own zones. */
static int take_answer(struct trace *t, struct err *err)
{
	const struct dns_message *answer = lookup_answer(&t->lookup);
	const struct dns_record *alias;
	const char *apex;

	if (!answer && go_past_primary(t))
		return 0;
	if (!answer) {
		delegation_forget(t->zones, t->delegation.apex);
		*err = t->lookup.err;
		if (t->said)
			resolver_add_help(t->zones, t->delegation.apex, t->said, err);
		return -1;
	}
	delegation_drop(t->zones, t->delegation.apex, t->lookup.at, t->lookup.next);
	apex = lookup_referral(answer);
	if (apex)
		return go_down(t, apex, err);
	alias = dns_message_find(answer, DNS_ANSWER, DNS_CNAME, t->owner, NULL);
	t->is_alias = alias && t->type != DNS_CNAME;
	t->is_doubtful = t->is_publish &&
			 (alias || (t->type != DNS_SOA && dns_message_find(answer, DNS_ANSWER,
								  t->type, t->owner, NULL)));
	trace_apex_take(t, answer);
	t->is_done = !t->is_alias;
	return 0;
}

static void ask_wildcard(struct trace *t)
{
	if (!t->wildcard)
		t->wildcard = mem_new(struct wildcard);
	wildcard_ask(t->wildcard, &t->task, &t->lookup);
}

static int take_wildcard(struct trace *t, struct err *err)
{
	t->is_doubtful = false;
	if (wildcard_judge(t->wildcard, &t->lookup, &t->is_made, err) < 0)
		return -1;
	t->is_done = t->is_done || t->is_made;
	return 0;
}

static void run(struct task *task)
{
	struct trace *t = TASK_OF(task, struct trace);

	TASK_BEGIN(task)
	begin_inflight(t);
	while (!t->is_done) {
		if (can_join(t)) {
			AWAIT(join(t));
			TRY(take_joined(t, &t->err));
			continue;
		}
		start_inflight(t);
		while (is_lost(t)) {
			AWAIT(ask_servers(t));
			TRY(take_delegation(t, &t->err));
		}
		if (t->delegation.n == 0) {
			AWAIT(ask_addresses(t));
			TRY(take_addresses(t, &t->err));
		}
		forget_servers(t);
		end_inflight(t);
		AWAIT(ask_owner(t));
		TRY(take_answer(t, &t->err));
		if (t->is_doubtful) {
			AWAIT(ask_wildcard(t));
			TRY(take_wildcard(t, &t->err));
		}
		while (t->needs_soa) {
			AWAIT(trace_apex_ask(t));
			TRY(trace_apex_told(t, &t->err));
		}
		if (t->is_alias && !t->is_made)
			TRY(follow(t, &t->err));
	}
	FINALLY
	end_inflight(t);
	lookup_add_primary_error(t->primary_error, &t->err);
	TASK_END
}

static void start(struct trace *trace, struct task *parent, struct zones *zones,
	const char *owner, uint16_t type, bool is_publish)
{
	trace_done(trace);
	*trace = (struct trace){
		.zones = zones, .type = type, .alias_ttl = UINT32_MAX, .is_publish = is_publish
	};
	copy_name(trace->owner, owner);
	buf_add_text(&trace->chain, owner);
	task_start_child(&trace->task, parent, run);
}

void trace_start(struct trace *trace, struct task *parent, struct zones *zones,
	const char *owner, uint16_t type)
{
	start(trace, parent, zones, owner, type, false);
}

void trace_start_publish(struct trace *trace, struct task *parent, struct zones *zones,
	const char *owner, uint16_t type)
{
	start(trace, parent, zones, owner, type, true);
}

void trace_settled(struct trace *trace, const struct trace *other)
{
	trace_done(trace);
	*trace = (struct trace){ .zones = other->zones,
		.n_aliases = other->aliases ? other->n_aliases : 0,
		.is_done = true,
		.is_blind = other->is_blind };
	copy_name(trace->owner, other->owner);
	copy_name(trace->apex, other->apex);
	if (trace->n_aliases == 0)
		return;
	trace->aliases = mem_grow(NULL, trace->n_aliases, sizeof(*trace->aliases));
	memcpy(trace->aliases, other->aliases, trace->n_aliases * sizeof(*trace->aliases));
}

const struct dns_message *trace_answer(const struct trace *trace)
{
	bool has_answer = trace->is_done && !trace->is_blind && !trace->is_made &&
			  !err_is_set(&trace->err);

	return has_answer ? lookup_answer(&trace->lookup) : NULL;
}

void trace_done(struct trace *trace)
{
	lookup_done(&trace->lookup);
	if (trace->soa)
		lookup_done(trace->soa);
	free(mem_take(&trace->soa));
	if (trace->wildcard)
		wildcard_done(trace->wildcard);
	free(mem_take(&trace->wildcard));
	forget_addresses(trace);
	forget_servers(trace);
	free(mem_take(&trace->aliases));
	free(mem_take(&trace->primary_error));
	free(mem_take(&trace->said));
	buf_done(&trace->chain);
}

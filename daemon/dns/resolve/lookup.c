/* SPDX-License-Identifier: MIT */
#include "daemon/dns/resolve/lookup.h"

#include <string.h>

#include "lib/base/clock.h"

/*
 * The time of one server, so that the next ones have theirs, and the pause after which dead
 * resolvers are asked again.
 */
enum { DNS_PORT = 53, SERVER_MS = 6000, ALIVE_MS = 2000, RESOLVERS_PAUSE_MS = 10 * 1000 };

const char *lookup_referral(const struct dns_message *message)
{
	const struct dns_record *ns =
		dns_message_find(message, DNS_AUTHORITY, DNS_NS, NULL, NULL);

	if (message->is_authoritative || message->rcode != DNS_NOERROR || !ns ||
		dns_message_find(message, DNS_ANSWER, 0, NULL, NULL) || !message->question ||
		!dns_name_is_below(message->question, ns->owner))
		return NULL;
	return ns->owner;
}

static bool is_proper(const struct lookup *lookup)
{
	const struct dns_message *answer = &lookup->probe.answer;

	if (lookup->probe.outcome != DNS_ANSWERED ||
		(answer->rcode != DNS_NOERROR && answer->rcode != DNS_NXDOMAIN))
		return false;
	return lookup->is_of_resolver || answer->is_authoritative || lookup_referral(answer);
}

/* Appends the last server's error to those of the servers before it. */
static void note(struct lookup *lookup)
{
	const struct dns_probe_op *probe = &lookup->probe;
	struct buf text AUTO_BUF = BUF_INIT;
	char address[DNS_ADDRESS_TEXT_LEN], rcode[16], type[16];
	const char *what = probe->why;

	if (probe->outcome == DNS_ANSWERED)
		what = probe->answer.rcode == DNS_NOERROR
			       ? "has no authority"
			       : dns_rcode_text(probe->answer.rcode, rcode);
	if (err_is_set(&lookup->err))
		buf_printf(&text, "%s; ", lookup->err.text);
	else
		buf_printf(&text, "no server answers for the %s of %s: ",
			dns_type_text(lookup->type, type), lookup->name);
	err_set(&lookup->err, ERR_DNS, "%s%s%s %s", buf_text(&text),
		lookup->is_of_resolver ? "the resolver " : "",
		dns_address_text(&lookup->at[lookup->next], address), what);
}

static void ask(struct lookup *lookup)
{
	dns_question(&lookup->probe, lookup->name, lookup->type, &lookup->at[lookup->next]);
	lookup->probe.recurse = lookup->is_of_resolver;
	lookup->probe.is_own = lookup->is_of_resolver;
	lookup->probe.zone = lookup->apex;
	lookup->probe.time_ms = SERVER_MS;
	dns_probe(lookup->zones->dns, &lookup->task, &lookup->probe);
}

static bool are_left_alone(const struct zones *zones)
{
	return clock_tick().ms < zones->resolvers_due.ms;
}

/* Are all resolvers silent, and is no task finding out yet whether they are dead? */
static bool must_doubt(const struct lookup *lookup)
{
	const struct lookup *other = lookup->zones->doubting;

	return lookup->is_of_resolver && lookup->n > 0 && lookup->n_silent == lookup->n &&
	       !are_left_alone(lookup->zones) && (!other || other == lookup);
}

/* The question for the root, which every resolver can answer from its own memory. */
static void ask_root(struct lookup *lookup)
{
	lookup->zones->doubting = lookup;
	dns_question(&lookup->probe, "", DNS_NS, &lookup->at[lookup->n_doubted]);
	lookup->probe.recurse = lookup->probe.is_own = true;
	lookup->probe.zone = lookup->apex;
	lookup->probe.time_ms = ALIVE_MS;
	dns_probe(lookup->zones->dns, &lookup->task, &lookup->probe);
}

/*
 * With all resolvers dead every question would cost the time of all of them again.  The pause
 * is short: the first retry of an order must find resolvers that are back.
 */
static void leave_alone(struct zones *zones)
{
	zones->resolvers_due.ms = clock_tick().ms + RESOLVERS_PAUSE_MS;
}

static void run(struct task *task)
{
	struct lookup *lookup = TASK_OF(task, struct lookup);

	TASK_BEGIN(task)
	while (lookup->next < lookup->n) {
		AWAIT(ask(lookup));
		lookup->n_silent += lookup->probe.outcome != DNS_ANSWERED;
		if (is_proper(lookup)) {
			lookup->err = (struct err)ERR_INIT;
			break;
		}
		note(lookup);
		lookup->next++;
	}
	while (must_doubt(lookup)) {
		AWAIT(ask_root(lookup));
		if (lookup->probe.outcome == DNS_ANSWERED)
			lookup->n_silent = 0;
		else if (++lookup->n_doubted == lookup->n)
			leave_alone(lookup->zones);
	}
	if (lookup->is_of_resolver && lookup->n_silent < lookup->n)
		lookup->zones->resolvers_due.ms = 0;
	FINALLY
	if (lookup->zones->doubting == lookup)
		lookup->zones->doubting = NULL;
	TASK_END
}

static void start(struct lookup *lookup, struct zones *zones, const char *apex,
	const char *name, uint16_t type)
{
	char text[16];

	lookup_done(lookup);
	*lookup = (struct lookup){ .zones = zones, .apex = apex, .name = name, .type = type };
	err_set(&lookup->err, ERR_DNS, "nobody can be asked for the %s of %s",
		dns_type_text(type, text), name);
}

static void begin(struct lookup *lookup, struct task *parent)
{
	if (lookup->n > 0)
		lookup->err = (struct err)ERR_INIT;
	task_start_child(&lookup->task, parent, run);
}

void lookup_start(struct lookup *lookup, struct task *parent, struct zones *zones,
	const char *apex, const char *name, uint16_t type)
{
	char word[16];

	start(lookup, zones, apex, name, type);
	lookup->is_of_resolver = true;
	if (are_left_alone(zones))
		err_set(&lookup->err, ERR_DNS,
			"no resolver answered a moment ago, so none was asked "
			"for the %s of %s",
			dns_type_text(type, word), name);
	else
		lookup->n = zones->n_resolvers;
	memcpy(lookup->at, zones->resolvers, zones->n_resolvers * sizeof(*lookup->at));
	begin(lookup, parent);
}

void lookup_start_at(struct lookup *lookup, struct task *parent, struct zones *zones,
	const char *apex, const char *name, uint16_t type, const struct dns_address *at,
	size_t n)
{
	start(lookup, zones, apex, name, type);
	lookup->n = n < LOOKUP_SERVERS ? n : LOOKUP_SERVERS;
	memcpy(lookup->at, at, lookup->n * sizeof(*at));
	begin(lookup, parent);
}

const struct dns_message *lookup_answer(const struct lookup *lookup)
{
	return err_is_set(&lookup->err) || lookup->next >= lookup->n ? NULL
								     : &lookup->probe.answer;
}

void lookup_add_primary_error(const char *primary_error, struct err *err)
{
	struct err last = *err;

	if (primary_error && err_is_set(err) && err->code == ERR_DNS)
		err_set(err, ERR_DNS, "%s; without it: %s", primary_error, last.text);
}

void lookup_done(struct lookup *lookup)
{
	dns_probe_done(&lookup->probe);
}

int lookup_address(const struct dns_record *record, struct dns_address *out)
{
	bool is_four = record->type == DNS_A;

	static const uint8_t none[16];
	const uint8_t *a = record->address;

	if (!is_four && record->type != DNS_AAAA)
		return -1;
	/*
	 * The zone's operator chooses the addresses of its servers, so their number is bounded
	 * and addresses that no server can have are refused.
	 */
	if (is_four ? a[0] == 0 || a[0] >= 224 : a[0] == 0xff || memcmp(a, none, 16) == 0)
		return -1;
	*out = dns_address_of(record->address, is_four ? 4 : 16, DNS_PORT);
	return 0;
}

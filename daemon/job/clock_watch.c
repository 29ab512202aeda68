/* SPDX-License-Identifier: MIT */
#include "daemon/job/clock_watch.h"

#include "daemon/acme/acme.h"
#include "daemon/conf/index.h"
#include "daemon/job/fleet.h"
#include "daemon/link/keeper.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/log/log.h"

enum { AGAIN_MS = 60 * 1000, CAS_MAX = 32 };

static void judge(struct clock_watch *watch);

/* The keeper answers with a note that brings the kernel's word. */
static void tell_keeper(const struct clock_watch *watch)
{
	keeper_tell(watch->fleet->keeper, REQUEST_clock,
		clock_is_doubted(&watch->fleet->clock) ? "doubted" : "trusted");
}

static void again(struct timer *timer)
{
	struct clock_watch *watch = CONTAINER_OF(timer, struct clock_watch, timer);

	judge(watch);
	if (!clock_is_doubted(&watch->fleet->clock))
		return;
	tell_keeper(watch);
	fleet_look_all(watch->fleet);
}

static size_t gather_cas(
	const struct clock_watch *watch, struct clock_witness *out, struct instant now)
{
	struct tick tick = clock_tick();
	size_t n = 0;

	list_each(at, &watch->acme->cas) {
		const struct acme_ca *ca = LIST_OF(at, struct acme_ca, link);

		if (n == CAS_MAX || ca->is_gone || !skew_is_known(&ca->skew))
			continue;
		out[n++] = (struct clock_witness){ ca->name, skew_ahead(&ca->skew, now, tick) };
	}
	return n;
}

/* Not before the kernel had its say: it may end the doubt at once. */
static void tell(struct clock_watch *watch, const struct clock_verdict *verdict)
{
	if (watch->is_asked || watch->is_told == clock_is_doubted(verdict))
		return;
	watch->is_told = clock_is_doubted(verdict);
	if (watch->is_told)
		log_event(NULL, EVENT_CLOCK_DOUBTED, NULL,
			"the clock of this machine is not trusted: %s; what can wait does",
			verdict->text);
	else
		log_event(NULL, EVENT_CLOCK_TRUSTED, NULL,
			"the clock of this machine is trusted again");
}

static void publish(struct clock_watch *watch, const struct clock_verdict *verdict)
{
	enum clock_doubt before = watch->fleet->clock.doubt;

	watch->fleet->clock = *verdict;
	watch->acme->is_doubted = clock_is_doubted(verdict);
	tell(watch, verdict);
	if (verdict->doubt == before)
		return;
	tell_keeper(watch);
	fleet_look_all(watch->fleet);
}
static void judge(struct clock_watch *watch)
{
	struct clock_witness states[CAS_MAX];
	struct tick tick = clock_tick();
	struct clock_evidence evidence = { .now = clock_now(),
		.states = states,
		.is_synced = watch->is_synced,
		.stored = watch->stored,
		.issued = watch->issued,
		.running = SECONDS((tick.ms - watch->begun.ms) / 1000) };
	struct clock_verdict verdict;
	bool is_before = clock_is_before_stored(&evidence);

	if (!watch->is_open)
		return;
	if (is_before && !watch->is_before)
		watch->before_since = tick;
	watch->is_before = is_before;
	if (is_before)
		evidence.before_for = SECONDS((tick.ms - watch->before_since.ms) / 1000);
	evidence.n_states = gather_cas(watch, states, evidence.now);
	clock_judge(&evidence, &verdict);
	publish(watch, &verdict);
	if (clock_is_doubted(&watch->fleet->clock))
		loop_timer_in(watch->fleet->loop, &watch->timer, AGAIN_MS);
	else
		loop_timer_stop(watch->fleet->loop, &watch->timer);
}

static void heard(void *data)
{
	judge(data);
}

void clock_watch_done(struct clock_watch *watch)
{
	if (watch->fleet)
		loop_timer_stop(watch->fleet->loop, &watch->timer);
	watch->is_open = false;
}

void clock_watch_open(struct clock_watch *watch)
{
	if (watch->is_open)
		return;
	watch->is_open = watch->is_asked = true;
	judge(watch);
	tell_keeper(watch);
}

/* Versions of ACME CAs carry the CA's own time. */
static void take_version(struct clock_watch *watch, const struct version_facts *version)
{
	const struct conf *conf = watch->fleet->conf;

	watch->stored =
		instant_max(watch->stored, instant_max(version->created, version->rolled));
	watch->stored = instant_max(watch->stored, version->revoked);
	for (size_t i = 0; version->ca != 0 && i < conf->n_cas; i++) {
		const struct ca_conf *ca = conf_ca_at(conf, (uint32_t)i);

		if (ca->type == CA_ACME && facts_ca(ca->name) == version->ca)
			watch->issued = instant_max(watch->issued, version->not_before);
	}
}

static void on_facts(struct fleet_follower *follower, const struct cert_facts *facts)
{
	struct clock_watch *watch = CONTAINER_OF(follower, struct clock_watch, follower);

	take_version(watch, &facts->curr);
	take_version(watch, &facts->next);
	watch->stored = instant_max(watch->stored, facts->failure.last);
	watch->stored = instant_max(watch->stored, facts->order.at);
	for (size_t i = 0; i < facts->n_targets; i++)
		watch->stored = instant_max(watch->stored, facts->targets[i].failure.last);
	judge(watch);
}

void clock_watch_synced(struct clock_watch *watch, bool is_synced)
{
	watch->is_synced = is_synced;
	watch->is_asked = false;
	judge(watch);
}

/* Answers of the kernel from before were about another time. */
static void on_clock_set(struct fleet_follower *follower)
{
	struct clock_watch *watch = CONTAINER_OF(follower, struct clock_watch, follower);

	watch->is_synced = false;
	watch->is_asked = true;
	judge(watch);
	tell_keeper(watch);
}

void clock_watch_init(struct clock_watch *watch, struct fleet *fleet, struct acme *acme)
{
	*watch = (struct clock_watch){ .fleet = fleet, .acme = acme, .begun = clock_tick() };
	watch->timer.fire = again;
	watch->follower.on_facts = on_facts;
	watch->follower.on_clock_set = on_clock_set;
	fleet_follow(fleet, &watch->follower);
	acme->heard = heard;
	acme->heard_data = watch;
}

/* SPDX-License-Identifier: MIT */
#include "daemon/job/fleet.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/conf/index.h"
#include "daemon/acme/refusal.h"
#include "daemon/job/job.h"
#include "daemon/job/remind.h"
#include "daemon/link/keeper.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/log/log.h"

/* Certificates looked at in one turn of the loop, so that a crowd does not starve the sockets. */
enum { LOOKS_A_TURN = 512 };

static void pass(struct timer *timer);

/* Calls each follower that has the callback; `args` begins with the word follower. */
#define TELL(fleet, on_event, args)                                                            \
	list_each(at, &(fleet)->followers) {                                                   \
		struct fleet_follower *follower = LIST_OF(at, struct fleet_follower, link);    \
                                                                                               \
		if (follower->on_event)                                                        \
			follower->on_event args;                                               \
	}

void fleet_follow(struct fleet *fleet, struct fleet_follower *follower)
{
	list_append(&fleet->followers, &follower->link);
}

static void cert_free(struct cert *cert)
{
	reservation_done(&cert->reserved);
	facts_done(&cert->facts);
	free(cert);
}

static struct cert *cert_new(const struct cert_conf *conf)
{
	struct cert_facts none = { .cert = (char *)(uintptr_t)conf->name };
	struct cert *cert = mem_new(struct cert);

	cert->conf = conf;
	facts_copy(&none, &cert->facts);
	return cert;
}

/*
 * The certificates of each CA certificate, as one array of places and where each begins: counted
 * first, then filled.  A certificate with several CAs depends on each of them.
 */
static void find_dependents(struct fleet *fleet)
{
	const struct conf *conf = fleet->conf;
	size_t *at = mem_zalloc((conf->n_certs + 2) * sizeof(*at)), total = 0;

	free(fleet->dependents);
	free(fleet->dependents_at);
	for (int filling = 0; filling < 2; filling++) {
		for (size_t i = 0; i < conf->n_certs; i++) {
			const struct cert_conf *cert = conf_cert_at(conf, i);

			for (size_t k = 0; k < cert->n_cas; k++) {
				uint32_t issuer = conf_issuer(conf, cert_conf_ca(cert, k));

				if (issuer == CA_NO_ISSUER)
					continue;
				if (filling)
					fleet->dependents[at[issuer + 1]++] = (uint32_t)i;
				else
					at[issuer + 2]++;
				total++;
			}
		}
		if (filling)
			break;
		fleet->dependents = mem_zalloc((total + 1) * sizeof(*fleet->dependents));
		for (size_t i = 2; i < conf->n_certs + 2; i++)
			at[i] += at[i - 1];
	}
	fleet->dependents_at = at;
}

const uint32_t *fleet_dependents(const struct fleet *fleet, uint32_t place, size_t *n)
{
	*n = fleet->dependents_at[place + 1] - fleet->dependents_at[place];
	return fleet->dependents + fleet->dependents_at[place];
}

static void set_certs(struct fleet *fleet)
{
	const struct conf *conf = fleet->conf;

	fleet->certs = mem_zalloc((conf->n_certs + 1) * sizeof(struct cert *));
	for (size_t i = 0; i < conf->n_certs; i++)
		fleet->certs[i] = cert_new(conf_cert_at(conf, i));
	find_dependents(fleet);
}

struct fleet *fleet_new(struct loop *loop, struct keeper *keeper, struct conf *conf)
{
	struct fleet *fleet = mem_new(struct fleet);

	fleet->loop = loop;
	fleet->keeper = keeper;
	fleet->conf = conf;
	fleet->timer.fire = pass;
	list_init(&fleet->followers);
	fleet->is_paused = true;
	fleet->last_pass = clock_tick();
	set_certs(fleet);
	return fleet;
}

void fleet_free(struct fleet *fleet)
{
	if (!fleet)
		return;
	loop_timer_stop(fleet->loop, &fleet->timer);
	for (size_t i = 0; i < fleet->conf->n_certs; i++)
		cert_free(fleet->certs[i]);
	free(fleet->certs);
	free(fleet->dependents);
	free(fleet->dependents_at);
	heap_done(&fleet->schedule);
	conf_unref(fleet->conf);
	free(fleet);
}

/* One that leaves while a job works on it keeps its facts until the job has ended. */
static void cert_leave(struct fleet *fleet, struct cert *cert)
{
	heap_remove(&fleet->schedule, &cert->look);
	TELL(fleet, on_leave, (follower, cert))
	cert->is_gone = true;
	if (!cert->job) {
		cert_free(cert);
		return;
	}
	/* Only the job holds the configuration that it began with. */
	cert->conf = conf_cert(cert->job->conf, cert->conf->name);
	task_cancel(&cert->job->task, "the certificate left the configuration");
}

void fleet_drop_reservations(struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->conf->n_certs; i++)
		reservation_done(&fleet_at(fleet, i)->reserved);
}

void fleet_set_conf(struct fleet *fleet, struct conf *conf)
{
	struct conf *old = fleet->conf;
	struct cert **certs = fleet->certs;

	fleet->conf = conf;
	fleet->certs = mem_zalloc((conf->n_certs + 1) * sizeof(struct cert *));
	for (size_t i = 0; i < old->n_certs; i++) {
		const struct cert_conf *now = conf_cert(conf, certs[i]->conf->name);

		if (now) {
			(void)fleet_look_anew(certs[i]);
			certs[i]->conf = now;
			fleet->certs[now->place] = certs[i];
		} else {
			cert_leave(fleet, certs[i]);
		}
	}
	for (size_t i = 0; i < conf->n_certs; i++)
		if (!fleet->certs[i])
			fleet->certs[i] = cert_new(conf_cert_at(conf, i));
	free(certs);
	find_dependents(fleet);
	conf_unref(old);
	fleet_look_all(fleet);
}

struct cert *fleet_find(const struct fleet *fleet, const char *name)
{
	const struct cert_conf *conf = conf_cert(fleet->conf, name);

	return conf ? fleet_at(fleet, conf->place) : NULL;
}

struct cert *fleet_after(const struct fleet *fleet, const char *name)
{
	size_t low = 0, high = fleet->conf->n_certs;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(conf_cert_at(fleet->conf, middle)->name, name) > 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low < fleet->conf->n_certs ? fleet_at(fleet, low) : NULL;
}

static const struct cert_facts *facts_at(uint32_t place, void *data)
{
	return &fleet_at(data, place)->facts;
}

/* Does none of its CAs let our account in? */
static void find_refusal(
	const struct fleet *fleet, const struct cert *cert, struct issuer *issuer)
{
	for (size_t i = cert->conf->n_cas; i-- > 0;) {
		const struct ca_conf *conf = cert_conf_nth_acme(fleet->conf, cert->conf, i);
		const struct acme_ca *ca = conf ? acme_ca_find(fleet->acme, conf, false) : NULL;

		issuer->refusal = NULL;
		if (!ca || !refusal_holds(ca))
			return;
		issuer->refusal = &ca->refusal;
		issuer->asked_again = refusal_again(ca);
	}
}

/* Whatever waits for the account is planned anew. */
void fleet_account_changed(struct fleet *fleet, const char *ca)
{
	for (size_t i = 0; i < fleet->conf->n_certs && !fleet->is_paused; i++) {
		struct cert *cert = fleet_at(fleet, i);

		for (size_t k = 0; k < cert->conf->n_cas; k++) {
			const struct ca_conf *conf =
				cert_conf_nth_acme(fleet->conf, cert->conf, k);

			if (conf && str_is(conf->name, ca))
				fleet_look(fleet, cert);
		}
	}
}

struct issuer fleet_issuer(const struct fleet *fleet, const struct cert *cert)
{
	struct issuer issuer = cert_issuer(
		cert->conf, fleet->conf, facts_at, (void *)(uintptr_t)fleet, clock_now());

	if (fleet->acme && fleet->acme->n_refused > 0)
		find_refusal(fleet, cert, &issuer);
	return issuer;
}

struct plan fleet_plan(const struct fleet *fleet, const struct cert *cert)
{
	struct issuer issuer = fleet_issuer(fleet, cert);

	return cert_plan(
		cert->conf, fleet->conf, &cert->facts, &issuer, clock_now(), &fleet->clock);
}

enum health fleet_health(
	const struct fleet *fleet, const struct cert *cert, const struct plan *plan)
{
	return cert_health(
		cert->conf, fleet->conf, &cert->facts, plan, cert->job != NULL, clock_now());
}

static void arm(struct fleet *fleet)
{
	struct heap_node *first = heap_first(&fleet->schedule);

	if (!first || fleet->is_paused)
		loop_timer_stop(fleet->loop, &fleet->timer);
	else
		loop_timer_at(fleet->loop, &fleet->timer, (struct instant){ first->key });
}

static void schedule(struct fleet *fleet, struct cert *cert, struct instant at)
{
	if (at.s == INT64_MAX)
		heap_remove(&fleet->schedule, &cert->look);
	else
		heap_set(&fleet->schedule, &cert->look, at.s);
}

static void look(struct fleet *fleet, struct cert *cert)
{
	struct instant now = clock_now(), again;
	struct plan plan = fleet_plan(fleet, cert);

	fleet->n_looks++;
	TELL(fleet, on_look, (follower, cert))
	again = remind(cert, &plan, now);
	if (plan.action != ACTION_SLEEP && plan.action != ACTION_WAIT && plan.at.s <= now.s) {
		if (!cert->job)
			TELL(fleet, on_due, (follower, cert, &plan))
	} else {
		again = instant_min(again, plan.at);
	}
	/* Whatever is due now is seen to; the next look lies in the future. */
	schedule(fleet, cert,
		again.s == INT64_MAX ? again
				     : instant_max(again, instant_add(now, SECONDS(1))));
}

void fleet_look(struct fleet *fleet, struct cert *cert)
{
	if (fleet->is_paused || cert->is_gone)
		return;
	look(fleet, cert);
	arm(fleet);
}

/*
 * While many are looked at, what is due only queues up, so that those go first that end first.
 * A crowd that takes several turns of the loop may hold the one that ends first in the last of
 * them.
 */
static void begin_gathering(struct fleet *fleet)
{
	TELL(fleet, on_gather, (follower, true))
}

static void end_gathering(struct fleet *fleet)
{
	struct heap_node *first = heap_first(&fleet->schedule);

	if (!first || first->key > clock_now().s)
		TELL(fleet, on_gather, (follower, false))
	arm(fleet);
}

static void look_all(struct fleet *fleet)
{
	begin_gathering(fleet);
	for (size_t i = 0; i < fleet->conf->n_certs; i++)
		look(fleet, fleet_at(fleet, i));
	end_gathering(fleet);
}

void fleet_look_all(struct fleet *fleet)
{
	if (!fleet->is_paused)
		look_all(fleet);
}

static void pass(struct timer *timer)
{
	struct fleet *fleet = CONTAINER_OF(timer, struct fleet, timer);
	struct heap_node *first;
	int64_t now = clock_now().s;

	fleet->last_pass = clock_tick();
	begin_gathering(fleet);
	for (int i = 0; i < LOOKS_A_TURN; i++) {
		first = heap_first(&fleet->schedule);
		if (!first || first->key > now)
			break;
		heap_remove(&fleet->schedule, first);
		look(fleet, CONTAINER_OF(first, struct cert, look));
	}
	end_gathering(fleet);
}

static void clock_was_set(void *data)
{
	struct fleet *fleet = data;

	log_event(NULL, EVENT_CLOCK_JUMPED, NULL, "the wall clock was set");
	TELL(fleet, on_clock_set, (follower))
	fleet_look_all(fleet);
}

void fleet_start(struct fleet *fleet)
{
	fleet->is_paused = false;
	loop_on_clock_set(fleet->loop, clock_was_set, fleet);
	look_all(fleet);
}

void fleet_pause(struct fleet *fleet)
{
	fleet->is_paused = true;
	arm(fleet);
}

void fleet_take_facts(struct fleet *fleet, struct cert_facts *facts)
{
	struct cert *cert = fleet_find(fleet, facts->cert);
	const uint32_t *dependents;
	struct version_id before;
	size_t n;

	if (!cert) {
		facts_done(facts);
		return;
	}
	before = cert->facts.curr.id;
	facts->held = cert->facts.held;
	facts->looked = cert->facts.looked;
	if (version_id_equal(&facts->revocation.of, &cert->facts.revocation.of))
		facts->revocation.failure = cert->facts.revocation.failure;
	facts_done(&cert->facts);
	cert->facts = *facts;
	*facts = (struct cert_facts){ 0 };
	TELL(fleet, on_facts, (follower, &cert->facts))
	if (fleet->is_paused)
		return;
	fleet_look(fleet, cert);
	if (version_id_equal(&before, &cert->facts.curr.id))
		return;
	dependents = fleet_dependents(fleet, cert->conf->place, &n);
	begin_gathering(fleet);
	for (size_t i = 0; i < n; i++)
		fleet_look(fleet, fleet_at(fleet, dependents[i]));
	end_gathering(fleet);
}

void fleet_hold(struct fleet *fleet, struct cert *cert)
{
	cert->facts.held = instant_add(clock_now(), PLAN_HOLD);
	fleet_look(fleet, cert);
}

bool fleet_let_go(struct cert *cert)
{
	bool was_held = instant_is_set(cert->facts.held);

	cert->facts.held = INSTANT_NONE;
	return was_held;
}

bool fleet_look_anew(struct cert *cert)
{
	bool has_failed = cert->facts.failure.code != ERR_NONE;

	for (size_t i = 0; i < cert->facts.n_targets; i++)
		has_failed |= cert->facts.targets[i].failure.code != ERR_NONE;
	cert->facts.looked = clock_now();
	return has_failed;
}

void fleet_release(struct fleet *fleet, struct cert *cert)
{
	cert->job = NULL;
	if (cert->is_gone)
		cert_free(cert);
	else
		fleet_look(fleet, cert);
}

void fleet_ask_tidy(const struct fleet *fleet, const struct cert *cert, struct task *task,
	struct keeper_op *op)
{
	keeper_request(op, REQUEST_tidy);
	line_add(&op->text, "cert", cert->conf->name);
	keeper_ask_soft(fleet->keeper, task, op);
}

void fleet_take_tidied(struct fleet *fleet, struct keeper_op *op)
{
	struct cert_facts facts;

	if (err_is_set(&op->err) || keeper_facts(op, &facts, &op->err) < 0)
		log_debug(NULL, "targets cannot be tidied: %s", op->err.text);
	else
		fleet_take_facts(fleet, &facts);
}

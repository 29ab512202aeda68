/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cert/renewal.h"
#include "daemon/cert/window.h"
#include "daemon/conf/conf.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/chain.h"
#include "tests/sim/sim.h"

/*
 * What must hold at every instant, whatever fails:
 *
 *   - what a server serves is one whole version: its key fits, its chain verifies, and no issuer in
 *     it ends before the leaf, so that it goes on verifying until the leaf ends
 *   - nothing that is served has ended, unless the scenario says that it could not be helped
 *   - the current version is never replaced by one that ends earlier
 *   - next becomes current in a window and at its age only, or first, late or forced
 *
 * Expensive looks are taken when the store or a server changed, so that years cost nothing.
 */

struct sim_watch {
	char *cert;
	struct version_facts curr;
};

/* A hook, a busy store and a restart lie between the decision and the moment the roll is seen. */
#define SLACK MINUTES(3)

/* `place`: where it was found before, unless certificates came or went. */
static struct sim_watch *watch_of(struct sim *sim, const char *cert, size_t place)
{
	if (place < sim->n_watches && str_is(sim->watches[place].cert, cert))
		return &sim->watches[place];
	for (size_t i = 0; i < sim->n_watches; i++)
		if (str_is(sim->watches[i].cert, cert))
			return &sim->watches[i];
	sim->watches = mem_grow(sim->watches, sim->n_watches + 1, sizeof(*sim->watches));
	sim->watches[sim->n_watches] = (struct sim_watch){ .cert = mem_strdup(cert) };
	return &sim->watches[sim->n_watches++];
}

void sim_check_done(struct sim *sim)
{
	for (size_t i = 0; i < sim->n_watches; i++)
		free(sim->watches[i].cert);
	free(sim->watches);
}

static bool was_open(const struct roll_conf *roll, struct instant now)
{
	struct instant open =
		window_next(roll->windows, roll->n_windows, instant_sub(now, SLACK));

	return open.s <= now.s;
}

static void check_roll(struct sim *sim, const struct cert_conf *conf,
	const struct version_facts *old, const struct version_facts *new)
{
	struct instant now = clock_now();

	if (!version_is_set(&old->id))
		return;
	if (!version_is_set(&new->id)) {
		sim_break(sim, "%s lost its current version", conf->name);
		return;
	}
	if (instant_before(new->not_after, old->not_after) && !sim->may_go_back)
		sim_break(sim, "%s went back in time", conf->name);
	/* Clients refuse the old one, so the new one waits for nothing. */
	if (version_is_early(old, now))
		return;
	if (sim->may_roll || renewal_late(old, renewal_moment(conf, old)).s <= now.s)
		return;
	if (instant_before(now, instant_add(new->created, conf->roll->min_age)))
		sim_break(sim, "%s rolled a version that is too young", conf->name);
	if (!was_open(conf->roll, now))
		sim_break(sim, "%s rolled outside its windows", conf->name);
}

static void look_at_store(struct sim *sim)
{
	const struct conf *conf = sim->server.conf;

	for (size_t i = 0; i < conf->n_certs; i++) {
		struct sim_watch *watch = watch_of(sim, conf->certs[i].name, i);
		struct cert_facts facts;
		struct err err;

		store_read(sim->store, watch->cert, &facts, &err);
		if (!version_id_equal(&facts.curr.id, &watch->curr.id))
			check_roll(sim, &conf->certs[i], &watch->curr, &facts.curr);
		watch->curr = facts.curr;
		facts_done(&facts);
	}
}

static void check_files(struct sim *sim, struct town_place *place, const struct chain *chain,
	const struct key *key)
{
	struct err err = ERR_INIT;

	place->ends = cert_not_after(chain->at[0]);
	if (!cert_has_key(chain->at[0], key))
		sim_break(sim, "%s serves %s with a wrong key", place->dir, place->cert);
	if (chain_verify(chain, NULL, clock_now(), &err) < 0)
		sim_break(sim, "%s serves %s: %s", place->dir, place->cert, err.text);
	for (size_t i = 1; i < chain->n; i++)
		if (instant_before(cert_not_after(chain->at[i]), place->ends))
			sim_break(sim, "%s serves %s longer than its issuer lasts", place->dir,
				place->cert);
}

static void look_at_place(struct sim *sim, struct town_place *place)
{
	const struct town_files *served = &place->served;
	struct chain chain AUTO_CHAIN = CHAIN_INIT;
	struct key *key AUTO_KEY = NULL;
	struct err err = ERR_INIT;

	place->n_seen = place->n_served;
	place->ends = INSTANT_NEVER;
	if (!version_is_set(&served->version) && sim->may_vanish)
		return;
	if (!version_is_set(&served->version))
		sim_break(sim, "%s serves nothing any more for %s", place->dir, place->cert);
	else if (chain_read(served->fullchain.data, served->fullchain.len, &chain, &err) < 0 ||
		 key_read(served->privkey.data, served->privkey.len, &key, &err) < 0)
		sim_break(sim, "%s serves %s: %s", place->dir, place->cert, err.text);
	else
		check_files(sim, place, &chain, key);
}

static void check_end(struct sim *sim, struct town_place *place)
{
	/* What left the configuration is nobody's duty, until it is served anew. */
	if (!conf_cert(sim->server.conf, place->cert))
		place->ends = INSTANT_NEVER;
	if (place->n_served == 0 || sim->may_expire || clock_now().s < place->ends.s)
		return;
	sim_break(sim, "%s serves %s, which has ended", place->dir, place->cert);
	place->ends = INSTANT_NEVER; /* once is enough */
}

void sim_check(struct sim *sim)
{
	if (sim->seen_store != store_memory_changes(sim->store))
		look_at_store(sim);
	sim->seen_store = store_memory_changes(sim->store);
	list_each(at, &sim->town.places) {
		struct town_place *place = LIST_OF(at, struct town_place, link);

		if (place->n_seen != place->n_served)
			look_at_place(sim, place);
		check_end(sim, place);
	}
}

static void expect_target(
	struct sim *sim, const struct cert *cert, const struct target_conf *target)
{
	const struct target_facts *known = facts_target(&cert->facts, target->name);
	const struct town_place *place = town_find(&sim->town, target->dir, cert->conf->name);
	const struct version_id *curr = &cert->facts.curr.id;

	if (!known || !version_id_equal(&known->confirmed, curr))
		sim_break(sim, "%s is not confirmed at %s", cert->conf->name, target->name);
	if (!place || !version_id_equal(&place->curr.version, curr) ||
		!version_id_equal(&place->served.version, curr))
		sim_break(sim, "%s does not serve the current version of %s", target->name,
			cert->conf->name);
	else if (place->has_old)
		sim_break(sim, "%s still keeps the files from before of %s", target->name,
			cert->conf->name);
}

static void expect_cert(struct sim *sim, const struct cert *cert)
{
	struct plan plan = fleet_plan(sim->world.fleet, cert);
	enum health health = fleet_health(sim->world.fleet, cert, &plan);

	if (!cert->conf->is_active)
		return;
	if (health != HEALTH_OK && health != HEALTH_WAITING)
		sim_break(sim, "%s is %s: %s", cert->conf->name, health_text(health),
			why_sentence(plan.why));
	for (size_t i = 0; i < cert->conf->n_targets; i++)
		expect_target(
			sim, cert, &sim->world.fleet->conf->targets[cert->conf->targets[i]]);
}

void sim_expect_settled(struct sim *sim)
{
	const struct fleet *fleet = sim->world.fleet;

	if (!sim->world.is_ready || sim_jobs(sim) > 0) {
		sim_break(sim, "work is going on");
		return;
	}
	if (sim->town.n_published != sim->town.n_withdrawn)
		sim_break(sim, "%u challenges were published, %u withdrawn",
			sim->town.n_published, sim->town.n_withdrawn);
	for (size_t i = 0; i < sim->n_acmes; i++)
		fake_acme_settle(sim->acmes[i]);
	for (size_t i = 0; i < fleet->conf->n_certs; i++) {
		struct cert *cert = fleet->certs[i];
		struct cert_facts stored;
		struct err err;

		expect_cert(sim, cert);
		/* What the engine believes is what lies in the store. */
		store_read(sim->store, cert->conf->name, &stored, &err);
		if (!version_id_equal(&stored.curr.id, &cert->facts.curr.id) ||
			!version_id_equal(&stored.next.id, &cert->facts.next.id))
			sim_break(sim, "engine and store disagree about %s", cert->conf->name);
		facts_done(&stored);
	}
}

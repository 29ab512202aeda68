/* SPDX-License-Identifier: MIT */
#include "daemon/job/lane.h"

#include <stdlib.h>

#include "daemon/cert/ca_choice.h"
#include "daemon/conf/conf.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/key.h"

/* The key of a queue: seconds, below them a counter that keeps equals in order. */
enum { DUE_SHIFT = 20 };
#define DUE_MAX_S (INT64_MAX >> (DUE_SHIFT + 1))

static void lane_init(struct runner *runner, struct lane *lane, size_t max)
{
	lane->max = max;
	list_append(&runner->lanes, &lane->link);
}

void lanes_init(struct runner *runner)
{
	list_init(&runner->lanes);
	lane_init(runner, &runner->quick, RUNNER_QUICK_MAX);
	lane_init(runner, &runner->slow, RUNNER_SLOW_MAX);
}

void lanes_done(struct runner *runner)
{
	list_each_safe(at, &runner->lanes) {
		struct lane *lane = LIST_OF(at, struct lane, link);

		heap_done(&lane->due);
		if (!lane->ca)
			continue;
		free(lane->ca);
		free(lane);
	}
}

/* Lanes stay as long as the runner: there are no more than names of CAs. */
static struct lane *acme_lane(struct runner *runner, const struct ca_conf *ca)
{
	struct lane *lane = NULL;

	list_each(at, &runner->lanes) {
		struct lane *other = LIST_OF(at, struct lane, link);

		if (other->ca && str_is(other->ca, ca->name))
			lane = other;
	}
	if (!lane) {
		lane = mem_new(struct lane);
		lane->ca = mem_strdup(ca->name);
		lane_init(runner, lane, 0);
	}
	lane->max = ca->acme->in_flight + RUNNER_PARKED_MAX;
	return lane;
}

struct lane *lane_of(struct runner *runner, enum job_kind kind, const struct cert *cert)
{
	struct issuer issuer;
	const struct ca_conf *ca;

	if (kind != JOB_ISSUE)
		return &runner->quick;
	issuer = fleet_issuer(runner->fleet, cert);
	ca = ca_to_order_from(cert->conf, runner->fleet->conf, &cert->facts, &issuer);
	if (ca)
		return acme_lane(runner, ca);
	return key_is_slow(cert->conf->key) ? &runner->slow : &runner->quick;
}

bool lane_has_room(const struct runner *runner, const struct lane *lane)
{
	size_t max = lane->ca && clock_is_doubted(&runner->fleet->clock) ? 1 : lane->max;

	return lane->n < max;
}

void runner_forget(struct cert *cert)
{
	if (cert->due_in)
		heap_remove(&cert->due_in->due, &cert->due);
	cert->due_in = NULL;
}

/*
 * The certificate that ends first goes first, and of those that end together the one that came
 * first.  A certificate that waits here already keeps its turn unless it became more urgent.
 */
void lane_queue(struct runner *runner, struct lane *lane, struct cert *cert, enum action action)
{
	struct instant ends = cert_deadline(&cert->facts, action, clock_now());
	int64_t s =
		instant_max(instant_min(ends, (struct instant){ DUE_MAX_S }), INSTANT_NONE).s;
	int64_t key = s << DUE_SHIFT | (runner->n_queued++ & ((1 << DUE_SHIFT) - 1));

	if (cert->due_in != lane)
		runner_forget(cert);
	else if (cert->due.key <= key)
		return;
	cert->due_in = lane;
	heap_set(&lane->due, &cert->due, key);
}

/* SPDX-License-Identifier: MIT */
#include "daemon/dns/watch/propagation.h"

#include <stdlib.h>

#include "daemon/conf/conf.h"
#include "daemon/dns/watch/poller.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"

static void leave(struct op *op)
{
	poller_leave(CONTAINER_OF(op, struct propagation, op));
	op_end(op, NULL);
}

/* The time that publishing took counts, too. */
static struct duration deadline_left(struct duration deadline, struct instant asked)
{
	struct duration spent =
		instant_is_set(asked) ? instant_since(clock_now(), asked) : SECONDS(0);

	deadline.s -= spent.s > 0 ? spent.s : 0;
	return duration_max(deadline, SECONDS(1));
}

void propagation_wait(struct zones *zones, struct task *task, struct propagation *propagation,
	const struct propagation_args *args)
{
	const struct dns_conf *conf = &zones->conf->dns;

	propagation_done(propagation);
	*propagation = (struct propagation){ .single_round = args->single_round,
		.skip_extras = args->skip_extras,
		.told = args->told,
		.data = args->data,
		.policy = {
			.extra_required = conf->extra_required,
			.delay = conf->check_delay,
			.deadline = deadline_left(conf->deadline, args->asked),
			.published = clock_now(),
			.expires = args->expires,
		} };
	propagation->owner = mem_strdup(args->owner);
	propagation->value = args->value ? mem_strdup(args->value) : NULL;
	propagation->keeper_zone = args->zone ? mem_strdup(args->zone) : NULL;
	propagation->about = mem_strdup(args->about ? args->about : args->owner);
	propagation->name = args->name ? mem_strdup(args->name) : NULL;
	op_begin(&propagation->op, task, leave);
	if (zones->is_stopping) {
		err_set(&propagation->err, ERR_CANCELLED, "the daemon stops");
		op_end(&propagation->op, NULL);
		return;
	}
	propagation->zone = zone_of(zones, args->apex);
	poller_join(propagation, args->type);
}

void propagation_done(struct propagation *propagation)
{
	zone_release(mem_take(&propagation->zone));
	free(mem_take(&propagation->states));
	free(mem_take(&propagation->servers));
	free(mem_take(&propagation->owner));
	free(mem_take(&propagation->value));
	free(mem_take(&propagation->keeper_zone));
	free(mem_take(&propagation->about));
	free(mem_take(&propagation->name));
	propagation->n = 0;
}

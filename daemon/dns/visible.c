#include "daemon/dns/visible.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/dns/lookout.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/log/log.h"

static void leave(struct op *op)
{
	lookout_leave(CONTAINER_OF(op, struct visible, op));
	op_end(op, NULL);
}

void visible_wait(struct zones *zones, struct task *task, struct visible *visible,
	const struct visible_args *args)
{
	const struct dns_conf *conf = &zones->conf->dns;

	visible_done(visible);
	*visible = (struct visible){ .once = args->once,
		.spares_extras = args->spares_extras,
		.told = args->told,
		.data = args->data,
		.policy = {
			.extra_required = conf->extra_required,
			.delay = conf->check_delay,
			.deadline = conf->deadline,
			.published = clock_now(),
			.expires = args->expires,
		} };
	visible->owner = mem_strdup(args->owner);
	visible->value = args->value ? mem_strdup(args->value) : NULL;
	visible->keeper_zone = args->zone ? mem_strdup(args->zone) : NULL;
	visible->about = mem_strdup(args->about ? args->about : args->owner);
	op_begin(&visible->op, task, leave);
	if (zones->is_stopping) {
		err_set(&visible->err, ERR_CANCELLED, "the daemon stops");
		op_end(&visible->op, NULL);
		return;
	}
	visible->zone = zone_of(zones, args->apex);
	lookout_join(visible, args->type);
}

void visible_done(struct visible *visible)
{
	zone_release(mem_take(&visible->zone));
	free(mem_take(&visible->witnesses));
	free(mem_take(&visible->servers));
	free(mem_take(&visible->owner));
	free(mem_take(&visible->value));
	free(mem_take(&visible->keeper_zone));
	free(mem_take(&visible->about));
	visible->n = 0;
}

void visible_tell(const struct visible *visible, struct buf *out)
{
	if (visible->n == 0)
		buf_printf(out, "the name servers of %s are being looked for",
			visible->zone ? visible->zone->apex : visible->owner);
	else
		evidence_tell(visible->witnesses, visible->n, clock_now(), out);
}

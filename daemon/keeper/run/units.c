/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/run/units.h"

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/bus/bus.h"
#include "lib/log/log.h"

void units_init(struct units *units, struct loop *loop, bool is_off)
{
	*units = (struct units){ .loop = loop, .is_off = is_off };
}

void units_done(struct units *units)
{
	bus_close(units->bus);
	units->bus = NULL;
}

static void lost(void *data)
{
	log_debug(NULL, "the system bus is gone");
	units_done(data);
}

struct bus *units_bus(struct units *units, struct err *err)
{
	if (units->bus)
		return units->bus;
	if (units->is_off || !bus_is_booted()) {
		err_set(err, ERR_UNIT_FAILED,
			"there is no system bus, because systemd does not run "
			"here; reload with a command instead");
		return NULL;
	}
	return bus_open(units->loop, lost, units, &units->bus, err) < 0 ? NULL : units->bus;
}

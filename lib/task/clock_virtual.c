/* SPDX-License-Identifier: MIT */
#include "lib/task/clock_virtual.h"

#include "lib/base/clock.h"
#include "lib/task/loop_virtual.h"

struct virtual_clocks virtual_clocks;

struct instant clock_now(void)
{
	/* Rounded down, also before 1970. */
	return (struct instant){ virtual_clocks.wall / 1000 -
				 (virtual_clocks.wall % 1000 < 0) };
}

struct tick clock_tick(void)
{
	return (struct tick){ virtual_clocks.boot };
}

bool clock_is_synced(void)
{
	return !virtual_clocks.is_unsynced;
}

void virtual_synced(bool is_synced)
{
	virtual_clocks.is_unsynced = !is_synced;
}

void virtual_start(struct instant wall)
{
	virtual_clocks = (struct virtual_clocks){ .wall = wall.s * 1000, .boot = 1000000 };
}

void virtual_suspend(struct duration d)
{
	virtual_clocks.wall += d.s * 1000;
	virtual_clocks.boot += d.s * 1000;
}

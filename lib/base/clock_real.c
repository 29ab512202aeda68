/* SPDX-License-Identifier: MIT */
#include "lib/base/clock.h"

#include <time.h>

struct instant clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct instant){ ts.tv_sec };
}

struct tick clock_tick(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (struct tick){ (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 };
}

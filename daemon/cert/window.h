/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CERT_WINDOW_H
#define CERTD_DAEMON_CERT_WINDOW_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/instant.h"

struct window;

/*
 * A window is a weekly stretch of local time in which rolls and reloads may happen.
 *
 * Each opening is computed from its own calendar day with mktime(), so a window that says 02:00
 * opens at 02:00 on the clock on both sides of a change to or from summer time; one whose hours
 * are skipped by such a change does not open that day.  No windows at all means always open.
 * The time zone is that of the process.
 */

bool window_is_open(const struct window *windows, size_t n, struct instant at);

/*
 * The first moment at or after `from` that lies in a window; INSTANT_NEVER when none opens within
 * five weeks.
 */
struct instant window_next(const struct window *windows, size_t n, struct instant from);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CONF_CURVE_H
#define CERTD_DAEMON_CONF_CURVE_H

#include "lib/base/instant.h"

struct renew_conf;

/*
 * The renewal curve (contract, `renew.curve`): how much of a life is left when it is renewed.
 * Linear between the points; outside them the share of the nearest point; a half without any.
 *
 * It is arithmetic without memory or I/O, so the plan renews by it and the check of the
 * configuration warns by it: both link this one object.
 */
struct duration renew_conf_left(const struct renew_conf *renew, struct duration life);

#endif

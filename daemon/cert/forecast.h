/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CERT_FORECAST_H
#define CERTD_DAEMON_CERT_FORECAST_H

#include "daemon/cert/plan.h"

/*
 * A forecast is what will happen: the real plan on a virtual clock, for `certctl plan`.
 *
 * All certificates run together.  Whenever an action of cert_plan() is due, its effect is
 * assumed to succeed at once (issue: a next version as the CA would make it; roll: next becomes
 * curr; deploy: the target has confirmed), it is told, and the certificate is asked again; when
 * a CA certificate rolls, those that it signs are asked again too.  So the next event agrees
 * with reality to the second, and later ones as far as work takes no time and nothing fails.
 * The facts passed in stay as they are.  A forecast runs in a child or a test, never in the
 * loop.
 */

struct forecast_event {
	struct instant at;
	const struct cert_conf *cert;
	enum action action;
	enum why why;
	const char *target; /* ACTION_DEPLOY */
};

struct forecast {
	const struct conf *conf;
	const struct cert_facts *const
		*facts;     /* by place in conf->certs; NULL: nothing known */
	const bool *wanted; /* by place, NULL: all; what signs them runs along, untold */
	struct instant now, until;
	const struct clock_verdict *clock; /* NULL: it is trusted */
	size_t max_steps;                  /* bounds the run */
	void (*tell)(const struct forecast_event *event, void *data);
	void *data;
};

/* Tells the events in order of time.  False when max_steps ended it before `until`. */
bool forecast_run(const struct forecast *forecast);

#endif

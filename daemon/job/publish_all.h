/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_JOB_PUBLISH_ALL_H
#define CERTD_DAEMON_JOB_PUBLISH_ALL_H

#include "daemon/job/job.h"
#include "lib/base/map.h"

/*
 * Publishing what DNS should say in some zones, whatever else is done about their certificates:
 * in those that were taken, or in all, those that only aliases lead to among them: the zones
 * that the configuration tells by their names, and those of certificates that go by its entry
 * `default`.  The job has no certificate.
 *
 * The keeper is asked about some side by side, because each takes its time to gather and to
 * refresh.  A zone that fails does not stop the others; the first failure is the job's.
 */

#define PUBLISH_ABOUT "all zones"
#define PUBLISH_SIDE_BY_SIDE 64

struct publish_all {
	struct job job;
	char *about;        /* whom it is for, when not for all */
	struct map by_name; /* of the zones below */
	char **zones;
	size_t n, size, at;
	size_t at_cert;
	struct keeper_op asks[PUBLISH_SIDE_BY_SIDE];
	size_t n_asks, n_failed;
	struct sleep_op pause;
};

/* Is there any zone that can be published? */
bool publish_all_can(const struct conf *conf);

/* `about`: which certificates they are of, copied; NULL: all zones there are. */
struct publish_all *publish_all_new(const char *about);
void publish_all_take(struct publish_all *all, const char *zone); /* each once; copied */

/* Starts it and takes it over, or frees it: NULL with ERR_BUSY while another job does the same. */
struct job *publish_all_start(struct runner *runner, struct publish_all *all, struct err *err);

/* Frees one that was not started. */
void publish_all_free(struct publish_all *all);

#endif

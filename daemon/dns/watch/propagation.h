/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_WATCH_PROPAGATION_H
#define CERTD_DAEMON_DNS_WATCH_PROPAGATION_H

#include "daemon/dns/resolve/survey.h"
#include "daemon/dns/resolve/zones.h"
#include "daemon/dns/watch/evidence.h"
#include "lib/base/err.h"

/*
 * A propagation waits until all name servers of a zone show a record, and the extra ones after
 * them.
 *
 *	propagation_wait(zones, task, &o->propagation, &args);
 *	JOIN() ... o->propagation.err, o->propagation.states[0..n)
 *
 * Answers alone are evidence.  Waits for the same owner and type share a poller: it asks every
 * address that is due once a round and gives each wait the answers; evidence.h judges each wait
 * by its own value and times.  The poller ends with its last wait.
 *
 * The wait ends without an error when the value counts as seen; with ERR_NOT_VISIBLE and the
 * evidence in the sentence at the deadline; with ERR_DNS when the zone's servers were not found
 * until then.  When every server that answers has been without the value for a minute, the
 * keeper is asked to publish the zone again, and once more later: a publisher's exit status
 * proves nothing.
 *
 * With `single_round` every address is asked once, extras included unless skip_extras is set,
 * and the wait ends behind it.
 */

struct poller;

struct propagation_args {
	const char *apex, *owner; /* as trace.h found them; copied */
	uint16_t type;
	const char *value; /* of TXT records; NULL: whatever is there; copied */
	const char
		*zone; /* as the keeper calls it, for publishing again; NULL: never; copied */
	const char *about; /* for the log: a certificate; copied */
	const char *
		name; /* the certificate's name that it is for, "*." included; or NULL; copied */
	struct instant expires; /* of the authorization; unset: never */
	struct instant asked;   /* since when dns.deadline runs; unset: now */
	bool single_round, skip_extras;
	void (*told)(
		void *data, const struct server_state *state); /* each answer; may be NULL */
	void *data;
};

struct propagation {
	struct op op;
	struct list link; /* in the poller */
	struct zone *zone;
	struct poller *poller;
	char *owner, *value, *keeper_zone, *about, *name;
	bool single_round, skip_extras;
	void (*told)(void *data, const struct server_state *state);
	void *data;
	struct evidence_policy policy;
	struct server_state *states;
	struct name_server *servers; /* the servers of the states */
	size_t n;
	unsigned n_surveys, rounds; /* the survey that the states are made of; rounds asked */
	struct judgement judgement;
	struct instant unpublished; /* since when no server shows it */
	bool is_slow;               /* the log has that it takes long, */
	bool is_unserved;           /* or that no server is found */
	struct err err;             /* not the task's */
};

void propagation_wait(struct zones *zones, struct task *task, struct propagation *propagation,
	const struct propagation_args *args);
void propagation_done(struct propagation *propagation); /* zeroed is fine */

/* Appends the evidence as a sentence of `room` octets or a bit more (evidence_describe()). */
void propagation_describe(const struct propagation *propagation, size_t room, struct buf *out);

/* The value of a wait at this owner, valid until the loop runs again; or NULL. */
const char *propagation_wanted(
	struct zones *zones, const char *apex, const char *owner, uint16_t type);

/* For zones_stop(). */
void pollers_stop(struct zone *zone);

#endif

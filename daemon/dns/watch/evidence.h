/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_WATCH_EVIDENCE_H
#define CERTD_DAEMON_DNS_WATCH_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/dns/resolve/server_role.h"
#include "lib/base/instant.h"

struct buf;

/*
 * Evidence is what each address of a zone's name servers was seen to say, and what follows from
 * it.  Pure.
 *
 * A server state is one address in one role.  The caller owns the states, asks those for which
 * server_state_is_due() holds, fills in the answer and calls server_state_note().  After each
 * round evidence_judge() decides whether the record counts as seen, and if not when to look
 * again; evidence_describe() says it for people.  "To match" is what the caller waits for: that
 * the value is there, or, for a withdrawal, that it is not.  Where no value is awaited,
 * evidence_compare() compares the answers of one round.
 *
 * The rules, for challenges:
 *   - content decides, serial numbers only explain;
 *   - every authoritative address and the configured primary must match.  One whose last
 *     proper answer was without the value blocks, even if it is silent since: a CA that asks
 *     it next may get that answer;
 *   - one that does not answer properly (silent, refuses, fails, is lame, or was configured
 *     by a name without address), and never did or matched when it did, blocks for
 *     SILENT_ROUNDS rounds only, and only as long as one of the zone's name servers (not a
 *     hidden primary, unless it is all there is) matches: a CA asks others then.  One that
 *     this machine has no route to does not block even so long;
 *   - one that is marked as anycast, or that matched and then answered without the value (it
 *     wavers), must match STREAK times in a row;
 *   - extras are asked only once all of these agree, since their caches remember what was not
 *     there, and wait again when these contradict later.  One that answers without the value
 *     blocks if extras are required, and is asked again when the TTL it gave is over, or after
 *     EXTRA_PAUSE_S; one that is silent for SILENT_ROUNDS rounds does not; a match stays.
 *     Extras that are not required are asked once and block no more;
 *   - with none of the zone's own servers to ask, extras are asked after the delay, and
 *     without them the record counts as seen then;
 *   - at the deadline, or five minutes before the authorization ends, what is not seen is
 *     late.
 */

enum { SILENT_ROUNDS = 3, STREAK = 3, EXTRA_PAUSE_S = 60 };

enum observation {
#define OBSERVATION(id, word, help) OBSERVED_##id,
#include "proto/observations.def"
#undef OBSERVATION
	OBSERVATION_COUNT,
};

struct server_state {
	const char *address; /* "192.0.2.53", with a port when it is not 53; the caller's */
	const char *server;  /* "ns2.example.net", "" or NULL */
	enum server_role role;
	bool is_listed; /* a primary that is one of the NS records, too */
	bool is_anycast;
	enum observation observation; /* of the last round it was asked in */
	enum observation proper;      /* the last proper answer; UNASKED: none */
	bool has_wavered;             /* it matched, and then answered without the value */
	bool is_compared, agrees;     /* by evidence_compare() */
	bool has_serial;
	uint32_t serial, ttl,
		negative_ttl; /* of the last proper answer; the caller's to fill */
	uint64_t content; /* the same for equal sets of records, in whatever order; 0: none */
	int64_t rtt_ms;   /* of the last answer; < 0: there was none */
	unsigned asked, silent,
		streak;             /* rounds; since the last proper answer; matches in a row */
	struct instant since, last; /* when what it says began, last asked */
	char said[96]; /* the values it shows instead, for people: "\"abc\", \"def\"" */
};

struct evidence_policy {
	bool extra_required;
	struct duration delay, deadline;   /* counted from `published` */
	struct instant published, expires; /* `expires`: of the authorization; unset: never */
};

enum verdict { VERDICT_WAIT, VERDICT_SEEN, VERDICT_LATE };

struct judgement {
	enum verdict verdict;
	bool ask_extras;      /* they are to be asked in the next round */
	bool is_unpublished;  /* all of the zone's own that answer lack it: nothing was done */
	struct instant again; /* VERDICT_WAIT: the next round; never behind the deadline */
};

/* Counts one round.  `observation` is not UNASKED. */
void server_state_note(
	struct server_state *state, enum observation observation, struct instant now);

/* Is it an answer of a server that has the zone, with or without the value? */
bool observation_is_proper(enum observation observation);

/* `round`: how many rounds were asked so far (0: none yet). */
struct judgement evidence_judge(const struct server_state *states, size_t n, unsigned round,
	const struct evidence_policy *policy, struct instant now);

/*
 * Is it the deadline, or too near to the end of the authorization?  For the time before there
 * are states.
 */
bool evidence_is_late(const struct evidence_policy *policy, struct instant now);

/*
 * Is this one to be asked in this round?  An extra that matched, or whose TTL still runs, is
 * not, and none of the others that matched a moment ago.
 */
bool server_state_is_due(const struct server_state *state, const struct judgement *judgement,
	struct instant now);

/*
 * Judges each state without an awaited value, by the newest version of the zone that one of its
 * own servers shows, in serial arithmetic: that of the primary, or of the first, when others
 * are not newer.  Without own servers the first extra is the measure.  A server that shows the
 * same agrees, and its observation stays MATCH, or that there is nothing; others are OLDER,
 * OTHER, NODATA or NXDOMAIN.
 */
void evidence_compare(struct server_state *states, size_t n);

/*
 * The observation of state `i` in the light of the others: OLDER when its serial is behind
 * theirs.
 */
enum observation evidence_observation(const struct server_state *states, size_t n, size_t i);

/* The octets of a sentence that has the text to itself. */
#define EVIDENCE_ROOM 340

/*
 * One sentence without a final stop: "192.0.2.53 (ns2.example.net) answers without the record
 * since 10:15:07Z, its serial is behind by 1; 192.0.2.54 is silent since 10:15:07Z; 2 of 4
 * show it".  The most telling first, at most three named, and whole ones only: as many as there is
 * `room` for, in octets, but always one.
 */
void evidence_describe(const struct server_state *states, size_t n, struct instant now,
	size_t room, struct buf *out);

/*
 * The same for servers without a proper answer, where none has a record: "192.0.2.54 is silent
 * since 10:15:07Z; 2 of 3 answer".
 */
void evidence_describe_silent(const struct server_state *states, size_t n, struct instant now,
	size_t room, struct buf *out);

/*
 * Where and after what time the record counted as seen: "is seen at 2 of 3 addresses after 8s;
 * the others do not count: 192.0.2.54 is silent since 10:15:07Z".
 */
void evidence_describe_seen(const struct server_state *states, size_t n, struct duration took,
	struct instant now, struct buf *out);

/* The wait before round `n` (0: the first), in seconds: 3 5 8 13 20 30, then 60. */
int64_t evidence_ramp_s(unsigned n);

const char *observation_text(enum observation observation);

#endif

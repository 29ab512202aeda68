/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CERT_CLOCK_JUDGE_H
#define CERTD_DAEMON_CERT_CLOCK_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/instant.h"

/*
 * The judge of the clock decides whether the wall clock can be trusted: one pure function from
 * all evidence to a verdict, which is an argument of the plan.
 *
 * The clock of a CA, by the Date of its answers, is one vote; the kernel's word that its clock
 * is synchronised is one vote for it.  The clock is doubted when more CAs contradict it than
 * votes speak for it.  Without any vote for it, it is also doubted when it lies before a stored
 * or issued moment, and for the first minutes when it lies far beyond it: a CA that is asked
 * meanwhile decides.  A store that lies in the future may be the work of a clock that was
 * ahead, so it alone is believed for CLOCK_STORED_S only.
 *
 * While the clock is doubted the plan acts only on what is due by both times; see cert_plan().
 */

/* Up to here clocks may differ: CAs backdate by it, time zones are set wrong by it. */
#define CLOCK_FAR HOURS(1)

enum {
	CLOCK_STORED_S = 60 * 60,
	CLOCK_GAP_S = 30 * 24 * 60 * 60, /* nothing was stored for so long */
	CLOCK_START_S = 10 * 60,
};

/* The program is younger: 2026-01-01. */
#define CLOCK_FLOOR ((struct instant){ 1767225600 })

struct clock_witness {
	const char *name;      /* of a CA */
	struct duration ahead; /* its clock before ours, now */
};

struct clock_evidence {
	struct instant now;
	const struct clock_witness *states;
	size_t n_states;
	bool is_synced;        /* the kernel's word */
	struct instant stored; /* the latest moment in the store; NONE: it is empty */
	struct instant
		issued; /* the latest notBefore that a CA with a clock of its own wrote */
	struct duration running;    /* since the start of the daemon */
	struct duration before_for; /* for how long `now` has been before `stored` */
};

enum clock_doubt {
	CLOCK_TRUSTED,
	CLOCK_CONTRADICTED, /* by CAs */
	CLOCK_BEFORE_FLOOR, /* of this program */
	CLOCK_BEFORE_ISSUED,
	CLOCK_BEFORE_STORED,
	CLOCK_AFTER_GAP,
};

struct clock_verdict {
	enum clock_doubt doubt;
	struct duration ahead; /* of the other time that it may be, before ours */
	char text[200]; /* the evidence, a sentence without its full stop; "" when trusted */
};

static inline bool clock_is_doubted(const struct clock_verdict *verdict)
{
	return verdict && verdict->doubt != CLOCK_TRUSTED;
}

/* The other time that it may be. */
struct instant clock_other(const struct clock_verdict *verdict, struct instant now);

/* Does the evidence say that ours is before what was stored, so that before_for counts? */
bool clock_is_before_stored(const struct clock_evidence *evidence);

void clock_judge(const struct clock_evidence *evidence, struct clock_verdict *out);

#endif

/* SPDX-License-Identifier: MIT */
#include "daemon/cert/clock_judge.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/attr.h"

static bool is_far(struct duration ahead)
{
	return ahead.s > CLOCK_FAR.s || ahead.s < -CLOCK_FAR.s;
}

struct instant clock_other(const struct clock_verdict *verdict, struct instant now)
{
	return instant_add(now, verdict->ahead);
}

static bool is_before(const struct clock_evidence *evidence, struct instant moment)
{
	return instant_before(instant_add(evidence->now, CLOCK_FAR), moment);
}

bool clock_is_before_stored(const struct clock_evidence *evidence)
{
	return is_before(evidence, evidence->stored);
}

static void doubt(struct clock_verdict *out, enum clock_doubt doubt,
	const struct clock_evidence *evidence, struct instant other, const char *fmt, ...)
	PRINTF(5, 6);
static void doubt(struct clock_verdict *out, enum clock_doubt doubt,
	const struct clock_evidence *evidence, struct instant other, const char *fmt, ...)
{
	va_list ap;

	out->doubt = doubt;
	out->ahead = instant_since(other, evidence->now);
	va_start(ap, fmt);
	vsnprintf(out->text, sizeof(out->text), fmt, ap);
	va_end(ap);
}

/*
 * The CA in the middle of those that contradict, so that one that is wrong by years does not
 * decide.
 */
static const struct clock_witness *middle_of_far(
	const struct clock_evidence *evidence, size_t n_far)
{
	const struct clock_witness *middle = NULL;

	for (size_t i = 0; i < evidence->n_states; i++) {
		const struct clock_witness *ca = &evidence->states[i];
		size_t below = 0, equal = 0;

		if (!is_far(ca->ahead))
			continue;
		for (size_t k = 0; k < evidence->n_states; k++) {
			struct duration other = evidence->states[k].ahead;

			below += is_far(other) && other.s < ca->ahead.s;
			equal += is_far(other) && other.s == ca->ahead.s;
		}
		if (below <= n_far / 2 && n_far / 2 < below + equal)
			middle = ca;
	}
	return middle;
}

static void contradict(
	const struct clock_evidence *evidence, size_t n_far, struct clock_verdict *out)
{
	const struct clock_witness *ca = middle_of_far(evidence, n_far);
	struct instant other = instant_add(evidence->now, ca->ahead);
	int64_t s = ca->ahead.s < 0 ? -ca->ahead.s : ca->ahead.s;
	char at[INSTANT_TEXT_LEN], by[DURATION_TEXT_LEN];

	doubt(out, CLOCK_CONTRADICTED, evidence, other,
		"it is %s %s that of the CA %.60s, which says %s",
		duration_brief(SECONDS(s), by), ca->ahead.s < 0 ? "ahead of" : "behind",
		ca->name, instant_text(other, at));
}

/* Nothing speaks for the clock: what is known of the past. */
static void judge_past(const struct clock_evidence *evidence, struct clock_verdict *out)
{
	struct instant stored = evidence->stored, issued = evidence->issued;
	struct instant known = instant_max(instant_max(stored, issued), CLOCK_FLOOR);
	char at[INSTANT_TEXT_LEN];

	if (instant_before(evidence->now, CLOCK_FLOOR))
		doubt(out, CLOCK_BEFORE_FLOOR, evidence, known,
			"it shows a time at which this program did not exist");
	else if (is_before(evidence, issued))
		doubt(out, CLOCK_BEFORE_ISSUED, evidence, known,
			"a CA has issued a version that begins at %s",
			instant_text(issued, at));
	else if (clock_is_before_stored(evidence) && evidence->before_for.s < CLOCK_STORED_S)
		doubt(out, CLOCK_BEFORE_STORED, evidence, known,
			"something was stored at %s already", instant_text(stored, at));
	else if (instant_is_set(stored) && evidence->running.s < CLOCK_START_S &&
		 instant_since(evidence->now, stored).s > CLOCK_GAP_S)
		doubt(out, CLOCK_AFTER_GAP, evidence, stored,
			"nothing was stored since %s, and neither a CA nor the kernel has "
			"confirmed the time since the start",
			instant_text(stored, at));
}

void clock_judge(const struct clock_evidence *evidence, struct clock_verdict *out)
{
	size_t n_far = 0, n_for;

	*out = (struct clock_verdict){ .doubt = CLOCK_TRUSTED };
	for (size_t i = 0; i < evidence->n_states; i++)
		n_far += is_far(evidence->states[i].ahead);
	n_for = evidence->n_states - n_far + evidence->is_synced;
	if (n_far > n_for)
		contradict(evidence, n_far, out);
	else if (n_for == 0)
		judge_past(evidence, out);
}

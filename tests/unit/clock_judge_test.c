/* SPDX-License-Identifier: MIT */
#include "daemon/cert/clock_judge.h"

#include <string.h>

#include "lib/base/attr.h"
#include "tests/test.h"

/* The verdict on the clock, from each kind of evidence and from kinds that contradict each other. */

#define T0 INT64_C(1795256100) /* 2026-11-21T10:15:00Z */

enum { DAY = 86400, HOUR = 3600, NONE = INT32_MAX };

TEST(all_evidence_is_weighed)
{
	static const struct {
		const char *name;
		int64_t cas[3]; /* ahead of ours; NONE: no such CA */
		bool is_synced;
		int64_t stored, issued; /* from ours; NONE: nothing */
		int64_t running, before_for;
		enum clock_doubt want;
		int64_t ahead;
	} rows[] = {
		{ "nothing known", { NONE, NONE, NONE }, false, NONE, NONE, 0, 0, CLOCK_TRUSTED,
			0 },
		{ "a CA agrees", { 60, NONE, NONE }, false, NONE, NONE, 0, 0, CLOCK_TRUSTED,
			0 },
		{ "within an hour", { HOUR, -HOUR, NONE }, false, NONE, NONE, 0, 0,
			CLOCK_TRUSTED, 0 },
		{ "80 days ahead of a CA", { -80 * DAY, NONE, NONE }, false, NONE, NONE, 0, 0,
			CLOCK_CONTRADICTED, -80 * DAY },
		{ "80 days behind it", { 80 * DAY, NONE, NONE }, false, NONE, NONE, 0, 0,
			CLOCK_CONTRADICTED, 80 * DAY },
		{ "one CA against the kernel", { 80 * DAY, NONE, NONE }, true, NONE, NONE, 0, 0,
			CLOCK_TRUSTED, 0 },
		{ "two CAs against the kernel", { 80 * DAY, 80 * DAY, NONE }, true, NONE, NONE,
			0, 0, CLOCK_CONTRADICTED, 80 * DAY },
		{ "one CA against another", { 80 * DAY, 0, NONE }, false, NONE, NONE, 0, 0,
			CLOCK_TRUSTED, 0 },
		{ "two against one", { 80 * DAY, 0, 80 * DAY }, false, NONE, NONE, 0, 0,
			CLOCK_CONTRADICTED, 80 * DAY },
		{ "the middle of three", { 80 * DAY, 9999 * DAY, 81 * DAY }, false, NONE, NONE,
			0, 0, CLOCK_CONTRADICTED, 81 * DAY },
		{ "before what was stored", { NONE, NONE, NONE }, false, 2 * HOUR, NONE, 0, 0,
			CLOCK_BEFORE_STORED, 2 * HOUR },
		{ "the same, for long", { NONE, NONE, NONE }, false, 2 * HOUR, NONE, 0, HOUR,
			CLOCK_TRUSTED, 0 },
		{ "the same, a CA agrees", { 0, NONE, NONE }, false, 2 * HOUR, NONE, 0, 0,
			CLOCK_TRUSTED, 0 },
		{ "the same, the kernel, too", { NONE, NONE, NONE }, true, 2 * HOUR, NONE, 0, 0,
			CLOCK_TRUSTED, 0 },
		{ "before what was issued", { NONE, NONE, NONE }, false, -DAY, 2 * DAY, 0,
			2 * HOUR, CLOCK_BEFORE_ISSUED, 2 * DAY },
		{ "long after what was stored", { NONE, NONE, NONE }, false, -80 * DAY, NONE, 0,
			0, CLOCK_AFTER_GAP, -80 * DAY },
		{ "the same, ten minutes later", { NONE, NONE, NONE }, false, -80 * DAY, NONE,
			600, 0, CLOCK_TRUSTED, 0 },
		{ "the same, and synchronised", { NONE, NONE, NONE }, true, -80 * DAY, NONE, 0,
			0, CLOCK_TRUSTED, 0 },
		{ "a month after it", { NONE, NONE, NONE }, false, -30 * DAY, NONE, 0, 0,
			CLOCK_TRUSTED, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct clock_witness states[3];
		struct clock_evidence evidence = { .now = { T0 },
			.states = states,
			.is_synced = rows[i].is_synced,
			.running = { rows[i].running },
			.before_for = { rows[i].before_for } };
		struct clock_verdict verdict;

		for (size_t k = 0; k < 3 && rows[i].cas[k] != NONE; k++)
			states[evidence.n_states++] =
				(struct clock_witness){ "a", { rows[i].cas[k] } };
		if (rows[i].stored != NONE)
			evidence.stored.s = T0 + rows[i].stored;
		if (rows[i].issued != NONE)
			evidence.issued.s = T0 + rows[i].issued;
		clock_judge(&evidence, &verdict);
		if (verdict.doubt != rows[i].want || verdict.ahead.s != rows[i].ahead)
			TEST_FAIL("%s: %d, %jd", rows[i].name, (int)verdict.doubt,
				(intmax_t)verdict.ahead.s);
		CHECK_INT(verdict.text[0] != '\0', clock_is_doubted(&verdict));
		CHECK(instant_before(
			(struct instant){ 0 }, clock_other(&verdict, evidence.now)));
	}
}

TEST(a_time_before_the_program_is_none)
{
	struct clock_evidence evidence = { .now = { DAY } };
	struct clock_verdict verdict;

	clock_judge(&evidence, &verdict);
	CHECK_INT(verdict.doubt, CLOCK_BEFORE_FLOOR);
	CHECK_INT(clock_other(&verdict, evidence.now).s, CLOCK_FLOOR.s);
	evidence.stored.s = T0;
	clock_judge(&evidence, &verdict);
	CHECK_INT(clock_other(&verdict, evidence.now).s, T0);
	CHECK(!clock_is_doubted(NULL));
}

/* What a person reads: by how much, whose clock, and what that says. */
TEST(the_evidence_is_a_sentence)
{
	struct clock_witness ca = { "letsencrypt", { -80 * DAY } };
	struct clock_evidence evidence = { .now = { T0 }, .states = &ca, .n_states = 1 };
	struct clock_verdict verdict;

	clock_judge(&evidence, &verdict);
	CHECK_STR(verdict.text, "it is 80d ahead of that of the CA letsencrypt, which says "
				"2026-09-02T10:15:00Z");
}

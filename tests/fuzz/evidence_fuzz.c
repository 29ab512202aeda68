/* SPDX-License-Identifier: MIT */
#include "daemon/dns/watch/evidence.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "tests/fuzz/fuzz.h"

/*
 * A history of servers: the first four octets are the policy, the next `n` the servers, and
 * each further octet is an observation of the next server, in turns; 255 advances the time.
 */

enum { MOST = 12, START_S = 1800000000, TEXT_MAX_LEN = EVIDENCE_ROOM + 400 };

struct history {
	struct server_state states[MOST];
	char addresses[MOST][32];
	size_t n;
	unsigned rounds;
	struct evidence_policy policy;
	struct instant now;
};

static bool lacks(enum observation observation)
{
	return observation_is_proper(observation) && observation != OBSERVED_MATCH;
}

static void check_texts(const struct history *h)
{
	struct buf text AUTO_BUF = BUF_INIT;

	evidence_describe(h->states, h->n, h->now, EVIDENCE_ROOM, &text);
	assert(text.len > 0 && text.len < TEXT_MAX_LEN);
	buf_clear(&text);
	evidence_describe_silent(h->states, h->n, h->now, EVIDENCE_ROOM, &text);
	assert(text.len > 0 && text.len < TEXT_MAX_LEN);
	buf_clear(&text);
	evidence_describe_seen(h->states, h->n, SECONDS(5), h->now, &text);
	assert(text.len > 0);
	for (size_t i = 0; i < h->n; i++)
		assert(evidence_observation(h->states, h->n, i) < OBSERVATION_COUNT);
}

static void check_judgement(const struct history *h)
{
	struct judgement judgement =
		evidence_judge(h->states, h->n, h->rounds, &h->policy, h->now);
	bool is_late = evidence_is_late(&h->policy, h->now), some = false, is_own = false;

	for (size_t i = 0; i < h->n; i++) {
		const struct server_state *w = &h->states[i];

		if (w->role == ROLE_EXTRA)
			continue;
		is_own = true;
		some = some || w->observation == OBSERVED_MATCH;
		/* A record that one of the zone's own servers lacks may be missing for a CA. */
		if (judgement.verdict == VERDICT_SEEN)
			assert(!lacks(w->proper) && w->asked > 0);
	}
	assert(!instant_before(judgement.again, h->now));
	if (judgement.verdict == VERDICT_SEEN)
		assert(some || !is_own);
	if (judgement.verdict == VERDICT_LATE)
		assert(is_late);
	if (judgement.verdict == VERDICT_WAIT)
		assert(!is_late);
	if (judgement.is_unpublished)
		assert(!some);
}

static void begin(struct history *h, const uint8_t *data)
{
	h->now = (struct instant){ START_S };
	h->policy = (struct evidence_policy){ .extra_required = data[0] & 1,
		.delay = SECONDS(data[1]),
		.deadline = SECONDS(60 + data[2] * 10),
		.published = h->now };
	if (data[0] & 2)
		h->policy.expires = instant_add(h->now, SECONDS(600 + data[0]));
	h->n = data[3] % (MOST + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct history h = { .rounds = 0 };
	size_t at = 4, next = 0;

	if (len < at)
		return 0;
	begin(&h, data);
	for (size_t i = 0; i < h.n; i++, at++) {
		uint8_t kind = at < len ? data[at] : 0;
		struct server_state *w = &h.states[i];

		snprintf(h.addresses[i], sizeof(h.addresses[i]), "192.0.2.%u", (unsigned)i + 1);
		w->address = h.addresses[i];
		w->server = kind & 8 ? "ns.example.net" : "";
		w->role = (enum server_role)(kind % 3);
		w->is_listed = kind & 16;
		w->is_anycast = kind & 32;
	}
	check_judgement(&h);
	check_texts(&h);
	for (; at < len && h.n > 0; at++) {
		struct server_state *w = &h.states[next];

		if (data[at] == 255) {
			h.now = instant_add(h.now, SECONDS(len > at + 1 ? data[at + 1] : 1));
		} else {
			w->serial = data[at] >> 4;
			w->has_serial = data[at] & 8;
			w->ttl = w->negative_ttl = data[at];
			server_state_note(w,
				(enum observation)(1 + data[at] % (OBSERVATION_COUNT - 1)),
				h.now);
			next = (next + 1) % h.n;
			h.rounds += next == 0;
		}
		check_judgement(&h);
	}
	check_texts(&h);
	evidence_compare(h.states, h.n);
	check_texts(&h);
	return 0;
}

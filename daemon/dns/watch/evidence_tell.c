/* SPDX-License-Identifier: MIT */
#include "daemon/dns/watch/evidence.h"

#include <inttypes.h>

#include "lib/base/buf.h"

/* An event has more room than a struct err. */
enum { NAMED_MAX = 3, NAMED_IN_EVENT = 8 };

/* RFC 1982: how far `a` is behind `b`; 0: it is not. */
static uint32_t serial_behind(uint32_t a, uint32_t b)
{
	uint32_t distance = b - a;

	return distance < UINT32_C(0x80000000) ? distance : 0;
}

/*
 * The serial that others are measured by: the newest of those that match, else of all of the
 * zone's own.
 */
static const struct server_state *newest(const struct server_state *states, size_t n)
{
	const struct server_state *best = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct server_state *w = &states[i];

		if (w->role == ROLE_EXTRA || !w->has_serial ||
			!observation_is_proper(w->observation))
			continue;
		if (!best ||
			(w->observation == OBSERVED_MATCH) >
				(best->observation == OBSERVED_MATCH) ||
			((w->observation == OBSERVED_MATCH) ==
					(best->observation == OBSERVED_MATCH) &&
				serial_behind(best->serial, w->serial) > 0))
			best = w;
	}
	return best;
}

static bool lacks_it(const struct server_state *state)
{
	return observation_is_proper(state->observation) &&
	       state->observation != OBSERVED_MATCH && !(state->is_compared && state->agrees);
}

enum observation evidence_observation(const struct server_state *states, size_t n, size_t i)
{
	const struct server_state *w = &states[i], *best = newest(states, n);

	if (w->is_compared)
		return w->observation;
	if (w->role != ROLE_EXTRA && lacks_it(w) && w->has_serial && best &&
		serial_behind(w->serial, best->serial) > 0)
		return OBSERVED_OLDER;
	return w->observation;
}

/* How much the state explains why the record does not count as seen; 0: nothing. */
static int weight(const struct server_state *state)
{
	bool is_extra = state->role == ROLE_EXTRA;

	if (state->observation == OBSERVED_UNASKED || (state->is_compared && state->agrees))
		return 0;
	if (lacks_it(state))
		return is_extra ? 3 : 6;
	if (state->observation == OBSERVED_MATCH)
		return !is_extra && state->has_wavered && state->streak < STREAK ? 4 : 0;
	if (is_extra)
		return 1;
	return state->proper != OBSERVED_UNASKED && state->proper != OBSERVED_MATCH ? 5 : 2;
}

static void add_since(const struct server_state *state, struct instant now, struct buf *out)
{
	char text[INSTANT_TEXT_LEN];

	instant_text(state->since, text);
	if (instant_since(now, state->since).s < 86400)
		buf_printf(out, " since %s", text + 11);
	else
		buf_printf(out, " since %s", text);
}

static void add_serial(
	const struct server_state *state, const struct server_state *best, struct buf *out)
{
	uint32_t behind;

	if (!best || !state->has_serial || state->role == ROLE_EXTRA)
		return;
	behind = serial_behind(state->serial, best->serial);
	if (behind > 0)
		buf_printf(out, ", its serial is behind by %" PRIu32, behind);
	else if (best->observation == OBSERVED_MATCH && state->serial == best->serial)
		buf_add_text(out, ", with the serial of those that show it");
	else if (best->observation == OBSERVED_MATCH)
		buf_add_text(out, ", although its serial is ahead");
}

static const char *trouble_text(const struct server_state *state)
{
	switch (state->observation) {
	case OBSERVED_LAME:
		return state->role == ROLE_EXTRA ? "does not look names up for us"
						 : "does not have the zone";
	case OBSERVED_REFUSED:
		return "refuses to answer us";
	case OBSERVED_SERVFAIL:
		return "says that it failed";
	case OBSERVED_FORMERR:
		return "does not understand the question";
	case OBSERVED_UNREACHABLE:
		return "cannot be reached";
	case OBSERVED_UNRESOLVED:
		return "has no address";
	case OBSERVED_GARBAGE:
		return "answers what is no DNS";
	case OBSERVED_TRUNCATED:
		return "cuts its answer short and gives no whole one over TCP";
	case OBSERVED_ALTERED:
		return "changes the letters of the question and does not answer over TCP";
	case OBSERVED_NO_ROUTE:
		return "cannot be asked, as this machine has no route to it";
	default:
		return "is silent";
	}
}

/* How it differs from the newest. */
static void add_difference(
	const struct server_state *state, const struct server_state *best, struct buf *out)
{
	buf_add_text(out, state->observation == OBSERVED_OLDER
				  ? " shows an older version of the zone"
			  : state->content ? " shows something else"
					   : " shows no record");
	if (*state->said)
		buf_printf(out, ", %.60s", state->said);
	if (state->observation == OBSERVED_OLDER)
		add_serial(state, best, out);
}

static void add_name(const struct server_state *state, bool is_brief, struct buf *out)
{
	static const char *const before[] = { "the primary ", "", "the extra " };

	buf_printf(out, "%s%.64s", before[state->role], state->address);
	if (!is_brief && state->server && *state->server)
		buf_printf(out, " (%.48s)", state->server);
}

static void add_one(const struct server_state *state, const struct server_state *best,
	struct instant now, bool is_brief, struct buf *out)
{
	add_name(state, is_brief, out);
	if (lacks_it(state) && state->is_compared) {
		add_difference(state, best, out);
	} else if (lacks_it(state)) {
		buf_add_text(out, " answers without the record");
		add_since(state, now, out);
		if (!is_brief && state->observation == OBSERVED_OTHER && *state->said)
			buf_printf(out, ", it shows %.60s", state->said);
		add_serial(state, best, out);
	} else if (state->observation == OBSERVED_MATCH) {
		buf_add_text(out, " shows it at times only");
	} else {
		buf_printf(out, " %s", trouble_text(state));
		add_since(state, now, out);
		if (weight(state) == 5)
			buf_add_text(out, " and was without the record before");
	}
}

/* A sentence that grows by whole parts as long as they have room. */
struct telling {
	const struct server_state *best;
	struct instant now;
	size_t room;
	unsigned named;
	struct buf *out;
};

static void add_part(struct telling *telling, const struct server_state *state)
{
	struct buf one AUTO_BUF = BUF_INIT;

	if (telling->named == NAMED_MAX)
		return;
	for (int is_brief = 0; is_brief <= 1; is_brief++) {
		buf_clear(&one);
		add_one(state, telling->best, telling->now, is_brief, &one);
		buf_add_text(&one, "; ");
		if (one.len <= telling->room)
			break;
	}
	if (telling->named > 0 && one.len > telling->room)
		return;
	buf_add(telling->out, one.data, one.len);
	telling->room -= one.len < telling->room ? one.len : telling->room;
	telling->named++;
}

static bool shows_it(const struct server_state *state)
{
	return state->is_compared ? state->agrees : state->observation == OBSERVED_MATCH;
}

static void add_unasked(const struct server_state *states, size_t n, struct buf *out)
{
	const struct server_state *one = NULL;
	size_t unasked = 0, extras = 0;

	for (size_t i = 0; i < n; i++) {
		if (states[i].observation != OBSERVED_UNASKED)
			continue;
		one = &states[i];
		unasked++;
		extras += one->role == ROLE_EXTRA;
	}
	if (!one)
		return;
	buf_add_text(out, ", ");
	if (unasked == 1)
		add_name(one, true, out);
	else
		buf_printf(out, extras == unasked ? "the %zu extra ones" : "%zu", unasked);
	buf_add_text(out, unasked == 1 ? " is not asked yet" : " are not asked yet");
}

static void add_count(const struct server_state *states, size_t n, struct buf *out)
{
	bool is_compared = n > 0 && states[0].is_compared;
	const char *it = is_compared ? "the newest version" : "it";
	size_t asked = 0, shown = 0;

	for (size_t i = 0; i < n; i++) {
		asked += states[i].observation != OBSERVED_UNASKED;
		shown += shows_it(&states[i]);
	}
	if (asked == 0) {
		buf_add_text(out, n == 0 ? "nobody was asked" : "nobody has answered yet");
		return;
	}
	if (shown == asked && asked == 1)
		buf_printf(out, "the one that was asked shows %s", it);
	else if (shown == asked)
		buf_printf(out, "all %zu show %s", asked, it);
	else
		buf_printf(out, "%zu of %zu show %s", shown, asked, it);
	add_unasked(states, n, out);
}

void evidence_describe(const struct server_state *states, size_t n, struct instant now,
	size_t room, struct buf *out)
{
	struct buf count AUTO_BUF = BUF_INIT;
	struct telling telling = { .best = newest(states, n), .now = now, .out = out };

	add_count(states, n, &count);
	telling.room = room > count.len ? room - count.len : 0;
	for (int w = 6; w > 0; w--)
		for (size_t i = 0; i < n; i++)
			if (weight(&states[i]) == w)
				add_part(&telling, &states[i]);
	buf_add(out, count.data, count.len);
}

void evidence_describe_silent(const struct server_state *states, size_t n, struct instant now,
	size_t room, struct buf *out)
{
	struct buf count AUTO_BUF = BUF_INIT;
	struct telling telling = { .now = now, .out = out };
	size_t asked = 0, answers = 0;

	for (size_t i = 0; i < n; i++) {
		asked += states[i].observation != OBSERVED_UNASKED;
		answers += observation_is_proper(states[i].observation);
	}
	buf_printf(&count, "%zu of %zu answer", answers, asked);
	telling.room = room > count.len ? room - count.len : 0;
	for (size_t i = 0; i < n; i++)
		if (states[i].observation != OBSERVED_UNASKED &&
			!observation_is_proper(states[i].observation))
			add_part(&telling, &states[i]);
	buf_add(out, count.data, count.len);
}

void evidence_describe_seen(const struct server_state *states, size_t n, struct duration took,
	struct instant now, struct buf *out)
{
	const char *before = "; the others do not count: ";
	char text[DURATION_TEXT_LEN];
	size_t shown = 0, named = 0;

	for (size_t i = 0; i < n; i++)
		shown += states[i].observation == OBSERVED_MATCH;
	duration_text(took, text);
	if (n == 0)
		buf_printf(
			out, "is believed after %s, as there is no name server to ask", text);
	else if (n == 1 && shown == 1)
		buf_printf(out, "is seen at the only address after %s", text);
	else if (shown == n)
		buf_printf(out, "is seen at all of %zu addresses after %s", n, text);
	else
		buf_printf(out, "is seen at %zu of %zu addresses after %s", shown, n, text);
	for (size_t i = 0; i < n; i++) {
		if (states[i].observation == OBSERVED_MATCH)
			continue;
		if (named++ == NAMED_IN_EVENT) {
			buf_add_text(out, "; ...");
			return;
		}
		buf_add_text(out, before);
		before = "; ";
		if (states[i].observation != OBSERVED_UNASKED) {
			add_one(&states[i], newest(states, n), now, false, out);
			continue;
		}
		add_name(&states[i], false, out);
		buf_add_text(out, " was not asked");
	}
}

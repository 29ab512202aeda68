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
static const struct witness *newest(const struct witness *witnesses, size_t n)
{
	const struct witness *best = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct witness *w = &witnesses[i];

		if (w->role == ROLE_EXTRA || !w->has_serial || !sight_is_proper(w->sight))
			continue;
		if (!best || (w->sight == SIGHT_MATCH) > (best->sight == SIGHT_MATCH) ||
			((w->sight == SIGHT_MATCH) == (best->sight == SIGHT_MATCH) &&
				serial_behind(best->serial, w->serial) > 0))
			best = w;
	}
	return best;
}

static bool lacks_it(const struct witness *witness)
{
	return sight_is_proper(witness->sight) && witness->sight != SIGHT_MATCH &&
	       !(witness->is_compared && witness->agrees);
}

enum sight evidence_sight(const struct witness *witnesses, size_t n, size_t i)
{
	const struct witness *w = &witnesses[i], *best = newest(witnesses, n);

	if (w->is_compared)
		return w->sight;
	if (w->role != ROLE_EXTRA && lacks_it(w) && w->has_serial && best &&
		serial_behind(w->serial, best->serial) > 0)
		return SIGHT_OLDER;
	return w->sight;
}

/* How much it tells about why the record does not count as seen; 0: nothing. */
static int weight(const struct witness *witness)
{
	bool is_extra = witness->role == ROLE_EXTRA;

	if (witness->sight == SIGHT_UNASKED || (witness->is_compared && witness->agrees))
		return 0;
	if (lacks_it(witness))
		return is_extra ? 3 : 6;
	if (witness->sight == SIGHT_MATCH)
		return !is_extra && witness->has_wavered && witness->streak < STREAK ? 4 : 0;
	if (is_extra)
		return 1;
	return witness->proper != SIGHT_UNASKED && witness->proper != SIGHT_MATCH ? 5 : 2;
}

static void add_since(const struct witness *witness, struct instant now, struct buf *out)
{
	char text[INSTANT_TEXT_LEN];

	instant_text(witness->since, text);
	if (instant_since(now, witness->since).s < 86400)
		buf_printf(out, " since %s", text + 11);
	else
		buf_printf(out, " since %s", text);
}

static void add_serial(
	const struct witness *witness, const struct witness *best, struct buf *out)
{
	uint32_t behind;

	if (!best || !witness->has_serial || witness->role == ROLE_EXTRA)
		return;
	behind = serial_behind(witness->serial, best->serial);
	if (behind > 0)
		buf_printf(out, ", its serial is behind by %" PRIu32, behind);
	else if (best->sight == SIGHT_MATCH && witness->serial == best->serial)
		buf_add_text(out, ", with the serial of those that show it");
	else if (best->sight == SIGHT_MATCH)
		buf_add_text(out, ", although its serial is ahead");
}

static const char *trouble_text(const struct witness *witness)
{
	switch (witness->sight) {
	case SIGHT_LAME:
		return witness->role == ROLE_EXTRA ? "does not look names up for us"
						   : "does not have the zone";
	case SIGHT_REFUSED:
		return "refuses to answer us";
	case SIGHT_SERVFAIL:
		return "says that it failed";
	case SIGHT_FORMERR:
		return "does not understand the question";
	case SIGHT_UNREACHABLE:
		return "cannot be reached";
	case SIGHT_UNRESOLVED:
		return "has no address";
	case SIGHT_GARBAGE:
		return "answers what is no DNS";
	case SIGHT_TRUNCATED:
		return "cuts its answer short and gives no whole one over TCP";
	case SIGHT_ALTERED:
		return "changes the letters of the question and does not answer over TCP";
	case SIGHT_NO_ROUTE:
		return "cannot be asked, as this machine has no route to it";
	default:
		return "is silent";
	}
}

/* How it differs from the newest. */
static void add_difference(
	const struct witness *witness, const struct witness *best, struct buf *out)
{
	buf_add_text(out, witness->sight == SIGHT_OLDER ? " shows an older version of the zone"
			  : witness->content            ? " shows something else"
							: " shows no record");
	if (*witness->said)
		buf_printf(out, ", %.60s", witness->said);
	if (witness->sight == SIGHT_OLDER)
		add_serial(witness, best, out);
}

static void add_name(const struct witness *witness, bool is_brief, struct buf *out)
{
	static const char *const before[] = { "the primary ", "", "the extra " };

	buf_printf(out, "%s%.64s", before[witness->role], witness->address);
	if (!is_brief && witness->server && *witness->server)
		buf_printf(out, " (%.48s)", witness->server);
}

static void add_one(const struct witness *witness, const struct witness *best,
	struct instant now, bool is_brief, struct buf *out)
{
	add_name(witness, is_brief, out);
	if (lacks_it(witness) && witness->is_compared) {
		add_difference(witness, best, out);
	} else if (lacks_it(witness)) {
		buf_add_text(out, " answers without the record");
		add_since(witness, now, out);
		if (!is_brief && witness->sight == SIGHT_OTHER && *witness->said)
			buf_printf(out, ", it shows %.60s", witness->said);
		add_serial(witness, best, out);
	} else if (witness->sight == SIGHT_MATCH) {
		buf_add_text(out, " shows it at times only");
	} else {
		buf_printf(out, " %s", trouble_text(witness));
		add_since(witness, now, out);
		if (weight(witness) == 5)
			buf_add_text(out, " and was without the record before");
	}
}

/* A sentence that grows by whole parts as long as they have room. */
struct telling {
	const struct witness *best;
	struct instant now;
	size_t room;
	unsigned named;
	struct buf *out;
};

static void add_part(struct telling *telling, const struct witness *witness)
{
	struct buf one AUTO_BUF = BUF_INIT;

	if (telling->named == NAMED_MAX)
		return;
	for (int is_brief = 0; is_brief <= 1; is_brief++) {
		buf_clear(&one);
		add_one(witness, telling->best, telling->now, is_brief, &one);
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

static bool shows_it(const struct witness *witness)
{
	return witness->is_compared ? witness->agrees : witness->sight == SIGHT_MATCH;
}

static void add_unasked(const struct witness *witnesses, size_t n, struct buf *out)
{
	const struct witness *one = NULL;
	size_t unasked = 0, extras = 0;

	for (size_t i = 0; i < n; i++) {
		if (witnesses[i].sight != SIGHT_UNASKED)
			continue;
		one = &witnesses[i];
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

static void add_count(const struct witness *witnesses, size_t n, struct buf *out)
{
	bool is_compared = n > 0 && witnesses[0].is_compared;
	const char *it = is_compared ? "the newest version" : "it";
	size_t asked = 0, shown = 0;

	for (size_t i = 0; i < n; i++) {
		asked += witnesses[i].sight != SIGHT_UNASKED;
		shown += shows_it(&witnesses[i]);
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
	add_unasked(witnesses, n, out);
}

void evidence_tell(const struct witness *witnesses, size_t n, struct instant now, size_t room,
	struct buf *out)
{
	struct buf count AUTO_BUF = BUF_INIT;
	struct telling telling = { .best = newest(witnesses, n), .now = now, .out = out };

	add_count(witnesses, n, &count);
	telling.room = room > count.len ? room - count.len : 0;
	for (int w = 6; w > 0; w--)
		for (size_t i = 0; i < n; i++)
			if (weight(&witnesses[i]) == w)
				add_part(&telling, &witnesses[i]);
	buf_add(out, count.data, count.len);
}

void evidence_tell_silent(const struct witness *witnesses, size_t n, struct instant now,
	size_t room, struct buf *out)
{
	struct buf count AUTO_BUF = BUF_INIT;
	struct telling telling = { .now = now, .out = out };
	size_t asked = 0, answers = 0;

	for (size_t i = 0; i < n; i++) {
		asked += witnesses[i].sight != SIGHT_UNASKED;
		answers += sight_is_proper(witnesses[i].sight);
	}
	buf_printf(&count, "%zu of %zu answer", answers, asked);
	telling.room = room > count.len ? room - count.len : 0;
	for (size_t i = 0; i < n; i++)
		if (witnesses[i].sight != SIGHT_UNASKED && !sight_is_proper(witnesses[i].sight))
			add_part(&telling, &witnesses[i]);
	buf_add(out, count.data, count.len);
}

void evidence_tell_seen(const struct witness *witnesses, size_t n, struct duration took,
	struct instant now, struct buf *out)
{
	const char *before = "; the others do not count: ";
	char text[DURATION_TEXT_LEN];
	size_t shown = 0, named = 0;

	for (size_t i = 0; i < n; i++)
		shown += witnesses[i].sight == SIGHT_MATCH;
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
		if (witnesses[i].sight == SIGHT_MATCH)
			continue;
		if (named++ == NAMED_IN_EVENT) {
			buf_add_text(out, "; ...");
			return;
		}
		buf_add_text(out, before);
		before = "; ";
		if (witnesses[i].sight != SIGHT_UNASKED) {
			add_one(&witnesses[i], newest(witnesses, n), now, false, out);
			continue;
		}
		add_name(&witnesses[i], false, out);
		buf_add_text(out, " was not asked");
	}
}

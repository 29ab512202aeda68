#include "daemon/dns/evidence.h"

#include <inttypes.h>

#include "lib/base/buf.h"

/*
 * Where the sentence ends goes into a struct err with some context, so there is no room for
 * everybody.
 */
enum { NAMED_MAX = 3, NAMED_LEN = 300 };

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
	return sight_is_proper(witness->sight) && witness->sight != SIGHT_MATCH;
}

enum sight evidence_sight(const struct witness *witnesses, size_t n, size_t i)
{
	const struct witness *w = &witnesses[i], *best = newest(witnesses, n);

	if (w->role != ROLE_EXTRA && lacks_it(w) && w->has_serial && best &&
		serial_behind(w->serial, best->serial) > 0)
		return SIGHT_OLDER;
	return w->sight;
}

/* How much it tells about why the record does not count as seen; 0: nothing. */
static int weight(const struct witness *witness)
{
	bool is_extra = witness->role == ROLE_EXTRA;

	if (witness->sight == SIGHT_UNASKED)
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

static const char *trouble_text(enum sight sight)
{
	switch (sight) {
	case SIGHT_LAME:
		return "does not have the zone";
	case SIGHT_REFUSED:
		return "refuses to answer us";
	case SIGHT_SERVFAIL:
		return "says that it failed";
	case SIGHT_FORMERR:
		return "does not understand the question";
	case SIGHT_UNREACHABLE:
		return "cannot be reached";
	case SIGHT_GARBAGE:
		return "answers what is no DNS";
	default:
		return "is silent";
	}
}

static void add_one(const struct witness *witness, const struct witness *best,
	struct instant now, struct buf *out)
{
	static const char *const before[] = { "the primary ", "", "the extra " };

	buf_printf(out, "%s%.64s", before[witness->role], witness->address);
	if (witness->server && *witness->server)
		buf_printf(out, " (%.48s)", witness->server);
	if (lacks_it(witness)) {
		buf_add_text(out, " answers without the record");
		add_since(witness, now, out);
		if (witness->sight == SIGHT_OTHER && *witness->said)
			buf_printf(out, ", it shows %.60s", witness->said);
		add_serial(witness, best, out);
	} else if (witness->sight == SIGHT_MATCH) {
		buf_add_text(out, " shows it at times only");
	} else {
		buf_printf(out, " %s", trouble_text(witness->sight));
		add_since(witness, now, out);
		if (weight(witness) == 5)
			buf_add_text(out, " and was without the record before");
	}
}

static void add_count(const struct witness *witnesses, size_t n, struct buf *out)
{
	size_t asked = 0, shown = 0;

	for (size_t i = 0; i < n; i++) {
		asked += witnesses[i].sight != SIGHT_UNASKED;
		shown += witnesses[i].sight == SIGHT_MATCH;
	}
	if (asked == 0)
		buf_add_text(out, n == 0 ? "nobody was asked" : "nobody was asked yet");
	else if (shown == asked)
		buf_printf(out,
			asked == 1 ? "the one that was asked shows it" : "all %zu show it",
			asked);
	else
		buf_printf(out, "%zu of %zu show it", shown, asked);
	if (asked > 0 && asked < n)
		buf_printf(out, ", %zu not asked yet", n - asked);
}

void evidence_tell(
	const struct witness *witnesses, size_t n, struct instant now, struct buf *out)
{
	const struct witness *best = newest(witnesses, n);
	size_t begin = out->len;
	unsigned named = 0;

	for (int w = 6; w > 0; w--) {
		for (size_t i = 0; i < n && named < NAMED_MAX; i++) {
			struct buf one AUTO_BUF = BUF_INIT;

			if (weight(&witnesses[i]) != w)
				continue;
			add_one(&witnesses[i], best, now, &one);
			if (named > 0 && out->len - begin + one.len > NAMED_LEN)
				break;
			buf_printf(out, "%s; ", buf_text(&one));
			named++;
		}
	}
	add_count(witnesses, n, out);
}

void evidence_tell_silent(
	const struct witness *witnesses, size_t n, struct instant now, struct buf *out)
{
	size_t asked = 0, answers = 0, begin = out->len, named = 0;

	for (size_t i = 0; i < n; i++) {
		struct buf one AUTO_BUF = BUF_INIT;

		asked += witnesses[i].sight != SIGHT_UNASKED;
		answers += sight_is_proper(witnesses[i].sight);
		if (witnesses[i].sight == SIGHT_UNASKED ||
			sight_is_proper(witnesses[i].sight) || named == NAMED_MAX)
			continue;
		add_one(&witnesses[i], NULL, now, &one);
		if (named > 0 && out->len - begin + one.len > NAMED_LEN)
			continue;
		buf_printf(out, "%s; ", buf_text(&one));
		named++;
	}
	buf_printf(out, "%zu of %zu answer", answers, asked);
}

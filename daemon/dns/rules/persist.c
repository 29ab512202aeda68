/* SPDX-License-Identifier: MIT */
#include "daemon/dns/rules/persist.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/text.h"
#include "lib/wire/dns_message.h"

enum { TTL_S = 3600, STRING_MAX = 255 };

struct part {
	const char *at;
	size_t len;
};

/* One record, taken apart. */
struct persist {
	struct part issuer, account, policy;
	bool has_until;
	struct instant until;
	const char *fault; /* NULL: it is well-formed */
};

/* Why a record does not do, by how near it comes. */
enum fit { ABSENT, OTHER_ISSUER, MISSPELT, OTHER_ACCOUNT, MALFORMED, NO_WILDCARD, ENDED, FITS };

static struct part trimmed(const char *at, size_t len)
{
	while (len > 0 && (*at == ' ' || *at == '\t'))
		at++, len--;
	while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t'))
		len--;
	return (struct part){ at, len };
}

static bool part_is(struct part part, const char *text)
{
	return strlen(text) == part.len && strncasecmp(part.at, text, part.len) == 0;
}

static struct part take_until(struct part *rest, char end)
{
	const char *at = rest->at, *stop = memchr(at, end, rest->len);
	size_t len = stop ? (size_t)(stop - at) : rest->len;

	*rest = stop ? (struct part){ stop + 1, rest->len - len - 1 }
		     : (struct part){ NULL, 0 };
	return trimmed(at, len);
}

/* Whole seconds of this and the next millennia; what is longer would be a mistake, too. */
static bool take_seconds(struct part value, struct instant *out)
{
	int64_t s = 0;

	if (value.len == 0 || value.len > 15)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return false;
		s = s * 10 + (value.at[i] - '0');
	}
	/* 0 would mean that there is no end. */
	*out = (struct instant){ s > 0 ? s : 1 };
	return true;
}

/* RFC 8659, 4.2: tags are letters, digits and inner hyphens, values printable and in one piece. */
static bool is_tag(struct part part)
{
	for (size_t i = 0; i < part.len; i++)
		if (!isalnum((unsigned char)part.at[i]) &&
			(part.at[i] != '-' || i == 0 || i + 1 == part.len))
			return false;
	return true;
}

static bool is_value(struct part part)
{
	return text_is_visible(part.at, part.len);
}

static const char *take_parameter(struct part text, struct persist *out)
{
	struct part tag = take_until(&text, '='), value;

	if (tag.len == 0)
		return "it has an empty parameter, or a semicolon at its end";
	if (!text.at)
		return "a parameter has no value";
	value = trimmed(text.at, text.len);
	if (!is_tag(tag))
		return "the name of a parameter is not letters, digits and hyphens";
	if (!is_value(value))
		return "a parameter's value holds a blank, or is not printable ASCII";
	if (part_is(tag, "accounturi")) {
		out->account = value;
	} else if (part_is(tag, "policy")) {
		out->policy = value;
	} else if (part_is(tag, "persistuntil")) {
		out->has_until = true;
		if (!take_seconds(value, &out->until))
			return "persistUntil is no number of seconds";
	}
	return NULL;
}

/* Does a parameter before this one have its tag?  All of them are well-formed. */
static bool stands_there_before(struct part all, struct part parameter)
{
	struct part tag = take_until(&parameter, '=');

	for (;;) {
		struct part before = take_until(&all, ';');
		struct part other = take_until(&before, '=');

		if (other.at >= tag.at)
			return false;
		if (other.len == tag.len && strncasecmp(other.at, tag.at, tag.len) == 0)
			return true;
	}
}

/* Each is compared with all before it. */
enum { PARAMETERS_MAX = 64 };

static struct persist take_apart(const char *txt, size_t len)
{
	struct persist out = { .fault = NULL };
	struct part rest = { txt, len }, all;
	unsigned n = 0;

	out.issuer = take_until(&rest, ';');
	all = rest;
	while (rest.at && !out.fault) {
		struct part parameter = take_until(&rest, ';');

		out.fault = ++n > PARAMETERS_MAX ? "it has too many parameters"
						 : take_parameter(parameter, &out);
		if (!out.fault && stands_there_before(all, parameter))
			out.fault = "a parameter stands in it twice";
	}
	if (!out.fault && out.account.len == 0)
		out.fault = "it lacks accounturi";
	return out;
}

/*
 * Names compare in lower case without a final dot, says the draft; but some CAs compare octets,
 * and what they want is in that form.
 */
static bool is_canonical(struct part issuer)
{
	for (size_t i = 0; i < issuer.len; i++)
		if (isupper((unsigned char)issuer.at[i]))
			return false;
	return issuer.len == 0 || issuer.at[issuer.len - 1] != '.';
}

static bool names_us(const struct persist *record, const struct persist_wish *wish)
{
	struct part issuer = record->issuer;

	if (issuer.len > 1 && issuer.at[issuer.len - 1] == '.')
		issuer.len--;
	for (size_t i = 0; i < wish->n_issuers; i++)
		if (part_is(issuer, wish->issuers[i]))
			return true;
	return false;
}

static enum fit judge(const struct persist *record, const struct persist_wish *wish)
{
	if (!names_us(record, wish))
		return OTHER_ISSUER;
	if (!is_canonical(record->issuer))
		return MISSPELT;
	if (record->fault)
		return MALFORMED;
	if (record->account.len != strlen(wish->account_url) ||
		memcmp(record->account.at, wish->account_url, record->account.len) != 0)
		return OTHER_ACCOUNT;
	if (wish->is_wildcard && !part_is(record->policy, "wildcard"))
		return NO_WILDCARD;
	if (record->has_until && instant_before(record->until, wish->now))
		return ENDED;
	return FITS;
}

static int refuse(const struct persist_wish *wish, enum fit fit, const struct persist *record,
	struct err *err)
{
	struct buf text AUTO_BUF = BUF_INIT;
	char end[INSTANT_TEXT_LEN];

	persist_text(wish, &text);
	switch (fit) {
	case MISSPELT:
		return err_set(err, ERR_NOT_VISIBLE,
			"the record _validation-persist.%s writes %.*s, which not every CA "
			"takes "
			"for its name; put this one there: %s",
			wish->name, (int)record->issuer.len, record->issuer.at,
			buf_text(&text));
	case OTHER_ACCOUNT:
		return err_set(err, ERR_NOT_VISIBLE,
			"the record _validation-persist.%s names the account %.*s, not ours, "
			"%s",
			wish->name, (int)record->account.len, record->account.at,
			wish->account_url);
	case MALFORMED:
		return err_set(err, ERR_NOT_VISIBLE,
			"the record _validation-persist.%s for %s is malformed: %s", wish->name,
			wish->issuers[0], record->fault);
	case NO_WILDCARD:
		return err_set(err, ERR_NOT_VISIBLE,
			"the record _validation-persist.%s lacks policy=wildcard, so it is not "
			"for *.%s",
			wish->name, wish->name);
	case ENDED:
		return err_set(err, ERR_NOT_VISIBLE,
			"the record _validation-persist.%s ended at %s (persistUntil)",
			wish->name, instant_text(record->until, end));
	default:
		return err_set(err, ERR_NOT_VISIBLE,
			"no record in DNS proves %s to %s; put this one there: %s", wish->name,
			wish->issuers[0], buf_text(&text));
	}
}

/* The later of two ends, of which an unset one is the latest. */
static struct instant later(struct instant a, struct instant b)
{
	if (!instant_is_set(a) || !instant_is_set(b))
		return INSTANT_NONE;
	return instant_max(a, b);
}

int persist_judge(const struct persist_wish *wish, const struct dns_message *message,
	struct instant *until, struct err *err)
{
	enum fit best = ABSENT;
	struct persist nearest = { .fault = NULL };

	for (size_t i = 0; i < message->n_records; i++) {
		const struct dns_record *record = &message->records[i];
		struct persist persist;
		enum fit fit;

		if (record->section != DNS_ANSWER || record->type != DNS_TXT || !record->txt)
			continue;
		persist = take_apart(record->txt, record->txt_len);
		fit = judge(&persist, wish);
		if (fit == FITS)
			*until = best == FITS ? later(*until, persist.until) : persist.until;
		if (fit > best) {
			best = fit;
			nearest = persist;
		}
	}
	return best == FITS ? 0 : refuse(wish, best, &nearest, err);
}

void persist_text(const struct persist_wish *wish, struct buf *out)
{
	struct buf value AUTO_BUF = BUF_INIT;

	for (const char *p = wish->issuers[0]; *p; p++)
		buf_add_char(&value, (char)tolower((unsigned char)*p));
	buf_printf(&value, "; accounturi=%s%s", wish->account_url,
		wish->is_wildcard ? "; policy=wildcard" : "");
	buf_printf(out, "_validation-persist.%s. %d IN TXT", wish->name, TTL_S);
	for (size_t i = 0; i < value.len; i++) {
		if (i % STRING_MAX == 0)
			buf_add_text(out, i == 0 ? " \"" : "\" \"");
		if (value.data[i] == '"' || value.data[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, value.data[i]);
	}
	buf_add_char(out, '"');
}

bool persist_is_ending(struct instant until, struct instant now, struct duration life)
{
	struct duration ahead = duration_min(DAYS(30), SECONDS(life.s / 3));

	return instant_is_set(until) && instant_since(until, now).s <= ahead.s;
}

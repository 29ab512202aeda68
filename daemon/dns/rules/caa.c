/* SPDX-License-Identifier: MIT */
#include "daemon/dns/rules/caa.h"

#include <string.h>
#include <strings.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/base/text.h"
#include "lib/wire/dns_message.h"

enum { CRITICAL = 128, NAMED_MAX = 4, MALFORMED_MAX = 100 };

/* A stretch of a value. */
struct part {
	const char *at;
	size_t len;
};

/* One issue or issuewild property, taken apart. */
struct issue {
	bool is_malformed;
	struct part issuer; /* empty: no CA */
	struct part account, methods;
	unsigned n_accounts, n_methods;
};

/* Why a property does not allow it, by how near it comes. */
enum refusal { NOT_NAMED, NOT_ACCOUNT, NOT_METHOD, ALLOWED };

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static struct part trimmed(const char *at, size_t len)
{
	while (len > 0 && is_blank(*at))
		at++, len--;
	while (len > 0 && is_blank(at[len - 1]))
		len--;
	return (struct part){ at, len };
}

static bool part_is(struct part part, const char *text)
{
	return strlen(text) == part.len && strncasecmp(part.at, text, part.len) == 0;
}

/*
 * Labels of letters, digits and inner hyphens between dots; also the form of a tag when
 * there is no dot.
 */
static bool is_name(struct part part)
{
	for (size_t i = 0; i < part.len; i++) {
		bool is_edge = i == 0 || i + 1 == part.len || part.at[i - 1] == '.' ||
			       part.at[i + 1] == '.';

		if (!is_alphanumeric(part.at[i]) &&
			(is_edge || (part.at[i] != '-' && part.at[i] != '.')))
			return false;
	}
	return true;
}

static bool is_value(struct part part)
{
	return text_is_visible(part.at, part.len);
}

/* Can it be told as it is? */
static bool is_text(struct part part)
{
	for (size_t i = 0; i < part.len; i++)
		if (part.at[i] == '"' ||
			(part.at[i] != ' ' && !text_is_visible(part.at + i, 1)))
			return false;
	return true;
}

/* One "tag = value"; false: it is none. */
static bool take_parameter(struct part text, struct issue *issue)
{
	const char *equals = memchr(text.at, '=', text.len);
	struct part tag, value;

	if (!equals)
		return false;
	tag = trimmed(text.at, (size_t)(equals - text.at));
	value = trimmed(equals + 1, text.len - (size_t)(equals - text.at) - 1);
	if (tag.len == 0 || memchr(tag.at, '.', tag.len) || !is_name(tag) || !is_value(value))
		return false;
	if (part_is(tag, "accounturi")) {
		issue->account = value;
		issue->n_accounts++;
	} else if (part_is(tag, "validationmethods")) {
		issue->methods = value;
		issue->n_methods++;
	}
	return true;
}

/* RFC 8659, 4.2: [issuer] [";" [parameter *(";" parameter)]]. */
static struct issue take_apart(const struct dns_caa *caa)
{
	struct issue issue = { .is_malformed = caa->is_malformed || !caa->value };
	const char *next;

	if (issue.is_malformed)
		return issue;
	next = strchrnul(caa->value, ';');
	issue.issuer = trimmed(caa->value, (size_t)(next - caa->value));
	issue.is_malformed = !is_name(issue.issuer);
	if (*next && trimmed(next + 1, strlen(next + 1)).len == 0)
		return issue;
	while (*next && !issue.is_malformed) {
		const char *begin = next + 1;

		next = strchrnul(begin, ';');
		issue.is_malformed =
			!take_parameter(trimmed(begin, (size_t)(next - begin)), &issue);
	}
	return issue;
}

static bool names_us(const struct issue *issue, const struct caa_wish *wish)
{
	for (size_t i = 0; i < wish->n_identities; i++)
		if (part_is(issue->issuer, wish->identities[i]))
			return true;
	return false;
}

/* RFC 8657, 3: no account meets several accounturi of one property. */
static bool allows_account(const struct issue *issue, const char *url)
{
	if (issue->n_accounts == 0)
		return true;
	if (issue->n_accounts > 1)
		return false;
	return !url || (strlen(url) == issue->account.len &&
			       memcmp(url, issue->account.at, issue->account.len) == 0);
}

/* RFC 8657, 4: names between commas.  The CA decides which of several such parameters counts. */
static bool allows_method(const struct issue *issue, const char *challenge)
{
	const char *at = issue->methods.at, *end = at + issue->methods.len;

	if (issue->n_methods != 1)
		return true;
	while (at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		size_t len = (size_t)((comma ? comma : end) - at);

		if (len == strlen(challenge) && memcmp(at, challenge, len) == 0)
			return true;
		at += len + 1;
	}
	return false;
}

static enum refusal judge_issue(const struct issue *issue, const struct caa_wish *wish)
{
	if (issue->is_malformed || issue->issuer.len == 0 || !names_us(issue, wish))
		return NOT_NAMED;
	if (!allows_account(issue, wish->account_url))
		return NOT_ACCOUNT;
	return allows_method(issue, wish->challenge) ? ALLOWED : NOT_METHOD;
}

static bool is_caa(const struct dns_record *record, const char *tag)
{
	return record->section == DNS_ANSWER && record->type == DNS_CAA &&
	       (!tag || (record->caa.tag && strcasecmp(record->caa.tag, tag) == 0));
}

/*
 * A registered property that is not about server certificates may be known to the CA, critical
 * or not.
 */
static bool is_known(const struct dns_caa *caa)
{
	static const char *const tags[] = { "issue", "issuewild", "iodef", "issuemail",
		"issuevmc", "contactemail", "contactphone" };

	for (size_t i = 0; caa->tag && i < ARRAY_LEN(tags); i++)
		if (strcasecmp(caa->tag, tags[i]) == 0)
			return true;
	return false;
}

static const struct dns_record *critical_unknown(const struct dns_message *message)
{
	for (size_t i = 0; i < message->n_records; i++) {
		const struct dns_record *record = &message->records[i];

		if (is_caa(record, NULL) && record->caa.flags & CRITICAL &&
			(!is_known(&record->caa) || record->caa.is_malformed))
			return record;
	}
	return NULL;
}

/* The issuers that the set does name, once each, some of them. */
static void add_issuers(const struct dns_message *message, const char *tag, struct buf *out)
{
	struct part names[NAMED_MAX];
	size_t n = 0, more = 0;

	for (size_t i = 0; i < message->n_records; i++) {
		struct issue issue;
		bool is_new = true;

		if (!is_caa(&message->records[i], tag))
			continue;
		issue = take_apart(&message->records[i].caa);
		for (size_t k = 0; k < n; k++)
			is_new = is_new && !(names[k].len == issue.issuer.len &&
						   strncasecmp(names[k].at, issue.issuer.at,
							   names[k].len) == 0);
		if (issue.is_malformed || issue.issuer.len == 0 || !is_new)
			continue;
		if (n < NAMED_MAX)
			names[n++] = issue.issuer;
		else
			more++;
	}
	for (size_t k = 0; k < n; k++)
		buf_printf(out, "%s%.*s",
			k == 0                    ? ""
			: k + 1 == n && more == 0 ? " and "
						  : ", ",
			(int)(names[k].len > 80 ? 80 : names[k].len), names[k].at);
	if (more > 0)
		buf_printf(out, " and %zu more", more);
}

/* "allow only a and b to issue, not c", "forbid every CA to issue". */
static void add_allowed(const struct caa_wish *wish, const struct dns_message *message,
	const char *tag, const char *what, struct buf *out)
{
	struct buf issuers AUTO_BUF = BUF_INIT;

	add_issuers(message, tag, &issuers);
	if (issuers.len == 0)
		buf_printf(out, "forbid every CA to issue%s", what);
	else
		buf_printf(out, "allow only %s to issue%s, not %s", buf_text(&issuers), what,
			wish->identities[0]);
}

/* A malformed property is named: its author would look for the mistake elsewhere. */
static void add_malformed(const struct dns_message *message, const char *tag, struct buf *out)
{
	for (size_t i = 0; i < message->n_records; i++) {
		const struct dns_caa *caa = &message->records[i].caa;
		struct part value;

		if (!is_caa(&message->records[i], tag) || !take_apart(caa).is_malformed)
			continue;
		value = (struct part){ caa->value, caa->value ? strlen(caa->value) : 0 };
		if (caa->is_malformed || value.len > MALFORMED_MAX || !is_text(value))
			buf_printf(out, " (one %s is malformed and names nobody)", tag);
		else
			buf_printf(out, " (%s \"%s\" is malformed and names nobody)", tag,
				caa->value);
		return;
	}
}

/* The record that would do, as it stands in a zone file. */
static void add_record(const struct caa_wish *wish, const char *tag, enum refusal refusal,
	const struct issue *issue, struct buf *out)
{
	buf_printf(out, "; add: %s. CAA 0 %s \"%s", wish->at, tag, wish->identities[0]);
	if (wish->account_url && (refusal == NOT_ACCOUNT || issue->n_accounts > 0))
		buf_printf(out, "; accounturi=%s", wish->account_url);
	if (refusal == NOT_METHOD)
		buf_printf(out, "; validationmethods=%s", wish->challenge);
	buf_add_char(out, '"');
}

/* `issue`: the one that came nearest to an allowance. */
static int refuse(const struct caa_wish *wish, const struct dns_message *message,
	const char *tag, enum refusal refusal, const struct issue *issue, struct err *err)
{
	struct buf why AUTO_BUF = BUF_INIT;
	const char *what = wish->is_wildcard ? " wildcards" : "";

	if (refusal == NOT_NAMED) {
		add_allowed(wish, message, tag, what, &why);
		add_malformed(message, tag, &why);
	} else if (refusal == NOT_ACCOUNT && issue->n_accounts > 1) {
		buf_printf(&why,
			"name several accounts for %s in one record, which nobody can meet",
			wish->identities[0]);
	} else if (refusal == NOT_ACCOUNT) {
		buf_printf(&why,
			"allow %s to issue%s only for the account %.*s, which is not ours",
			wish->identities[0], what, (int)issue->account.len, issue->account.at);
	} else {
		buf_printf(&why, "allow %s to issue%s only by %s%.*s, not by %s",
			wish->identities[0], what, issue->methods.len ? "" : "no challenge",
			(int)issue->methods.len, issue->methods.at, wish->challenge);
	}
	add_record(wish, tag, refusal, issue, &why);
	return err_set(err, ERR_CAA, "the CAA records of %s %s", wish->at, buf_text(&why));
}

static int judge_issues(const struct caa_wish *wish, const struct dns_message *message,
	const char *tag, struct err *err)
{
	enum refusal best = NOT_NAMED;
	struct issue nearest = { .is_malformed = true };

	for (size_t i = 0; i < message->n_records; i++) {
		struct issue issue;
		enum refusal refusal;

		if (!is_caa(&message->records[i], tag))
			continue;
		issue = take_apart(&message->records[i].caa);
		refusal = judge_issue(&issue, wish);
		if (refusal == ALLOWED)
			return 0;
		if (refusal > best) {
			best = refusal;
			nearest = issue;
		}
	}
	return refuse(wish, message, tag, best, &nearest, err);
}

static bool holds(const struct dns_message *message, const char *tag)
{
	for (size_t i = 0; i < message->n_records; i++)
		if (is_caa(&message->records[i], tag))
			return true;
	return false;
}

int caa_judge(const struct caa_wish *wish, const struct dns_message *message, struct err *err)
{
	const struct dns_record *critical = critical_unknown(message);
	int result = 0;

	if (wish->n_identities == 0)
		return 0;
	if (critical && critical->caa.is_malformed)
		result = err_set(err, ERR_CAA,
			"the CAA records of %s hold a critical property that is malformed",
			wish->at);
	else if (critical)
		result = err_set(err, ERR_CAA,
			"the CAA records of %s hold a critical property that no CA knows, "
			"\"%.40s\"",
			wish->at, critical->caa.tag);
	else if (wish->is_wildcard && holds(message, "issuewild"))
		result = judge_issues(wish, message, "issuewild", err);
	else if (holds(message, "issue"))
		result = judge_issues(wish, message, "issue", err);
	if (result && !str_is(wish->name, wish->at))
		err_add(err, "%s", wish->name);
	return result;
}

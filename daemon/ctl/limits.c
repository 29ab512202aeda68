/* SPDX-License-Identifier: MIT */
#include "daemon/ctl/limits.h"

#include <stdio.h>

#include "daemon/conf/index.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/session.h"
#include "daemon/job/job.h"
#include "daemon/job/manners.h"
#include "daemon/job/runner.h"
#include "lib/base/clock.h"

/* A certificate of a thousand names meets as many limits. */
enum { TOLD_MAX = 32 };

struct telling {
	struct session *session;
	const char *ca;
	unsigned n;
	void (*add)(const struct telling *telling, const struct ledger_use *use);
};

static const char *help_of(enum limit limit)
{
	static const char *const helps[] = {
#define LIMIT(id, word, burst, period, help) help,
#include "daemon/acme/limits.def"
#undef LIMIT
		"certificates that certd itself allows for these names in a row",
	};

	return helps[limit];
}

static void tell(const struct ledger_use *use, void *data)
{
	struct telling *telling = data;

	if (use->used > 0 && telling->n++ < TOLD_MAX)
		telling->add(telling, use);
}

static void walk(struct telling *telling, const struct cert *cert)
{
	const struct ctl *ctl = telling->session->ctl;
	const struct conf *conf = ctl->fleet->conf;

	for (size_t i = 0; i < cert->conf->n_cas; i++) {
		const struct ca_conf *ca = cert_conf_nth_acme(conf, cert->conf, i);
		struct ledger_ask ask = { .cert = cert->conf };
		struct ledger *ledger;

		if (!ca)
			continue;
		ledger = manners_ledger(&ctl->runner->manners, ca);
		telling->ca = ca->name;
		ask.kind = manners_kind(cert, ca);
		if (ledger)
			ledger_uses(ledger, &ask, clock_now(), tell, telling);
	}
}

static void add_row(const struct telling *telling, const struct ledger_use *use)
{
	struct buf *row = session_row(telling->session);

	line_add(row, "kind", "limit");
	line_add(row, "ca", telling->ca);
	line_add(row, "limit", limit_text(use->limit));
	if (*use->subject)
		line_add(row, "subject", use->subject);
	line_add_int(row, "used", use->used);
	line_add_int(row, "of", use->of);
	if (instant_before(clock_now(), use->opens))
		line_add_instant(row, "opens", use->opens);
	line_end(row);
}

static void add_sentence(const struct telling *telling, const struct ledger_use *use)
{
	char text[768], opens[INSTANT_TEXT_LEN];
	bool is_closed = instant_before(clock_now(), use->opens);

	snprintf(text, sizeof(text), "At the CA %s %u of %u %s%s%.255s are used%s%s.",
		telling->ca, use->used, use->of, help_of(use->limit), *use->subject ? " " : "",
		use->subject, is_closed ? "; the next one is let through at " : "",
		is_closed ? instant_text(use->opens, opens) : "");
	session_text(telling->session, text);
}

void limits_add_rows(struct session *session, const struct cert *cert)
{
	struct telling telling = { .session = session, .add = add_row };

	walk(&telling, cert);
}

void limits_add_sentences(struct session *session, const struct cert *cert)
{
	struct telling telling = { .session = session, .add = add_sentence };

	walk(&telling, cert);
}

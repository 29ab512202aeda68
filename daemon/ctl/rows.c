/* SPDX-License-Identifier: MIT */
#include "daemon/ctl/rows.h"

#include "daemon/cert/plan.h"
#include "daemon/cert/target.h"
#include "daemon/conf/index.h"
#include "daemon/job/fleet.h"
#include "proto/line.h"

void rows_add_version(struct buf *out, const char *key, const struct version_id *id)
{
	char text[VERSION_ID_TEXT_LEN];

	if (version_is_set(id))
		line_add(out, key, version_id_text(id, text));
}

void rows_add_held(struct buf *out, const struct cert_facts *facts)
{
	rows_add_version(out, "curr", &facts->curr.id);
	if (version_is_set(&facts->curr.id))
		line_add_instant(out, "curr_expires", facts->curr.not_after);
	rows_add_version(out, "next", &facts->next.id);
	if (version_is_set(&facts->next.id))
		line_add_instant(out, "next_expires", facts->next.not_after);
	rows_add_version(out, "prev", &facts->prev);
}

void rows_add_plan(struct buf *out, const struct plan *plan)
{
	line_add(out, "action", action_text(plan->action));
	line_add_instant(out, "at", plan->at);
	line_add(out, "why", why_text(plan->why));
	line_add(out, "reason", why_sentence(plan->why));
}

void rows_add_error(struct buf *out, const struct failure *failure)
{
	line_add(out, "error", err_code_text(failure->code));
	if (failure->text)
		line_add(out, "error_text", failure->text);
}

const struct failure *rows_failure(const struct conf *conf, const struct cert *cert)
{
	const struct failure *failure = cert_failure(cert->conf, &cert->facts);

	if (failure)
		return failure;
	return target_first_failure(cert->conf, conf, &cert->facts);
}

const char *rows_ca(const struct conf *conf, const struct cert *cert, size_t n)
{
	const struct ca_conf *ca = cert_conf_nth_ca(conf, cert->conf, n);

	return ca ? ca->name : "self";
}

const char *rows_held_ca(const struct conf *conf, const struct cert *cert)
{
	for (size_t i = 0; i < cert->conf->n_cas && cert->facts.curr.ca; i++)
		if (facts_ca(rows_ca(conf, cert, i)) == cert->facts.curr.ca)
			return rows_ca(conf, cert, i);
	return rows_ca(conf, cert, 0);
}

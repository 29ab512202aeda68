/* SPDX-License-Identifier: MIT */
#include "daemon/acme/refusal.h"

#include <stdlib.h>

#include "daemon/acme/acme.h"
#include "lib/base/attr.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/log/log.h"

/* Until the next question, after the first, second ... refusal in a row. */
static const struct duration waits[] = { { 60 }, { 600 }, { 3600 } };

bool refusal_holds(const struct acme_ca *ca)
{
	return ca->refusal.code != ERR_NONE;
}

struct instant refusal_again(const struct acme_ca *ca)
{
	size_t step = ca->refusal.tries ? ca->refusal.tries - 1 : 0;

	if (!refusal_holds(ca))
		return INSTANT_NONE;
	return instant_add(
		ca->refusal.last, waits[step < ARRAY_LEN(waits) ? step : ARRAY_LEN(waits) - 1]);
}

int refusal_err(const struct acme_ca *ca, struct err *err)
{
	err_set(err, ERR_ACCOUNT_REFUSED, "%s", ca->refusal.text);
	err->not_before = refusal_again(ca);
	return -1;
}

static void arm(struct acme_ca *ca, int64_t ms)
{
	if (!ca->is_gone && !ca->acme->is_stopping)
		loop_timer_in(ca->acme->loop, &ca->ask_again, ms);
}

static void set(struct acme_ca *ca, const struct failure *refusal)
{
	ca->acme->n_refused += refusal->code != ERR_NONE;
	ca->acme->n_refused -= refusal_holds(ca);
	free(ca->refusal.text);
	ca->refusal = *refusal;
}

static void tell_change(struct acme_ca *ca)
{
	if (ca->acme->changed)
		ca->acme->changed(ca->acme->changed_data, ca);
}

void refusal_recall(struct acme_ca *ca, const char *code, const char *text,
	struct instant since, int64_t tries)
{
	if (refusal_holds(ca) || !code)
		return;
	set(ca, &(struct failure){ .code = ERR_ACCOUNT_REFUSED,
			.tries = (uint32_t)tries,
			.first = since,
			.last = clock_now(),
			.text = mem_strdup(text ? text : code) });
	ca->refusal_told = clock_now();
}

/* A refusal that may pass by itself is told once it has not. */
static bool must_tell(const struct acme_ca *ca, const struct err *err)
{
	if (!instant_is_set(ca->refusal_told))
		return err_code_class(err->code) == CLASS_REFUSED || ca->refusal.tries >= 2;
	return instant_since(clock_now(), ca->refusal_told).s >= DAYS(1).s;
}

void refusal_note(struct acme_ca *ca, const struct err *err, const struct log_field *context)
{
	struct instant now = clock_now();
	char again[INSTANT_TEXT_LEN];
	uint32_t tries = ca->refusal.tries + 1;
	struct instant first = refusal_holds(ca) ? ca->refusal.first : now;

	set(ca, &(struct failure){ .code = ERR_ACCOUNT_REFUSED,
			.tries = tries,
			.first = first,
			.last = now,
			.text = mem_strdup(err->text) });
	arm(ca, instant_since(refusal_again(ca), now).s * 1000);
	if (must_tell(ca, err)) {
		ca->refusal_told = now;
		log_event(context, EVENT_ACME_REFUSED, err,
			"the CA %s does not let our account in; its certificates wait, and it "
			"is "
			"asked again at %s",
			ca->label, instant_text(refusal_again(ca), again));
	}
	tell_change(ca);
}

void refusal_keep(struct acme_ca *ca)
{
	if (!refusal_holds(ca))
		return;
	ca->refusal.last = clock_now();
	arm(ca, instant_since(refusal_again(ca), clock_now()).s * 1000);
}

static void forget(struct acme_ca *ca)
{
	loop_timer_stop(ca->acme->loop, &ca->ask_again);
	set(ca, &(struct failure){ .code = ERR_NONE });
	ca->refusal_told = INSTANT_NONE;
}

void refusal_end(struct acme_ca *ca, const struct log_field *context)
{
	char first[INSTANT_TEXT_LEN];

	if (!refusal_holds(ca))
		return;
	if (instant_is_set(ca->refusal_told))
		log_event(context, EVENT_ACME_ADMITTED, NULL,
			"the CA %s lets our account in again, which it had refused since %s; "
			"its "
			"certificates go on",
			ca->label, instant_text(ca->refusal.first, first));
	forget(ca);
	tell_change(ca);
}

void refusal_ask_now(struct acme_ca *ca)
{
	if (refusal_holds(ca))
		arm(ca, 0);
}

void refusal_stop(struct acme_ca *ca)
{
	forget(ca);
}

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_REFUSAL_H
#define CERTD_DAEMON_ACME_REFUSAL_H

#include <stdbool.h>

#include "lib/base/instant.h"

struct acme_ca;
struct acme;
struct err;
struct log_field;

/*
 * A refusal is an account that its CA does not let in: deactivated, forbidden, not to be
 * registered, or answered with errors only.  It is one state of the account (struct
 * acme_ca.refusal), not a failure of each certificate.
 *
 *	refused   an opening (account.h) ended with the CA's no about the account
 *	asked     a timer opens it again after a minute, ten minutes, then every hour; a reload and
 *	          an operator who forces an issue ask at once
 *	let in    an opening worked: whatever the reason, everything goes on
 *
 * No order reaches the CA meanwhile: account_open() answers with the refusal.  Each change is
 * told by an event, kept by the keeper, and handed to acme->changed, which plans the
 * certificates anew.
 */

/* The state as it was before the restart; what is known already stays. */
void refusal_recall(struct acme_ca *ca, const char *code, const char *text,
	struct instant since, int64_t tries);

/* An opening ended like this, and the error is the account's; or it worked. */
void refusal_note(struct acme_ca *ca, const struct err *err, const struct log_field *context);
void refusal_end(struct acme_ca *ca, const struct log_field *context);

/* An opening ended for another reason: the next question still comes. */
void refusal_keep(struct acme_ca *ca);

bool refusal_holds(const struct acme_ca *ca);

/* Fills *err with the refusal, and the moment of the next question.  Returns -1. */
int refusal_err(const struct acme_ca *ca, struct err *err);
struct instant refusal_again(const struct acme_ca *ca);

/* Asks now: the configuration changed, or an operator forces an issue. */
void refusal_ask_now(struct acme_ca *ca);

/* For acme.c: the end of the CA, or of the daemon. */
void refusal_stop(struct acme_ca *ca);

#endif

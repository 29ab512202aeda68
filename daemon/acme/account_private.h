/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_ACCOUNT_PRIVATE_H
#define CERTD_DAEMON_ACME_ACCOUNT_PRIVATE_H

#include "daemon/acme/account.h"
#include "daemon/acme/post.h"
#include "daemon/acme/rollover_recover.h"

struct acme_conf;

/*
 * The task that opens an account: shared by account.c and account_directory.c, which fetches
 * the directory.
 */

struct acme_opening {
	struct task task;
	struct acme_ca *ca;
	struct conf *conf; /* a reference */
	const struct acme_conf *acme;
	struct http_op http;
	struct keeper_op keeper;
	struct post post;
	struct rollover_recover recover;
	struct sleep_op pause;
	struct tick deadline;
	struct log_field log_ca;
	char *known; /* URL that the keeper has */
	char *url;   /* that holds */
	unsigned fetches;
	bool has_key, has_candidate, has_other_contacts;
	bool is_asking; /* the CA was asked about the account */
	bool by_key;    /* the CA's answer for the known URL is not enough */
	bool was_refused, is_refused;
};

/* One request for the directory. */
void opening_fetch(struct acme_opening *o);

/* Takes the CA's directory; true: after a pause it is asked for once more. */
bool opening_must_fetch_again(struct acme_opening *o);

#endif

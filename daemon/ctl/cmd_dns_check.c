/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "daemon/acme/acme.h"
#include "daemon/conf/challenge.h"
#include "daemon/conf/index.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/session.h"
#include "daemon/job/dns_check.h"
#include "daemon/job/runner.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/wire/name.h"

#define ACME_CHALLENGE "_acme-challenge."

static bool has_name(const struct cert_conf *cert, const char *name)
{
	for (uint16_t i = 0; i < cert->n_names; i++) {
		const char *own = cert->names[i];

		if (str_is(name_is_wildcard(own) ? own + strlen("*.") : own, name))
			return true;
	}
	return false;
}

/* The first CA that some certificate shows this name by a record in DNS, or NULL. */
static const struct ca_conf *find_ca(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n_certs; i++) {
		const struct cert_conf *cert = conf_cert_at(conf, i);

		if (!cert->is_active || !has_name(cert, name))
			continue;
		for (uint16_t k = 0; k < cert->n_cas; k++) {
			const struct ca_conf *ca = cert_conf_nth_acme(conf, cert, k);

			if (ca && challenge_is_dns(ca->acme->challenge))
				return ca;
		}
	}
	return NULL;
}

/* A name means the record of its challenge, which is not the same for all CAs. */
static void turn_to_challenge(const struct session *session, char owner[DNS_NAME_LEN])
{
	const char *name = owner + strlen(ACME_CHALLENGE);
	const struct runner *runner = session->ctl->runner;
	const struct ca_conf *ca = find_ca(session->ctl->fleet->conf, name);
	const struct acme_ca *known =
		ca && runner->acme ? acme_ca_find(runner->acme, ca, false) : NULL;
	const char *account = known ? known->account_url : NULL;
	struct buf text AUTO_BUF = BUF_INIT;

	if (!ca || (ca->acme->challenge == CHALLENGE_DNS_ACCOUNT && !account))
		return;
	challenge_owner(ca->acme->challenge, name, account ? account : "", &text);
	if (text.len < DNS_NAME_LEN)
		snprintf(owner, DNS_NAME_LEN, "%s", buf_text(&text));
}

/*
 * Asking name servers takes a while, so it is a job; what they say are its events.  It changes
 * nothing in this world, which is why who may only look may begin it; but not as often as he
 * likes.
 */
int cmd_dns_check(struct session *session, struct err *err)
{
	const char *asked = request_arg(&session->request, 0);
	char owner[DNS_NAME_LEN];
	const struct job *job;
	struct dns_check_wish wish = {
		.owner = owner,
		.asker = session,
		.is_waiting = line_has(session->request.line, "--wait"),
		.uid = session->peer.uid,
		.is_paced = peer_role(&session->peer, session->ctl) < ROLE_OPERATE,
	};

	if (dns_check_target(asked, owner, &wish.type, err) < 0)
		return -1;
	if (*asked != '_' && str_starts(owner, ACME_CHALLENGE))
		turn_to_challenge(session, owner);
	job = dns_check_start(session->ctl->runner, &wish, err);
	if (!job)
		return -1;
	session->job = job->number;
	return 0;
}

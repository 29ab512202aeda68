/* SPDX-License-Identifier: MIT */
#include "daemon/conf/conf.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/select.h"
#include "daemon/ctl/session.h"
#include "daemon/job/revoke.h"
#include "daemon/job/runner.h"
#include "lib/base/str.h"
#include "proto/revoke.h"

/*
 * A peer with the role operate may have a version replaced and revoked; to revoke one in use is
 * for root alone.  The keeper holds the engine to that (proto/revoke.h); here it is only told
 * in time.
 */
static int check_peer(const struct session *session, struct err *err)
{
	const struct ctl *ctl = session->ctl;

	if (session->peer.uid == 0 || (ctl->is_own_admin && session->peer.uid == ctl->own_uid))
		return 0;
	return err_set(err, ERR_NOT_ALLOWED, "revoke --now is for root alone");
}

static int read_reason(const struct line *line, int *out, struct err *err)
{
	struct buf words AUTO_BUF = BUF_INIT;
	const char *word = line_get(line, "reason");

	*out = word ? reason_parse(word) : REASON_UNSPECIFIED;
	if (*out >= 0)
		return 0;
	reason_list(&words);
	return err_set(
		err, ERR_BAD_ARGUMENT, "%.40s is no reason: it is %s", word, buf_text(&words));
}

static int read_wish(const struct session *session, const struct cert *cert,
	struct revoke_wish *out, struct err *err)
{
	const struct line *line = session->request.line;
	const char *version = line_get(line, "version");

	*out = (struct revoke_wish){ .cert = cert->conf->name,
		.version = cert->facts.curr.id,
		.is_now = line_has(line, "--now") };
	if (out->is_now && check_peer(session, err) < 0)
		return -1;
	if (version && version_id_parse(version, &out->version, err) < 0)
		return -1;
	if (!version_is_set(&out->version))
		return err_set(err, ERR_NO_SUCH_VERSION, "%s has no current version",
			cert->conf->name);
	return read_reason(line, &out->reason, err);
}

int cmd_revoke(struct session *session, struct err *err)
{
	const struct cert *cert = select_one(session->ctl->fleet, &session->request, err);
	struct revoke_wish wish;
	const struct job *job;

	if (!cert || read_wish(session, cert, &wish, err) < 0)
		return -1;
	job = revoke_start(session->ctl->runner, &wish, err);
	if (!job)
		return -1;
	session->job = job->number;
	return 0;
}

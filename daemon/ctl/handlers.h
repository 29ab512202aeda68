/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CTL_HANDLERS_H
#define CERTD_DAEMON_CTL_HANDLERS_H

struct err;
struct session;

/*
 * One function per command of proto/commands.def that the daemon answers, each in cmd_NAME.c.
 *
 * A handler reads session->request.  It returns 0 when it has answered, or has left an answer
 * behind (session_answer()); -1 with `err` becomes the `err` line.  It never waits.
 */

int cmd_status(struct session *session, struct err *err);
int cmd_show(struct session *session, struct err *err);
int cmd_why(struct session *session, struct err *err);
int cmd_renew(struct session *session, struct err *err);
int cmd_roll(struct session *session, struct err *err);
int cmd_discard(struct session *session, struct err *err);
int cmd_plan(struct session *session, struct err *err);
int cmd_deploy(struct session *session, struct err *err);
int cmd_versions(struct session *session, struct err *err);
int cmd_publish(struct session *session, struct err *err);
int cmd_prune(struct session *session, struct err *err);
int cmd_dns_check(struct session *session, struct err *err);
int cmd_watch(struct session *session, struct err *err);
int cmd_jobs(struct session *session, struct err *err);
int cmd_cancel(struct session *session, struct err *err);
int cmd_revoke(struct session *session, struct err *err);
int cmd_accounts(struct session *session, struct err *err);
int cmd_reload(struct session *session, struct err *err);
int cmd_metrics(struct session *session, struct err *err);
int cmd_help(struct session *session, struct err *err);
int cmd_version(struct session *session, struct err *err);

#endif

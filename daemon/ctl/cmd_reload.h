/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CTL_CMD_RELOAD_H
#define CERTD_DAEMON_CTL_CMD_RELOAD_H

struct answer;
struct err;

/* What ctl_reloaded() tells each answer that waits for it. */
void reload_answer(struct answer *answer, const struct err *err, const char *diagnostics);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CTL_CMD_RELOAD_H
#define CERTD_DAEMON_CTL_CMD_RELOAD_H

struct answer;
struct err;

/* The end of a reload, for each answer that waits for it. */
void reload_answer(struct answer *answer, const struct err *err, const char *diagnostics);

#endif

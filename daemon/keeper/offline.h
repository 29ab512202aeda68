/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_OFFLINE_H
#define CERTD_DAEMON_KEEPER_OFFLINE_H

/*
 * Offline answers are what certd prints about its configuration instead of running: to standard
 * output, from the same tables that read it.  Each returns the exit status.
 */

int offline_explain(const char *key); /* NULL: all keys */
int offline_schema(void);
int offline_manual(void);

#endif

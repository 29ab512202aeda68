/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_OFFLINE_H
#define CERTD_DAEMON_KEEPER_OFFLINE_H

#include <stdbool.h>

/*
 * Offline answers are what certd prints about its configuration instead of running: to standard
 * output, from the same tables that read it.  Each returns the exit status.
 */

/* `is_installed`: the configuration is the one that the installed unit runs with. */
int offline_check(const char *config, bool is_installed);
int offline_explain(const char *key); /* NULL: all keys */
int offline_schema(void);
int offline_manual(void);

#endif

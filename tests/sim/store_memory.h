/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_SIM_STORE_MEMORY_H
#define CERTD_TESTS_SIM_STORE_MEMORY_H

#include <stdint.h>

#include "daemon/keeper/store/store.h"
#include "lib/base/err.h"

/*
 * The store of daemon/keeper/store/store.h in memory, for simulations: it survives restarts of the daemon,
 * and what a disk can do to one certificate can be asked for.  Every call is atomic; what lies
 * between two system calls is tested with the real store.
 */

struct store *store_memory_new(void);
void store_memory_free(struct store *store);

/*
 * Writing anything of this certificate fails with this code from now on; ERR_NONE: works again.  NULL
 * stands for what belongs to none, so that store_align() fails.
 */
void store_memory_fail(struct store *store, const char *cert, enum err_code code);

/* Counts every change, so that a simulation looks at the facts only when there is something new. */
uint64_t store_memory_changes(const struct store *store);

/* How many versions were ever added; 0 for a certificate that never had one. */
unsigned store_memory_added(const struct store *store, const char *cert);

/* How many are kept now. */
unsigned store_memory_kept(const struct store *store, const char *cert);
bool store_memory_is_archived(const struct store *store, const char *cert);

#endif

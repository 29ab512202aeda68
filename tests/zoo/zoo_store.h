/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_ZOO_ZOO_STORE_H
#define CERTD_TESTS_ZOO_ZOO_STORE_H

#include "lib/base/instant.h"

struct conf;
struct store;

/*
 * A zoo store has real keys and certificates in place of those that zoo_facts() invents, signed
 * by the keys of the zoo's own CAs. It works on every store behind daemon/keeper/store/store.h,
 * a real one and that of simulations. An error ends the process.
 */
void zoo_fill_store(struct store *store, const struct conf *conf, struct instant now);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_ZOO_ZOO_STORE_H
#define CERTD_TESTS_ZOO_ZOO_STORE_H

#include "lib/base/instant.h"

struct conf;
struct store;

/*
 * The zoo as a store holds it: what zoo_facts() makes up becomes real keys and certificates, signed by the keys
 * of the zoo's own CAs.  Works on every store behind daemon/keeper/store/store.h, a real one and that of simulations.
 * Ends the process on any error.
 */
void zoo_fill_store(struct store *store, const struct conf *conf, struct instant now);

#endif

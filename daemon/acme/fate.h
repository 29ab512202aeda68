/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_FATE_H
#define CERTD_DAEMON_ACME_FATE_H

#include "daemon/acme/object.h"

/*
 * A fate is what becomes of an order: the table fates.def as a function.
 *
 * Every decision of order.c and placing.c about how an order goes on is a look into it: after
 * it was found again, after it was placed, and after each further look.  Pure.
 */

enum order_state {
#define FATE(state, nothing, key, broken, foreign) ORDER_##state,
#include "daemon/acme/fates.def"
#undef FATE
	ORDER_STATE_COUNT
};

enum order_held { HELD_NOTHING, HELD_KEY, HELD_BROKEN, HELD_FOREIGN, HELD_COUNT };

enum order_fate { FATE_PROVE, FATE_FINALIZE, FATE_WAIT, FATE_FETCH, FATE_DROP };

/* The state of an order as the CA told it; ORDER_GONE is the caller's to know. */
enum order_state order_state_of(const struct order_object *order);

enum order_fate order_fate(enum order_state state, enum order_held held);

/* Is this answer to a request about an order the word that there is no such order? */
bool order_is_gone(const struct problem *problem);

/* "none", "ready", "broken": the keeper's word for what it holds; HELD_BROKEN for any other. */
enum order_held order_held_parse(const char *text);

/* For messages: "no key", "a broken key" ... */
const char *order_held_text(enum order_held held);

#endif

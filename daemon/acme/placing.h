/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_PLACING_H
#define CERTD_DAEMON_ACME_PLACING_H

#include <stdbool.h>

#include "proto/keeper.h"

struct err;
struct order;

/*
 * A placing is how an order comes to be: placed anew, or found again after a restart (RFC 8555,
 * 7.4).
 *
 * A new order may carry two wishes that a CA can refuse: a profile, which the configuration may
 * prefer or require, and the certificate that is replaced (RFC 9773, 5), which is never
 * required.  When an order with a wish is refused for a reason that may be the wish, it is
 * placed again without it, once for each.  An order whose account is lost is placed again once
 * the key is registered anew.
 *
 * An order that is found again is dropped, and a new one placed, when it is too old or when
 * fates.def says so.  So is an old order that the CA hands out in the place of a new one, once.
 */

/* Sends a request about the order with its deadline; the error ends up in order->post.err. */
void placing_ask(struct order *order, enum sign op, const char *url);

/* The order in the answer becomes order->object. */
int placing_take(struct order *order, struct err *err);

/* An order in flight (order->args.resume): before it is looked at, and what the look told. */
void placing_resume(struct order *order);
int placing_resumed(struct order *order, struct err *err); /* order->url empty: dropped */

/* A new one: may it be placed, place it, and what came: order->url empty: once more. */
int placing_check(struct order *order, struct err *err);
void placing_send(struct order *order);
int placing_placed(struct order *order, struct err *err);

/*
 * May the refusal of the last request be about the account?  True once an order: the account is
 * asked for before anything else is made of the refusal.
 */
bool placing_doubts_account(struct order *order);

/*
 * Is it further than a new order can be?  Then order->held has to be known: order->url empty:
 * once more.
 */
bool placing_is_old(const struct order *order);
int placing_old(struct order *order, struct err *err);

/* Fills *err: why a request about the order failed.  Returns -1. */
int placing_gone(const struct order *order, struct err *err);

/* Fills *err: why nothing can come of the order, by its state.  Returns -1. */
int placing_invalid(const struct order *order, struct err *err);

#endif

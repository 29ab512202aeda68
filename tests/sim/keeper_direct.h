/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_SIM_KEEPER_DIRECT_H
#define CERTD_TESTS_SIM_KEEPER_DIRECT_H

#include "daemon/link/keeper.h"

struct server;
struct town;

/*
 * The other implementation of daemon/link/keeper.h: the keeper's own request code, called in the
 * same process.  Packets take a few virtual milliseconds each way and keep their order, as in a
 * SEQPACKET pair.
 *
 * One request can be made to fail: before the keeper hears of it, or after it has done everything,
 * with an error in place of the answer.  keeper_direct_cut() is the death of the keeper's process:
 * nothing arrives any more in either direction and every request is answered by an error at once.
 */

enum keeper_loss { LOSS_NONE, LOSS_BEFORE, LOSS_AFTER };

/* To be called right after keeper_new(). */
void keeper_direct_serve(struct keeper *keeper, struct server *server, struct town *town);

/* The keeper's way out: struct server's send(), and unasked notes.  `fd` is duplicated. */
void keeper_direct_send(struct keeper *keeper, const struct buf *packet, int fd);

/* The k-th request from now on (1 is the next) is lost in this way. */
void keeper_direct_lose(struct keeper *keeper, unsigned k, enum keeper_loss loss);

unsigned keeper_direct_asked(const struct keeper *keeper);

void keeper_direct_cut(struct keeper *keeper);
bool keeper_direct_is_idle(const struct keeper *keeper);

#endif

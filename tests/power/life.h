/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_POWER_LIFE_H
#define CERTD_TESTS_POWER_LIFE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/keeper/serve/serve.h"
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/task/loop.h"

/*
 * A life runs the keeper in this process, from its start to a moment at which it may end: its
 * store, challenges, threads and requests as daemon/keeper/main.c opens them, below one
 * directory.
 *
 *	ROOT/state    the store          ROOT/www     a webroot         ROOT/zones    include files
 *	ROOT/live     the target `web`, whose directory certd makes, like ROOT/deep
 *
 * Requests are lines of proto/keeper.def; the answer counts as told (trace.h).
 */

#define LIFE_CERT "example.com/web"
#define LIFE_ACME "example.com/acme"
#define LIFE_WEB "live"
#define LIFE_DEEP "deep/below"
#define LIFE_ORDER "https://ca.example/order/1"

struct life {
	struct conf *conf;
	struct loop *loop;
	struct server server;
	struct buf reply;
	bool has_reply;
	void (*told)(struct life *life); /* called after an answer, or NULL */
	struct buf events_told;          /* names and texts of events, each with LF */
};

/* The root of all of them, an absolute path, and its descriptor; made by life_make_root(). */
extern char life_root[64];
extern int life_root_fd;
void life_make_root(void);
void life_empty_root(void); /* removes everything below the root */
void life_remove_root(void);

/*
 * Starts a keeper, with challenges not yet swept; 0, or -1 with the error. `without` is a
 * certificate to leave out of the configuration, or NULL.
 */
int life_begin(struct life *life, const char *without, struct err *err);

/* Withdraws the answers that an earlier life has published. */
bool life_sweep(struct life *life);

/* Ends the life without a shutdown. */
void life_end(struct life *life);

/*
 * Sends a request and returns its answer, "ok 1 ..." or "err 1 ..."; "" when none comes within
 * 20 s.
 */
const char *life_ask(struct life *life, const char *rows, const char *fmt, ...) PRINTF(3, 4);

/* Appends the chain that the CA of LIFE_ACME issues for the pending key of this order. */
void life_sign_chain(struct life *life, const char *order, struct buf *out);

#endif

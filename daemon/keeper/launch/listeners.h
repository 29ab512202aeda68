/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_LAUNCH_LISTENERS_H
#define CERTD_DAEMON_KEEPER_LAUNCH_LISTENERS_H

#include "daemon/conf/conf.h"
#include "lib/base/list.h"
#include "lib/task/loop.h"

struct err;

/*
 * A challenge socket is one at which CAs come to look (http.listen, tls_alpn.listen).  The
 * keeper binds it, because low ports need its rights, and hands it to the engine, which
 * accepts; the keeper itself never reads from a network.
 *
 * With http.hold: challenge, addresses of http.listen are bound only between listeners_begin()
 * and listeners_end(), so that a web server may have the port at other times.  All others are
 * bound all the time.
 *
 * An address that cannot be bound keeps nothing from starting: that is told once, and tried
 * again every minute as long as it is needed, at each challenge, and when an operator renews,
 * deploys or reloads.  [::] takes both families.
 */

#define LISTENERS_RETRY_MS 60000

struct listeners {
	struct loop *loop;
	struct list all; /* struct listener */
	struct timer timer;
	bool is_begun[CHALLENGE_COUNT]; /* challenges of this type are shown */
	/*
	 * An address is listened at, or with fd -1 no more; `err` says why it cannot be, NULL:
	 * there is no such reason any more.  The descriptor stays ours.
	 */
	void (*tell)(enum challenge type, const char *at, int fd, const struct err *err);
};

void listeners_init(struct listeners *listeners, struct loop *loop,
	void (*tell)(enum challenge type, const char *at, int fd, const struct err *err));
void listeners_done(struct listeners *listeners); /* zeroed is fine; the engine is not told */

/* Binds what a configuration needs now and closes what it does not name or need any more. */
void listeners_use(struct listeners *listeners, const struct conf *conf);

/* Tries again to bind what is needed and could not be bound. */
void listeners_retry(struct listeners *listeners);

/*
 * A challenge of this type is about to be shown: binds what is not bound yet.  -1 when nothing
 * is, and why.
 */
int listeners_begin(struct listeners *listeners, enum challenge type, struct err *err);

/* None of this type is shown any more: closes what is bound for challenges only. */
void listeners_end(struct listeners *listeners, enum challenge type);

#endif

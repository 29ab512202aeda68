#ifndef CERTD_DAEMON_KEEPER_LISTENERS_H
#define CERTD_DAEMON_KEEPER_LISTENERS_H

#include "daemon/conf/conf.h"
#include "daemon/keeper/events.h"
#include "lib/base/list.h"

struct err;

/*
 * The sockets at which CAs come to look (http.listen, tls_alpn.listen).  The keeper binds them,
 * because low ports are for the mighty, and hands them to the engine, which accepts; the keeper itself
 * never reads from a network.
 *
 * An address that cannot be bound keeps nothing from starting: that is told once, and tried again every
 * minute and at each reload.  [::] takes both families.
 */

#define LISTENERS_RETRY_MS 60000

struct listeners {
	struct events *events;
	struct list all; /* struct listener */
	struct event_timer timer;
	/* An address is listened at, or with fd -1 no more.  The descriptor stays ours. */
	void (*tell)(enum challenge type, const char *at, int fd);
};

void listeners_init(struct listeners *listeners, struct events *events,
	void (*tell)(enum challenge type, const char *at, int fd));
void listeners_done(struct listeners *listeners); /* zeroed is fine; tells nobody */

/* Binds what a configuration names and closes what it does not name any more. */
void listeners_use(struct listeners *listeners, const struct conf *conf);

/* Is anything listened at for this type?  -1 and why not. */
int listeners_check(const struct listeners *listeners, enum challenge type, struct err *err);

#endif

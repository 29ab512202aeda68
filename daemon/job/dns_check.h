/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_JOB_DNS_CHECK_H
#define CERTD_DAEMON_JOB_DNS_CHECK_H

#include "daemon/dns/resolve/trace.h"
#include "daemon/dns/watch/propagation.h"
#include "daemon/job/job.h"

/*
 * A DNS check asks all name servers of a zone about one name, as a job that has no certificate.
 *
 * Each answer is an event (dns.answer); the job ends well when all servers that count agree.
 * The zone's own servers count, and extra ones that answer where the configuration requires
 * them.  To agree is to show the value that an order waits for at this name, or else the same
 * as all others.  With `wait` it goes on in rounds and tells changes, until they agree on a
 * record or the configured deadline is over; a server that stays silent for SILENT_ROUNDS
 * rounds counts no more then, as in an order.  It ends, too, when its asker's connection does.
 *
 * A user with the role observe may begin one for any name, and so have foreign servers asked,
 * as many as the owner of a zone names.  Any user of this machine could ask them the same, but
 * not with our address; so it is bounded.  One user has DNS_CHECKS_OF_USER at work, all
 * observers DNS_CHECKS_MAX together; more is ERR_BUSY.  And they have a budget (struct
 * dns_purses): a check costs a second and each answer that is told a tenth, which also keeps
 * the events of others readable; a user who has spent half a minute in advance waits, in the
 * step "turn".  One address is never asked more than lib/net/dns_probe.h allows.  Operators do
 * not wait.
 *
 * Extra name servers are resolvers, which remember missing records for a while: they are asked
 * when the zone's own servers agree on a record, and are told as unasked until then.
 */

#define DNS_CHECKS_OF_USER 2
#define DNS_CHECKS_MAX 16
#define DNS_PURSES 32

/*
 * The spending of users, as the moment at which it is paid; those who owe least are forgotten
 * first.
 */
struct dns_purses {
	struct dns_purse {
		uid_t uid;
		int64_t paid_ms;
	} of[DNS_PURSES];
};

struct dns_check_wish {
	const char *owner; /* copied */
	const void *asker; /* whose look it is: see dns_check_left(); never looked into */
	uint16_t type;
	bool is_waiting;
	uid_t uid;
	bool is_paced; /* the user may only look */
};

/* The last answer told of an address. */
struct told_answer;

struct dns_check {
	struct job job;
	struct zones *zones;
	struct trace trace;
	struct propagation propagation;
	struct sleep_op pause;
	char owner[DNS_NAME_LEN];
	uint16_t type;
	bool is_waiting;
	const void *asker; /* NULL: he has gone */
	uid_t uid;
	struct dns_purses *purses; /* NULL: it costs nothing */
	bool has_agreed, asks_extras;
	unsigned rounds;
	struct told_answer *told;
	size_t n_told;
};

/*
 * The owner and type that a user means by a name: TLSA below _PORT._PROTO, TXT at another name
 * that begins with "_", else TXT at _acme-challenge of the name.  -1 with a sentence.
 */
int dns_check_target(
	const char *text, char owner[DNS_NAME_LEN], uint16_t *type, struct err *err);

/* The asker has gone: ends its checks that go on in rounds, whose room others need. */
void dns_check_left(const struct list *jobs, const void *asker);

/*
 * Asks all name servers about one owner; NULL with ERR_BUSY when too many such jobs run (those
 * of operators take no place from others), with ERR_DNS when no server can be asked.
 */
struct job *dns_check_start(
	struct runner *runner, const struct dns_check_wish *wish, struct err *err);

#endif

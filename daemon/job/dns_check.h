#ifndef CERTD_DAEMON_JOB_DNS_CHECK_H
#define CERTD_DAEMON_JOB_DNS_CHECK_H

#include "daemon/dns/trace.h"
#include "daemon/dns/visible.h"
#include "daemon/job/job.h"

/*
 * Who sees what: all name servers of a zone are asked about one name, as a job that has no certificate.
 *
 * What each of them says is an event (dns.answer); the job ends well when all that count agree.  The zone's own servers
 * count, and extra ones that answer where the configuration requires them.  To agree is to show the value that an order
 * waits for at this name, or else the same as all others.  With `wait` it goes on in rounds and tells
 * what has changed, until they agree on a record or the configured deadline is over; a server that stays silent
 * for SILENT_ROUNDS rounds counts no more then, as in an order.
 *
 * Extra name servers are resolvers, which remember for a while what was not there: they are asked when the zone's own
 * agree on a record, and are told as unasked until then.
 */

#define DNS_CHECKS_MAX 2

/* What was told of an address last. */
struct told_answer;

struct dns_check {
	struct job job;
	struct zones *zones;
	struct trace trace;
	struct visible visible;
	struct sleep_op pause;
	char owner[DNS_NAME_LEN];
	uint16_t type;
	bool is_waiting;
	bool has_agreed, asks_extras;
	unsigned rounds;
	struct told_answer *told;
	size_t n_told;
};

/*
 * The owner and type that a user means by a name: TLSA below _PORT._PROTO, TXT at another name that begins with "_",
 * else TXT at _acme-challenge of the name.  -1 with a sentence.
 */
int dns_check_target(
	const char *text, char owner[DNS_NAME_LEN], uint16_t *type, struct err *err);

struct dns_check *dns_check_new(
	struct zones *zones, const char *owner, uint16_t type, bool is_waiting);
void dns_check_done(struct dns_check *check); /* frees what it owns, not itself */

#endif

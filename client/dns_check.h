/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_DNS_CHECK_H
#define CERTD_CLIENT_DNS_CHECK_H

struct line;
struct options;
struct term;

/*
 * `dns check`: the answers of name servers, which come as events of a job, become a table with a row for each
 * address.
 *
 * Without --wait that is one round, and the table stands at its end.  With --wait a terminal sees the table drawn
 * anew as it changes, anything else gets a line for each answer that is news.  With --json there is one array of
 * the rows as they were at the end.  What was asked for is awaited in any case; if certctl is interrupted the
 * job goes on to its end.
 */

/* The job was started; `ok` tells its number.  The exit status: 0 when all servers that count agree. */
int dns_check_finish(
	const struct options *options, const struct line *ok, const struct term *term);

#endif

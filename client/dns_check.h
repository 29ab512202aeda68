/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_DNS_CHECK_H
#define CERTD_CLIENT_DNS_CHECK_H

struct line;
struct options;
struct term;

/*
 * A DNS check collects the answers of name servers, which arrive as events of a job, in a table
 * with a row for each address.
 *
 * Without --wait there is one round, and the table is printed at its end. With --wait a
 * terminal shows the table as it changes, and other outputs get a line for each changed answer.
 * With --json there is one array of the final rows. certctl waits for the end of the job in any
 * case; when it is interrupted a single round goes on, and a job with --wait ends.
 */

/*
 * Follows the started job; `ok` has its number. Returns the exit status: 0 when all servers
 * that count agree.
 */
int dns_check_finish(
	const struct options *options, const struct line *ok, const struct term *term);

#endif

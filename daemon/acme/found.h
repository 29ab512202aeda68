/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_FOUND_H
#define CERTD_DAEMON_ACME_FOUND_H

#include <stddef.h>

struct trace;

/*
 * A list of the places where the records of an order's names were found to stand, before there were
 * authorizations.  The precheck fills it and owns it; the authorizations look into it.
 */

struct found_record {
	char *name;          /* without "*." */
	struct trace *trace; /* settled */
};

struct found_records {
	struct found_record *at;
	size_t n;
};

/* Keeps what came of a trace; both are copied. */
void found_add(struct found_records *found, const char *name, const struct trace *trace);

/* The trace of a name, which lives as long as the list; NULL when that was not looked for. */
const struct trace *found_get(const struct found_records *found, const char *name);

void found_done(struct found_records *found); /* zeroed is fine */

#endif

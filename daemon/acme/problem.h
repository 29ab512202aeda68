/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_PROBLEM_H
#define CERTD_DAEMON_ACME_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

struct json;

/*
 * Problem documents (RFC 7807; RFC 8555, 6.7): why a CA said no, as one of ours.
 *
 * A CA says no in many ways: a problem document with a type of problems.def, with one that nobody
 * knows, a page of HTML from what stands before it, nothing at all.  problem_read() makes something of
 * each and never fails; problem_err() makes the error that travels: a code whose class decides, a
 * moment not to come back before, and one sentence with what the CA said, the refused names included.
 *
 * A struct problem owns no memory; what the CA said is cut to its bounds.
 */

enum problem_kind {
	PROBLEM_NONE, /* no document, or a type that problems.def does not know */
#define PROBLEM(id, type, code) PROBLEM_##id,
#include "daemon/acme/problems.def"
#undef PROBLEM
	PROBLEM_COUNT
};

struct problem {
	enum problem_kind kind;
	int status;       /* of the answer; 0: inside of another object */
	char type[64];    /* as the CA wrote it, without the common prefix; "" */
	char detail[300]; /* what the CA said; "" */
	char names[200];  /* refused names out of the subproblems, separated by ", "; "" */
};

const char *problem_text(enum problem_kind kind); /* the type of problems.def */

/* An answer with an error status and any body. */
void problem_read(int status, const char *data, size_t len, struct problem *out);

/* A problem inside of another object: an order's or a challenge's `error`. */
void problem_take(const struct json *object, struct problem *out);

/* Fills *err: what follows from this problem.  `not_before`: the CA's Retry-After.  Returns -1. */
int problem_err(const struct problem *problem, struct instant not_before, struct err *err);

#endif

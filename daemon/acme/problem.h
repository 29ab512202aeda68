/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_PROBLEM_H
#define CERTD_DAEMON_ACME_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

struct json;

/*
 * A problem document (RFC 7807; RFC 8555, 6.7) says why a CA refused, and becomes an error of
 * ours.
 *
 * A CA refuses in many ways: a problem document with a type of problems.def, one of an unknown
 * type, a page of HTML from a proxy before it, an empty answer.  problem_read() makes a problem
 * of each and never fails; problem_err() makes the error that travels: a code whose class
 * decides, a moment not to come back before, and one sentence with the CA's text, the refused
 * names included.
 *
 * A struct problem owns no memory; the CA's text is cut to its bounds.
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
	char detail[300]; /* the CA's text; "" */
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

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_CHECK_H
#define CERTD_CLIENT_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "client/material.h"
#include "lib/base/buf.h"
#include "lib/base/instant.h"

/*
 * A check tells whether keys, requests and certificates belong together, and whether a server
 * can use them now.
 *
 * The first certificate is the server's; the following ones are its issuers, in order, each
 * counted once even if several files repeat it. One run finds every problem, each a sentence.
 *
 * Files that are named one by one (`is_picked`) may come in any order and without issuers:
 * their set is one server's certificate, its issuers, and anchors, of which one is enough.
 */

#define CHECK_PROBLEMS_MAX 32

struct check {
	bool is_picked; /* set before check_run() */
	char *problems[CHECK_PROBLEMS_MAX];
	size_t n_problems;
	const struct cert *leaf; /* points into the material; NULL: none */
	const struct cert *top;  /* the last of the chain */
	size_t chain_len;
};

void check_run(struct check *check, const struct material *material, struct instant now);

/* Adds a problem; those beyond the bound are dropped. */
void check_add(struct check *check, const char *fmt, ...) PRINTF(2, 3);

void check_done(struct check *check); /* zeroed is fine */

#endif

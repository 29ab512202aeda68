/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CTL_SELECT_H
#define CERTD_DAEMON_CTL_SELECT_H

#include <stdbool.h>
#include <stddef.h>

struct cert;
struct err;
struct fleet;
struct request_line;

/*
 * The certificates that a request names, one after the other, in order of their names.
 *
 * Names are looked up, patterns are walked; between two steps anything may change, because the
 * place is kept as a name.  A name that is not there fails at once, a pattern that matches
 * nothing at the end.  No arguments mean every certificate.  The selection points into the
 * request.
 */

#define SELECTION_PATTERNS_MAX 32

struct selection {
	const char **names; /* sorted */
	size_t n_names, at;
	const char *patterns[SELECTION_PATTERNS_MAX];
	bool has_hit[SELECTION_PATTERNS_MAX];
	size_t n_patterns;
	char *prefix; /* the common prefix of all matches, mostly "" */
	char *cursor; /* the name that was told or passed last; NULL: none yet */
};

int selection_init(struct selection *selection, const struct fleet *fleet,
	const struct request_line *request, struct err *err);
void selection_done(struct selection *selection); /* zeroed is fine */

/* Is it one certificate, called by its whole name? */
bool selection_is_single(const struct selection *selection);

/* Does the request give this name itself, not only a pattern that it matches? */
bool selection_has_name(const struct selection *selection, const char *name);

enum selected { SELECTED_CERT, SELECTED_NONE_YET, SELECTED_END };

/*
 * SELECTED_NONE_YET after a bounded number of certificates that do not match: come again.  At
 * the end `err` is set when a pattern matched nothing.
 */
enum selected selection_next(struct selection *selection, const struct fleet *fleet,
	struct cert **out, struct err *err);

/* Fails with ERR_NO_SUCH_CERT for the name of no certificate; a pattern may match nothing yet. */
int select_check(const struct fleet *fleet, const char *arg, struct err *err);

/* The one certificate that the request's first argument names; NULL with ERR_NO_SUCH_CERT. */
struct cert *select_one(
	const struct fleet *fleet, const struct request_line *request, struct err *err);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_RUN_CAPTURE_H
#define CERTD_DAEMON_KEEPER_RUN_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

struct arena;
struct log_field;

/*
 * A capture keeps what a command prints, up to a bound; beyond it bytes are counted only.  At
 * the end it is told as log lines.  The bytes are the command's; the text that leaves here is
 * valid UTF-8 without control characters.
 */

#define CAPTURE_LINE_MAX 800
#define CAPTURE_SUMMARY_MAX 248

struct capture {
	struct buf kept;
	uint64_t n_dropped;          /* bytes beyond the bound */
	char last[CAPTURE_LINE_MAX]; /* the line that is being written */
	size_t last_len;
	char whole[CAPTURE_LINE_MAX]; /* the last one that was not blank */
	char first[CAPTURE_LINE_MAX]; /* the first of these */
};

void capture_add(struct capture *capture, const char *data, size_t len);
void capture_done(struct capture *capture);

/* Tells each line as EVENT_HOOK_OUTPUT with `about` in front, up to COMMAND_LINES_MAX. */
void capture_tell(
	const struct capture *capture, const struct log_field *context, const char *about);

/*
 * The output for a sentence, harmless and bounded: the line, of several the first and the last
 * ("FIRST ... LAST"), because the reason may be either; "" when nothing was printed.
 */
const char *capture_summary(struct capture *capture, char out[CAPTURE_SUMMARY_MAX]);

/* The name of a command: its words, harmless and bounded. */
void capture_about(char *const *argv, char *out, size_t size);

/* A copy of the context that outlives its caller. */
const struct log_field *capture_context(const struct log_field *context, struct arena *arena);

/* Copies text and makes it harmless; cut where it does not fit, at a whole character. */
void capture_clean(const char *text, size_t len, char *out, size_t size);

#endif

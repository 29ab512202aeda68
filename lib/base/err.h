/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BASE_ERR_H
#define CERTD_LIB_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

#include "lib/base/attr.h"
#include "lib/base/instant.h"

/*
 * An error carries a code, one sentence and the time of a permitted retry upwards to its
 * handler.
 *
 * A bug is an assert, kept in release builds. Out of memory ends the process (lib/base/mem.h).
 * Every other failure is a struct err: a code from proto/codes.def, one sentence that gains
 * context from the inside out, and, where the peer asked for it, the time before which not to
 * retry.
 *
 * Functions that can fail return 0, or -1 with *err filled. err_set() creates an error and
 * err_add() puts context in front; both return -1, so that a failure is one line. Only the
 * class of the code decides about retries. The function that handles an error logs it; no
 * function below does. A struct err owns no memory and may be copied.
 */

enum err_class {
	CLASS_NONE,
	CLASS_TRANSIENT, /* may go away: retry with back-off */
	CLASS_QUOTA,     /* a limit: retry not before the given time */
	CLASS_REFUSED,   /* the peer refused: needs an operator or a new configuration */
	CLASS_CONFIG,    /* the request or configuration is wrong */
	CLASS_LOCAL,     /* disk, permissions, resources of this machine */
	CLASS_CANCELLED, /* ended on request */
};

enum err_code {
	ERR_NONE,
#define CODE(id, name, class, exit, help) ERR_##id,
#include "proto/codes.def"
#undef CODE
	ERR_COUNT
};

struct err {
	enum err_code code;
	int sys;                   /* errno, when there was one */
	struct instant not_before; /* INSTANT_NONE: not given */
	char text[400];            /* one sentence, no newline, no final stop */
};

#define ERR_INIT                                                                               \
	{                                                                                      \
		.code = ERR_NONE                                                               \
	}

/* Fills *err.  Control characters are replaced and long texts cut.  Returns -1. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...) PRINTF(3, 4);

/* The same, with ": " and the text of errno `sys` behind. Returns -1. */
int err_sys(struct err *err, enum err_code code, int sys, const char *fmt, ...) PRINTF(4, 5);

/* Puts "CONTEXT: " in front of the sentence.  Returns -1. */
int err_add(struct err *err, const char *fmt, ...) PRINTF(2, 3);

static inline bool err_is_set(const struct err *err)
{
	return err->code != ERR_NONE;
}

/* The word of a code in the protocol ("no-next"), and its inverse; ERR_COUNT if unknown. */
const char *err_code_text(enum err_code code);
enum err_code err_code_parse(const char *text);

enum err_class err_code_class(enum err_code code);
const char *err_class_text(enum err_class class);

/* The exit status of certctl for a code (contract, section 3). */
int err_code_exit(enum err_code code);

/* The code that fits an errno value of a local file operation. */
enum err_code err_code_of_errno(int sys);

#endif

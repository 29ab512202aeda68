/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_POWER_TRACE_H
#define CERTD_TESTS_POWER_TRACE_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/power/disk.h"

/*
 * The trace records every call of this program that changes something below one directory, in
 * order, with the bytes written, and the moments at which a message left the process.
 *
 * The linker puts the functions of trace.c in the place of the C library's (--wrap,
 * tests/power/meson.build), so the recorded code is the keeper's own as it runs in certd. A
 * call outside that list would be missed: trace_is_whole() compares the record with the tree
 * itself. Threads may call at once.
 *
 * fsync(2) is recorded and not carried out, while recording or not.
 */

struct trace {
	struct op *ops;
	size_t n;
	int n_nodes;
	struct disk live; /* the present tree */
};

extern struct trace trace;

/*
 * Starts with an empty directory, given by its absolute path; trace_end() ends the recording.
 */
void trace_begin(const char *root);
void trace_end(void); /* also without trace_begin() */

/*
 * While paused nothing is recorded, and nothing below the root may change. Returns whether it
 * was paused.
 */
bool trace_pause(bool is_paused);

/* A message leaves the process now. */
void trace_told(const char *what);

/* All changes so far reach the disk, as they do after some seconds. */
void trace_settled(void);

/* Does the record equal the tree? */
bool trace_is_whole(void);

/* From now on exchanges of names fail, as on file systems without them. */
void trace_forbid_exchange(bool is_forbidden);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_POWER_TRACE_H
#define CERTD_TESTS_POWER_TRACE_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/power/disk.h"

/*
 * The trace: every call of this program that changes something below one directory, in order, with what it
 * wrote, and the moments at which something left the process.
 *
 * The linker puts the functions of trace.c in the place of the C library's (--wrap, tests/power/meson.build), so
 * what is recorded is the keeper's own code as it runs in certd.  A call that is not in that list would be
 * missing here: trace_is_whole() compares what was recorded with the tree itself.  Threads may call at once.
 *
 * fsync(2) is recorded and not carried out, recording or not.
 */

struct trace {
	struct op *ops;
	size_t n;
	int n_nodes;
	struct disk live; /* the tree as it is */
};

extern struct trace trace;

/* Begins with an empty directory, whose absolute path is given; it ends with trace_end(). */
void trace_begin(const char *root);
void trace_end(void); /* also without a beginning */

/* Nothing is recorded, and nothing there is to be changed, until it ends.  Was it paused before? */
bool trace_pause(bool is_paused);

/* Something leaves the process now. */
void trace_told(const char *what);

/* Everything so far reaches the disk, as it does after some seconds without a power cut. */
void trace_settled(void);

/* Is what was recorded all that was done? */
bool trace_is_whole(void);

/* From now on names cannot be exchanged, as on file systems that do not know it. */
void trace_forbid_exchange(bool is_forbidden);

#endif

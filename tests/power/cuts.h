/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_POWER_CUTS_H
#define CERTD_TESTS_POWER_CUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/power/disk.h"

/*
 * The states that a disk may be in after a power cut at each moment of a trace.
 *
 * A sync keeps what it has reached: of a file its bytes and attributes, of a directory every name that was made,
 * moved or removed in it.  Of what no sync has reached, anything may be there or not, in this order
 * only:
 *
 *   a change of a name follows every earlier change of that name and of the thing that has it;
 *   what is done inside of a directory follows what gave the directory its name, unless a sync of the
 *   directory itself has carried it (btrfs keeps such a directory in its log, ext4 and xfs have all before);
 *   changes of names in one directory come one after the other, but for the name of what has been synced since, which
 *   btrfs logs alone;
 *   a rename or an exchange is there whole or not at all;
 *   the bytes of a file without a sync: all, those of the last sync, half of what followed, or zeros.
 *
 * ext4 and xfs keep the order of all changes, so theirs are the beginnings of the trace, which are among
 * these states; btrfs loses changes one by one beside what it has logged.  All three are stricter than
 * this model, in which the sync of a file does not keep its name.
 *
 * The bound: at each moment, every beginning of what is not synced, with each content of all files; where
 * no more than FREE_MAX changes are not synced, every combination of them; where there are more, all states that
 * differ in one or two of them, or in one and a file's content, from the one in which all is there and
 * the one in which nothing is, as many as PAIRS_MAX, and RANDOM_MAX random ones.  States
 * that are the same tree at the same told moment are one.
 */

enum { FREE_MAX = 8, PAIRS_MAX = 400, RANDOM_MAX = 64 };

struct cut {
	uint32_t n;      /* operations that were made before the cut */
	uint32_t n_told; /* since the last OP_SETTLED: so often something was told */
	bool is_worst;   /* something was told just now, and all that may be lost is */
	uint32_t *lost;  /* operations that are not there, rising */
	uint32_t n_lost;
	struct {
		int node;
		enum content content;
		size_t n_durable; /* operations before are synced */
	} * files;                /* whose last bytes are not synced */
	uint32_t n_files;
};

struct cuts {
	struct cut *at;
	size_t n, size;
	size_t n_moments;
	uint64_t *seen; /* a set of hashes */
	size_t n_seen, seen_size;
	uint64_t random; /* the state of the generator */
};

/*
 * All states of these operations, from the first OP_SETTLED of them on.  A sync whose site is
 * `ignored` (cuts_site) counts for nothing; NULL: all count.  States that are in `known` are left out; NULL: none.
 */
void cuts_list(const struct op *ops, size_t n, size_t n_nodes, uint64_t seed,
	const char *ignored, const struct cuts *known, struct cuts *out);
void cuts_done(struct cuts *cuts);

/* The disk after such a cut. */
void cut_build(const struct cut *cut, const struct op *ops, size_t n_nodes, struct disk *out);

/* In words: what of which operation is not there. */
void cut_describe(const struct cut *cut, const struct op *ops, struct buf *out);

/* Where a sync comes from: what is synced, and the change that it follows. */
void cuts_site(const struct op *ops, size_t at, struct buf *out);

/* xorshift64*; `state` is not 0. */
uint64_t cuts_random(uint64_t *state);

#endif

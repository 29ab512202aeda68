/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_POWER_CUTS_H
#define CERTD_TESTS_POWER_CUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/power/disk.h"

/*
 * A cut is a state that a disk may have after a power cut at one moment of a trace.
 *
 * A sync keeps what it covers: of a file its bytes and attributes, of a directory every name
 * that was made, moved or removed in it. A change without a sync may be present or lost, in
 * this order only:
 *
 * - a change of a name follows every earlier change of that name and of its node;
 * - a change inside a directory follows the change that named the directory, unless a sync of
 *   the directory itself has kept it (btrfs keeps such a directory in its log, ext4 and xfs
 *   keep all earlier changes);
 * - changes of names in one directory come in order, except for the name of a node synced
 *   since, which btrfs logs alone;
 * - a rename or an exchange is present whole or not at all;
 * - the bytes of a file without a sync are all, those of the last sync, half of the rest, or
 *   zeros.
 *
 * ext4 and xfs keep the order of all changes, so their states are the prefixes of the trace,
 * which are among these; btrfs loses single changes besides its log. All three are stricter
 * than this model, in which the sync of a file does not keep its name.
 *
 * The bound: at each moment every prefix of the unsynced changes, with each content of all
 * files. With at most FREE_MAX unsynced changes, every combination of them. With more, all
 * states that differ in one or two of them, or in one and a file's content, from the state with
 * all changes and from that with none, at most PAIRS_MAX, and RANDOM_MAX random ones. Equal
 * trees at the same told moment are one state.
 */

enum { FREE_MAX = 8, PAIRS_MAX = 400, RANDOM_MAX = 64 };

struct cut {
	uint32_t n;      /* operations before the cut */
	uint32_t n_told; /* messages told since the last OP_SETTLED */
	/* the last operation told something, and all that may be lost is lost */
	bool is_worst;
	uint32_t *lost; /* lost operations, ascending */
	uint32_t n_lost;
	struct {
		int node;
		enum content content;
		size_t n_durable; /* operations before are synced */
	} * files;                /* files whose last bytes are not synced */
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
 * Lists all states of these operations, from their first OP_SETTLED on. Syncs of the site
 * `ignored` (cuts_site) have no effect; NULL: none is ignored. States in `known` are left out;
 * NULL: none.
 */
void cuts_list(const struct op *ops, size_t n, size_t n_nodes, uint64_t seed,
	const char *ignored, const struct cuts *known, struct cuts *out);
void cuts_done(struct cuts *cuts);

/* Builds the disk after such a cut. */
void cut_build(const struct cut *cut, const struct op *ops, size_t n_nodes, struct disk *out);

/* Describes the lost operations in words. */
void cut_describe(const struct cut *cut, const struct op *ops, struct buf *out);

/* The origin of a sync: the synced node, and the change that it follows. */
void cuts_site(const struct op *ops, size_t at, struct buf *out);

/* xorshift64*; `state` is not 0. */
uint64_t cuts_random(uint64_t *state);

#endif

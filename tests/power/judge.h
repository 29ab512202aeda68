/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_POWER_JUDGE_H
#define CERTD_TESTS_POWER_JUDGE_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "tests/power/cuts.h"

struct moments;
struct scene;

/*
 * A judge decides whether certd can go on after a power cut, and has lost nothing.
 *
 * The state is built below life_root and examined as it is: no target may have a part of a
 * version, no key may be open to others or beside another certificate. Then the keeper starts,
 * and everything told must be there (told.h); it withdraws all published answers; each file of
 * each linked version must be whole. At last it works: targets get the current version,
 * accounts sign, and where `is_thorough` a new version is issued and becomes current.
 */

/*
 * Records the state that the next life finds after each prefix of the trace, with nothing lost.
 * False when one is unusable.
 */
bool judge_learn(const struct scene *scene, struct moments *moments, struct buf *why);

/* Judges one cut; false and the reason. The operations are those of the trace. */
bool judge_cut(const struct cut *cut, const struct scene *scene, const struct moments *moments,
	bool is_thorough, struct buf *why);

#endif

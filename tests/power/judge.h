/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_POWER_JUDGE_H
#define CERTD_TESTS_POWER_JUDGE_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "tests/power/cuts.h"

struct moments;
struct scene;

/*
 * Whether certd can go on from what a power cut has left, and has lost nothing.
 *
 * The state is made below life_root and looked at as it lies there: no target may have a part of a version, no key may
 * be open to others or lie beside another certificate.  Then the keeper starts, and everything it
 * had told has to be there (told.h); it withdraws what is published, so that nothing stays; each file of
 * each version that is linked has to be whole.  At last it works: targets are brought in line, accounts sign, and where
 * `is_thorough` a new version is issued and becomes current.
 */

/* Finds what each beginning of the trace, with nothing lost, is to the next life.  False when one cannot be used. */
bool judge_learn(const struct scene *scene, struct moments *moments, struct buf *why);

/* False and why not.  The operations are those of the trace. */
bool judge_cut(const struct cut *cut, const struct scene *scene, const struct moments *moments,
	bool is_thorough, struct buf *why);

#endif

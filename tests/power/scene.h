/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_POWER_SCENE_H
#define CERTD_TESTS_POWER_SCENE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"

struct life;

/*
 * A scene is something that certd does when the power goes, recorded as it runs undisturbed.
 *
 * `before` makes what the disk holds already; it is all there.  Then a new life of the keeper begins, and `run`
 * is what is cut.  After each answer the caller of scene_record() has the told lines (told.h) of that moment.
 */

struct scene {
	const char *name;
	void (*before)(struct life *life); /* NULL: the disk is empty */
	void (*harm)(void); /* breaks something before the cut life begins; or NULL */
	void (*run)(struct life *life);
	bool by_links;       /* the file system cannot exchange */
	bool is_damaged;     /* by `harm`: what was told before counts no more */
	const char *without; /* a certificate that the configuration of the cut life has not */
};

extern const struct scene scenes[];
extern const size_t n_scenes;

/* The told lines at each told moment of the trace; moments[0] is before the first. */
struct moments {
	struct buf *at;
	size_t n;
	struct buf *after; /* operations of the trace; judge_learn() */
	size_t n_after;
};

/* Records a scene; the trace is paused afterwards.  False when it did not run as it should. */
bool scene_record(const struct scene *scene, struct moments *moments);
void moments_done(struct moments *moments);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_POWER_SCENE_H
#define CERTD_TESTS_POWER_SCENE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"

struct life;

/*
 * A scene is an action of certd during which the power is cut, recorded as it runs undisturbed.
 *
 * `before` makes the initial content of the disk, all of it present. Then a new life of the
 * keeper begins, and `run` is the part that is cut. After each answer the caller of
 * scene_record() has the told lines (told.h) of that moment.
 */

struct scene {
	const char *name;
	void (*before)(struct life *life); /* NULL: the disk is empty */
	void (*harm)(void); /* damages the store before the cut life begins; or NULL */
	void (*run)(struct life *life);
	bool by_links;       /* the file system cannot exchange names */
	bool is_damaged;     /* by `harm`: messages told before do not count */
	const char *without; /* a certificate missing from the configuration of the cut life */
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

/* Records a scene and pauses the trace. False when the scene failed. */
bool scene_record(const struct scene *scene, struct moments *moments);
void moments_done(struct moments *moments);

#endif

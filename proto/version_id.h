/* SPDX-License-Identifier: MIT */
#ifndef CERTD_PROTO_VERSION_ID_H
#define CERTD_PROTO_VERSION_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/instant.h"

/*
 * A version id is the name of a version: "20261121T101500Z-1", UTC of its creation and a suffix
 * that makes it unique. It sorts by time, names a directory of the store, and has exactly one
 * spelling.
 */
struct version_id {
	struct instant made; /* INSTANT_NONE: no version */
	uint32_t suffix;
};

#define VERSION_ID_TEXT_LEN 32

static inline bool version_is_set(const struct version_id *id)
{
	return instant_is_set(id->made);
}

bool version_id_equal(const struct version_id *a, const struct version_id *b);

/* By time, then suffix: <0, 0, >0. */
int version_id_compare(const struct version_id *a, const struct version_id *b);

const char *version_id_text(const struct version_id *id, char out[VERSION_ID_TEXT_LEN]);
int version_id_parse(const char *text, struct version_id *out, struct err *err);

#endif

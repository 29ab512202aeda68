/* SPDX-License-Identifier: MIT */
#include "daemon/job/kinds.h"

#include <stddef.h>

const struct job_kind_row job_kinds[JOB_KIND_COUNT] = {
#define JOB_KIND(id, word, file, due) [JOB_##id] = { word, file##_run, file##_done, due },
#include "daemon/job/kinds.def"
#undef JOB_KIND
};

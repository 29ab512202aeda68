/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/run/run_pace.h"

#include <stdint.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"

/* The runs that a key has left, as the time that gives them back: each run costs RUN_PACE_MS of it. */
struct bucket {
	char *key;
	int64_t left_ms;
	struct tick seen;
};

static struct bucket *want(struct run_pace *pace, const char *what, const char *name)
{
	char *key = mem_printf("%s %s", what, name);
	struct bucket *bucket = map_get(&pace->keys, key);

	if (bucket) {
		free(key);
		return bucket;
	}
	bucket = mem_new(struct bucket);
	bucket->key = key;
	bucket->left_ms = INT64_MAX / 2;
	map_set(&pace->keys, key, bucket);
	return bucket;
}

int run_pace_take(struct run_pace *pace, const char *what, const char *name, size_t n_certs,
	struct tick now, struct err *err)
{
	int64_t most = (RUN_PACE_BURST + (int64_t)n_certs * RUN_PACE_EACH) * RUN_PACE_MS;
	struct bucket *bucket = want(pace, what, name);

	bucket->left_ms += now.ms > bucket->seen.ms ? now.ms - bucket->seen.ms : 0;
	bucket->seen = now;
	if (bucket->left_ms > most)
		bucket->left_ms = most;
	if (bucket->left_ms < RUN_PACE_MS)
		return err_set(err, ERR_RATE_LIMITED,
			"%s of %s has run too often and is not run again within a second; "
			"certd tries "
			"later",
			what, name);
	bucket->left_ms -= RUN_PACE_MS;
	return 0;
}

void run_pace_done(struct run_pace *pace)
{
	struct bucket *bucket;

	for (size_t at = 0; (bucket = map_next(&pace->keys, &at));) {
		free(bucket->key);
		free(bucket);
	}
	map_done(&pace->keys);
}

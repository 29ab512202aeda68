/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/run/run_pace.h"

#include <stdint.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"

struct bucket {
	char *key;
	struct pace_bucket runs;
};

int64_t pace_take(struct pace_bucket *bucket, int64_t burst, int64_t each_ms, struct tick now)
{
	int64_t most = burst * each_ms;

	if (!bucket->is_used)
		bucket->left_ms = most;
	else if (now.ms > bucket->seen.ms)
		bucket->left_ms += now.ms - bucket->seen.ms;
	bucket->is_used = true;
	bucket->seen = now;
	if (bucket->left_ms > most)
		bucket->left_ms = most;
	if (bucket->left_ms < each_ms)
		return each_ms - bucket->left_ms;
	bucket->left_ms -= each_ms;
	return 0;
}

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
	map_set(&pace->keys, key, bucket);
	return bucket;
}

int run_pace_take(struct run_pace *pace, const char *what, const char *name, size_t n_certs,
	struct tick now, struct err *err)
{
	int64_t burst = RUN_PACE_BURST + (int64_t)n_certs * RUN_PACE_EACH;

	if (pace_take(&want(pace, what, name)->runs, burst, RUN_PACE_MS, now) > 0)
		return err_set(err, ERR_RATE_LIMITED,
			"%s of %s has run too often and is not run again within a second; "
			"certd tries "
			"later",
			what, name);
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

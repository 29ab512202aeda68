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

static void fill(struct pace_bucket *bucket, int64_t most, struct tick now)
{
	if (!bucket->is_used)
		bucket->left_ms = most;
	else if (now.ms > bucket->seen.ms)
		bucket->left_ms += now.ms - bucket->seen.ms;
	bucket->is_used = true;
	bucket->seen = now;
	if (bucket->left_ms > most)
		bucket->left_ms = most;
}

int64_t pace_take(struct pace_bucket *bucket, int64_t burst, int64_t each_ms, struct tick now)
{
	fill(bucket, burst * each_ms, now);
	if (bucket->left_ms < each_ms)
		return each_ms - bucket->left_ms;
	bucket->left_ms -= each_ms;
	return 0;
}

/* Below 0, left_ms is what is promised. */
int64_t pace_promise(struct pace_bucket *bucket, int64_t burst, int64_t each_ms,
	int64_t wait_ms, struct tick now)
{
	int64_t wait;

	fill(bucket, burst * each_ms, now);
	wait = each_ms - bucket->left_ms;
	if (wait > wait_ms)
		return -1;
	bucket->left_ms -= each_ms;
	return wait > 0 ? wait : 0;
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

int64_t run_pace_take(struct run_pace *pace, const char *what, const char *name, size_t n_certs,
	struct tick now, struct err *err)
{
	int64_t n = (int64_t)n_certs, each_ms = 60000 / (RUN_PACE_MINUTE + n);
	int64_t ms =
		pace_promise(&want(pace, what, name)->runs, RUN_PACE_BURST + n * RUN_PACE_EACH,
			each_ms > 0 ? each_ms : 1, RUN_PACE_WAIT_MS, now);

	if (ms < 0)
		err_set(err, ERR_RATE_LIMITED,
			"%s of %s has run too often, and all its turns of the next minute are "
			"taken; certd tries again later",
			what, name);
	return ms;
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

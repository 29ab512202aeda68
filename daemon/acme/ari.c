/* SPDX-License-Identifier: MIT */
#include "daemon/acme/ari.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/wire/url.h"

#define AGAIN_LEAST MINUTES(1)
#define AGAIN_MOST DAYS(1)
#define AGAIN_LATER HOURS(6)

void ari_url(const char *base, const char *certid, struct buf *out)
{
	buf_printf(out, "%s%s%s", base, str_ends(base, "/") ? "" : "/", certid);
}

int ari_read(const char *data, size_t len, struct ari_facts *out, struct err *err)
{
	struct json *root AUTO_JSON = NULL;
	const struct json *window;
	const char *url;
	struct instant start, end;
	struct err ignored;

	if (json_read(data, len, &root, err) < 0) {
		err->code = ERR_BAD_ANSWER;
		return err_add(err, "the renewal information");
	}
	window = json_get(root, "suggestedWindow");
	start = json_get_instant(window, "start");
	end = json_get_instant(window, "end");
	if (!instant_is_set(start) || !instant_is_set(end) || !instant_before(start, end))
		return err_set(err, ERR_BAD_ANSWER, "the renewal information has no window");
	url = json_get_text(root, "explanationURL");
	out->start = start;
	out->end = end;
	out->url = url && url_check(url, &ignored) == 0 ? mem_strdup(url) : NULL;
	return 0;
}

/* The finalizer of splitmix64: what differs in one bit must not be near. */
static uint64_t stir(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

struct instant ari_moment(const char *cert, const struct version_id *version,
	struct instant start, struct instant end)
{
	uint64_t width = (uint64_t)instant_since(end, start).s, x;

	x = stir(str_hash(cert, strlen(cert)));
	x = stir(x + (uint64_t)version->made.s * UINT64_C(0x9e3779b97f4a7c15));
	x = stir(x + version->suffix);
	x = stir(x + (uint64_t)start.s * UINT64_C(0x9e3779b97f4a7c15));
	x = stir(x + (uint64_t)end.s);
	return instant_add(start, SECONDS((int64_t)(x % width)));
}

static struct instant within_a_day(struct instant at, struct instant now)
{
	return instant_min(
		instant_max(at, instant_add(now, AGAIN_LEAST)), instant_add(now, AGAIN_MOST));
}

struct instant ari_again(struct instant retry_after, struct instant now)
{
	if (!instant_is_set(retry_after))
		return instant_add(now, AGAIN_LATER);
	return within_a_day(retry_after, now);
}

struct instant ari_again_after(
	int status, unsigned tries, struct instant retry_after, struct instant now)
{
	struct duration wait = AGAIN_LEAST;

	if (status != 0 && status != 429 && status < 500)
		return instant_add(now, AGAIN_LATER);
	for (unsigned i = 1; i < tries && wait.s < AGAIN_LATER.s; i++)
		wait.s *= 2;
	wait = duration_min(wait, AGAIN_LATER);
	return within_a_day(instant_max(retry_after, instant_add(now, wait)), now);
}

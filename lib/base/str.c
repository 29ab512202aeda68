/* SPDX-License-Identifier: MIT */
#include "lib/base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
	size_t n = strlen(text), k = strlen(suffix);

	return n >= k && strcmp(text + n - k, suffix) == 0;
}

size_t str_distance(const char *a, const char *b, size_t limit)
{
	enum { LONGEST = 64 };
	size_t n = strlen(a), m = strlen(b), rows[3][LONGEST + 1];

	if (n > LONGEST || m > LONGEST)
		return limit + 1;
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		const size_t *before = rows[(i + 1) % 3], *above = rows[(i + 2) % 3];
		size_t *row = rows[i % 3];

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[n % 3][m] > limit ? limit + 1 : rows[n % 3][m];
}

const char *str_near_miss(const char *text, const char *const *words)
{
	size_t len = strlen(text), best = len <= 3 ? 1 : len <= 7 ? 2 : 3;
	const char *found = NULL;

	for (; *words; words++) {
		size_t d = str_distance(text, *words, best);

		if (d <= best && d < strlen(*words) && (!found || d < best)) {
			best = d;
			found = *words;
		}
	}
	return found;
}

/*
 * Backtracks only to the last star, so that a pattern with many stars costs at most length
 * times length: patterns come from any client that may connect.
 */
static bool half_matches(
	const char *text, const char *text_end, const char *pattern, const char *pattern_end)
{
	const char *star = NULL, *from = NULL;

	while (text < text_end) {
		if (pattern < pattern_end && *pattern == '*') {
			star = pattern++;
			from = text;
		} else if (pattern < pattern_end && *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++from;
		} else {
			return false;
		}
	}
	while (pattern < pattern_end && *pattern == '*')
		pattern++;
	return pattern == pattern_end;
}

bool str_matches(const char *name, const char *pattern)
{
	const char *name_end = name + strlen(name), *pattern_end = pattern + strlen(pattern);
	const char *slash = strchr(name, '/'), *pattern_slash = strchr(pattern, '/');

	if (!pattern_slash)
		return half_matches(name, slash ? slash : name_end, pattern, pattern_end);
	return slash && half_matches(name, slash, pattern, pattern_slash) &&
	       half_matches(slash + 1, name_end, pattern_slash + 1, pattern_end);
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool str_unhex(const char *text, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int hi = nibble(text[2 * i]), lo = hi < 0 ? -1 : nibble(text[2 * i + 1]);

		if (lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return text[2 * len] == 0;
}

bool str_to_int(const char *text, int64_t min, int64_t max, int64_t *out)
{
	char *end;
	long long n;

	if (!*text || strspn(text, "-0123456789") != strlen(text))
		return false;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || *end || n < min || n > max)
		return false;
	*out = n;
	return true;
}

uint64_t str_hash(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(1099511628211);
	return h;
}

bool str_is_utf8(const char *data, size_t len)
{
	const unsigned char *p = (const unsigned char *)data, *end = p + len;

	while (p < end) {
		static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
		uint32_t c = *p++;
		int more;

		if (c > 0 && c < 0x80)
			continue;
		more = c >= 0xc2 && c < 0xe0   ? 1
		       : c >= 0xe0 && c < 0xf0 ? 2
		       : c >= 0xf0 && c < 0xf5 ? 3
					       : -1;
		if (more < 0 || end - p < more)
			return false;
		c &= 0x3fU >> more;
		for (int i = 0; i < more; i++) {
			if ((*p & 0xc0) != 0x80)
				return false;
			c = c << 6 | (*p++ & 0x3fU);
		}
		if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return false;
	}
	return true;
}

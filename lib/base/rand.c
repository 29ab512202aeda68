/* SPDX-License-Identifier: MIT */
#include "lib/base/rand.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void rand_bytes(void *out, size_t len)
{
	unsigned char *p = out;

	while (len) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			abort();
		}
		p += n;
		len -= (size_t)n;
	}
}

uint64_t rand_below(uint64_t bound)
{
	uint64_t r, limit = UINT64_MAX - UINT64_MAX % bound;

	do
		rand_bytes(&r, sizeof(r));
	while (r >= limit);
	return r % bound;
}

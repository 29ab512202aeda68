/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_UNIT_EVIDENCE_TEST_H
#define CERTD_TESTS_UNIT_EVIDENCE_TEST_H

#include "daemon/dns/watch/evidence.h"
#include "tests/test.h"

/* Short words for tables of what name servers are seen to say, and a moment to count from. */

#define T0 INT64_C(1795256107) /* 10:15:07 */

enum {
	U = OBSERVED_UNASKED,
	M = OBSERVED_MATCH,
	N = OBSERVED_NODATA,
	X = OBSERVED_NXDOMAIN,
	T = OBSERVED_TIMEOUT,
	R = OBSERVED_REFUSED,
	O = OBSERVED_OTHER,
	L = OBSERVED_LAME,
};

static inline struct instant at(int64_t s)
{
	return (struct instant){ T0 + s };
}

#endif

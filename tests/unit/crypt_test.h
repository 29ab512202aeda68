/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_UNIT_CRYPT_TEST_H
#define CERTD_TESTS_UNIT_CRYPT_TEST_H

#include "tests/test.h"

#include "lib/base/err.h"
#include "lib/crypt/key.h"

/* What the tests of lib/crypt share. */

static inline struct key *make_key(const char *spec)
{
	struct key *key = NULL;
	struct err err;

	if (key_make(spec, &key, &err) < 0)
		TEST_FAIL("%s: %s", spec, err.text);
	REQUIRE(key);
	return key;
}

#endif

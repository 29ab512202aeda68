/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_UNIT_CONF_SAYINGS_H
#define CERTD_TESTS_UNIT_CONF_SAYINGS_H

#include "tests/test.h"
#include "tests/unit/conf_test.h"

/* A configuration, and what is to be said about it. */
struct saying {
	const char *text, *want;
};

/* Each says just what it should, and loads or does not. */
static inline void check_sayings(const struct saying *sayings, size_t n, bool loads)
{
	for (size_t i = 0; i < n; i++) {
		struct buf out AUTO_BUF = BUF_INIT;
		struct conf *conf = load_text(sayings[i].text, &out);

		CHECK_INT(conf != NULL, loads);
		CHECK_STR(buf_text(&out), sayings[i].want);
		conf_unref(conf);
	}
}

#endif

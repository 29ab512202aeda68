/* SPDX-License-Identifier: MIT */
#include "daemon/cert/plan.h"

#include <inttypes.h>

#include "lib/base/attr.h"
#include "tests/test.h"

#define T0 INT64_C(1795256100) /* 2026-11-21T10:15:00Z */

/* When what failed is tried again. */

TEST(back_off)
{
	struct version_facts none = { .generation = 0 };
	struct version_facts long_one = { .id = { { T0 }, 0 },
		.created = { T0 },
		.not_before = { T0 },
		.not_after = { T0 + DAYS(90).s } };
	struct failure f = { ERR_IO, 1, { T0 }, { T0 }, INSTANT_NONE, NULL };
	static const int64_t waits[] = { 60, 600, 3600, 14400, 43200, 86400, 86400 };
	struct instant now = { T0 };

	for (uint32_t i = 0; i < ARRAY_LEN(waits); i++) {
		f.tries = i + 1;
		CHECK_INT(failure_retry(&f, &none, now).s, T0 + waits[i]);
		CHECK_INT(failure_retry(&f, &long_one, now).s, T0 + waits[i]);
	}
	f.last.s = now.s = T0 + DAYS(85).s;
	f.tries = 6;
	CHECK_INT(failure_retry(&f, &long_one, now).s, f.last.s + 43200);
	f.not_before.s = f.last.s + 50000;
	CHECK_INT(failure_retry(&f, &long_one, now).s, f.last.s + 50000);
	f.not_before.s = f.last.s + 50;
	CHECK_INT(failure_retry(&f, &long_one, now).s, f.last.s + 43200);
	f.code = ERR_NONE;
	CHECK_INT(failure_retry(&f, &long_one, now).s, 0);
}

/* What a class changes: a limit is a time, a refusal is not repeated faster near the end. */
TEST(back_off_by_class)
{
	static const struct {
		enum err_code code;
		int64_t life, left; /* of curr at the failure; 0: there is no curr */
		uint32_t tries;
		int64_t wish, want; /* after the failure */
		enum why why;
	} table[] = {
		{ ERR_RATE_LIMITED, 0, 0, 1, 0, 60, WHY_BACKOFF },
		{ ERR_RATE_LIMITED, 0, 0, 9, 0, 600, WHY_BACKOFF },
		{ ERR_RATE_LIMITED, 0, 0, 9, 600, 600, WHY_BACKOFF },
		{ ERR_RATE_LIMITED, 0, 0, 9, 601, 601, WHY_LIMIT },
		{ ERR_RATE_LIMITED, 7776000, 7000000, 9, 120960, 120960, WHY_LIMIT },
		{ ERR_RATE_LIMITED, 100, 40, 9, 30, 30, WHY_LIMIT },
		{ ERR_RATE_LIMITED, 7776000, 7000000, 1, 9000000, 8 * 86400, WHY_LIMIT },
		/* Where nothing valid is held a silly wish does not hold for days. */
		{ ERR_RATE_LIMITED, 0, 0, 1, 9000000, 43200, WHY_LIMIT },
		{ ERR_RATE_LIMITED, 7776000, -5, 1, 9000000, 43200, WHY_LIMIT },
		{ ERR_CA_FAILED, 0, 0, 1, 9000000, 43200, WHY_RETRY_AFTER },
		{ ERR_CA_FAILED, 7776000, 3600, 1, 9000000, 8 * 86400, WHY_RETRY_AFTER },
		{ ERR_CA_DOWN, 0, 0, 1, 9000000, 43200, WHY_CA_DOWN },
		{ ERR_TIMEOUT, 7776000, 3600, 2, 0, 300, WHY_BACKOFF },
		{ ERR_TIMEOUT, 7776000, 400, 2, 0, 100, WHY_BACKOFF },
		{ ERR_TIMEOUT, 7776000, 400, 2, 101, 101, WHY_RETRY_AFTER },
		{ ERR_TIMEOUT, 7776000, 7000000, 2, 599, 600, WHY_BACKOFF },
		{ ERR_TIMEOUT, 7776000, 7000000, 2, 7200, 7200, WHY_RETRY_AFTER },
		{ ERR_TIMEOUT, 7776000, -5, 6, 0, 1800, WHY_BACKOFF },
		{ ERR_IO, 7776000, -5, 6, 0, 43200, WHY_BACKOFF },
		{ ERR_CONNECT, 7776000, 7000000, 3, 0, 3600, WHY_BACKOFF },
		{ ERR_CONNECT, 7776000, 7000000, 9, 0, 3600, WHY_BACKOFF },
		{ ERR_TLS, 7776000, 7000000, 9, 0, 3600, WHY_BACKOFF },
		{ ERR_HTTP, 0, 0, 9, 0, 3600, WHY_BACKOFF },
		{ ERR_BAD_ANSWER, 0, 0, 9, 0, 3600, WHY_BACKOFF },
		{ ERR_CA_FAILED, 0, 0, 9, 7200, 7200, WHY_RETRY_AFTER },
		{ ERR_COMMAND_FAILED, 0, 0, 9, 0, 86400, WHY_BACKOFF },
		{ ERR_FOREIGN_URL, 0, 0, 9, 0, 86400, WHY_BACKOFF },
		{ ERR_CA_DOWN, 7776000, 7000000, 9, 700, 700, WHY_CA_DOWN },
		{ ERR_CA_DOWN, 7776000, 7000000, 9, 30, 600, WHY_BACKOFF },
		{ ERR_BAD_CERT, 7776000, 3600, 2, 0, 600, WHY_BACKOFF },
		{ ERR_BAD_CERT, 7776000, 60, 6, 0, 86400, WHY_BACKOFF },
		{ ERR_BAD_CERT, 7776000, -5, 6, 0, 86400, WHY_BACKOFF },
		{ ERR_BAD_CERT, 100, 1, 6, 0, 25, WHY_BACKOFF },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		int64_t end = T0 + table[i].left;
		struct version_facts curr = { .generation = 0 };
		struct failure f = { table[i].code, table[i].tries, { T0 }, { T0 },
			{ table[i].wish ? T0 + table[i].wish : 0 }, NULL };
		struct instant retry;

		if (table[i].life)
			curr = (struct version_facts){ .id = { { T0 }, 0 },
				.created = { end - table[i].life },
				.not_before = { end - table[i].life },
				.not_after = { end } };
		retry = failure_retry(&f, &curr, (struct instant){ T0 });
		if (retry.s - T0 != table[i].want || failure_why(&f, &curr) != table[i].why)
			TEST_FAIL("row %zu: %" PRId64 " %s", i, retry.s - T0,
				why_text(failure_why(&f, &curr)));
	}
}

TEST(what_failed_with_another_configuration_counts_no_more)
{
	/* The upper half of a digest is of the CAs (daemon/conf/conf.h). */
	static const struct {
		enum err_code code;
		uint64_t then, now;
		bool counts;
	} rows[] = {
		{ ERR_NONE, 0, 0, false },
		{ ERR_IO, 0x100000001, 0x100000001, true },
		{ ERR_IO, 0x100000001, 0x100000002, false },
		{ ERR_IO, 0x100000001, 0x200000001, false },
		{ ERR_IO, 0, 0x100000001, true },
		{ ERR_IO, 0x100000001, 0, true },
		{ ERR_RATE_LIMITED, 0x100000001, 0x100000002, true },
		{ ERR_RATE_LIMITED, 0x100000001, 0x200000001, false },
		{ ERR_CA_DOWN, 0x100000001, 0x100000002, true },
		{ ERR_CA_DOWN, 0x100000001, 0x200000001, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct failure f = { .code = rows[i].code, .digest = rows[i].then };

		if (failure_counts(&f, rows[i].now) != rows[i].counts)
			TEST_FAIL("row %zu", i);
	}
}

/* A look of an operator ends the wait for what may have been mended, and for nothing that a CA said. */
TEST(what_failed_before_an_operator_looked_anew_holds_nothing)
{
	static const struct {
		enum err_code code;
		int64_t looked; /* after the failure; INT64_MIN: never */
		bool holds;
	} rows[] = {
		{ ERR_IO, INT64_MIN, true },
		{ ERR_IO, -1, true },
		{ ERR_IO, 0, false },
		{ ERR_NO_RIGHTS, 60, false },
		{ ERR_DISK_FULL, 60, false },
		{ ERR_CHECK_FAILED, 60, false },
		{ ERR_RELOAD_FAILED, 60, false },
		{ ERR_UNIT_FAILED, 60, false },
		{ ERR_VETOED, 60, false },
		{ ERR_CONNECT, 60, false },
		{ ERR_PROXY, 60, false },
		{ ERR_CA_DOWN, 60, false },
		{ ERR_DNS, 60, false },
		{ ERR_ZONE_REFUSED, 60, false },
		{ ERR_RATE_LIMITED, 60, true },
		{ ERR_CAA, 60, true },
		{ ERR_CA_REFUSED, 60, true },
		{ ERR_NOT_VALIDATED, 60, true },
		{ ERR_NAME_REFUSED, 60, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct failure f = { .code = rows[i].code, .last = { T0 } };
		struct cert_facts facts = { .looked = INSTANT_NONE };

		if (rows[i].looked != INT64_MIN)
			facts.looked.s = T0 + rows[i].looked;
		if ((failure_holds(&f, &facts) != NULL) != rows[i].holds)
			TEST_FAIL("row %zu", i);
	}
	CHECK(!failure_holds(NULL, &(struct cert_facts){ .looked = { T0 } }));
}

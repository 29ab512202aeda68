/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_TEST_H
#define CERTD_TESTS_TEST_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Unit tests in a page.  TEST(name) { ... } registers itself; CHECK and its kin count and go
 * on, so that one run shows every mistake.  The program prints TAP; `-k PART` runs only tests
 * whose name holds PART.  Include this header in exactly one file of a test program.
 */

struct test {
	const char *name;
	void (*run)(void);
	struct test *next;
};

static struct test *test_first, **test_last = &test_first;
static int test_failures;

#define TEST(id)                                                                               \
	static void test_##id(void);                                                           \
	static struct test test_##id##_entry = { #id, test_##id, NULL };                       \
	__attribute__((constructor)) static void test_##id##_register(void)                    \
	{                                                                                      \
		*test_last = &test_##id##_entry;                                               \
		test_last = &test_##id##_entry.next;                                           \
	}                                                                                      \
	static void test_##id(void)

#define TEST_FAIL(...)                                                                         \
	do {                                                                                   \
		test_failures++;                                                               \
		printf("# %s:%d: ", __FILE__, __LINE__);                                       \
		printf(__VA_ARGS__);                                                           \
		putchar('\n');                                                                 \
	} while (0)

#define CHECK(cond)                                                                            \
	do {                                                                                   \
		if (!(cond))                                                                   \
			TEST_FAIL("%s", #cond);                                                \
	} while (0)

#define CHECK_INT(got, want)                                                                   \
	do {                                                                                   \
		intmax_t got_ = (intmax_t)(got), want_ = (intmax_t)(want);                     \
		if (got_ != want_)                                                             \
			TEST_FAIL("%s: %jd, not %jd", #got, got_, want_);                      \
	} while (0)

#define CHECK_STR(got, want)                                                                   \
	do {                                                                                   \
		const char *got_ = (got), *want_ = (want);                                     \
		if (!got_ || strcmp(got_, want_) != 0)                                         \
			TEST_FAIL("%s: \"%s\", not \"%s\"", #got, got_ ? got_ : "(null)",      \
				want_);                                                        \
	} while (0)

/* For what everything after depends on. */
#define REQUIRE(cond)                                                                          \
	do {                                                                                   \
		if (!(cond)) {                                                                 \
			printf("Bail out! %s:%d: %s\n", __FILE__, __LINE__, #cond);            \
			exit(1);                                                               \
		}                                                                              \
	} while (0)

int main(int argc, char **argv)
{
	const char *part = argc == 3 && strcmp(argv[1], "-k") == 0 ? argv[2] : "";
	int n = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (struct test *t = test_first; t; t = t->next) {
		int before = test_failures;

		if (!strstr(t->name, part))
			continue;
		t->run();
		printf("%s %d - %s\n", test_failures == before ? "ok" : "not ok", ++n, t->name);
		failed += test_failures != before;
	}
	printf("1..%d\n", n);
	return failed != 0;
}

#endif

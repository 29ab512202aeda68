/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "daemon/acme/problem.h"
#include "lib/base/str.h"

/* The first byte selects the status; any body gives an error of one displayable line. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const int statuses[] = { 0, 200, 302, 400, 401, 403, 404, 409, 429, 500, 503,
		599 };
	struct problem problem;
	struct err err = ERR_INIT;
	int status = len > 0 ? statuses[data[0] % 12] : 400;

	problem_read(status, (const char *)data + (len > 0), len - (len > 0), &problem);
	assert(problem.kind < PROBLEM_COUNT);
	assert(strlen(problem.detail) < sizeof(problem.detail));
	assert(str_is_utf8(problem.detail, strlen(problem.detail)));
	assert(problem_err(&problem, INSTANT_NONE, &err) == -1);
	assert(err.code != ERR_NONE && err.text[0] && !strpbrk(err.text, "\n\r"));
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "daemon/acme/ledger.h"
#include "daemon/conf/conf.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

/*
 * The ledger of a CA, from the keeper's file. Any content is read to its end, answers whether
 * an order may be placed, never for longer than it remembers, and gives the same answer when
 * read again.
 */

#define NOW INT64_C(1790000000)

static char *names[] = { (char *)"example.com", (char *)"www.example.com" };
static const char name[] = "example.com/web";
static struct cert_conf cert = { .name = name,
	.service = name + sizeof("example.com"),
	.key = "ec:secp256r1",
	.names = names,
	.n_names = 2 };

static void count(const struct ledger_use *use, void *data)
{
	unsigned *n = data;

	assert(use->limit <= LIMIT_COUNT && use->subject);
	*n += use->used;
}

static int check(const char *text, size_t len, struct instant *opens)
{
	struct ledger_ask ask = { .cert = &cert, .kind = LEDGER_NEW };
	struct ledger ledger;
	struct err err = ERR_INIT;
	unsigned n = 0;
	int result;

	ledger_init(&ledger, true);
	ledger_read(&ledger, text, len, (struct instant){ NOW });
	ledger_uses(&ledger, &ask, (struct instant){ NOW }, count, &n);
	(void)ledger_failure(&ledger, &cert);
	result = ledger_check(&ledger, &ask, (struct instant){ NOW }, &err);
	if (result < 0) {
		assert(err.code == ERR_RATE_LIMITED && err.text[0]);
		assert(err.not_before.s > NOW && err.not_before.s <= NOW + DAYS(400).s);
	}
	*opens = err.not_before;
	ledger_done(&ledger);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct instant first = INSTANT_NONE, second = INSTANT_NONE;
	int result = check((const char *)data, size, &first);

	assert(check((const char *)data, size, &second) == result);
	assert(first.s == second.s);
	return 0;
}

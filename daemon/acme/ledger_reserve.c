/* SPDX-License-Identifier: MIT */
#include "daemon/acme/ledger_private.h"

#include <assert.h>
#include <stdlib.h>

#include "daemon/conf/conf.h"
#include "lib/base/mem.h"

/* The reservation of one order: each counter that it was added to. */
struct reservation_item {
	enum limit limit; /* LIMIT_COUNT: the ceiling */
	unsigned *reserved;
};

struct reserving {
	struct ledger *ledger;
	struct reservation *out;
};

static void add(struct reservation *reservation, enum limit limit, unsigned *reserved)
{
	if (reservation->n == reservation->size) {
		reservation->size = reservation->size ? 2 * reservation->size : 8;
		reservation->items = mem_grow(
			reservation->items, reservation->size, sizeof(*reservation->items));
	}
	++*reserved;
	reservation->items[reservation->n++] = (struct reservation_item){ limit, reserved };
}

static void visit(enum limit limit, const char *subject, void *data)
{
	const struct reserving *reserving = data;

	add(reserving->out, limit,
		&ledger_want_bucket(reserving->ledger, limit, subject)->reserved);
}

void ledger_reserve(
	struct ledger *ledger, const struct ledger_ask *ask, struct reservation *out)
{
	struct reserving reserving = { ledger, out };
	char id[IDENTITY_LEN];

	reservation_done(out);
	identity_of(ask->cert->names, ask->cert->n_names, id);
	ledger_each_limit(ledger, ask, visit, &reserving);
	add(out, LIMIT_COUNT, &ledger_want_ceiling(ledger, id, ask->cert->key)->reserved);
}

void reservation_drop(struct reservation *reservation, enum limit limit)
{
	size_t n = 0;

	for (size_t i = 0; i < reservation->n; i++) {
		const struct reservation_item *item = &reservation->items[i];

		if (item->limit != limit) {
			reservation->items[n++] = *item;
			continue;
		}
		assert(*item->reserved > 0);
		--*item->reserved;
	}
	reservation->n = n;
}

void reservation_done(struct reservation *reservation)
{
	for (int limit = 0; limit <= LIMIT_COUNT; limit++)
		reservation_drop(reservation, (enum limit)limit);
	free(reservation->items);
	*reservation = (struct reservation){ .n = 0 };
}

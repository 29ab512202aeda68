/* SPDX-License-Identifier: MIT */
#include "lib/base/clock.h"
#include "tests/sim/fake_acme_private.h"

/* How the fake ACME server is treated: what a client must not do with its orders. */

void acme_note_finalize(struct acme_request *request)
{
	struct fake_acme *acme = request->acme;
	struct acme_order *order;

	if (request->number == 0 || request->number > acme->n_orders)
		return;
	order = acme->orders[request->number - 1];
	if (order->is_unsure)
		acme_complain(acme, "order %u is finalized again before a look", order->number);
	order->is_unsure = true;
}

void fake_acme_settle(struct fake_acme *acme)
{
	for (size_t i = 0; i < acme->n_orders; i++) {
		struct acme_order *order = acme->orders[i];

		acme_order_age(order);
		if (order->account->is_lost || order->is_stuck || order->is_fetched ||
			acme->knobs.may_waste)
			continue;
		if (order->state == STATE_VALID || order->state == STATE_PROCESSING)
			acme_complain(acme, "nobody fetched the certificate of order %u",
				order->number);
		else if (order->is_known && order->state != STATE_INVALID)
			acme_complain(acme, "order %u was given up while it is %s",
				order->number, acme_state_text(order->state));
	}
}

/* SPDX-License-Identifier: MIT */
#include "daemon/acme/fate.h"

#include "lib/base/str.h"

static const enum order_fate fates[ORDER_STATE_COUNT][HELD_COUNT] = {
#define FATE(state, nothing, key, broken, foreign)                                             \
	[ORDER_##state] = { FATE_##nothing, FATE_##key, FATE_##broken, FATE_##foreign },
#include "daemon/acme/fates.def"
#undef FATE
};

enum order_fate order_fate(enum order_state state, enum order_held held)
{
	return fates[state][held];
}

enum order_state order_state_of(const struct order_object *order)
{
	switch (order->status) {
	case STATUS_PENDING:
		return ORDER_PENDING;
	case STATUS_READY:
		return ORDER_READY;
	case STATUS_PROCESSING:
		return ORDER_PROCESSING;
	case STATUS_VALID:
		return order->certificate ? ORDER_ISSUED : ORDER_VALID;
	case STATUS_INVALID:
		return ORDER_INVALID;
	case STATUS_DEACTIVATED:
	case STATUS_EXPIRED:
	case STATUS_REVOKED:
		return ORDER_ENDED;
	case STATUS_UNKNOWN:
		break;
	}
	return ORDER_UNKNOWN;
}

bool order_is_gone(const struct problem *problem)
{
	return problem->status == 404 || problem->status == 410;
}

enum order_held order_held_parse(const char *text)
{
	if (text && str_is(text, "none"))
		return HELD_NOTHING;
	return text && str_is(text, "ready") ? HELD_KEY : HELD_BROKEN;
}

const char *order_held_text(enum order_held held)
{
	static const char *const texts[] = { "its key is not stored here",
		"its key is stored here", "its key cannot be read",
		"it is for other names than the certificate has now" };

	return texts[held];
}

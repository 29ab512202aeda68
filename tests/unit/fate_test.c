/* SPDX-License-Identifier: MIT */
#include "daemon/acme/fate.h"

#include "lib/base/attr.h"
#include "tests/test.h"

/* What becomes of an order, for every state of it and everything that may be held for it. */

/* In the order of enum order_state and enum order_held: P prove, F finalize, W wait, G get, D drop. */
static const char wanted[ORDER_STATE_COUNT][HELD_COUNT + 1] = {
	[ORDER_UNKNOWN] = "WWDD",
	[ORDER_PENDING] = "PPDD",
	[ORDER_READY] = "FFDD",
	[ORDER_PROCESSING] = "DWDD",
	[ORDER_VALID] = "DWDD",
	[ORDER_ISSUED] = "DGDD",
	[ORDER_INVALID] = "DDDD",
	[ORDER_ENDED] = "DDDD",
	[ORDER_GONE] = "DDDD",
};

TEST(every_pair_of_state_and_what_is_held)
{
	static const char letters[] = { [FATE_PROVE] = 'P',
		[FATE_FINALIZE] = 'F',
		[FATE_WAIT] = 'W',
		[FATE_FETCH] = 'G',
		[FATE_DROP] = 'D' };

	for (int state = 0; state < ORDER_STATE_COUNT; state++)
		for (int held = 0; held < HELD_COUNT; held++)
			if (letters[order_fate((enum order_state)state,
				    (enum order_held)held)] != wanted[state][held])
				TEST_FAIL("state %d, held %d: %c", state, held,
					letters[order_fate((enum order_state)state,
						(enum order_held)held)]);
}

TEST(each_status_of_the_protocol_is_a_state)
{
	static const struct {
		enum status status;
		const char *certificate;
		enum order_state state;
	} rows[] = {
		{ STATUS_UNKNOWN, NULL, ORDER_UNKNOWN },
		{ STATUS_PENDING, NULL, ORDER_PENDING },
		{ STATUS_READY, "https://ca.example/c", ORDER_READY },
		{ STATUS_PROCESSING, NULL, ORDER_PROCESSING },
		{ STATUS_VALID, NULL, ORDER_VALID },
		{ STATUS_VALID, "https://ca.example/c", ORDER_ISSUED },
		{ STATUS_INVALID, NULL, ORDER_INVALID },
		{ STATUS_DEACTIVATED, NULL, ORDER_ENDED },
		{ STATUS_EXPIRED, NULL, ORDER_ENDED },
		{ STATUS_REVOKED, NULL, ORDER_ENDED },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct order_object order = { .status = rows[i].status,
			.certificate = rows[i].certificate };

		CHECK_INT(order_state_of(&order), rows[i].state);
	}
}

TEST(only_not_found_and_gone_say_that_there_is_no_order)
{
	static const struct {
		int status;
		bool is_gone;
	} rows[] = { { 404, true }, { 410, true }, { 403, false }, { 400, false }, { 0, false },
		{ 500, false } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct problem problem = { .status = rows[i].status };

		CHECK_INT(order_is_gone(&problem), rows[i].is_gone);
	}
}

TEST(words_of_the_keeper)
{
	CHECK_INT(order_held_parse("none"), HELD_NOTHING);
	CHECK_INT(order_held_parse("ready"), HELD_KEY);
	CHECK_INT(order_held_parse("broken"), HELD_BROKEN);
	CHECK_INT(order_held_parse("nonsense"), HELD_BROKEN);
	CHECK_INT(order_held_parse(NULL), HELD_BROKEN);
}

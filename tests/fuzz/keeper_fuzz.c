/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "proto/keeper.h"

/*
 * Packets between the two processes: any packet is parsed or refused, and a parsed error can be
 * written and read again without losing its code.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keeper_message message, again;
	struct buf packet AUTO_BUF = BUF_INIT;
	char *text AUTO_FREE = mem_zalloc(size + 1);
	struct err err, read, reread;

	if (size)
		memcpy(text, data, size);
	if (keeper_message_parse(text, size, &message, &err) < 0)
		return 0;
	if (message.kind == KEEPER_ERR) {
		keeper_read_err(&message, &read);
		keeper_write_err(&packet, message.id, &read);
		if (keeper_message_parse(packet.data, packet.len, &again, &err) < 0)
			abort();
		keeper_read_err(&again, &reread);
		if (again.id != message.id || reread.code != read.code ||
			strcmp(reread.text, read.text) != 0)
			abort();
		keeper_message_done(&again);
	}
	keeper_message_done(&message);
	return 0;
}

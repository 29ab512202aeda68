/* SPDX-License-Identifier: MIT */
#include "lib/log/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/text.h"

/* One write per message, so that lines of two processes on one terminal never mix. */
void log_to_stderr(const struct log_entry *entry, void *data)
{
	struct buf line AUTO_BUF = BUF_INIT;
	char now[INSTANT_TEXT_LEN];

	(void)data;
	buf_printf(&line, "%s %s", instant_text(clock_now(), now), event_name(entry->event));
	for (const struct log_field *f = entry->fields; f; f = f->up)
		if (f->value) {
			buf_printf(&line, " %s=", f->name);
			text_show(&line, f->value, strlen(f->value));
		}
	buf_printf(&line, ": %s\n", entry->text);
	if (write(STDERR_FILENO, line.data, line.len) < 0)
		return; /* there is no other place to report it */
}

/* SPDX-License-Identifier: MIT */
#include "proto/event_note.h"

#include <ctype.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/log/log.h"
#include "proto/keeper.h"

enum { FIELDS_MAX = 12, KEY_SIZE = 24 };

/* Keys are lower case on the wire and upper case in the log. */
static void change_case(const char *from, int (*change)(int c), char out[KEY_SIZE])
{
	size_t len = 0;

	for (; from[len] && len < KEY_SIZE - 1; len++)
		out[len] = (char)change((unsigned char)from[len]);
	out[len] = '\0';
}

void event_note_write(const struct log_entry *entry, struct buf *out)
{
	char key[KEY_SIZE];

	keeper_begin_note(out, "event");
	line_add(out, "name", event_name(entry->event));
	line_add(out, "text", entry->text);
	for (const struct log_field *at = entry->fields; at; at = at->up) {
		change_case(at->name, tolower, key);
		if (at->value && line_key_is_valid(key))
			line_add(out, key, at->value);
	}
}

void event_note_relay(const struct keeper_message *note)
{
	const char *name = line_get(&note->line, "name"), *text = line_get(&note->line, "text");
	struct log_field fields[FIELDS_MAX] = { { 0 } };
	char names[FIELDS_MAX][KEY_SIZE];
	enum event event = name ? event_parse(name) : EVENT_COUNT;
	size_t n = 0;

	if (event == EVENT_COUNT || !text)
		return;
	for (size_t i = 0; i < note->line.n && n < FIELDS_MAX; i++) {
		const struct word *word = &note->line.words[i];

		if (!word->key || str_is(word->key, "name") || str_is(word->key, "text"))
			continue;
		change_case(word->key, toupper, names[n]);
		fields[n] = (struct log_field){ names[n], word->value, NULL };
		if (n > 0)
			fields[n - 1].up = &fields[n];
		n++;
	}
	log_relay(&(struct log_entry){ event, event_priority(event), text, n ? fields : NULL });
}

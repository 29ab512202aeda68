/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "daemon/acme/ledger.h"
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "proto/line.h"

/* The ledger's entries as text: lines that the keeper keeps, written and read into a ledger. */

/* Longest line that can be one of ours: the domains of a thousand names. */
#define ENTRY_MAX ((size_t)300 * 1024)

static const char *const whats[] = { "order", "issued", "failed" };
static const char *const kinds[] = { "new", "renewal", "ari" };

void ledger_entry_write(const struct ledger_entry *entry, struct buf *out)
{
	line_add(out, "what", whats[entry->what]);
	line_add(out, "id", entry->id);
	line_add(out, "kind", kinds[entry->kind]);
	if (entry->has_order)
		line_add_bool(out, "order", true);
	if (entry->what == LEDGER_ISSUED) {
		line_add(out, "key", entry->key ? entry->key : "");
		line_add_int(out, "life", entry->life.s);
	}
	if (entry->what == LEDGER_FAILED)
		line_add(out, "code", err_code_text(entry->code));
	if (entry->what == LEDGER_FAILED && entry->digest)
		line_addf(out, "conf", "%016" PRIx64, entry->digest);
	if (entry->names && *entry->names)
		line_add(out, "names", entry->names);
}

static bool find(const char *const *words, size_t n, const char *word, unsigned *out)
{
	for (unsigned i = 0; word && i < n; i++)
		if (str_is(words[i], word)) {
			*out = i;
			return true;
		}
	return false;
}

static bool read_id(const struct line *line, char out[IDENTITY_LEN])
{
	const char *id = line_get(line, "id");
	uint8_t bytes[(IDENTITY_LEN - 1) / 2];

	if (!id || strlen(id) != IDENTITY_LEN - 1 || !str_unhex(id, bytes, sizeof(bytes)))
		return false;
	memcpy(out, id, IDENTITY_LEN);
	return true;
}

static bool read_entry(const struct line *line, struct ledger_entry *out)
{
	const char *time = line_plain(line, 0), *code = line_get(line, "code");
	const char *conf = line_get(line, "conf");
	unsigned what, kind = LEDGER_NEW;
	struct err ignored;

	*out = (struct ledger_entry){ .code = ERR_INTERNAL };
	if (!time || instant_parse(time, &out->at, &ignored) < 0 || !read_id(line, out->id) ||
		!find(whats, ARRAY_LEN(whats), line_get(line, "what"), &what) ||
		(line_get(line, "kind") &&
			!find(kinds, ARRAY_LEN(kinds), line_get(line, "kind"), &kind)) ||
		(conf && !facts_parse_digest(conf, &out->digest)) ||
		line_get_bool(line, "order", &out->has_order, &ignored) < 0 ||
		line_get_int(line, "life", 0, INT64_C(1) << 40, &out->life.s, &ignored) < 0)
		return false;
	out->what = (enum ledger_what)what;
	out->kind = (enum ledger_kind)kind;
	out->key = line_get(line, "key");
	out->names = line_get(line, "names");
	if (code && err_code_parse(code) != ERR_COUNT)
		out->code = err_code_parse(code);
	return true;
}

void ledger_read(struct ledger *ledger, const char *text, size_t len, struct instant now)
{
	struct line line = { 0 };

	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		struct ledger_entry entry;
		struct err ignored;

		/* A line without an end was not written whole. */
		if (!end)
			break;
		if (line_parse_copy(&line, text + at, (size_t)(end - text) - at, ENTRY_MAX,
			    &ignored) == 0 &&
			read_entry(&line, &entry) &&
			instant_since(now, entry.at).s <= LEDGER_MEMORY.s)
			ledger_note(ledger, &entry);
		at = (size_t)(end - text) + 1;
	}
	line_done(&line);
}

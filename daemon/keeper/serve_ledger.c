#include "daemon/keeper/serve_private.h"

#include <string.h>

#include "daemon/keeper/account.h"
#include "daemon/keeper/store_file.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/secret.h"

/*
 * The ledger of a CA: one line for everything that counts against a limit of its, "TIME what=... id=...",
 * synced before the answer.  It outlives certificates and restarts.  What is older than LEDGER_DAYS
 * counts nowhere any more and is dropped when the ledger is read, which the engine does at start.
 */

#define LEDGER_DAYS 8
#define LEDGER_MAX ((size_t)16 * 1024 * 1024)
#define ENTRY_MAX ((size_t)32 * 1024)

static int make_entry(const struct line *line, struct buf *out, struct err *err)
{
	char now[INSTANT_TEXT_LEN];

	if (!line_need(line, "what", err) || !line_need(line, "id", err))
		return -1;
	line_add_word(out, instant_text(clock_now(), now));
	for (size_t i = 0; i < line->n; i++) {
		const struct word *word = &line->words[i];

		if (word->key && !str_is(word->key, "ca") && !str_is(word->key, "test"))
			line_add(out, word->key, word->value);
	}
	line_end(out);
	if (out->len > ENTRY_MAX)
		return err_set(
			err, ERR_TOO_LARGE, "an entry of the ledger has %zu bytes", out->len);
	return 0;
}

static bool is_recent(const char *line, size_t len)
{
	char word[INSTANT_TEXT_LEN] = "";
	struct instant at;
	struct err ignored;
	size_t n = strcspn(line, " ");

	if (n >= len || n >= sizeof(word))
		return false;
	memcpy(word, line, n);
	return instant_parse(word, &at, &ignored) == 0 &&
	       instant_since(clock_now(), at).s < DAYS(LEDGER_DAYS).s;
}

/* Whole lines that are recent; a torn last line is none. */
static void take_recent(const struct secret *all, struct buf *out)
{
	const char *at = all->data, *end;

	for (; at && (end = strchr(at, '\n')); at = end + 1)
		if (is_recent(at, (size_t)(end - at)))
			buf_add(out, at, (size_t)(end + 1 - at));
}

static int read_ledger(struct store *store, const char *path, struct buf *out, struct err *err)
{
	struct secret all AUTO_SECRET = SECRET_INIT;

	if (store_file_read(store, path, LEDGER_MAX, &all, err) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	take_recent(&all, out);
	return out->len == all.len ? 0
				   : store_file_write(store, path, out->data, out->len, err);
}

/* A ledger that is full is read again, which drops what counts nowhere any more. */
static int add_entry(
	struct store *store, const char *path, const struct buf *entry, struct err *err)
{
	struct buf recent AUTO_BUF = BUF_INIT;

	if (store_file_append(store, path, entry->data, entry->len, LEDGER_MAX, err) == 0)
		return 0;
	if (err->code != ERR_TOO_LARGE || read_ledger(store, path, &recent, err) < 0)
		return -1;
	return store_file_append(store, path, entry->data, entry->len, LEDGER_MAX, err);
}

static int record(struct asked *asked, struct err *err)
{
	struct buf entry AUTO_BUF = BUF_INIT;
	char *path AUTO_FREE = NULL;
	struct authority at;

	if (authority_find(asked->conf, &asked->message.line, &at, err) < 0 ||
		make_entry(&asked->message.line, &entry, err) < 0)
		return -1;
	path = authority_path(&at, "ledger");
	return add_entry(asked->server->store, path, &entry, err);
}

void serve_record_request(struct asked *asked)
{
	struct err err;

	if (record(asked, &err) < 0)
		asked_fail(asked, &err);
	else
		asked_ok(asked, NULL);
}

void serve_ledger_request(struct asked *asked)
{
	struct buf text AUTO_BUF = BUF_INIT;
	int fd AUTO_CLOSE = -1;
	struct authority at;
	struct err err = ERR_INIT;

	if (authority_find(asked->conf, &asked->message.line, &at, &err) == 0) {
		char *path AUTO_FREE = authority_path(&at, "ledger");

		if (read_ledger(asked->server->store, path, &text, &err) == 0)
			fd = keeper_seal("certd-ledger", buf_text(&text), text.len, &err);
	}
	if (fd < 0)
		asked_fail(asked, &err);
	else
		asked_ok_file(asked, fd);
}

/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/serve/serve_private.h"

#include <string.h>

#include "daemon/keeper/ca/account.h"
#include "daemon/keeper/store/store_file.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/secret.h"

/*
 * The ledger of a CA has one line for each request that counts against a limit of the CA, "TIME
 * what=... id=...", synced before the answer.  It outlives certificates and restarts.  Entries
 * older than LEDGER_DAYS count nowhere and are dropped when the ledger is read, which the
 * engine does at start.
 *
 * A stolen engine may record without end.  So entries beyond a burst wait for their turn, a few
 * each second, as requests that are not answered yet; an honest engine has at most one for each
 * certificate.  Entries have known words of bounded length, and a full ledger loses its older
 * half at once: the new entry is kept, and the file is written anew once in as many entries as
 * half of it holds.
 */

#define LEDGER_DAYS 8
#define LEDGER_MAX ((size_t)16 * 1024 * 1024)

/* The words of an entry and their longest values: daemon/acme/ledger_text.c writes them. */
static const struct {
	const char *key;
	size_t max;
} entry_words[] = {
	{ "what", 16 },
	{ "id", 128 },
	{ "kind", 16 },
	{ "order", 3 },
	{ "key", 64 },
	{ "life", 20 },
	{ "code", 40 },
	{ "conf", 16 },
	{ "names", (size_t)30 * 1024 },
};

static int add_entry_word(const struct word *word, struct buf *out, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(entry_words); i++) {
		if (!str_is(word->key, entry_words[i].key))
			continue;
		if (strlen(word->value) > entry_words[i].max)
			return err_set(err, ERR_TOO_LARGE,
				"%s in an entry of the ledger is too long", word->key);
		line_add(out, word->key, word->value);
		return 0;
	}
	return err_set(
		err, ERR_BAD_ARGUMENT, "an entry of the ledger has no word %.40s", word->key);
}

static int make_entry(const struct line *line, struct buf *out, struct err *err)
{
	char now[INSTANT_TEXT_LEN];

	if (!line_need(line, "what", err) || !line_need(line, "id", err))
		return -1;
	line_add_word(out, instant_text(clock_now(), now));
	for (size_t i = 0; i < line->n; i++) {
		const struct word *word = &line->words[i];

		if (word->key && !str_is(word->key, "ca") && !str_is(word->key, "test") &&
			add_entry_word(word, out, err) < 0)
			return -1;
	}
	line_end(out);
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
static void take_recent(const struct secret *all, bool is_doubted, struct buf *out)
{
	const char *at = all->data, *end;

	for (; at && (end = strchr(at, '\n')); at = end + 1)
		if (is_doubted || is_recent(at, (size_t)(end - at)))
			buf_add(out, at, (size_t)(end + 1 - at));
}

/* By a doubted clock nothing is too old. */
static int read_ledger(
	const struct server *server, const char *path, struct buf *out, struct err *err)
{
	struct secret all AUTO_SECRET = SECRET_INIT;

	if (store_file_read(server->store, path, LEDGER_MAX, &all, err) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	take_recent(&all, server->clock_is_doubted, out);
	return out->len == all.len
		       ? 0
		       : store_file_write(server->store, path, out->data, out->len, err);
}

/* Only the newer half of what counts stays, of whole lines. */
static int halve(const struct server *server, const char *path, struct err *err)
{
	struct buf recent AUTO_BUF = BUF_INIT;
	const char *cut;

	if (read_ledger(server, path, &recent, err) < 0)
		return -1;
	if (recent.len <= LEDGER_MAX / 2)
		return 0;
	cut = memchr(recent.data + recent.len - LEDGER_MAX / 2, '\n', LEDGER_MAX / 2);
	buf_drop(&recent, cut ? (size_t)(cut + 1 - recent.data) : recent.len);
	return store_file_write(server->store, path, recent.data, recent.len, err);
}

static int add_entry(
	const struct server *server, const char *path, const struct buf *entry, struct err *err)
{
	struct store *store = server->store;

	if (store_file_append(store, path, entry->data, entry->len, LEDGER_MAX, err) == 0)
		return 0;
	if (err->code != ERR_TOO_LARGE || halve(server, path, err) < 0)
		return -1;
	return store_file_append(store, path, entry->data, entry->len, LEDGER_MAX, err);
}

static int record(struct asked *asked, bool is_dry, struct err *err)
{
	struct buf entry AUTO_BUF = BUF_INIT;
	char *path AUTO_FREE = NULL;
	struct authority at;

	if (authority_find(asked->conf, &asked->message.line, &at, err) < 0 ||
		make_entry(&asked->message.line, &entry, err) < 0)
		return -1;
	if (is_dry)
		return 0;
	path = authority_path(&at, "ledger");
	return add_entry(asked->server, path, &entry, err);
}

/* Every unanswered request to record waits. */
static struct asked *first_waiting(const struct server *server)
{
	list_each(at, &server->asked) {
		struct asked *asked = LIST_OF(at, struct asked, link);

		if (asked->message.request == REQUEST_record)
			return asked;
	}
	return NULL;
}

static void record_now(struct asked *asked)
{
	struct err err = ERR_INIT;

	asked->server->n_records--;
	(void)record(asked, false, &err);
	asked_result(asked, &err);
}

static int64_t record_wait(struct server *server, int64_t n_certs)
{
	int64_t each_ms = 60000 / (SERVE_RECORD_MINUTE + n_certs);

	if (each_ms < SERVE_RECORD_LEAST_MS)
		each_ms = SERVE_RECORD_LEAST_MS;
	return pace_take(&server->records, SERVE_RECORD_BURST + n_certs * SERVE_RECORD_EACH,
		each_ms, clock_tick());
}

void serve_record_waiting(struct server *server)
{
	struct asked *asked;
	int64_t wait_ms;

	while (server->n_records > 0 && (asked = first_waiting(server))) {
		wait_ms = record_wait(server, (int64_t)asked->conf->n_certs);
		if (wait_ms > 0) {
			server->record_waits(server, wait_ms);
			return;
		}
		record_now(asked);
	}
}

/* An entry that is wrong is refused at once, and so are more than an honest engine can have. */
void serve_record_request(struct asked *asked)
{
	struct server *server = asked->server;
	struct err err;

	if (record(asked, true, &err) < 0) {
		asked_fail(asked, &err);
		return;
	}
	if (server->n_records >= asked->conf->n_certs + SERVE_ASKED_MAX) {
		err_set(&err, ERR_BUSY, "%zu entries wait to be written already",
			server->n_records);
		asked_fail(asked, &err);
		return;
	}
	if (++server->n_records == 1)
		serve_record_waiting(server);
}

void serve_ledger_request(struct asked *asked)
{
	struct buf text AUTO_BUF = BUF_INIT;
	int fd AUTO_CLOSE = -1;
	struct authority at;
	struct err err = ERR_INIT;

	if (authority_find(asked->conf, &asked->message.line, &at, &err) == 0) {
		char *path AUTO_FREE = authority_path(&at, "ledger");

		if (read_ledger(asked->server, path, &text, &err) == 0)
			fd = keeper_seal("certd-ledger", buf_text(&text), text.len, &err);
	}
	if (fd < 0)
		asked_fail(asked, &err);
	else
		asked_ok_file(asked, fd);
}

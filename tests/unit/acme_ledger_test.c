/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "tests/unit/acme_scene.h"

/* The ledger of a CA as the keeper keeps it: what counts against limits, in bounded lines. */

static char *ledger(void)
{
	struct buf text AUTO_BUF = BUF_INIT;
	struct err err;

	OK("ledger ca=le");
	REQUIRE(reply_fd >= 0);
	lseek(reply_fd, 0, SEEK_SET);
	REQUIRE(file_read_fd(reply_fd, 32 << 20, &text, &err) == 0);
	close(reply_fd);
	reply_fd = -1;
	return mem_strdup(buf_text(&text));
}

TEST(the_ledger_outlives_everything_for_eight_days)
{
	WORLD;
	char *empty AUTO_FREE = ledger();
	struct err err;

	CHECK_STR(empty, "");
	OK("record ca=le what=order id=abc kind=ari");
	OK("record ca=le what=cert id=\"a b\" key=k");
	REFUSED("bad-argument", "what", "record ca=le id=abc");
	REFUSED("bad-argument", "id", "record ca=le what=order");
	REFUSED("bad-argument", "nobody", "record ca=nobody what=order id=1");
	REQUIRE(store_file_append(
			server.store, "accounts/le/ledger", "2026-", 5, 1 << 20, &err) == 0);
	reopen();
	char *two AUTO_FREE = ledger();
	CHECK(strstr(two, "Z what=order id=abc kind=ari\n") &&
		strstr(two, "Z what=cert id=\"a b\" key=k\n"));
	CHECK(str_ends(two, "\n"));
	clock_ahead = 7 * 86400;
	OK("record ca=le what=order id=new");
	clock_ahead = 9 * 86400;
	char *one AUTO_FREE = ledger();
	CHECK(strstr(one, "id=new") && !strstr(one, "id=abc"));
}

/* A stolen engine neither writes what it likes there nor ends what it is for. */
TEST(entries_of_the_ledger_are_bounded)
{
	static const struct {
		const char *word, *others;
		int len; /* one more than it may have */
	} rows[] = {
		{ "id", "what=order", 129 },
		{ "what", "id=abc", 17 },
		{ "kind", "what=order id=abc", 17 },
		{ "order", "what=order id=abc", 4 },
		{ "key", "what=issued id=abc", 65 },
		{ "life", "what=issued id=abc", 21 },
		{ "code", "what=failed id=abc", 41 },
		{ "names", "what=issued id=abc", 30 * 1024 + 1 },
	};

	WORLD;
	char *none AUTO_FREE = NULL, *all AUTO_FREE = NULL;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *request AUTO_FREE = mem_printf("record ca=le %s %s=%0*d", rows[i].others,
			rows[i].word, rows[i].len, 7);

		check_err(world_ask(request, NULL), "too-large", rows[i].word, __LINE__);
	}
	REFUSED("bad-argument", "no word x", "record ca=le what=order id=abc x=1");
	none = ledger();
	CHECK_STR(none, "");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *request AUTO_FREE = mem_printf("record ca=le %s %s=%0*d", rows[i].others,
			rows[i].word, rows[i].len - 1, 7);

		check_ok(world_ask(request, NULL), __LINE__);
	}
	all = ledger();
	CHECK(strstr(all, "names=0000"));
}

/* What is old makes room. */
TEST(the_ledger_is_bounded)
{
	static const size_t most = (size_t)16 * 1024 * 1024;

	WORLD;
	char *full AUTO_FREE = mem_zalloc(most), *at = full, *kept AUTO_FREE = NULL;
	char *path AUTO_FREE = mem_printf("%s/accounts/le/ledger", dir);
	char now[INSTANT_TEXT_LEN];
	struct stat st;
	struct err err;

	instant_text(clock_now(), now);
	at += snprintf(at, most, "%s what=order id=oldest\n", now);
	while (at < full + most)
		at += snprintf(at, (size_t)(full + most - at), "%s what=order id=abcd\n", now);
	full[most - 1] = '\n';
	REQUIRE(store_file_write(server.store, "accounts/le/ledger", full, most, &err) == 0);
	OK("record ca=le what=order id=one");
	/* Half of it has gone at once, so the next million costs no more than a line each. */
	CHECK_INT(fstatat(AT_FDCWD, path, &st, 0), 0);
	CHECK(st.st_size <= (off_t)most / 2 + 100 && st.st_size >= (off_t)most / 2 - 100);
	char *half AUTO_FREE = ledger();
	CHECK(str_starts(half, now) && strstr(half, "id=one") && !strstr(half, "id=oldest"));
	clock_ahead = 9 * 86400;
	OK("record ca=le what=order id=two");
	char *one AUTO_FREE = ledger();
	CHECK(strstr(one, "id=two") && !strstr(one, "id=abcd"));
}

/* A stolen engine makes the keeper write without end; an honest one, with all certificates at once, never waits. */
TEST(entries_of_the_ledger_are_written_at_a_pace)
{
	WORLD;
	size_t burst = SERVE_RECORD_BURST + server.conf->n_certs * SERVE_RECORD_EACH, n = 0;
	char *some AUTO_FREE = NULL, *all AUTO_FREE = NULL;

	server.records = (struct pace_bucket){ .is_used = false };

	while (n < 10 * burst && *world_ask("record ca=le what=order id=honest", NULL))
		n++;
	CHECK_INT(n, burst);
	CHECK(record_wait_ms > 0 && record_wait_ms <= 60000 / SERVE_RECORD_MINUTE);
	world_ask("record ca=le what=order id=second", NULL);
	/* A malformed entry is refused at once, and reading waits for nothing. */
	REFUSED("bad-argument", "no word x", "record ca=le what=order id=abc x=1");
	some = ledger();
	CHECK(!strstr(some, "id=second"));
	tick_ahead_ms += record_wait_ms;
	serve_record_waiting(&server);
	check_ok(buf_text(&reply), __LINE__);
	CHECK_INT(server.n_records, 1);
	tick_ahead_ms += 60000 / SERVE_RECORD_MINUTE;
	serve_record_waiting(&server);
	CHECK_INT(server.n_records, 0);
	all = ledger();
	CHECK(strstr(all, "id=second"));
	/* As many wait as there can be jobs; more are no honest engine's. */
	for (n = 0; n < 10000; n++)
		if (str_starts(world_ask("record ca=le what=order id=flood", NULL), "err "))
			break;
	CHECK_INT(n, server.conf->n_certs + SERVE_ASKED_MAX);
	/* However many wait, what else is asked for has room. */
	check_ok(world_ask("versions cert=example.com/web", NULL), __LINE__);
}

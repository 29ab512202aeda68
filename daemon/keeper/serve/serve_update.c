/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/serve/serve_private.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/keeper/publish/challenge.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/jws.h"
#include "lib/wire/dns_update.h"

/*
 * Dynamic updates on their way through the engine, and zones that it wants refreshed.  It names
 * zones and brings octets; what is put into a zone, and whether it has got there, is judged in
 * updating.c.
 */

void serve_update_request(struct asked *asked)
{
	struct buf wire AUTO_BUF = BUF_INIT, words AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;
	const char *zone = line_need(&asked->message.line, "zone", &err), *server;
	int64_t id;

	if (!zone || challenges_sign_update(asked->server->challenges, zone,
			     line_get(&asked->message.line, "server"), &wire, &id, &server,
			     &err) < 0) {
		asked_fail(asked, &err);
		return;
	}
	line_add_int(&words, "id", id);
	line_add(&words, "server", server);
	line_end(&words);
	jws_base64url(&words, wire.data, wire.len);
	asked_ok(asked, &words);
}

static int read_mac(const struct line *line, struct dns_update_answer *out, struct err *err)
{
	const char *text = line_get(line, "mac");

	if (!text)
		return 0;
	out->mac_len = strlen(text) / 2;
	if (out->mac_len > sizeof(out->mac))
		return err_set(err, ERR_BAD_ARGUMENT, "mac is too long");
	return line_get_hex(line, "mac", out->mac, out->mac_len, err);
}

static int read_name(
	const struct line *line, const char *key, char *out, size_t size, struct err *err)
{
	const char *text = line_get(line, key);

	if (!text)
		return 0;
	if (strlen(text) >= size)
		return err_set(err, ERR_BAD_ARGUMENT, "%s is too long", key);
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

/* The fields of struct dns_update_answer; times in seconds since 1970, and `input` in the row. */
static int read_answer(
	const struct asked *asked, struct dns_update_answer *out, struct err *err)
{
	const struct line *line = &asked->message.line;
	const char *row = asked->message.rows;
	int64_t id = 0, rcode = 0, error = 0, fudge = 0;

	if (!line_need(line, "dns_id", err) || !line_need(line, "rcode", err) ||
		line_get_int(line, "dns_id", 0, UINT16_MAX, &id, err) < 0 ||
		line_get_int(line, "rcode", 0, UINT16_MAX, &rcode, err) < 0 ||
		line_get_int(line, "tsig_error", 0, UINT16_MAX, &error, err) < 0 ||
		line_get_int(line, "fudge", 0, UINT16_MAX, &fudge, err) < 0 ||
		line_get_int(line, "at", 0, INT64_C(1) << 48, &out->signed_at.s, err) < 0 ||
		line_get_int(line, "time", 0, INT64_C(1) << 48, &out->server_time.s, err) < 0 ||
		line_get_bool(line, "signed", &out->is_signed, err) < 0 ||
		read_mac(line, out, err) < 0 ||
		read_name(line, "key", out->key_name, sizeof(out->key_name), err) < 0 ||
		read_name(line, "algorithm", out->algorithm, sizeof(out->algorithm), err) < 0)
		return -1;
	out->id = (uint16_t)id;
	out->rcode = (uint16_t)rcode;
	out->tsig_error = (uint16_t)error;
	out->fudge_s = (uint32_t)fudge;
	return jws_base64_read(row, strcspn(row, "\n"), &out->input, err) < 0
		       ? err_add(err, "the row")
		       : 0;
}

static void read_failure(const struct line *line, const char *text, struct err *out)
{
	const char *word = line_get(line, "code");
	enum err_code code = word ? err_code_parse(word) : ERR_COUNT;

	/* Only a server refuses, and in an answer; what is refused is forgotten. */
	if (code == ERR_COUNT || code == ERR_NONE || code == ERR_ZONE_REFUSED ||
		code == ERR_BAD_VALUE)
		code = ERR_DNS;
	err_set(out, code, "%s", text);
}

static int end_update(struct asked *asked, struct dns_update_answer *answer, struct err *err)
{
	const struct line *line = &asked->message.line;
	const char *zone = line_need(line, "zone", err), *failed = line_get(line, "failed");
	struct challenges *challenges = asked->server->challenges;
	struct err why;
	int64_t id = 0;

	if (!zone || !line_need(line, "id", err) ||
		line_get_int(line, "id", 1, INT64_MAX, &id, err) < 0)
		return -1;
	if (failed)
		read_failure(line, failed, &why);
	else if (read_answer(asked, answer, &why) == 0)
		return challenges_judge_update(challenges, zone, id, answer, err);
	return challenges_fail_update(challenges, zone, id, &why, err);
}

void serve_updated_request(struct asked *asked)
{
	struct dns_update_answer answer = { .id = 0 };
	struct err err = ERR_INIT;
	int result = end_update(asked, &answer, &err);

	dns_update_answer_done(&answer);
	if (result < 0)
		asked_fail(asked, &err);
	else
		asked_ok(asked, NULL);
}

void serve_refresh_request(struct asked *asked)
{
	const struct line *line = &asked->message.line;
	struct challenge_wait *wait = NULL;
	struct err err = ERR_INIT;
	const char *zone = line_need(line, "zone", &err);
	bool is_forced = false;

	asked->drop_work = serve_publish_forget;
	if (!zone || line_get_bool(line, "force", &is_forced, &err) < 0 ||
		challenges_refresh(asked->server->challenges, zone, is_forced,
			serve_publish_ended, asked, &wait, &err) < 0)
		asked_fail(asked, &err);
	else if (!wait)
		asked_ok(asked, NULL);
	else
		asked->work = wait;
}

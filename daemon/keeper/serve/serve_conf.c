/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/serve/serve_private.h"

#include <stdlib.h>
#include <unistd.h>

#include "daemon/keeper/publish/challenge.h"
#include "daemon/keeper/store/store.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/str.h"

/* Requests about everything: facts, reload, and the two that only tell how the engine is. */

/* A certificate that cannot be read has no facts but its failure. */
static void add_line(const char *cert, const char *line, const struct err *err, void *data)
{
	struct buf *lines = data;

	if (line) {
		buf_add_text(lines, line);
	} else {
		struct err told = *err;
		struct cert_facts facts = { .cert = (char *)(uintptr_t)cert,
			.failure = { .code = err->code, .tries = 1, .text = told.text } };

		facts_write(&facts, lines);
	}
	buf_add_char(lines, '\n');
}

static int seal_facts(struct server *server, struct err *err)
{
	struct buf lines AUTO_BUF = BUF_INIT;

	store_read_all(server->store, server->conf, add_line, &lines);
	return keeper_seal("certd-facts", buf_text(&lines), lines.len, err);
}

void serve_facts_ahead(struct server *server)
{
	struct err ignored;

	server->facts_ahead = seal_facts(server, &ignored);
}

void serve_facts_request(struct asked *asked)
{
	struct server *server = asked->server;
	int fd AUTO_CLOSE = server->facts_ahead;
	struct err err;

	server->facts_ahead = -1;
	if (fd < 0)
		fd = seal_facts(server, &err);
	if (fd < 0) {
		asked_fail(asked, &err);
		return;
	}
	asked_ok_file(asked, fd);
}

static int look_anew(struct server *server, struct err *err)
{
	if (pace_take(&server->retries, SERVE_RETRY_BURST, SERVE_RETRY_MS, clock_tick()) > 0)
		return err_set(err, ERR_RATE_LIMITED,
			"what waits was repeated too often just now; certd repeats it when its "
			"time has come");
	challenges_retry_now(server->challenges);
	if (server->look_anew)
		server->look_anew(server);
	return 0;
}

void serve_retry_request(struct asked *asked)
{
	struct err err = ERR_INIT;

	(void)look_anew(asked->server, &err);
	asked_result(asked, &err);
}

int serve_reload(struct server *server, struct buf *rows, struct err *err)
{
	struct conf *conf;
	struct err behind;

	if (server->reread(server, &conf, rows, err) < 0)
		return -1;
	conf_unref(server->conf);
	server->conf = conf;
	challenges_use(server->challenges, conf);
	(void)look_anew(server, &behind);
	serve_forget_signer(server);
	/* Both processes have taken it over, so whatever the store says, it is in force. */
	if (store_align(server->store, conf, &behind) < 0)
		log_event(NULL, EVENT_STORE_BEHIND, &behind,
			"the configuration is in force, but not everything in the store was "
			"archived or brought back");
	return 0;
}

void serve_reload_request(struct asked *asked)
{
	struct buf rows AUTO_BUF = BUF_INIT, packet AUTO_BUF = BUF_INIT;
	struct err err;

	if (serve_reload(asked->server, &rows, &err) == 0) {
		asked_ok(asked, NULL);
		return;
	}
	keeper_write_err(&packet, asked->message.id, &err);
	if (rows.len > 0 && packet.len + rows.len < KEEPER_MESSAGE_MAX) {
		buf_add_char(&packet, '\n');
		buf_add(&packet, rows.data, rows.len);
	}
	asked->server->send(asked->server, &packet, -1);
	asked->message.id = 0;
	asked_ok(asked, NULL);
}

void serve_ready_request(struct asked *asked)
{
	asked->server->ready(asked->server);
	asked_ok(asked, NULL);
}

void serve_alive_request(struct asked *asked)
{
	asked->server->alive(asked->server, line_get(&asked->message.line, "status"));
	asked_ok(asked, NULL);
}

/* The engine judges from all evidence; what this process can add is the kernel's word. */
void serve_clock_request(struct asked *asked)
{
	const char *status = line_get(&asked->message.line, "status");
	struct buf note AUTO_BUF = BUF_INIT;

	asked->server->clock_is_doubted = status && str_is(status, "doubted");
	keeper_begin_note(&note, "clock");
	if (clock_is_synced())
		line_add_bool(&note, "synced", true);
	asked->server->send(asked->server, &note, -1);
	asked_ok(asked, NULL);
}

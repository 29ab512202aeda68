/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/serve/serve.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/index.h"
#include "daemon/keeper/ca/localca.h"
#include "daemon/keeper/publish/challenge.h"
#include "daemon/keeper/serve/serve_private.h"
#include "daemon/keeper/store/store.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

static void (*const handlers[])(struct asked *asked) = {
#define REQUEST(id, word, arguments, help) serve_##id##_request,
#include "proto/keeper.def"
#undef REQUEST
};

void serve_init(struct server *server, struct conf *conf)
{
	server->conf = conf;
	server->facts_ahead = -1;
	list_init(&server->asked);
}

static void asked_free(struct asked *asked)
{
	list_remove(&asked->link);
	asked->server->n_asked--;
	if (asked->work)
		asked->drop_work(asked->work);
	keeper_message_done(&asked->message);
	conf_unref(asked->conf);
	free(asked->text);
	free(asked->dir);
	free(asked);
}

void serve_forget_signer(struct server *server)
{
	free(server->kept.name);
	localca_signer_free(server->kept.signer);
	server->kept = (struct kept_signer){ .name = NULL };
}

void serve_done(struct server *server)
{
	list_each_safe(at, &server->asked)
		asked_free(LIST_OF(at, struct asked, link));
	file_closep(&server->facts_ahead);
	serve_forget_signer(server);
	deployments_done(&server->deployments);
	run_pace_done(&server->pace);
	conf_unref(server->conf);
	server->conf = NULL;
}

/*
 * A name that is not in the configuration is an ordinary answer: a reload may have removed it.  So
 * is a target that is not one of the certificate's, and there its key must not go.
 */
static int find_named(struct asked *asked, struct err *err)
{
	const char *cert = line_get(&asked->message.line, "cert");
	const char *target = line_get(&asked->message.line, "target");

	if (cert) {
		asked->cert = conf_cert(asked->conf, cert);
		if (!asked->cert)
			return err_set(
				err, ERR_NO_SUCH_CERT, "no certificate is called %s", cert);
		asked->log_cert = (struct log_field){ "CERT", asked->cert->name, NULL };
	}
	if (target) {
		asked->target = conf_target(asked->conf, target);
		if (!asked->target)
			return err_set(
				err, ERR_NO_SUCH_TARGET, "no target is called %s", target);
		if (asked->cert &&
			!cert_conf_has_target(asked->conf, asked->cert, asked->target))
			return err_set(err, ERR_NO_SUCH_TARGET, "%s is not deployed to %s",
				asked->cert->name, asked->target->name);
		asked->log_target = (struct log_field){ "TARGET", asked->target->name,
			asked->cert ? &asked->log_cert : NULL };
	}
	return 0;
}

/*
 * Commands, copies and slow keys wait; what is about everything is answered at once.  Entries of
 * ledgers that wait have a bound of their own.
 * Withdrawals wait, too, but a refused one leaves something published, so there may be as many
 * as challenges.
 */
static int check_room(const struct asked *asked, struct err *err)
{
	size_t most =
		asked->message.request == REQUEST_withdraw ? CHALLENGES_MAX : SERVE_ASKED_MAX;

	if ((!asked->cert && asked->message.request != REQUEST_withdraw &&
		    asked->message.request != REQUEST_refresh) ||
		asked->server->n_asked - asked->server->n_records <= most)
		return 0;
	return err_set(err, ERR_BUSY, "%zu requests are worked on already", most);
}

/* The names that proto/keeper.def requires are there, or the other end is not our engine. */
static int check_names(const struct asked *asked, struct err *err)
{
	static const char *const arguments[] = {
#define REQUEST(id, word, arguments, help) arguments,
#include "proto/keeper.def"
#undef REQUEST
	};
	const char *wanted = arguments[asked->message.request];

	if (str_starts(wanted, "cert=") && !line_need(&asked->message.line, "cert", err))
		return -1;
	if ((str_starts(wanted, "target=") || strstr(wanted, " target=")) &&
		(!line_need(&asked->message.line, "target", err) ||
			!line_need(&asked->message.line, "cert", err)))
		return -1;
	return 0;
}

int serve_packet(struct server *server, const char *packet, size_t len, struct err *err)
{
	struct asked *asked;
	struct err refused;

	if (len > SERVE_PACKET_MAX)
		return err_set(err, ERR_KEEPER, "a request has %zu bytes", len);
	asked = mem_new(struct asked);
	asked->server = server;
	asked->conf = conf_ref(server->conf);
	asked->text = mem_zalloc(len + 1);
	memcpy(asked->text, packet, len);
	list_append(&server->asked, &asked->link);
	server->n_asked++;
	if (keeper_message_parse(asked->text, len, &asked->message, err) < 0 ||
		(asked->message.kind != KEEPER_ASK &&
			err_set(err, ERR_KEEPER, "the engine sent an answer to nothing") < 0) ||
		check_names(asked, err) < 0) {
		asked_free(asked);
		return -1;
	}
	if (asked->message.request != REQUEST_facts)
		file_closep(&server->facts_ahead);
	if (find_named(asked, &refused) < 0 || check_room(asked, &refused) < 0)
		asked_fail(asked, &refused);
	else
		handlers[asked->message.request](asked);
	return 0;
}

/*
 * Drops hooks only: a copy, check or reload is of use to other jobs, and half of it to none.
 * The job that asked has gone, so the hook's own request gets no answer.
 */
void serve_drop_request(struct asked *asked)
{
	int64_t id = 0;
	struct err err = ERR_INIT;

	if (line_get_int(&asked->message.line, "id", 1, UINT32_MAX, &id, &err) < 0) {
		asked_fail(asked, &err);
		return;
	}
	list_each_safe(at, &asked->server->asked) {
		struct asked *other = LIST_OF(at, struct asked, link);

		if (other->message.id == id && other->message.request == REQUEST_hook)
			asked_free(other);
	}
	asked_ok(asked, NULL);
}

/* Requests numbered 0 want no answer. */
static void answer(struct asked *asked, const struct buf *packet)
{
	if (asked->message.id != 0)
		asked->server->send(asked->server, packet, -1);
	asked_free(asked);
}

void asked_ok(struct asked *asked, const struct buf *words_and_rows)
{
	struct buf packet AUTO_BUF = BUF_INIT;

	keeper_begin_ok(&packet, asked->message.id);
	if (words_and_rows && words_and_rows->len > 0) {
		if (words_and_rows->data[0] != '\n')
			buf_add_char(&packet, ' ');
		buf_add(&packet, words_and_rows->data, words_and_rows->len);
	}
	assert(packet.len <= KEEPER_MESSAGE_MAX);
	answer(asked, &packet);
}

void asked_ok_file(struct asked *asked, int fd)
{
	struct buf packet AUTO_BUF = BUF_INIT;

	keeper_begin_ok(&packet, asked->message.id);
	if (asked->message.id != 0)
		asked->server->send(asked->server, &packet, fd);
	asked_free(asked);
}

void asked_fail(struct asked *asked, const struct err *err)
{
	struct buf packet AUTO_BUF = BUF_INIT;

	keeper_write_err(&packet, asked->message.id, err);
	answer(asked, &packet);
}

void asked_result(struct asked *asked, const struct err *err)
{
	if (err_is_set(err))
		asked_fail(asked, err);
	else
		asked_ok(asked, NULL);
}

void asked_facts(struct asked *asked)
{
	struct buf row AUTO_BUF = BUF_INIT;
	struct cert_facts facts;
	struct err err;

	if (store_read(asked->server->store, asked->cert->name, &facts, &err) < 0) {
		asked_fail(asked, &err);
		return;
	}
	buf_add_char(&row, '\n');
	facts_write(&facts, &row);
	facts_done(&facts);
	/* Hundreds of targets, all of which fail. */
	if (row.len > KEEPER_MESSAGE_MAX - SERVE_PREFIX_MAX) {
		err_set(&err, ERR_TOO_LARGE, "the facts of %s have %zu bytes",
			asked->cert->name, row.len);
		asked_fail(asked, &err);
		return;
	}
	asked_ok(asked, &row);
}

/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/serve/serve_private.h"

#include <stdlib.h>

#include "daemon/conf/index.h"
#include "daemon/keeper/copy/copy.h"
#include "daemon/keeper/store/store.h"
#include "lib/base/mem.h"
#include "lib/task/worker.h"

/*
 * Targets with `include_next` show the next version between issue and roll.  Their directories
 * may belong to other users, who can make every look into them slow, so that is done beside the
 * loop; the request is answered with the certificate's facts when it is over.  A failure there
 * is told, and does not fail the request.
 */

#define FILE_MAX ((size_t)1024 * 1024)

struct shown {
	const struct target_conf *target; /* of asked->conf: only while `asked` is there */
	struct copy copy;
	struct err err;
};

struct showing {
	struct asked *asked; /* NULL: its caller has left */
	bool is_put;
	size_t n;
	struct shown at[];
};

static void showing_free(void *in)
{
	struct showing *showing = in;

	for (size_t i = 0; i < showing->n; i++)
		copy_done(&showing->at[i].copy);
	free(showing);
}

static void showing_run(void *in)
{
	struct showing *showing = in;

	for (size_t i = 0; i < showing->n; i++) {
		struct shown *shown = &showing->at[i];

		if (!err_is_set(&shown->err))
			(showing->is_put ? copy_put_next : copy_drop_next)(
				&shown->copy, &shown->err);
	}
}

static void showing_ended(void *in, void *data)
{
	struct showing *showing = in;
	struct asked *asked = showing->asked;

	(void)data;
	for (size_t i = 0; asked && i < showing->n; i++)
		if (err_is_set(&showing->at[i].err))
			log_event(&asked->log_cert, EVENT_TARGET_FAILED, &showing->at[i].err,
				showing->is_put
					? "%s: the next version cannot be shown at %s"
					: "%s: the next version cannot be removed from %s",
				asked->cert->name, showing->at[i].target->name);
	showing_free(showing);
	if (asked) {
		asked->work = NULL;
		asked_facts(asked);
	}
}

static const struct work showing_kind = { showing_run, showing_ended, showing_free };

static void showing_forget(void *work)
{
	((struct showing *)work)->asked = NULL;
}

struct reading {
	struct asked *asked;
	struct version_id next;
};

static int read_file(void *data, const char *file, struct buf *out, struct err *err)
{
	const struct reading *r = data;

	return store_read_file(r->asked->server->store, r->asked->cert->name, &r->next, file,
		FILE_MAX, out, err);
}

static void add(
	struct showing *showing, const struct target_conf *target, struct reading *reading)
{
	struct shown *shown = &showing->at[showing->n++];

	shown->target = target;
	if (showing->is_put)
		(void)copy_init(&shown->copy, target, reading->asked->cert, &reading->next,
			read_file, reading, &shown->err);
	else
		copy_init_place(&shown->copy, target, reading->asked->cert);
}

static struct showing *showing_new(struct asked *asked, bool is_put)
{
	const struct cert_conf *cert = asked->cert;
	struct showing *showing =
		mem_zalloc(sizeof(*showing) + cert->n_targets * sizeof(showing->at[0]));
	struct reading reading = { .asked = asked };
	struct cert_facts facts;
	struct err ignored;

	showing->asked = asked;
	showing->is_put = is_put;
	if (store_read(asked->server->store, cert->name, &facts, &ignored) < 0)
		return showing;
	reading.next = facts.next.id;
	facts_done(&facts);
	for (size_t i = 0; i < cert->n_targets; i++)
		if (cert_conf_nth_target(asked->conf, cert, i)->include_next)
			add(showing, cert_conf_nth_target(asked->conf, cert, i), &reading);
	return showing;
}

static bool shows_next(const struct asked *asked)
{
	for (size_t i = 0; i < asked->cert->n_targets; i++)
		if (cert_conf_nth_target(asked->conf, asked->cert, i)->include_next)
			return true;
	return false;
}

void serve_show_next(struct asked *asked, bool is_put)
{
	struct showing *showing;

	if (!shows_next(asked)) {
		asked_facts(asked);
		return;
	}
	showing = showing_new(asked, is_put);
	asked->work = showing;
	asked->drop_work = showing_forget;
	worker_start(asked->server->disks, &showing_kind, showing, NULL);
}

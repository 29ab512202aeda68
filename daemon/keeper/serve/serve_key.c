/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/serve/serve_private.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/keeper/store/store.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/crypt/key.h"
#include "lib/crypt/secret.h"
#include "lib/task/worker.h"

/*
 * The key of a new version: that of the current one where it may be used again, else a new one,
 * made here or beside the loop when its type is slow.
 */

void serve_hide(struct buf *text, struct secret *out)
{
	secret_add(out, text->data, text->len);
	if (text->data)
		explicit_bzero(text->data, text->size);
	buf_done(text);
}

/* A key on its way from the worker.  `asked` is NULL when the request was dropped meanwhile. */
struct slow_key {
	struct asked *asked;
	serve_key_fn *made;
	char *spec;
	struct key *key;
	struct err err;
};

static void slow_key_free(void *in)
{
	struct slow_key *slow = in;

	key_free(slow->key);
	free(slow->spec);
	free(slow);
}

static void slow_key_make(void *in)
{
	struct slow_key *slow = in;

	key_make(slow->spec, &slow->key, &slow->err);
}

static void slow_key_made(void *in, void *data)
{
	struct slow_key *slow = in;
	struct asked *asked = slow->asked;

	(void)data;
	if (asked) {
		asked->work = NULL;
		if (slow->key && !conf_cert(asked->server->conf, asked->cert->name))
			err_set(&slow->err, ERR_NO_SUCH_CERT, "%s left the configuration",
				asked->cert->name);
		if (!err_is_set(&slow->err))
			slow->made(asked, slow->key, false);
		else
			asked_fail(asked, &slow->err);
	}
	slow_key_free(slow);
}

static const struct work slow_key_work = { slow_key_make, slow_key_made, slow_key_free };

/* The worker still has it, so it is only told that its caller has left. */
static void slow_key_forget(void *work)
{
	((struct slow_key *)work)->asked = NULL;
}

static void make_slow_key(struct asked *asked, serve_key_fn *made)
{
	struct slow_key *slow = mem_new(struct slow_key);

	slow->asked = asked;
	slow->made = made;
	slow->spec = mem_strdup(asked->cert->key);
	asked->work = slow;
	asked->drop_work = slow_key_forget;
	worker_start(asked->server->keys, &slow_key_work, slow, NULL);
}

static int read_own_key(struct asked *asked, struct key **out, struct err *err)
{
	struct secret pem AUTO_SECRET = SECRET_INIT;
	struct buf text = BUF_INIT;
	int result = store_read_file(asked->server->store, asked->cert->name, NULL,
		"privkey.pem", KEY_PEM_MAX, &text, err);

	serve_hide(&text, &pem);
	return result < 0 ? -1 : key_read(pem.data, pem.len, out, err);
}

/*
 * A key is used again when the request says so, there is one of the configured type, it has not
 * reached its age, and its certificate was not revoked.
 */
static bool may_reuse(struct asked *asked, struct key **out)
{
	char type[KEY_TYPE_LEN];
	struct cert_facts facts;
	struct duration age;
	bool reuse = false;
	struct err err;

	line_get_bool(&asked->message.line, "reuse", &reuse, &err);
	if (!reuse || store_read(asked->server->store, asked->cert->name, &facts, &err) < 0)
		return false;
	age = instant_since(clock_now(), facts.curr.key_created);
	reuse = version_is_set(&facts.curr.id) && !instant_is_set(facts.curr.revoked) &&
		age.s < asked->cert->key_max_age.s;
	facts_done(&facts);
	if (!reuse || read_own_key(asked, out, &err) < 0)
		return false;
	if (key_spec_equal(key_type_text(*out, type), asked->cert->key))
		return true;
	key_free(*out);
	*out = NULL;
	return false;
}

void serve_want_key(struct asked *asked, serve_key_fn *made)
{
	struct key *key AUTO_KEY = NULL;
	struct err err;

	if (may_reuse(asked, &key))
		made(asked, key, true);
	else if (key_is_slow(asked->cert->key))
		make_slow_key(asked, made);
	else if (key_make(asked->cert->key, &key, &err) < 0)
		asked_fail(asked, &err);
	else
		made(asked, key, false);
}

/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/serve/serve_tidy.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "daemon/conf/index.h"
#include "daemon/keeper/copy/copy.h"
#include "daemon/keeper/serve/serve_private.h"
#include "daemon/keeper/store/store.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/task/worker.h"

/*
 * Leftovers of deploys.  The facts of each target name the directory of its last settled
 * deploy, older directories that still hold a copy, and the reason why replaced files could not
 * be removed.  A settlement notes them, and the request `tidy` looks again: it removes what can
 * be removed now, and forgets directories whose curr is gone.  A copy that is no longer
 * configured is told once, when its directory becomes a fact of that kind; certd never removes
 * it.
 */

void serve_tell_aside(struct asked *asked, const struct copy *copy)
{
	if (copy->aside)
		log_event(&asked->log_target, EVENT_TARGET_SET_ASIDE, NULL,
			"%s: what lay at curr before certd came is now %s; certd does not touch "
			"it again, so remove it when nothing needs it",
			asked->cert->name, copy->aside);
}

void serve_tell_untidy(struct asked *asked, const struct cert_facts *facts, const char *target,
	const struct copy *copy)
{
	const struct target_facts *known = facts_target(facts, target);

	if (!err_is_set(&copy->untidy) ||
		(known && known->untidy && str_is(known->untidy, copy->untidy.text)))
		return;
	log_event(&asked->log_target, EVENT_TARGET_LEFTOVER, &copy->untidy,
		"%s: files that were replaced at %s could not be removed", asked->cert->name,
		target);
}

/* The copy in `dir` is on its own from now on.  True when the facts changed. */
static bool leave(
	struct asked *asked, struct cert_facts *facts, const char *target, const char *dir)
{
	struct log_field context = { "TARGET", target, &asked->log_cert };

	if (cert_conf_target_in(asked->conf, asked->cert, dir) ||
		!facts_leave_dir(facts, target, dir))
		return false;
	log_event(&context, EVENT_TARGET_OLD_COPY, NULL,
		"%s: a copy with its private key lies in %s, which no target is configured for "
		"any more; certd does not remove it, so do that when no server reads it",
		asked->cert->name, dir);
	return true;
}

int serve_note_settled(
	struct asked *asked, const struct copy *copy, bool is_own, struct err *err)
{
	struct cert_facts facts CLEANUP(facts_done) = { .cert = NULL };
	char *dir AUTO_FREE = target_conf_dir(asked->target, asked->cert);
	const char *name = asked->target->name;
	const struct target_facts *known;
	char *before AUTO_FREE = NULL;
	bool changed = false;

	if (store_read(asked->server->store, asked->cert->name, &facts, err) < 0)
		return -1;
	serve_tell_untidy(asked, &facts, name, copy);
	known = facts_target(&facts, name);
	if (is_own && (!known || !known->dir || !str_is(known->dir, dir))) {
		if (known && target_facts_dir(known)) {
			before = mem_strdup(known->dir);
			leave(asked, &facts, name, before);
		}
		facts_forget_dir(&facts, dir);
		changed = facts_set_dir(&facts, name, dir);
	}
	changed |= facts_set_untidy(
		&facts, name, err_is_set(&copy->untidy) ? copy->untidy.text : NULL);
	return changed ? store_write_facts(asked->server->store, &facts, err) : 0;
}

/* One directory: an old one is looked at, that of a target is tidied. */
struct tidied {
	char *target, *dir;
	struct copy copy;
	struct err err;
	bool is_old, is_gone;
};

struct tidying {
	struct asked *asked; /* NULL when the request is gone */
	size_t n;
	struct tidied *at;
};

static void tidying_free(void *in)
{
	struct tidying *tidying = in;

	for (size_t i = 0; i < tidying->n; i++) {
		copy_done(&tidying->at[i].copy);
		free(tidying->at[i].target);
		free(tidying->at[i].dir);
	}
	free(tidying->at);
	free(tidying);
}

static bool has_curr(const char *dir)
{
	char *curr AUTO_FREE = mem_printf("%s/curr", dir);
	struct stat st;

	return lstat(curr, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

static void tidying_run(void *in)
{
	struct tidying *tidying = in;

	for (size_t i = 0; i < tidying->n; i++) {
		struct tidied *at = &tidying->at[i];

		if (at->is_old)
			at->is_gone = !has_curr(at->dir);
		else
			(void)copy_tidy(&at->copy, &at->err);
	}
}

/* Turns the findings into facts.  True when they changed. */
static bool take(struct asked *asked, const struct tidied *at, struct cert_facts *facts)
{
	const struct target_facts *known = facts_target(facts, at->target);
	bool changed;

	if (!at->is_old) {
		serve_tell_aside(asked, &at->copy);
		if (err_is_set(&at->err))
			return false;
		serve_tell_untidy(asked, facts, at->target, &at->copy);
		return facts_set_untidy(facts, at->target,
			err_is_set(&at->copy.untidy) ? at->copy.untidy.text : NULL);
	}
	if (cert_conf_target_in(asked->conf, asked->cert, at->dir))
		return false;
	if (at->is_gone)
		return facts_forget_dir(facts, at->dir);
	changed = known && known->dir && str_is(known->dir, at->dir) &&
		  facts_set_dir(facts, at->target, NULL);
	return leave(asked, facts, at->target, at->dir) || changed;
}

static void tidying_ended(void *in, void *data)
{
	struct tidying *tidying = in;
	struct asked *asked = tidying->asked;
	struct cert_facts facts CLEANUP(facts_done) = { .cert = NULL };
	struct err err = ERR_INIT;
	bool changed = false;

	(void)data;
	if (asked) {
		asked->work = NULL;
		if (store_read(asked->server->store, asked->cert->name, &facts, &err) == 0)
			for (size_t i = 0; i < tidying->n; i++)
				changed |= take(asked, &tidying->at[i], &facts);
		if (err_is_set(&err) ||
			(changed && store_write_facts(asked->server->store, &facts, &err) < 0))
			asked_fail(asked, &err);
		else
			asked_facts(asked);
	}
	tidying_free(tidying);
}

static const struct work tidying_kind = { tidying_run, tidying_ended, tidying_free };

static void tidying_forget(void *work)
{
	((struct tidying *)work)->asked = NULL;
}

static struct tidied *add(struct tidying *tidying, const char *target, char *dir)
{
	struct tidied *at;

	tidying->at = mem_grow(tidying->at, tidying->n + 1, sizeof(tidying->at[0]));
	at = &tidying->at[tidying->n++];
	*at = (struct tidied){
		.target = mem_strdup(target), .dir = dir, .is_old = dir != NULL
	};
	return at;
}

static void add_all(
	struct tidying *tidying, const struct cert_facts *all, const struct target_facts *facts)
{
	const struct asked *asked = tidying->asked;
	const struct target_conf *target = conf_target(asked->conf, facts->name);
	const char *left = facts->left;
	struct copy *copy;
	char *dir;

	while (facts_next_left(&left, &dir))
		add(tidying, facts->name, dir);
	if (target_facts_dir(facts) &&
		!cert_conf_uses_dir(asked->conf, asked->cert, facts->name, facts->dir))
		add(tidying, facts->name, mem_strdup(facts->dir));
	if (facts->untidy && target && cert_conf_has_target(asked->conf, asked->cert, target)) {
		char *own AUTO_FREE = target_conf_dir(target, asked->cert);

		copy = &add(tidying, facts->name, NULL)->copy;
		copy_init_place(copy, target, asked->cert);
		copy->is_first = !facts_owns_dir(all, facts->name, own);
	}
}

void serve_tidy_request(struct asked *asked)
{
	struct cert_facts facts CLEANUP(facts_done) = { .cert = NULL };
	struct tidying *tidying;
	struct err err;

	if (store_read(asked->server->store, asked->cert->name, &facts, &err) < 0) {
		asked_fail(asked, &err);
		return;
	}
	tidying = mem_new(struct tidying);
	tidying->asked = asked;
	for (size_t i = 0; i < facts.n_targets; i++)
		add_all(tidying, &facts, &facts.targets[i]);
	asked->work = tidying;
	asked->drop_work = tidying_forget;
	worker_start(asked->server->disks, &tidying_kind, tidying, NULL);
}

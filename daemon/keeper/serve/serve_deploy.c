/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/serve/serve_private.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/keeper/copy/copy.h"
#include "daemon/keeper/run/reload.h"
#include "daemon/keeper/serve/serve_tidy.h"
#include "daemon/keeper/store/store.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/task/worker.h"

/*
 * Deploying to a target: copy, after, check, and then restore, or settle, activate and
 * confirm.  Each request is one step that may be repeated; the version at the target is written
 * ahead in the facts (`copied`); that a server has read it follows from the keeper's own acts
 * only (deployment.h).  The files that passed their check are what the next failing check
 * brings back, whether or not the engine lived to hear that the server has read them: so they
 * are settled before that.
 */

#define FILE_MAX ((size_t)1024 * 1024)

/* A disk operation on its way through the worker.  `asked` is NULL when its caller has left. */
/*
 * States: a disk_work is made for a request, handed to the worker, and owned by it while it
 * runs; disk_ended() takes it back in the loop, answers the request and frees it.  A request
 * that is dropped meanwhile sets `asked` to NULL, and the result is thrown away.
 */
struct disk_work {
	struct asked *asked;
	struct copy copy;
	int (*run)(struct disk_work *work);
	void (*ended)(struct asked *asked, struct disk_work *work);
	bool changed;
	bool is_copy;
	bool changes; /* it is noted in the deployments */
	bool is_there;
	struct deployment_place place; /* of a copy and its settlement */
	uint64_t own; /* of a settlement: the end of the copy that it settles; 0: of none */
	struct version_id confirmed; /* the version looked for */
	struct err err;
};

static struct deployments *deployments(const struct asked *asked)
{
	return &asked->server->deployments;
}

static void disk_free(void *in)
{
	struct disk_work *work = in;

	copy_done(&work->copy);
	free(work);
}

static void disk_run(void *in)
{
	struct disk_work *work = in;

	work->run(work);
}

static void disk_ended(void *in, void *data)
{
	struct disk_work *work = in;
	struct asked *asked = work->asked;

	(void)data;
	if (asked) {
		asked->work = NULL;
		if (work->changes)
			deployment_ended(
				deployments(asked), asked->target->name, asked->cert->name);
		work->ended(asked, work);
	}
	disk_free(work);
}

static const struct work disk_kind = { disk_run, disk_ended, disk_free };

static void disk_forget(void *work)
{
	((struct disk_work *)work)->asked = NULL;
}

static struct disk_work *disk_new(struct asked *asked, int (*run)(struct disk_work *work),
	void (*ended)(struct asked *asked, struct disk_work *work))
{
	struct disk_work *work = mem_new(struct disk_work);

	work->asked = asked;
	work->run = run;
	work->ended = ended;
	return work;
}

static void disk_start(struct disk_work *work)
{
	struct asked *asked = work->asked;

	if (work->changes)
		deployment_begins(deployments(asked), asked->target->name, asked->cert->name,
			work->is_copy);
	if (work->is_copy)
		deployment_set_place(deployments(asked), asked->target->name, asked->cert->name,
			work->place);
	asked->work = work;
	asked->drop_work = disk_forget;
	worker_start(asked->server->disks, &disk_kind, work, NULL);
}

struct reading {
	struct store *store;
	const char *cert;
	const struct version_id *version;
};

static int read_file(void *data, const char *file, struct buf *out, struct err *err)
{
	const struct reading *r = data;

	return store_read_file(r->store, r->cert, r->version, file, FILE_MAX, out, err);
}

static int run_switch(struct disk_work *work)
{
	return copy_switch(&work->copy, &work->changed, &work->err);
}

static void switch_ended(struct asked *asked, struct disk_work *work)
{
	struct buf words AUTO_BUF = BUF_INIT;
	struct cert_facts facts;

	serve_tell_aside(asked, &work->copy);
	if (!err_is_set(&work->err))
		deployment_copied(deployments(asked), asked->target->name, asked->cert->name);
	if (err_is_set(&work->err) ||
		store_read(asked->server->store, asked->cert->name, &facts, &work->err) < 0) {
		asked_fail(asked, &work->err);
		return;
	}
	line_add_bool(&words, "changed", work->changed);
	line_add_bool(&words, "confirmed",
		version_id_equal(&facts_want_target(&facts, asked->target->name)->confirmed,
			&facts.curr.id));
	buf_add_char(&words, '\n');
	facts_write(&facts, &words);
	facts_done(&facts);
	asked_ok(asked, &words);
}

/* Is the directory certd's own, and do the facts say all that there is to say? */
static void judge_place(struct disk_work *work, const struct cert_facts *facts)
{
	const struct asked *asked = work->asked;
	const struct target_facts *known = facts_target(facts, asked->target->name);
	char *dir AUTO_FREE = target_conf_dir(asked->target, asked->cert);

	work->place.is_first = !facts_owns_dir(facts, asked->target->name, dir);
	work->place.is_noted = known && known->dir && str_is(known->dir, dir) && !known->untidy;
	work->place.dir = str_hash(dir, strlen(dir));
	work->copy.is_first = work->place.is_first;
}

/* The intent is a fact before the first byte is written. */
static int note_copied(struct asked *asked, struct cert_facts *facts, struct err *err)
{
	struct target_facts *target = facts_want_target(facts, asked->target->name);

	if (version_id_equal(&target->copied, &facts->curr.id))
		return 0;
	target_facts_copy(target, &facts->curr.id,
		deployment_is_settled(deployments(asked), target->name, asked->cert->name));
	return store_write_facts(asked->server->store, facts, err);
}

/* Reads the files of the version; with `is_copy` the current one, whose copy is noted first. */
static int prepare(struct disk_work *work, bool is_copy, struct err *err)
{
	struct cert_facts facts CLEANUP(facts_done) = { .cert = NULL };
	struct asked *asked = work->asked;
	struct reading reading = { asked->server->store, asked->cert->name, &work->confirmed };

	if (store_read(asked->server->store, asked->cert->name, &facts, err) < 0)
		return -1;
	work->confirmed = is_copy ? facts.curr.id
				  : facts_want_target(&facts, asked->target->name)->copied;
	if (!version_is_set(&work->confirmed))
		return err_set(err, ERR_NO_SUCH_VERSION,
			is_copy ? "%s has no current version" : "nothing of %s was copied",
			asked->cert->name);
	if (is_copy && note_copied(asked, &facts, err) < 0)
		return -1;
	if (copy_init(&work->copy, asked->target, asked->cert, &work->confirmed, read_file,
		    &reading, err) < 0)
		return -1;
	judge_place(work, &facts);
	return 0;
}

static void disk_start_prepared(struct disk_work *work, bool is_copy)
{
	if (prepare(work, is_copy, &work->err) == 0) {
		disk_start(work);
		return;
	}
	asked_fail(work->asked, &work->err);
	disk_free(work);
}

void serve_copy_request(struct asked *asked)
{
	struct disk_work *work = disk_new(asked, run_switch, switch_ended);

	work->changes = true;
	work->is_copy = true;
	disk_start_prepared(work, true);
}

static int run_restore(struct disk_work *work)
{
	return copy_restore(&work->copy, &work->err);
}

static int note_restored(struct asked *asked, const struct copy *copy, struct err *err)
{
	struct cert_facts facts CLEANUP(facts_done) = { .cert = NULL };

	if (store_read(asked->server->store, asked->cert->name, &facts, err) < 0)
		return -1;
	target_facts_restore(facts_want_target(&facts, asked->target->name));
	serve_tell_untidy(asked, &facts, asked->target->name, copy);
	facts_set_untidy(&facts, asked->target->name,
		err_is_set(&copy->untidy) ? copy->untidy.text : NULL);
	return store_write_facts(asked->server->store, &facts, err);
}

static void restore_ended(struct asked *asked, struct disk_work *work)
{
	if (!err_is_set(&work->err)) {
		log_event(&asked->log_target, EVENT_TARGET_RESTORED, NULL,
			"%s: the files at %s are those from before", asked->cert->name,
			asked->target->name);
		(void)note_restored(asked, &work->copy, &work->err);
	}
	if (work->err.code == ERR_NOT_FOUND)
		work->err = (struct err)ERR_INIT;
	asked_result(asked, &work->err);
}

void serve_restore_request(struct asked *asked)
{
	struct disk_work *work = disk_new(asked, run_restore, restore_ended);

	work->changes = true;
	copy_init_place(&work->copy, asked->target, asked->cert);
	disk_start(work);
}

static int run_settle(struct disk_work *work)
{
	return copy_settle(&work->copy, &work->err);
}

/*
 * A stolen engine settles when nothing was copied, or while something is; what lies in the
 * directory then may not be certd's, and the next settlement would remove it.
 */
static uint64_t own(const struct asked *asked, const struct disk_work *work)
{
	return deployment_own(
		deployments(asked), asked->target->name, asked->cert->name, work->place.dir);
}

static void settle_ended(struct asked *asked, struct disk_work *work)
{
	const char *target = asked->target->name, *cert = asked->cert->name;
	bool is_untidy = err_is_set(&work->copy.untidy);
	bool is_own = work->own != 0 && work->own == own(asked, work);

	serve_tell_aside(asked, &work->copy);
	if (!err_is_set(&work->err) &&
		((work->place.is_noted && !is_untidy) ||
			serve_note_settled(asked, &work->copy, is_own, &work->err) == 0) &&
		is_own) {
		deployment_set_place(deployments(asked), target, cert,
			(struct deployment_place){
				.is_noted = !is_untidy, .dir = work->place.dir });
		deployment_settled(deployments(asked), target, cert);
	}
	asked_result(asked, &work->err);
}

/* The copy has read the facts already, unless the keeper was started since. */
static int find_place(struct disk_work *work)
{
	struct cert_facts facts CLEANUP(facts_done) = { .cert = NULL };
	const struct asked *asked = work->asked;
	char *dir AUTO_FREE = target_conf_dir(asked->target, asked->cert);

	if (deployment_place(
		    deployments(asked), asked->target->name, asked->cert->name, &work->place) &&
		work->place.dir == str_hash(dir, strlen(dir))) {
		work->copy.is_first = work->place.is_first;
		return 0;
	}
	if (store_read(asked->server->store, asked->cert->name, &facts, &work->err) < 0)
		return -1;
	judge_place(work, &facts);
	return 0;
}

void serve_settle_request(struct asked *asked)
{
	struct disk_work *work = disk_new(asked, run_settle, settle_ended);

	copy_init_place(&work->copy, asked->target, asked->cert);
	if (find_place(work) == 0) {
		work->own = own(asked, work);
		disk_start(work);
		return;
	}
	asked_fail(asked, &work->err);
	disk_free(work);
}

static int run_look(struct disk_work *work)
{
	return copy_is_there(&work->copy, &work->is_there, &work->err);
}

static int confirm(struct asked *asked, const struct disk_work *work, struct err *err)
{
	struct cert_facts facts CLEANUP(facts_done) = { .cert = NULL };
	const char *name = asked->target->name;
	struct target_facts *target;

	if (deployment_check(deployments(asked), name, asked->cert->name, err) < 0 ||
		store_read(asked->server->store, asked->cert->name, &facts, err) < 0)
		return -1;
	target = facts_want_target(&facts, name);
	if (!work->is_there || !version_id_equal(&target->copied, &work->confirmed))
		return err_set(err, ERR_NOT_ALLOWED,
			"the files that %s has of %s are not those that were copied", name,
			asked->cert->name);
	target_facts_confirm(target);
	facts_set_failure(&facts, name, &(struct failure){ .code = ERR_NONE });
	if (store_write_facts(asked->server->store, &facts, err) < 0)
		return -1;
	deployment_forget(deployments(asked), name, asked->cert->name);
	return 0;
}

static void look_ended(struct asked *asked, struct disk_work *work)
{
	if (err_is_set(&work->err) || confirm(asked, work, &work->err) < 0)
		asked_fail(asked, &work->err);
	else
		asked_facts(asked);
}

/* The copied version is what the server has read; current may have moved on meanwhile. */
void serve_confirm_request(struct asked *asked)
{
	struct disk_work *work = disk_new(asked, run_look, look_ended);

	if (deployment_check(deployments(asked), asked->target->name, asked->cert->name,
		    &work->err) < 0) {
		asked_fail(asked, &work->err);
		disk_free(work);
		return;
	}
	disk_start_prepared(work, false);
}

static void command_ended(
	struct asked *asked, const struct err *err, enum err_code code, const char *what)
{
	struct err told = *err;

	asked->work = NULL;
	if (err_is_set(err)) {
		log_event(&asked->log_target, EVENT_HOOK_FAILED, err, "%s: %s of %s failed",
			asked->cert->name, what, asked->target->name);
		if (code != ERR_NONE && err->code == ERR_COMMAND_FAILED)
			told.code = code;
		err_add(&told, "%s of %s", what, asked->target->name);
	}
	asked_result(asked, &told);
}

static void note_checked(struct asked *asked, const struct err *err)
{
	if (!err_is_set(err))
		deployment_checked(deployments(asked), asked->target->name, asked->began);
}

static void check_ended(void *data, const struct err *err)
{
	note_checked(data, err);
	command_ended(data, err, ERR_CHECK_FAILED, "the check");
}

static void after_ended(void *data, const struct err *err)
{
	command_ended(data, err, ERR_NONE, "after_copy");
}

static void run_check(struct asked *asked)
{
	asked->began = deployment_moment(deployments(asked));
	serve_command(asked, &asked->target->check, "check", check_ended);
}

void serve_check_request(struct asked *asked)
{
	static const struct err good = ERR_INIT;

	if (asked->target->check.n > 0) {
		serve_in_turn(asked, "the check", asked->target->name, run_check);
		return;
	}
	asked->began = deployment_moment(deployments(asked));
	note_checked(asked, &good);
	asked_ok(asked, NULL);
}

static void run_after(struct asked *asked)
{
	serve_command(asked, &asked->target->after_copy, "after_copy", after_ended);
}

void serve_after_request(struct asked *asked)
{
	if (asked->target->after_copy.n == 0)
		asked_ok(asked, NULL);
	else
		serve_in_turn(asked, "after_copy", asked->target->name, run_after);
}

static void reload_ended(void *data, const struct err *err)
{
	struct asked *asked = data;

	if (!err_is_set(err))
		deployment_reloaded(deployments(asked), asked->target->name, asked->began);
	command_ended(data, err, ERR_NONE, "the reload");
}

static void drop_reload(void *work)
{
	reload_cancel(work);
}

static void run_reload(struct asked *asked)
{
	asked->began = deployment_moment(deployments(asked));
	serve_describe(asked, "reload");
	asked->drop_work = drop_reload;
	asked->work = reload_start(
		asked->server->commands, asked->target, &asked->spec, reload_ended, asked);
}

void serve_activate_request(struct asked *asked)
{
	if (asked->target->n_reload > 0)
		serve_in_turn(asked, "the reload", asked->target->name, run_reload);
	else
		run_reload(asked);
}

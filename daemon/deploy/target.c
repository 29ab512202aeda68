/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/target.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

/* One certificate in a line.  It outlives the operation that asked when that is cancelled. */
struct target_entry {
	struct list link;
	struct target_op *op; /* NULL: its caller has left */
	char *cert;
	bool is_changed, is_confirmed;
};

/*
 * States: a line has no task while all its lists are empty; an entry in `waiting` starts it.  A
 * turn moves all waiting entries to `crowd` and works on them together.  A check that refuses
 * them moves them to `alone`, where each is worked on by itself.  The line owns its entries; an
 * entry whose caller has left stays until the work on it has ended.  targets_done() frees the
 * lines.
 */
struct target_line {
	struct task task;
	struct targets *targets;
	char *name;
	struct list waiting, crowd, alone; /* struct target_entry */
	struct list *at;                   /* the entry that is being worked on */
	struct keeper_op keeper;
	struct err refused;
	bool is_working;
};

void targets_init(struct targets *targets, struct loop *loop, struct keeper *keeper)
{
	*targets = (struct targets){ .loop = loop, .keeper = keeper };
}

static void entry_free(struct target_entry *entry)
{
	list_remove(&entry->link);
	free(entry->cert);
	free(entry);
}

void targets_done(struct targets *targets)
{
	struct target_line *line;
	size_t at = 0;

	while ((line = map_next(&targets->lines, &at))) {
		keeper_op_done(&line->keeper);
		free(line->name);
		free(line);
	}
	map_done(&targets->lines);
}

void target_op_done(struct target_op *op)
{
	if (op->has_facts)
		facts_done(&op->facts);
	op->has_facts = false;
}

static void entry_end(struct target_entry *entry, const struct err *err)
{
	struct target_op *op = entry->op;

	entry_free(entry);
	if (!op)
		return;
	op->entry = NULL;
	op->err = *err;
	op_end(&op->op, NULL);
}

static void end_all(struct list *entries, const struct err *err)
{
	list_each_safe(at, entries)
		entry_end(LIST_OF(at, struct target_entry, link), err);
}

static void move_all(struct list *from, struct list *to)
{
	list_each_safe(at, from) {
		list_remove(at);
		list_append(to, at);
	}
}

static struct target_entry *current(struct target_line *line)
{
	return LIST_OF(line->at, struct target_entry, link);
}

/* Asks something about the entry at hand. */
static void ask(struct target_line *line, enum request request)
{
	keeper_request(&line->keeper, request);
	line_add(&line->keeper.text, "target", line->name);
	line_add(&line->keeper.text, "cert", current(line)->cert);
	keeper_ask_soft(line->targets->keeper, &line->task, &line->keeper);
}

/* The entry after the one at hand; the one at hand is ended when its request failed. */
static void pass_on(struct target_line *line)
{
	struct target_entry *entry = current(line);

	line->at = line->at->next;
	if (err_is_set(&line->keeper.err))
		entry_end(entry, &line->keeper.err);
}

static void take_facts(struct target_line *line, struct target_op *op)
{
	if (!op)
		return;
	target_op_done(op);
	op->has_facts = keeper_facts(&line->keeper, &op->facts, &line->keeper.err) == 0;
}

static void take_copied(struct target_line *line)
{
	struct target_entry *entry = current(line);
	const struct line *answer = &line->keeper.answer.line;
	const struct err *err = &line->keeper.err;

	if (!err_is_set(err)) {
		line_get_bool(answer, "changed", &entry->is_changed, &line->refused);
		line_get_bool(answer, "confirmed", &entry->is_confirmed, &line->refused);
		if (entry->op)
			entry->op->was_changed = entry->is_changed || !entry->is_confirmed;
	}
	pass_on(line);
	if (!err_is_set(err) && !entry->is_changed && entry->is_confirmed) {
		/* The confirmation came for an entry whose caller has left. */
		take_facts(line, entry->op);
		entry_end(entry, err);
	}
}

/* Back to the first of those that are left. */
static bool begin_again(struct target_line *line)
{
	line->at = line->crowd.next;
	return !list_is_empty(&line->crowd);
}

static void take_confirmed(struct target_line *line)
{
	struct target_op *op = current(line)->op;

	if (!err_is_set(&line->keeper.err))
		take_facts(line, op);
	pass_on(line);
}

/* Chooses the next entries: those refused together one by one, all others together. */
static bool choose(struct target_line *line)
{
	struct list *first = list_first(&line->alone);

	if (first) {
		list_remove(first);
		list_append(&line->crowd, first);
	} else {
		move_all(&line->waiting, &line->crowd);
	}
	line->at = line->crowd.next;
	return !list_is_empty(&line->crowd);
}

/* The check said no: who stood alone hears it, a crowd is tried again one by one. */
static void refuse(struct target_line *line)
{
	if (line->crowd.next->next == &line->crowd)
		end_all(&line->crowd, &line->refused);
	else
		move_all(&line->crowd, &line->alone);
}

/* Requests are soft: their errors belong to entries, and the line goes on. */
static void line_run(struct task *task)
{
	struct target_line *line = TASK_OF(task, struct target_line);

	TASK_BEGIN(task)
	while (choose(line)) {
		while (line->at != &line->crowd) {
			AWAIT(ask(line, REQUEST_copy));
			take_copied(line);
		}
		if (!begin_again(line))
			continue;
		AWAIT(ask(line, REQUEST_after));
		AWAIT(ask(line, REQUEST_check));
		if (err_is_set(&line->keeper.err)) {
			line->refused = line->keeper.err;
			for (; line->at != &line->crowd; line->at = line->at->next)
				AWAIT(ask(line, REQUEST_restore));
			refuse(line);
			continue;
		}
		while (line->at != &line->crowd) {
			AWAIT(ask(line, REQUEST_settle));
			pass_on(line);
		}
		if (!begin_again(line))
			continue;
		AWAIT(ask(line, REQUEST_activate));
		if (err_is_set(&line->keeper.err)) {
			end_all(&line->crowd, &line->keeper.err);
			continue;
		}
		while (line->at != &line->crowd) {
			AWAIT(ask(line, REQUEST_confirm));
			take_confirmed(line);
		}
		end_all(&line->crowd, &line->keeper.err);
	}
	FINALLY
	TASK_END
}

static void line_ended(struct task *task)
{
	TASK_OF(task, struct target_line)->is_working = false;
}

static struct target_line *line_of(struct targets *targets, const char *target)
{
	struct target_line *line = map_get(&targets->lines, target);

	if (line)
		return line;
	line = mem_new(struct target_line);
	line->targets = targets;
	line->name = mem_strdup(target);
	line->task.log = (struct log_field){ "TARGET", line->name, NULL };
	list_init(&line->waiting);
	list_init(&line->crowd);
	list_init(&line->alone);
	map_set(&targets->lines, line->name, line);
	return line;
}

/* The queue finishes its work; the caller hears no more. */
static void cancel(struct op *op)
{
	struct target_op *waiting = CONTAINER_OF(op, struct target_op, op);

	waiting->entry->op = NULL;
	waiting->entry = NULL;
	op_end(op, NULL);
}

void target_deploy(struct targets *targets, struct task *task, struct target_op *op,
	const char *target, const char *cert)
{
	struct target_line *line = line_of(targets, target);
	struct target_entry *entry = mem_new(struct target_entry);

	target_op_done(op);
	op->err = (struct err)ERR_INIT;
	op->was_changed = false;
	op->entry = entry;
	entry->op = op;
	entry->cert = mem_strdup(cert);
	list_append(&line->waiting, &entry->link);
	op_begin(&op->op, task, cancel);
	if (!line->is_working) {
		line->is_working = true;
		task_start(&line->task, targets->loop, line_run, line_ended);
	}
}

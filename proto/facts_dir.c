/* SPDX-License-Identifier: MIT */
#include "proto/facts.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* Where copies of a certificate lie, as the keeper's own deploys tell it. */

/* All directories of one target that are left together; more are told as an event only. */
enum { LEFT_LEN_MAX = 8 * 1024 };

static bool is_text(const char *a, const char *b)
{
	return a && b ? str_is(a, b) : a == b;
}

/*
 * The facts of an older certd have no `dir`; this one is said when it is known that there is
 * none.
 */
static const char no_dir[] = "-";

const char *target_facts_dir(const struct target_facts *target)
{
	return target->dir && *target->dir == '/' ? target->dir : NULL;
}

bool facts_next_left(const char **at, char **out)
{
	size_t len;

	if (!*at || !**at)
		return false;
	len = strcspn(*at, "\n");
	*out = mem_strndup(*at, len);
	*at += len + ((*at)[len] == '\n');
	return true;
}

static bool left_has(const char *left, const char *dir)
{
	bool found = false;
	char *one;

	while (!found && facts_next_left(&left, &one)) {
		found = str_is(one, dir);
		free(one);
	}
	return found;
}

bool facts_has_left(const struct cert_facts *facts, const char *dir)
{
	for (size_t i = 0; i < facts->n_targets; i++)
		if (left_has(facts->targets[i].left, dir))
			return true;
	return false;
}

bool facts_owns_dir(const struct cert_facts *facts, const char *target, const char *dir)
{
	const struct target_facts *known = facts_target(facts, target);

	/*
	 * Facts of an older certd name no directory; what they confirm lies in the one that is
	 * configured.
	 */
	if (known && !known->dir && version_is_set(&known->confirmed))
		return true;
	for (size_t i = 0; i < facts->n_targets; i++)
		if (is_text(facts->targets[i].dir, dir))
			return true;
	return facts_has_left(facts, dir);
}

/* Copies everything, because texts lie in the facts' one block. */
static void set_text(struct cert_facts *facts, char **at, const char *text)
{
	struct cert_facts changed;

	*at = (char *)(uintptr_t)text;
	facts_copy(facts, &changed);
	facts_done(facts);
	*facts = changed;
}

bool facts_set_dir(struct cert_facts *facts, const char *target, const char *dir)
{
	struct target_facts *at = facts_want_target(facts, target);

	if (is_text(at->dir, dir ? dir : no_dir))
		return false;
	set_text(facts, &at->dir, dir ? dir : no_dir);
	return true;
}

bool facts_set_untidy(struct cert_facts *facts, const char *target, const char *text)
{
	struct target_facts *at = facts_want_target(facts, target);

	if (is_text(at->untidy, text))
		return false;
	set_text(facts, &at->untidy, text);
	return true;
}

bool facts_leave_dir(struct cert_facts *facts, const char *target, const char *dir)
{
	struct target_facts *at = facts_want_target(facts, target);
	struct buf left AUTO_BUF = BUF_INIT;

	if (facts_has_left(facts, dir) || strchr(dir, '\n'))
		return false;
	if (at->left)
		buf_printf(&left, "%s\n", at->left);
	buf_add_text(&left, dir);
	if (left.len > LEFT_LEN_MAX)
		return false;
	set_text(facts, &at->left, buf_text(&left));
	return true;
}

static void forget_left(struct cert_facts *facts, struct target_facts *at, const char *dir)
{
	struct buf left AUTO_BUF = BUF_INIT;
	const char *next = at->left;
	char *one;

	while (facts_next_left(&next, &one)) {
		if (!str_is(one, dir))
			buf_printf(&left, "%s%s", left.len ? "\n" : "", one);
		free(one);
	}
	set_text(facts, &at->left, left.len ? buf_text(&left) : NULL);
}

bool facts_forget_dir(struct cert_facts *facts, const char *dir)
{
	bool changed = false;

	for (size_t i = 0; i < facts->n_targets; i++) {
		if (left_has(facts->targets[i].left, dir)) {
			forget_left(facts, &facts->targets[i], dir);
			changed = true;
		}
		if (is_text(facts->targets[i].dir, dir)) {
			set_text(facts, &facts->targets[i].dir, no_dir);
			changed = true;
		}
	}
	return changed;
}

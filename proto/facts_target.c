/* SPDX-License-Identifier: MIT */
#include "proto/facts.h"

/*
 * The versions of a target, from the keeper's own copies, restores and confirmations.
 *
 * A server may read its files at any moment, so it may serve every version copied since the
 * last confirmation. They are kept as a range of ids, `oldest` to `newest`, which may include
 * others and never grows; both unset means that `copied` and `confirmed` are all.
 */

bool facts_is_deployed(const struct cert_facts *facts, const struct version_id *id)
{
	for (size_t i = 0; i < facts->n_targets; i++)
		if (version_id_equal(&facts->targets[i].copied, id) ||
			version_id_equal(&facts->targets[i].confirmed, id))
			return true;
	return false;
}

static void widen(
	struct version_id *oldest, struct version_id *newest, const struct version_id *id)
{
	if (!version_is_set(id))
		return;
	if (!version_is_set(oldest) || version_id_compare(id, oldest) < 0)
		*oldest = *id;
	if (!version_is_set(newest) || version_id_compare(id, newest) > 0)
		*newest = *id;
}

static void range(
	const struct target_facts *target, struct version_id *oldest, struct version_id *newest)
{
	*oldest = target->oldest;
	*newest = target->newest;
	widen(oldest, newest, &target->copied);
	widen(oldest, newest, &target->confirmed);
}

bool facts_may_be_served(const struct cert_facts *facts, const struct version_id *id)
{
	for (size_t i = 0; i < facts->n_targets; i++) {
		struct version_id oldest, newest;

		range(&facts->targets[i], &oldest, &newest);
		if (version_is_set(&oldest) && version_id_compare(id, &oldest) >= 0 &&
			version_id_compare(id, &newest) <= 0)
			return true;
	}
	return false;
}

void target_facts_copy(
	struct target_facts *target, const struct version_id *id, bool is_settled)
{
	if (version_id_equal(&target->copied, id))
		return;
	range(target, &target->oldest, &target->newest);
	widen(&target->oldest, &target->newest, id);
	/* `before` stays unchanged until a copy has passed its check. */
	if (is_settled || version_id_equal(&target->copied, &target->confirmed))
		target->before = target->copied;
	target->copied = *id;
}

void target_facts_restore(struct target_facts *target)
{
	range(target, &target->oldest, &target->newest);
	target->copied = target->before;
}

void target_facts_confirm(struct target_facts *target)
{
	target->confirmed = target->copied;
	target->before = target->oldest = target->newest = (struct version_id){ .suffix = 0 };
}

/* SPDX-License-Identifier: MIT */
#include "proto/facts.h"

#include <string.h>

#include "lib/base/mem.h"

/*
 * Facts are one block, so a change that needs more room makes a shallow draft, copies it deeply
 * and frees the old block.
 */

struct target_facts *facts_want_target(struct cert_facts *facts, const char *name)
{
	struct cert_facts draft = *facts, changed;
	struct target_facts *known =
		(struct target_facts *)(uintptr_t)facts_target(facts, name);

	if (known)
		return known;
	draft.targets = mem_zalloc((facts->n_targets + 1U) * sizeof(*draft.targets));
	if (facts->n_targets)
		memcpy(draft.targets, facts->targets,
			facts->n_targets * sizeof(*draft.targets));
	draft.targets[draft.n_targets++].name = (char *)(uintptr_t)name;
	facts_copy(&draft, &changed);
	free(draft.targets);
	facts_done(facts);
	*facts = changed;
	return &facts->targets[facts->n_targets - 1];
}

void facts_set_failure(
	struct cert_facts *facts, const char *target, const struct failure *failure)
{
	struct failure *place =
		target ? &facts_want_target(facts, target)->failure : &facts->failure;
	struct cert_facts changed;

	*place = *failure;
	facts_copy(facts, &changed);
	facts_done(facts);
	*facts = changed;
}

void facts_set_order(struct cert_facts *facts, const struct order_facts *order)
{
	struct cert_facts changed;

	facts->order = *order;
	if (!order->url)
		facts->order = (struct order_facts){ 0 };
	facts_copy(facts, &changed);
	facts_done(facts);
	*facts = changed;
}

void facts_set_ari(struct cert_facts *facts, const struct ari_facts *ari)
{
	struct cert_facts changed;

	facts->ari = *ari;
	facts_copy(facts, &changed);
	facts_done(facts);
	*facts = changed;
}

/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "lib/base/str.h"
#include "tests/power/cuts.h"

/* One state of a disk after a power cut: built, and described in words. */

static bool is_lost(const struct cut *cut, uint32_t at)
{
	for (uint32_t i = 0; i < cut->n_lost; i++)
		if (cut->lost[i] == at)
			return true;
	return false;
}

void cut_build(const struct cut *cut, const struct op *ops, size_t n_nodes, struct disk *out)
{
	disk_init(out, n_nodes);
	for (uint32_t i = 0; i < cut->n; i++)
		if (!is_lost(cut, i))
			(void)disk_apply(out, &ops[i]);
	for (uint32_t i = 0; i < cut->n_files; i++) {
		struct node *node = &out->nodes[cut->files[i].node];

		node->content = cut->files[i].content;
		node->n_durable = cut->files[i].n_durable;
	}
}

static const char *const kinds[] = {
	[OP_FILE] = "the new file",
	[OP_DIR] = "the new directory",
	[OP_SYMLINK] = "the new link",
	[OP_NAME] = "the second name",
	[OP_REMOVE] = "the removal of",
	[OP_RENAME] = "the rename of",
	[OP_EXCHANGE] = "the exchange of",
	[OP_ATTR] = "the mode of",
	[OP_WRITE] = "the write to",
	[OP_SYNC] = "the sync of",
	[OP_TOLD] = "telling",
	[OP_SETTLED] = "the beginning",
};

static void describe(const struct op *ops, size_t at, struct buf *out)
{
	const struct op *op = &ops[at];
	const struct op *made = op;

	buf_printf(out, "%s ", kinds[op->kind]);
	for (size_t i = 0; i < at && !made->name && op->node >= 0; i++)
		if (ops[i].kind <= OP_SYMLINK && ops[i].node == op->node)
			made = &ops[i];
	buf_add_text(out, op->label ? op->label : made->name ? made->name : "the root");
	if (op->target)
		buf_printf(out, " -> %s", op->target);
}

void cut_describe(const struct cut *cut, const struct op *ops, struct buf *out)
{
	static const char *const contents[CONTENT_COUNT] = { "all", "its old bytes",
		"half of its new bytes", "zeros" };

	buf_printf(out, "cut after operation %u, ", cut->n);
	describe(ops, cut->n - 1, out);
	for (uint32_t i = 0; i < cut->n_lost; i++) {
		buf_printf(out, "; lost %u ", cut->lost[i]);
		describe(ops, cut->lost[i], out);
	}
	for (uint32_t i = 0; i < cut->n_files; i++) {
		buf_printf(out, "; with %s ", contents[cut->files[i].content]);
		for (size_t k = 0; k < cut->n; k++)
			if (ops[k].kind == OP_FILE && ops[k].node == cut->files[i].node)
				buf_add_text(out, ops[k].name);
	}
}

static const char *const words[] = {
	[OP_FILE] = "a new file",
	[OP_DIR] = "a new directory",
	[OP_SYMLINK] = "a new link",
	[OP_NAME] = "a second name",
	[OP_REMOVE] = "a removal",
	[OP_RENAME] = "a rename",
	[OP_EXCHANGE] = "an exchange",
	[OP_ATTR] = "a mode",
	[OP_WRITE] = "a write",
	[OP_SYNC] = "a sync",
	[OP_TOLD] = "an answer",
	[OP_SETTLED] = "nothing",
};

void cuts_site(const struct op *ops, size_t at, struct buf *out)
{
	size_t before = at;

	while (before > 0 && ops[before - 1].kind != OP_TOLD && ops[before].kind >= OP_WRITE)
		before--;
	buf_printf(out, "%s after %s", ops[at].label, words[ops[before].kind]);
}

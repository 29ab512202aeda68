/* SPDX-License-Identifier: MIT */
#include "tests/power/cuts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

/*
 * State: cuts_list() walks the trace and sets up a moment for each told operation. is_lost and
 * content hold one choice of losses; emit() turns the choice into a cut, unless `seen` has its
 * hash, and resets both. cuts_done() frees the cuts; the moment's arrays are freed before
 * cuts_list() returns.
 *
 * One moment of the trace, and the changes that may be lost there.
 */
struct moment {
	const struct op *ops;
	size_t n, n_nodes;
	bool *is_lost;   /* for each operation */
	bool *is_forced; /* for each operation: it is there */
	uint32_t *free;  /* operations that may be lost, ascending */
	size_t n_free;
	int *files; /* nodes with bytes that no sync followed */
	size_t n_files;
	enum content *content; /* for each node */
	size_t *durable;       /* for each node: operations before this one are synced */
	size_t *written;       /* for each node: behind its last write */
	uint32_t n_told;
	struct cuts *cuts;
	const struct cuts *known;
};

uint64_t cuts_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static bool is_change(const struct op *op)
{
	return op->kind <= OP_ATTR;
}

static bool makes(const struct op *op)
{
	return op->kind == OP_FILE || op->kind == OP_DIR || op->kind == OP_SYMLINK;
}

/* Does the operation concern this name? */
static bool has_name(const struct op *op, int dir, const char *name)
{
	return (op->dir == dir && op->name && str_is(op->name, name)) ||
	       (op->to == dir && op->target && str_is(op->target, name));
}

static bool has_node(const struct op *op, int node)
{
	return node >= 0 && (op->node == node || op->other == node);
}

static bool shares_dir(const struct op *a, const struct op *b)
{
	return (a->dir >= 0 && (a->dir == b->dir || a->dir == b->to)) ||
	       (a->to >= 0 && (a->to == b->dir || a->to == b->to));
}

/* Must `first` be there if `then` is, with `then` forced by a sync or not? */
static bool follows(const struct moment *m, size_t then, size_t first, bool is_forced)
{
	const struct op *later = &m->ops[then], *earlier = &m->ops[first];

	if (!is_change(earlier))
		return false;
	if (later->kind == OP_ATTR)
		return has_node(earlier, later->node) &&
		       (earlier->kind == OP_ATTR || (!is_forced && makes(earlier)));
	if (earlier->kind == OP_ATTR)
		return false;
	if (has_node(earlier, later->node) || has_node(earlier, later->other) ||
		(later->name && has_name(earlier, later->dir, later->name)) ||
		(later->to >= 0 && has_name(earlier, later->to, later->target)))
		return true;
	if (is_forced)
		return false;
	return has_node(earlier, later->dir) || has_node(earlier, later->to) ||
	       (shares_dir(earlier, later) && m->durable[later->node] <= then);
}

/* Marks the changes that follow a lost one as lost. */
static void close_losses(struct moment *m)
{
	for (size_t i = 0; i < m->n_free; i++) {
		uint32_t at = m->free[i];

		for (size_t j = 0; j < i && !m->is_lost[at]; j++)
			m->is_lost[at] =
				m->is_lost[m->free[j]] && follows(m, at, m->free[j], false);
	}
}

/* Makes a change and all changes that it follows present. */
static void force(struct moment *m, size_t at)
{
	if (m->is_forced[at])
		return;
	m->is_forced[at] = true;
	for (size_t i = 0; i < at; i++)
		if (!m->is_forced[i] && follows(m, at, i, true))
			force(m, i);
}

static void sync_node(struct moment *m, size_t at)
{
	int node = m->ops[at].node;

	m->durable[node] = at;
	for (size_t i = 0; i < at; i++) {
		const struct op *op = &m->ops[i];

		if (is_change(op) && (op->kind == OP_ATTR ? op->node == node
							  : op->dir == node || op->to == node))
			force(m, i);
	}
}

static void settle_all(struct moment *m, size_t at)
{
	for (size_t i = 0; i < at; i++)
		m->is_forced[i] = true;
	for (size_t i = 0; i < m->n_nodes; i++)
		m->durable[i] = at;
}

static bool has_pending(const struct moment *m, int node)
{
	for (size_t i = m->durable[node]; i < m->n; i++)
		if (m->ops[i].kind == OP_WRITE && m->ops[i].node == node)
			return true;
	return false;
}

static void look(struct moment *m)
{
	m->n_free = m->n_files = 0;
	for (size_t i = 0; i < m->n; i++)
		if (is_change(&m->ops[i]) && !m->is_forced[i])
			m->free[m->n_free++] = (uint32_t)i;
	for (size_t i = 0; i < m->n_nodes; i++)
		if (has_pending(m, (int)i))
			m->files[m->n_files++] = (int)i;
}

static bool is_in(const struct cuts *cuts, uint64_t hash)
{
	size_t at = cuts->seen_size ? hash & (cuts->seen_size - 1) : 0;

	while (cuts->seen_size && cuts->seen[at]) {
		if (cuts->seen[at] == hash)
			return true;
		at = (at + 1) & (cuts->seen_size - 1);
	}
	return false;
}

static void note_seen(struct cuts *cuts, uint64_t hash)
{
	size_t at;

	if (cuts->n_seen * 2 >= cuts->seen_size) {
		struct cuts bigger = { .seen_size =
					       cuts->seen_size ? cuts->seen_size * 2 : 1024 };

		bigger.seen = mem_zalloc(bigger.seen_size * sizeof(*bigger.seen));
		for (size_t i = 0; i < cuts->seen_size; i++)
			if (cuts->seen[i])
				note_seen(&bigger, cuts->seen[i]);
		free(cuts->seen);
		cuts->seen = bigger.seen;
		cuts->seen_size = bigger.seen_size;
	}
	for (at = hash & (cuts->seen_size - 1); cuts->seen[at];)
		at = (at + 1) & (cuts->seen_size - 1);
	cuts->seen[at] = hash;
	cuts->n_seen++;
}

static void keep(struct moment *m, struct cut *cut)
{
	struct cuts *cuts = m->cuts;

	for (size_t i = 0; i < m->n_free; i++)
		cut->n_lost += m->is_lost[m->free[i]];
	cut->lost = mem_zalloc((cut->n_lost + 1) * sizeof(*cut->lost));
	cut->files = mem_zalloc((m->n_files + 1) * sizeof(*cut->files));
	cut->n_lost = 0;
	for (size_t i = 0; i < m->n_free; i++)
		if (m->is_lost[m->free[i]])
			cut->lost[cut->n_lost++] = m->free[i];
	/* All of them, because each records where its unsynced bytes begin. */
	for (size_t i = 0; i < m->n_files; i++) {
		cut->files[cut->n_files].node = m->files[i];
		cut->files[cut->n_files].content = m->content[m->files[i]];
		cut->files[cut->n_files++].n_durable = m->durable[m->files[i]];
	}
	if (cuts->n == cuts->size) {
		cuts->size = cuts->size ? cuts->size * 2 : 256;
		cuts->at = mem_grow(cuts->at, cuts->size, sizeof(*cuts->at));
	}
	cuts->at[cuts->n++] = *cut;
}

static void build(const struct moment *m, struct disk *disk)
{
	disk_init(disk, m->n_nodes);
	for (size_t i = 0; i < m->n; i++)
		if (is_change(&m->ops[i]) && !m->is_lost[i])
			(void)disk_apply(disk, &m->ops[i]);
	for (size_t i = 0; i < m->n_files; i++) {
		disk->nodes[m->files[i]].content = m->content[m->files[i]];
		disk->nodes[m->files[i]].n_durable = m->durable[m->files[i]];
	}
}

static size_t count_lost(const struct moment *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_free; i++)
		n += m->is_lost[m->free[i]];
	return n;
}

/* Adds the state of is_lost and content, and resets both. */
static void emit(struct moment *m)
{
	struct cut cut = { .n = (uint32_t)m->n, .n_told = m->n_told };
	bool is_told = m->ops[m->n - 1].kind == OP_TOLD;
	struct disk disk;
	uint64_t hash;

	close_losses(m);
	build(m, &disk);
	/* Counts through the contents of the files. */
	for (size_t i = 0; i < m->n_nodes; i++)
		disk.nodes[i].n_durable = disk.nodes[i].content == CONTENT_ALL
						  ? m->written[i]
						  : m->durable[i] * 65536 + m->written[i];
	hash = disk_hash(&disk) * 31 + m->n_told;
	hash += hash == 0;
	disk_done(&disk);
	if (!is_in(m->cuts, hash) && !(m->known && is_in(m->known, hash))) {
		note_seen(m->cuts, hash);
		cut.is_worst = is_told && m->n_free == count_lost(m);
		keep(m, &cut);
	}
	for (size_t i = 0; i < m->n_free; i++)
		m->is_lost[m->free[i]] = false;
	for (size_t i = 0; i < m->n_files; i++)
		m->content[m->files[i]] = CONTENT_ALL;
}

static void lose_from(struct moment *m, size_t first)
{
	for (size_t i = first; i < m->n_free; i++)
		m->is_lost[m->free[i]] = true;
}

/* Loses all changes but these two and those that they follow. */
static void lose_all_but(struct moment *m, size_t a, size_t b)
{
	lose_from(m, 0);
	m->is_lost[m->free[a]] = m->is_lost[m->free[b]] = false;
	for (size_t i = m->n_free; i-- > 0;)
		for (size_t j = 0; !m->is_lost[m->free[i]] && j < i; j++)
			if (follows(m, m->free[i], m->free[j], false))
				m->is_lost[m->free[j]] = false;
}

static void emit_beginnings(struct moment *m)
{
	for (size_t first = 0; first <= m->n_free; first++)
		for (enum content c = CONTENT_ALL; c < CONTENT_COUNT; c++) {
			if (c != CONTENT_ALL && m->n_files == 0)
				continue;
			lose_from(m, first);
			for (size_t i = 0; i < m->n_files; i++)
				m->content[m->files[i]] = c;
			emit(m);
		}
}

static void emit_combinations(struct moment *m)
{
	for (unsigned set = 0; set < 1U << m->n_free; set++)
		for (size_t f = 0; f < m->n_files || f == 0; f++)
			for (enum content c = CONTENT_ALL; c < CONTENT_COUNT; c++) {
				for (size_t i = 0; i < m->n_free; i++)
					m->is_lost[m->free[i]] = set >> i & 1;
				if (m->n_files)
					m->content[m->files[f]] = c;
				emit(m);
			}
}

static void emit_pair(struct moment *m, size_t a, size_t b)
{
	m->is_lost[m->free[a]] = m->is_lost[m->free[b]] = true;
	emit(m);
	lose_all_but(m, a, b);
	emit(m);
	for (size_t f = 0; a == b && f < m->n_files; f++)
		for (enum content c = CONTENT_OLD; c < CONTENT_COUNT; c++) {
			m->is_lost[m->free[a]] = true;
			m->content[m->files[f]] = c;
			emit(m);
			lose_all_but(m, a, a);
			m->content[m->files[f]] = c;
			emit(m);
		}
}

static void emit_pairs(struct moment *m)
{
	size_t n_pairs = m->n_free * (m->n_free - 1) / 2;

	for (size_t a = 0; a < m->n_free; a++)
		emit_pair(m, a, a);
	for (size_t a = 0; a < m->n_free; a++)
		for (size_t b = a + 1; b < m->n_free; b++)
			if (n_pairs <= PAIRS_MAX ||
				cuts_random(&m->cuts->random) % n_pairs < PAIRS_MAX)
				emit_pair(m, a, b);
	for (size_t i = 0; i < RANDOM_MAX; i++) {
		for (size_t k = 0; k < m->n_free; k++)
			m->is_lost[m->free[k]] = cuts_random(&m->cuts->random) >> 40 & 1;
		for (size_t k = 0; k < m->n_files; k++)
			m->content[m->files[k]] =
				(enum content)(cuts_random(&m->cuts->random) >> 40) %
				CONTENT_COUNT;
		emit(m);
	}
}

static void emit_all(struct moment *m)
{
	look(m);
	m->cuts->n_moments++;
	emit_beginnings(m);
	if (m->n_free <= FREE_MAX)
		emit_combinations(m);
	else
		emit_pairs(m);
}

static bool is_ignored(const struct op *ops, size_t at, const char *ignored)
{
	struct buf site AUTO_BUF = BUF_INIT;

	if (!ignored)
		return false;
	cuts_site(ops, at, &site);
	return str_is(site.data, ignored);
}

void cuts_list(const struct op *ops, size_t n, size_t n_nodes, uint64_t seed,
	const char *ignored, const struct cuts *known, struct cuts *out)
{
	struct moment m = { .ops = ops, .n_nodes = n_nodes, .cuts = out, .known = known };
	bool has_begun = false;

	*out = (struct cuts){ .random = seed | 1 };
	m.is_lost = mem_zalloc(n + 1);
	m.is_forced = mem_zalloc(n + 1);
	m.free = mem_zalloc((n + 1) * sizeof(*m.free));
	m.files = mem_zalloc(n_nodes * sizeof(*m.files));
	m.content = mem_zalloc(n_nodes * sizeof(*m.content));
	m.durable = mem_zalloc(n_nodes * sizeof(*m.durable));
	m.written = mem_zalloc(n_nodes * sizeof(*m.written));
	for (size_t at = 0; at < n; at++) {
		m.n = at + 1;
		if (ops[at].kind == OP_SETTLED) {
			settle_all(&m, at);
			m.n_told = 0;
		} else if (ops[at].kind == OP_SYNC && !is_ignored(ops, at, ignored))
			sync_node(&m, at);
		else if (ops[at].kind == OP_WRITE)
			m.written[ops[at].node] = at + 1;
		m.n_told += ops[at].kind == OP_TOLD;
		has_begun = has_begun || ops[at].kind == OP_SETTLED;
		if (has_begun)
			emit_all(&m);
	}
	free(m.is_lost);
	free(m.is_forced);
	free(m.free);
	free(m.files);
	free(m.content);
	free(m.durable);
	free(m.written);
}

void cuts_done(struct cuts *cuts)
{
	for (size_t i = 0; i < cuts->n; i++) {
		free(cuts->at[i].lost);
		free(cuts->at[i].files);
	}
	free(cuts->at);
	free(cuts->seen);
	*cuts = (struct cuts){ .at = NULL };
}

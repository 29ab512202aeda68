/* SPDX-License-Identifier: MIT */
#include "tests/unit/store_world.h"

/*
 * Random sequences of work and damage against a model of three links.  What the store says after
 * each step must be what the model says, however often it is opened anew in between.
 */

#define MAX_VERSIONS 64
#define N_SEQUENCES 6
#define N_STEPS 60

struct model_version {
	struct version_id id;
	int rolled; /* the how manieth roll made it current; 0: none */
	bool is_gone;
};

struct model {
	struct model_version at[MAX_VERSIONS];
	int n, n_rolls;
	int curr, next, prev; /* places in `at`, -1: none */
};

static uint64_t random_state;

static unsigned random_below(unsigned bound)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(random_state >> 33) % bound;
}

/* The version that was current last, but for `not_this` and `nor_this`. */
static int last_rolled(const struct model *m, int not_this, int nor_this)
{
	int best = -1;

	for (int i = 0; i < m->n; i++)
		if (i != not_this && i != nor_this && !m->at[i].is_gone && m->at[i].rolled &&
			(best < 0 || m->at[i].rolled > m->at[best].rolled))
			best = i;
	return best;
}

static void do_add(struct fixture *f, struct model *m)
{
	if (m->n == MAX_VERSIONS)
		return;
	m->at[m->n] = (struct model_version){ .id = add(f, 0) };
	m->next = m->n++;
}

static void do_roll(struct fixture *f, struct model *m)
{
	if (m->next < 0) {
		CHECK_INT(store_roll(f->store, CERT, clock_now(), &f->err), -1);
		CHECK_INT(f->err.code, ERR_NO_NEXT);
		return;
	}
	roll(f);
	if (m->curr >= 0)
		m->prev = m->curr;
	m->curr = m->next;
	m->next = -1;
	m->at[m->curr].rolled = ++m->n_rolls;
}

static void do_drop_next(struct fixture *f, struct model *m)
{
	CHECK_INT(store_drop_next(f->store, CERT, &f->err), 0);
	m->next = -1;
}

static void do_prune(struct fixture *f, struct model *m)
{
	size_t keep = random_below(4), n_kept = 0, n = 0, n_deleted;

	CHECK_INT(store_prune(f->store, CERT, keep, &n_deleted, &f->err), 0);
	for (int i = m->n; i-- > 0;) {
		if (m->at[i].is_gone || i == m->curr || i == m->next || i == m->prev ||
			n_kept++ < keep)
			continue;
		m->at[i].is_gone = true;
		n++;
	}
	CHECK_INT(n_deleted, n);
}

static void do_reopen(struct fixture *f, struct model *m)
{
	(void)m;
	reopen(f);
}

static void break_link(struct fixture *f, const char *role, int at, const char *target)
{
	char path[60];

	snprintf(path, sizeof(path), AT "/%s", role);
	if (at < 0)
		return;
	CHECK_INT(unlinkat(f->fd, path, 0), 0);
	if (target)
		CHECK_INT(symlinkat(target, f->fd, path), 0);
}

static void lose_curr(struct fixture *f, struct model *m)
{
	break_link(f, "curr", m->curr, random_below(2) ? "versions/x" : NULL);
	if (m->curr >= 0)
		m->curr = last_rolled(m, -1, -1);
}

static void lose_next(struct fixture *f, struct model *m)
{
	break_link(f, "next", m->next, random_below(2) ? "/etc/passwd" : NULL);
	m->next = -1;
}

static void break_prev(struct fixture *f, struct model *m)
{
	break_link(f, "prev", m->prev, "versions/20200101T000000Z-1");
	if (m->prev >= 0)
		m->prev = last_rolled(m, m->curr, m->next);
}

/* The key of the current version is lost: what was current before takes over, then prev follows. */
static void damage_curr(struct fixture *f, struct model *m)
{
	char path[300];

	if (m->curr < 0)
		return;
	version_file(&m->at[m->curr].id, "privkey.pem", path);
	CHECK_INT(unlinkat(f->fd, path, 0), 0);
	m->at[m->curr].is_gone = true;
	m->curr = last_rolled(m, -1, -1);
	/* Never rolled, but all there is for a link that was there. */
	for (int i = m->n; m->curr < 0 && i-- > 0;)
		if (i != m->next && !m->at[i].is_gone)
			m->curr = i;
	if (m->curr >= 0 && !m->at[m->curr].rolled)
		m->at[m->curr].rolled = ++m->n_rolls;
	if (m->prev >= 0 && m->prev == m->curr)
		m->prev = last_rolled(m, m->curr, m->next);
}

/* Killed after the first step of a roll. */
static void cut_roll_early(struct fixture *f, struct model *m)
{
	char target[60], text[VERSION_ID_TEXT_LEN];

	if (m->curr < 0 || m->next < 0)
		return;
	snprintf(target, sizeof(target), "versions/%s",
		version_id_text(&m->at[m->curr].id, text));
	CHECK_INT(file_replace_link(f->fd, AT "/prev", target, &f->err), 0);
	m->prev = last_rolled(m, m->curr, m->next);
}

/* Killed after the second. */
static void cut_roll_late(struct fixture *f, struct model *m)
{
	const struct timespec times[2] = { { clock_now().s, 0 }, { clock_now().s, 0 } };
	char target[60], text[VERSION_ID_TEXT_LEN];

	if (m->curr < 0 || m->next < 0)
		return;
	cut_roll_early(f, m);
	snprintf(target, sizeof(target), "versions/%s",
		version_id_text(&m->at[m->next].id, text));
	CHECK_INT(file_replace_link(f->fd, AT "/curr", target, &f->err), 0);
	/* The link tells when it was; the kernel did not hear of this program's clock. */
	CHECK_INT(utimensat(f->fd, AT "/curr", times, AT_SYMLINK_NOFOLLOW), 0);
	m->prev = m->curr;
	m->curr = m->next;
	m->next = -1;
	m->at[m->curr].rolled = ++m->n_rolls;
}

static const struct {
	const char *name;
	void (*run)(struct fixture *f, struct model *m);
	unsigned weight;
} steps[] = {
	{ "add", do_add, 6 },
	{ "roll", do_roll, 6 },
	{ "drop next", do_drop_next, 1 },
	{ "prune", do_prune, 1 },
	{ "reopen", do_reopen, 1 },
	{ "lose curr", lose_curr, 2 },
	{ "lose next", lose_next, 1 },
	{ "break prev", break_prev, 1 },
	{ "damage curr", damage_curr, 1 },
	{ "cut roll early", cut_roll_early, 2 },
	{ "cut roll late", cut_roll_late, 2 },
};

static size_t random_step(void)
{
	unsigned total = 0, at;
	size_t i = 0;

	for (size_t k = 0; k < ARRAY_LEN(steps); k++)
		total += steps[k].weight;
	for (at = random_below(total); at >= steps[i].weight; i++)
		at -= steps[i].weight;
	return i;
}

static void compare(struct fixture *f, const struct model *m)
{
	struct version_id ids[3] = { { { 1 }, 1 }, { { 1 }, 2 }, { { 1 }, 3 } };
	const int at[3] = { m->curr, m->next, m->prev };
	char want[4] = "---";

	for (size_t i = 0; i < 3; i++)
		if (at[i] >= 0) {
			ids[i] = m->at[at[i]].id;
			want[i] = (char)('a' + i);
		}
	check_links(f, ids, 3, want);
}

TEST(any_sequence_of_work_and_damage_ends_as_the_model_says)
{
	const char *seed = getenv("CERTD_SEED");
	uint64_t first = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);

	printf("# CERTD_SEED=%" PRIu64 "\n", first);
	for (uint64_t k = 0; k < N_SEQUENCES; k++) {
		struct fixture f FIXTURE;
		struct model m = { .curr = -1, .next = -1, .prev = -1 };
		int before = test_failures;

		setup(&f);
		random_state = first * N_SEQUENCES + k;
		for (int i = 0; i < N_STEPS && test_failures == before; i++) {
			size_t step = random_step();

			/* The model knows no two events in one second. */
			clock_ahead += 10;
			steps[step].run(&f, &m);
			compare(&f, &m);
			if (test_failures != before)
				printf("# sequence %" PRIu64 ", step %d: %s\n", k, i,
					steps[step].name);
		}
	}
}

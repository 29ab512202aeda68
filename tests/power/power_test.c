/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <time.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/power/cuts.h"
#include "tests/power/judge.h"
#include "tests/power/life.h"
#include "tests/power/scene.h"
#include "tests/power/trace.h"

/*
 * State: power_test cuts the power at each moment of each scene (scene.h), and starts certd
 * from each state that the disk may have then (cuts.h, judge.h). It judges a sample of the
 * states from a printed seed, which CERTD_SEED repeats; all of them with LONG=1.
 * CERTD_POWER=SCENE selects one scene. A run owns the moments and cuts of one scene.
 *
 * The last test, only with LONG=1, reverses the question: a sync without which certd would
 * still lose nothing is not needed.
 */

enum { SAMPLE = 1200, SHOWN = 12, THOROUGH = 8, WITHOUT_MAX = 2000 };

/*
 * The states to judge: all or a sample, the worst of each told moment, or those in which a file
 * was removed although an earlier rename is lost.
 */
enum part { PART_SAMPLE, PART_WORST, PART_REMOVED };

struct run {
	const struct scene *scene;
	struct moments moments;
	struct cuts cuts;
	size_t n_bad, n_judged;
};

static uint64_t get_seed(void)
{
	static uint64_t seed;
	const char *given = getenv("CERTD_SEED");

	if (!seed) {
		seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
		printf("# CERTD_SEED=%" PRIu64 "\n", seed);
	}
	return seed;
}

static bool is_long(void)
{
	const char *text = getenv("LONG");

	return text && strcmp(text, "1") == 0;
}

static bool is_wanted(const struct scene *scene)
{
	const char *wanted = getenv("CERTD_POWER");

	return !wanted || str_is(scene->name, wanted);
}

static bool begin(struct run *run, const struct scene *scene)
{
	struct buf why AUTO_BUF = BUF_INIT;

	*run = (struct run){ .scene = scene };
	life_make_root();
	if (!scene_record(scene, &run->moments)) {
		TEST_FAIL("%s does not run, or not all of it is recorded", scene->name);
		return false;
	}
	if (!judge_learn(scene, &run->moments, &why)) {
		TEST_FAIL("%s: %s", scene->name, buf_text(&why));
		return false;
	}
	cuts_list(
		trace.ops, trace.n, (size_t)trace.n_nodes, get_seed(), NULL, NULL, &run->cuts);
	return true;
}

static void end(struct run *run)
{
	cuts_done(&run->cuts);
	moments_done(&run->moments);
	trace_end();
	life_remove_root();
}

static void judge(struct run *run, const struct cut *cut, size_t i)
{
	struct buf why AUTO_BUF = BUF_INIT, what AUTO_BUF = BUF_INIT;

	run->n_judged++;
	if (judge_cut(cut, run->scene, &run->moments, i % THOROUGH == 0, &why))
		return;
	test_failures++;
	if (run->n_bad++ >= SHOWN)
		return;
	cut_describe(cut, trace.ops, &what);
	printf("# %s, state %zu: %s\n#   %s\n", run->scene->name, i, buf_text(&why),
		buf_text(&what));
}

static bool removed_too_soon(const struct cut *cut)
{
	for (uint32_t i = 0; i < cut->n_lost; i++)
		if (trace.ops[cut->lost[i]].kind == OP_RENAME)
			return trace.ops[cut->n - 1].kind == OP_REMOVE;
	return false;
}

static bool is_chosen(
	const struct run *run, const struct cut *cut, enum part part, uint64_t *random)
{
	switch (part) {
	case PART_WORST:
		return cut->is_worst;
	case PART_REMOVED:
		return removed_too_soon(cut);
	case PART_SAMPLE:
	default:
		return is_long() || cuts_random(random) % run->cuts.n < SAMPLE / n_scenes;
	}
}

static size_t run_scene(const struct scene *scene, enum part part)
{
	uint64_t random = get_seed() * 2 + 1;
	struct run run;
	size_t n;

	if (begin(&run, scene)) {
		for (size_t i = 0; i < run.cuts.n; i++)
			if (is_chosen(&run, &run.cuts.at[i], part, &random))
				judge(&run, &run.cuts.at[i], i);
		printf("# %s: %zu moments, %zu states, %zu judged, %zu bad, CERTD_SEED=%" PRIu64
		       "\n",
			scene->name, run.cuts.n_moments, run.cuts.n, run.n_judged, run.n_bad,
			get_seed());
	}
	n = run.cuts.n;
	end(&run);
	return n;
}

static void run_part(const char *name, enum part part)
{
	for (size_t i = 0; i < n_scenes; i++)
		if (str_is(scenes[i].name, name))
			(void)run_scene(&scenes[i], part);
}

TEST(certd_goes_on_after_a_power_cut)
{
	size_t n_states = 0;

	for (size_t i = 0; i < n_scenes; i++)
		if (is_wanted(&scenes[i]))
			n_states += run_scene(&scenes[i], PART_SAMPLE);
	printf("# %zu states of %zu scenes\n", n_states, n_scenes);
}

TEST(what_was_told_survives_the_worst_cut)
{
	for (size_t i = 0; i < n_scenes; i++)
		if (is_wanted(&scenes[i]))
			(void)run_scene(&scenes[i], PART_WORST);
}

/* Faults found by the first cuts, each in the scene that had it. */

TEST(the_directories_of_a_target_keep_their_names_and_modes)
{
	run_part("first", PART_WORST);
}

TEST(a_version_that_was_told_to_be_deleted_stays_so)
{
	run_part("prune", PART_WORST);
	run_part("roll", PART_WORST);
}

TEST(the_journal_is_there_for_its_first_challenge)
{
	run_part("first_challenge", PART_WORST);
}

TEST(a_link_goes_before_the_files_that_it_leads_to)
{
	run_part("deploy_by_link", PART_REMOVED);
}

/* Syncs that no state needs, and the reason for keeping them. */
static const struct {
	const char *site, *why;
} spare[] = {
#define SPARE(site, why) { site, why },
#include "tests/power/syncs.def"
#undef SPARE
};

static bool is_spare(const char *site)
{
	for (size_t i = 0; i < ARRAY_LEN(spare); i++)
		if (str_is(spare[i].site, site))
			return true;
	return false;
}

/*
 * Is any state bad without the syncs of this site? Judges the worst of each told moment first,
 * then a part of the others.
 */
static bool is_needed(struct run *run, const char *site)
{
	struct cuts without;
	bool result = false;
	size_t step;

	cuts_list(trace.ops, trace.n, (size_t)trace.n_nodes, get_seed(), site, &run->cuts,
		&without);
	step = without.n / WITHOUT_MAX + 1;
	for (size_t i = 0; i < 2 * without.n && !result; i++) {
		const struct cut *cut = &without.at[i % without.n];
		struct buf why AUTO_BUF = BUF_INIT;

		if (i < without.n ? cut->is_worst : i % step == 0)
			result = !judge_cut(cut, run->scene, &run->moments, true, &why);
	}
	cuts_done(&without);
	return result;
}

/* Tests every site of a scene, and records whether any scene needs it. */
static void ask_scene(const struct scene *scene, struct map *sites, struct arena *arena)
{
	static bool yes = true, no;
	bool has_begun = false;
	struct run run;

	if (begin(&run, scene))
		for (size_t at = 0; at < trace.n; at++) {
			struct buf site AUTO_BUF = BUF_INIT;
			const bool *known;

			has_begun = has_begun || trace.ops[at].kind == OP_SETTLED;
			if (!has_begun || trace.ops[at].kind != OP_SYNC)
				continue;
			cuts_site(trace.ops, at, &site);
			known = map_get(sites, site.data);
			if (known && *known)
				continue;
			if (is_needed(&run, site.data))
				map_set(sites, arena_strdup(arena, site.data), &yes);
			else if (!known)
				map_set(sites, arena_strdup(arena, site.data), &no);
		}
	end(&run);
}

TEST(every_sync_is_needed)
{
	struct arena arena = ARENA_INIT;
	struct map sites = { .n = 0 };
	size_t n_needed = 0;

	if (!is_long())
		return;
	for (size_t i = 0; i < n_scenes; i++)
		if (is_wanted(&scenes[i]))
			ask_scene(&scenes[i], &sites, &arena);
	for (size_t i = 0; i < sites.size; i++) {
		const char *site = sites.slots[i].key;

		if (!site)
			continue;
		n_needed += *(const bool *)sites.slots[i].value;
		if (!*(const bool *)sites.slots[i].value && !is_spare(site))
			TEST_FAIL("nothing goes wrong without the sync of %s", site);
	}
	printf("# %zu of %zu sites of syncs are needed\n", n_needed, sites.n);
	map_done(&sites);
	arena_done(&arena);
}

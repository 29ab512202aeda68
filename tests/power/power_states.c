/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/str.h"
#include "tests/power/cuts.h"
#include "tests/power/life.h"
#include "tests/power/scene.h"
#include "tests/power/trace.h"

/*
 * Writes some of the trees that a power cut may leave, for tests/live/test_power.py, which
 * starts certd on them.
 *
 *	power_states SCENE SEED N OUT   makes OUT/0 ... OUT/N-1; prints the directory where the
 *	                                trees belong, which their files name, and the losses of each
 */

static void write_state(const struct cut *cut, size_t i, int out)
{
	struct buf what AUTO_BUF = BUF_INIT;
	struct disk disk;
	char name[24];
	int dir AUTO_CLOSE = -1;

	snprintf(name, sizeof(name), "%zu", i);
	if (mkdirat(out, name, 0755) < 0 ||
		(dir = openat(out, name, O_RDONLY | O_DIRECTORY)) < 0)
		abort();
	cut_build(cut, trace.ops, (size_t)trace.n_nodes, &disk);
	disk_write(&disk, trace.ops, cut->n, dir);
	disk_done(&disk);
	cut_describe(cut, trace.ops, &what);
	for (size_t k = 0; k < what.len; k++)
		if (what.data[k] == '\n')
			what.data[k] = ' ';
	printf("%s\n", buf_text(&what));
}

static int write_states(const struct scene *scene, uint64_t seed, size_t n, int out)
{
	struct moments moments;
	struct cuts cuts = { .at = NULL };
	bool is_good;

	life_make_root();
	is_good = scene_record(scene, &moments);
	if (is_good) {
		printf("%s\n", life_root);
		cuts_list(trace.ops, trace.n, (size_t)trace.n_nodes, seed, NULL, NULL, &cuts);
		assert(cuts.n > 0);
		/* The last one is the worst at its end: everything was told. */
		for (size_t i = 0; i < n; i++)
			write_state(
				&cuts.at[i + 1 < n ? cuts_random(&seed) % cuts.n : cuts.n - 1],
				i, out);
	}
	cuts_done(&cuts);
	moments_done(&moments);
	trace_end();
	life_remove_root();
	return is_good ? 0 : 1;
}

int main(int argc, char **argv)
{
	int out AUTO_CLOSE = -1;

	if (argc != 5) {
		fprintf(stderr, "usage: %s SCENE SEED N OUT\n", argv[0]);
		return 64;
	}
	umask(0);
	out = open(argv[4], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; out >= 0 && i < n_scenes; i++)
		if (str_is(scenes[i].name, argv[1]))
			return write_states(&scenes[i], strtoull(argv[2], NULL, 10) | 1,
				strtoull(argv[3], NULL, 10), out);
	fprintf(stderr, "there is no scene %s, or no directory %s\n", argv[1], argv[4]);
	return 1;
}

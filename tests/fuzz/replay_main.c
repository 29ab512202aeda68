/* SPDX-License-Identifier: MIT */
/*
 * Replays a corpus without libFuzzer: every file of the folder, then deterministic mutations of
 * each (bits, bytes, interesting numbers, cuts, doubled and crossed parts) from a fixed seed,
 * so that two runs do the same. A fault ends the program through a sanitizer or an assert,
 * after the name of the file and the number of the mutation were printed. Prints TAP.
 *
 *	NAME_replay FOLDER [MUTATIONS]
 *	NAME_replay FILE                 one input, unchanged
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_MAX ((size_t)1 << 20)
#define DEFAULT_MUTATIONS 2000
/* A large input gets fewer mutations, so that a target's time does not depend on its corpus. */
#define BYTES_PER_FILE ((size_t)4 << 20)

struct input {
	char name[256];
	uint8_t *data;
	size_t len;
};

static struct input *inputs;
static size_t n_inputs;

/* The running input, for the signal handler. */
static const char *now_name = "nothing";
static unsigned now_mutation;

static void on_fault(int sig)
{
	char line[400];
	int n = snprintf(
		line, sizeof(line), "# fault in %s, mutation %u\n", now_name, now_mutation);

	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		_exit(1);
	signal(sig, SIG_DFL);
	raise(sig);
}

static uint64_t random_state;

/* splitmix64 */
static uint64_t random_next(void)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static size_t random_below(size_t bound)
{
	return bound ? (size_t)(random_next() % bound) : 0;
}

static int read_input(const char *path, const char *name)
{
	struct input in = { .data = malloc(INPUT_MAX) };
	FILE *f = fopen(path, "rb");

	if (!f || !in.data) {
		free(in.data);
		if (f)
			fclose(f);
		return -1;
	}
	in.len = fread(in.data, 1, INPUT_MAX, f);
	fclose(f);
	snprintf(in.name, sizeof(in.name), "%.255s", name);
	inputs = realloc(inputs, (n_inputs + 1) * sizeof(*inputs));
	if (!inputs)
		abort();
	inputs[n_inputs++] = in;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct input *)a)->name, ((const struct input *)b)->name);
}

static int read_folder(const char *path)
{
	DIR *dir = opendir(path);
	char full[4096];

	if (!dir)
		return -1;
	for (struct dirent *e; (e = readdir(dir));) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(full, sizeof(full), "%s/%s", path, e->d_name);
		if (read_input(full, e->d_name) < 0)
			printf("# cannot read %s\n", full);
	}
	closedir(dir);
	if (n_inputs)
		qsort(inputs, n_inputs, sizeof(*inputs), by_name);
	return 0;
}

static void overwrite(uint8_t *data, size_t len)
{
	static const uint8_t words[][4] = {
		{ 0, 0, 0, 0 },
		{ 0xff, 0xff, 0xff, 0xff },
		{ 0x7f, 0xff, 0xff, 0xff },
		{ 0x80, 0, 0, 0 },
		{ 0, 0, 0, 0x80 },
		{ 0xff, 0xff, 0xff, 0x7f },
		{ '\n', '\n', 0, '"' },
	};
	size_t at = random_below(len), n = 1 + random_below(4);

	if (n > len - at)
		n = len - at;
	memcpy(data + at, words[random_below(sizeof(words) / sizeof(words[0]))], n);
}

/* Makes one change of data[0..len); returns the new length, at most INPUT_MAX. */
static size_t mutate(uint8_t *data, size_t len)
{
	const struct input *other = &inputs[random_below(n_inputs)];
	size_t at = random_below(len), n = 1 + random_below(16),
	       from = random_below(other->len);

	if (n > len - at)
		n = len - at;
	switch (len ? random_below(8) : 6) {
	case 0:
		data[at] ^= (uint8_t)(1 << random_below(8));
		return len;
	case 1:
		data[at] = (uint8_t)random_next();
		return len;
	case 2:
		overwrite(data, len);
		return len;
	case 3: /* cut the end off */
		return at;
	case 4: /* drop a part */
		memmove(data + at, data + at + n, len - at - n);
		return len - n;
	case 5: /* double a part */
		if (len + n > INPUT_MAX)
			return len;
		memmove(data + at + n, data + at, len - at);
		return len + n;
	case 6: /* go on with the end of another input */
		if (other->len - from > INPUT_MAX - at)
			return len;
		if (other->len)
			memcpy(data + at, other->data + from, other->len - from);
		return at + other->len - from;
	default: /* exchange two bytes */
		from = random_below(len);
		n = data[at];
		data[at] = data[from];
		data[from] = (uint8_t)n;
		return len;
	}
}

static void run(const struct input *in, unsigned mutations)
{
	uint8_t *data = malloc(INPUT_MAX);
	uint8_t *exact;

	if (!data)
		abort();
	now_name = in->name;
	if (in->len && mutations > BYTES_PER_FILE / in->len)
		mutations = (unsigned)(BYTES_PER_FILE / in->len);
	for (now_mutation = 0; now_mutation <= mutations; now_mutation++) {
		size_t len = in->len;

		memcpy(data, in->data, len);
		for (size_t k = now_mutation ? 1 + random_below(4) : 0; k; k--)
			len = mutate(data, len);
		/* An exact copy, so that the sanitizer sees a read behind the end. */
		exact = malloc(len ? len : 1);
		if (!exact)
			abort();
		memcpy(exact, data, len);
		LLVMFuzzerTestOneInput(exact, len);
		free(exact);
	}
	free(data);
}

int main(int argc, char **argv)
{
	unsigned mutations =
		argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : DEFAULT_MUTATIONS;
	struct stat st;

	if (argc < 2 || stat(argv[1], &st) < 0) {
		fprintf(stderr, "usage: %s FOLDER [MUTATIONS] | FILE\n", argv[0]);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGABRT, on_fault);
	if (!S_ISDIR(st.st_mode))
		mutations = 0;
	if ((S_ISDIR(st.st_mode) ? read_folder(argv[1]) : read_input(argv[1], argv[1])) < 0 ||
		n_inputs == 0) {
		printf("1..1\nnot ok 1 - %s has inputs\n", argv[1]);
		return 1;
	}
	printf("1..%zu\n", n_inputs);
	for (size_t i = 0; i < n_inputs; i++) {
		random_state = 1 + i;
		run(&inputs[i], mutations);
		printf("ok %zu - %s\n", i + 1, inputs[i].name);
	}
	for (size_t i = 0; i < n_inputs; i++)
		free(inputs[i].data);
	free(inputs);
	return 0;
}

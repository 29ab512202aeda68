/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/conf/conf.h"
#include "daemon/keeper/store/store.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/log/log.h"

/*
 * The facts file and the index of a real store: the first byte selects one. The index gets a
 * valid head and checksum, so that its lines are reached. For any content, every certificate is
 * reported once and none fails; unusable content is moved away, so that the second reading
 * gives the same result.
 */

#define FACTS "facts/example.com/web"

/* In memory where possible, because quarantine syncs. */
static char path[64] = "/dev/shm/certd-fuzz-XXXXXX";
static struct store *store;
static struct cert_conf certs[] = { { .name = "example.com/mail" },
	{ .name = "example.com/web" }, { .name = "example.org/web" } };
static struct conf conf = { .certs = certs, .n_certs = 3 };
static int root;

static void done(void)
{
	struct err err;

	store_close(store);
	close(root);
	file_remove_tree(AT_FDCWD, path, &err);
}

static void begin(void)
{
	struct err err;
	int result;

	if (store)
		return;
	log_to(NULL, NULL);
	if (access("/dev/shm", W_OK) < 0)
		strcpy(path, "/tmp/certd-fuzz-XXXXXX");
	result = mkdtemp(path) ? store_open(path, &store, &err) : -1;
	assert(result == 0);
	root = file_open_dir(AT_FDCWD, path, &err);
	result = file_make_dir(root, "facts/example.com", 0700, &err);
	assert(result == 0);
	atexit(done);
}

static void put(const char *name, const void *data, size_t len)
{
	int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct err err;
	int result = file_write_fd(fd, data, len, &err);

	assert(fd >= 0 && result == 0);
	close(fd);
}

static void tell(const char *cert, const char *line, const struct err *err, void *data)
{
	size_t *n = data;

	assert(str_is(cert, certs[*n].name) && line && !err);
	++*n;
}

static void read_index(const uint8_t *data, size_t len)
{
	struct buf text AUTO_BUF = BUF_INIT;
	uint64_t sum = UINT64_C(0xcbf29ce484222325);
	size_t n_lines = 0, n = 0;

	buf_add_text(&text, "certd-index 1\n");
	buf_add(&text, data, len);
	buf_add_char(&text, '\n');
	for (size_t i = 0; i < text.len; i++) {
		sum = (sum ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001b3);
		n_lines += text.data[i] == '\n';
	}
	buf_printf(&text, "end %zu %016" PRIx64 "\n", n_lines - 1, sum);
	put("facts/index", text.data, text.len);
	store_read_all(store, &conf, tell, &n);
	assert(n == conf.n_certs);
}

static void read_facts(const uint8_t *data, size_t len)
{
	struct cert_facts first, second;
	struct err err;
	int result;

	put(FACTS, data, len);
	result = store_read(store, "example.com/web", &first, &err);
	assert(result == 0 && str_is(first.cert, "example.com/web"));
	assert(!version_is_set(&first.curr.id) && !version_is_set(&first.next.id));
	result = store_read(store, "example.com/web", &second, &err);
	assert(result == 0 && second.n_targets == first.n_targets);
	assert(second.failure.code == first.failure.code);
	facts_done(&first);
	facts_done(&second);
	unlinkat(root, FACTS, 0);
	result = file_remove_tree(root, "quarantine", &err);
	assert(result == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	begin();
	if (len && data[0] == 'i')
		read_index(data + 1, len - 1);
	else if (len)
		read_facts(data + 1, len - 1);
	return 0;
}

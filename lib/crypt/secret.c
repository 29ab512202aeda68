/* SPDX-License-Identifier: MIT */
#include "lib/crypt/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/crypto.h>

#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"

#define PAGE 4096

static size_t whole_pages(size_t len)
{
	if (len > SIZE_MAX / 2)
		mem_exhausted();
	return (len + PAGE - 1) / PAGE * PAGE;
}

/*
 * State: `spares` holds pages that were given back, cleared and still locked, for the next
 * secret. Most secrets live for microseconds, and locking pages takes longer than their use.
 */
enum { SPARE_LEN = 2 * PAGE, SPARES = 4 };
static _Atomic(char *) spares[SPARES];

static char *spare_take(size_t size)
{
	char *pages = NULL;

	for (size_t i = 0; size == SPARE_LEN && !pages && i < SPARES; i++)
		pages = atomic_exchange(&spares[i], NULL);
	return pages;
}

/* Keeps the pages as spare ones; false when there are enough. */
static bool spare_keep(char *pages, size_t size)
{
	for (size_t i = 0; size == SPARE_LEN && i < SPARES; i++) {
		char *none = NULL;

		if (atomic_compare_exchange_strong(&spares[i], &none, pages))
			return true;
	}
	return false;
}

static char *pages_take(size_t size)
{
	char *pages = spare_take(size);

	if (pages)
		return pages;
	pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		mem_exhausted();
	/* RLIMIT_MEMLOCK may be small; an unlocked secret is still usable. */
	(void)mlock(pages, size);
	(void)madvise(pages, size, MADV_DONTDUMP);
	return pages;
}

/* Each secret has pages of its own, so that unlocking one never unlocks another. */
static void secret_reserve(struct secret *secret, size_t len)
{
	struct secret bigger = { .len = secret->len };

	if (secret->size > len)
		return;
	bigger.size = whole_pages(len + 1 > secret->size * 2 ? len + 1 : secret->size * 2);
	if (bigger.size < SPARE_LEN)
		bigger.size = SPARE_LEN;
	bigger.data = pages_take(bigger.size);
	if (secret->len)
		memcpy(bigger.data, secret->data, secret->len);
	secret_done(secret);
	*secret = bigger;
}

void secret_done(struct secret *secret)
{
	if (secret->data) {
		OPENSSL_cleanse(secret->data, secret->size);
		if (!spare_keep(secret->data, secret->size))
			munmap(secret->data, secret->size);
	}
	*secret = (struct secret)SECRET_INIT;
}

void secret_add(struct secret *secret, const void *data, size_t len)
{
	if (len == 0)
		return;
	secret_reserve(secret, secret->len + len);
	memcpy(secret->data + secret->len, data, len);
	secret->len += len;
	secret->data[secret->len] = 0;
}

void secret_move(struct secret *to, struct secret *from)
{
	secret_done(to);
	*to = *from;
	*from = (struct secret)SECRET_INIT;
}

int secret_read_fd(int fd, size_t limit, struct secret *out, struct err *err)
{
	struct secret all AUTO_SECRET = SECRET_INIT;

	for (;;) {
		ssize_t n;

		secret_reserve(&all, all.len + PAGE);
		n = read(fd, all.data + all.len, all.size - 1 - all.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, ERR_IO, errno, "cannot read");
		if (n == 0)
			break;
		all.len += (size_t)n;
		if (all.len > limit)
			return err_set(err, ERR_TOO_LARGE, "larger than %zu bytes", limit);
	}
	all.data[all.len] = 0;
	secret_add(out, all.data, all.len);
	return 0;
}

int secret_read(int dirfd, const char *path, size_t limit, struct secret *out, struct err *err)
{
	int fd AUTO_CLOSE =
		openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : err_code_of_errno(errno),
			errno, "cannot open %s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, ERR_IO, "%s is not a regular file", path);
	if (secret_read_fd(fd, limit, out, err) < 0)
		return err_add(err, "%s", path);
	return 0;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
	return a->len == b->len &&
	       (a->len == 0 || CRYPTO_memcmp(a->data, b->data, a->len) == 0);
}

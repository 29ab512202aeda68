/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/conf/index.h"
#include "daemon/keeper/store/store_private.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/*
 * facts/index, a text of lines:
 *
 *   certd-index 1
 *   CERT TAB SIGNATURE TAB FACTS      in the order of the configuration
 *   end COUNT SUM
 *
 * The signature is ctime and inode of the certificate's directory, of its versions/ and of its
 * facts file.  No user can set a ctime, and every change the store makes changes one of the
 * three (temporaries of a certificate are made in its directory).  Two changes within one tick
 * of the clock have the same ctime; so certificates changed within the last seconds are left
 * out, and read afresh next time.  SUM is a checksum over all that comes before, because the
 * file is not synced: losing it costs time only.
 */

#define INDEX_MAX ((size_t)1 << 30)
#define INDEX_HEAD "certd-index 1\n"
/* More than the granularity of any file system's times. */
#define FRESH SECONDS(3)
/* From so many changed certificates on, their keys are compared when they are used, not now. */
#define DEEP_MAX 256
#define SIGNATURE_LEN 128
#define WRITE_CHUNK 65536

struct signature {
	char text[SIGNATURE_LEN];
	bool is_fresh; /* changed so lately that it proves nothing */
};

/* The index as read, and how far the walk through it has come. */
/*
 * States: an index lives for one walk over all certificates.  The text is read whole and
 * checked by its sum; a walk takes its lines in order, skipping those of certificates that are
 * gone.  A line whose signature still holds stands for the certificate, else its directories
 * are read.  The new text is collected on the way and written at the end.
 */
struct index {
	struct buf text;
	char *at; /* the next line; NULL: no more */
};

struct line {
	const char *cert, *signature, *facts;
};

static uint64_t sum_add(uint64_t sum, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ p[i]) * UINT64_C(0x100000001b3);
	return sum;
}

#define SUM_INIT UINT64_C(0xcbf29ce484222325)

/* printf() would cost as much as asking the kernel. */
static void add_number(struct signature *out, size_t *len, uint64_t number, char end)
{
	static const char digits[] = "0123456789abcdef";
	char text[16];
	size_t n = 0;

	do
		text[n++] = digits[number & 15];
	while (number >>= 4);
	assert(*len + n + 2 < SIGNATURE_LEN);
	while (n > 0)
		out->text[(*len)++] = text[--n];
	out->text[(*len)++] = end;
	out->text[*len] = 0;
}

static int sign_one(
	int dirfd, const char *path, struct instant now, size_t *len, struct signature *out)
{
	struct stat st;

	if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return -1;
		memcpy(out->text + *len, "-,", 3);
		*len += 2;
		return 0;
	}
	if (st.st_ctim.tv_sec > instant_sub(now, FRESH).s)
		out->is_fresh = true;
	add_number(out, len, (uint64_t)st.st_ctim.tv_sec, '.');
	add_number(out, len, (uint64_t)st.st_ctim.tv_nsec, '.');
	add_number(out, len, st.st_ino, ',');
	return 0;
}

/* Takes the signature of a certificate from the disk; -1 when that cannot be told. */
static int sign(
	struct store *store, const char *cert, struct instant now, struct signature *out)
{
	static const char below[] = "/versions";
	char versions[600];
	size_t len = 0, n = strlen(cert);

	out->is_fresh = false;
	if (n > sizeof(versions) - sizeof(below))
		return -1;
	memcpy(versions, cert, n);
	memcpy(versions + n, below, sizeof(below));
	if (sign_one(store->certs, cert, now, &len, out) < 0 ||
		sign_one(store->certs, versions, now, &len, out) < 0 ||
		sign_one(store->facts, cert, now, &len, out) < 0)
		return -1;
	return 0;
}

/* Whole, ours and in the form we write?  *body_len: the bytes between head and end. */
static bool index_is_whole(const struct buf *text, size_t *body_len)
{
	static const char head[] = INDEX_HEAD;
	size_t end = text->len, n_lines = 0;
	char want[80];

	if (text->len < sizeof(head) || memcmp(text->data, head, sizeof(head) - 1) != 0 ||
		text->data[end - 1] != '\n' || memchr(text->data, 0, text->len))
		return false;
	for (end--; end > 0 && text->data[end - 1] != '\n'; end--)
		;
	if (end < sizeof(head) - 1)
		return false;
	for (const char *p = text->data; (p = memchr(p, '\n', (size_t)(text->data + end - p)));
		p++)
		n_lines++;
	snprintf(want, sizeof(want), "end %zu %016" PRIx64 "\n", n_lines - 1,
		sum_add(SUM_INIT, text->data, end));
	*body_len = end - (sizeof(head) - 1);
	return str_is(text->data + end, want);
}

static void index_open(struct store *store, struct index *index)
{
	int fd AUTO_CLOSE =
		openat(store->facts, "index", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct err err = ERR_INIT;
	struct stat st;
	size_t body;

	*index = (struct index){ .text = BUF_INIT };
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != store->uid ||
		st.st_size < 0 || (uint64_t)st.st_size > INDEX_MAX)
		return;
	buf_reserve(&index->text, (size_t)st.st_size + 32768);
	if (file_read_fd(fd, INDEX_MAX, &index->text, &err) < 0 ||
		!index_is_whole(&index->text, &body)) {
		log_debug(NULL, "the index is of no use: %s", err.text);
		return;
	}
	index->at = index->text.data + strlen(INDEX_HEAD);
	index->at[body] = 0;
}

/* The line of `cert`, when the index has it; certificates are asked for in rising order. */
static bool index_find(struct index *index, const char *cert, struct line *out)
{
	while (index->at && *index->at) {
		char *start = index->at, *end = strchr(start, '\n'), *tab = strchr(start, '\t');
		char *second = tab ? strchr(tab + 1, '\t') : NULL;
		int order;

		if (!end || !second || second > end) {
			index->at = NULL;
			return false;
		}
		*tab = 0;
		order = strcmp(start, cert);
		if (order > 0) {
			*tab = '\t';
			return false;
		}
		index->at = end + 1;
		if (order == 0) {
			*second = *end = 0;
			*out = (struct line){ start, tab + 1, second + 1 };
			return true;
		}
	}
	return false;
}

/*
 * The callback of the walk over all certificates.  `signature` is NULL when the line may not be
 * kept; `err` is set when there is no line.
 */
typedef void walk_tell(const char *cert, const struct signature *signature, const char *line,
	const struct err *err, void *data);

static void read_afresh(struct store *store, const char *cert, enum depth depth,
	struct instant now, walk_tell *tell, void *data)
{
	struct buf text AUTO_BUF = BUF_INIT;
	struct signature signature;
	struct cert_facts facts;
	struct err err;
	bool is_signed;

	if (facts_gather(store, cert, depth, &facts, &err) < 0) {
		tell(cert, NULL, NULL, &err, data);
		return;
	}
	/* Taken after the reading, which may repair: only we change the tree. */
	is_signed = sign(store, cert, now, &signature) == 0 && !signature.is_fresh;
	facts_write(&facts, &text);
	facts_done(&facts);
	tell(cert, is_signed ? &signature : NULL, buf_text(&text), NULL, data);
}

static void walk(struct store *store, const struct conf *conf, struct index *index,
	walk_tell *tell, void *data)
{
	/* One moment for all: what changes while we walk is fresh by it. */
	struct instant now = clock_now();
	size_t n_afresh = 0;

	for (size_t i = 0; i < conf->n_certs; i++) {
		const char *cert = conf_cert_at(conf, i)->name;
		struct signature signature;
		struct line line;

		if (index_find(index, cert, &line) && sign(store, cert, now, &signature) == 0 &&
			!signature.is_fresh && str_is(signature.text, line.signature)) {
			tell(cert, &signature, line.facts, NULL, data);
			continue;
		}
		store->is_dirty = true;
		read_afresh(store, cert, n_afresh++ < DEEP_MAX ? DEPTH_PROVEN : DEPTH_FACTS,
			now, tell, data);
	}
}

/* A new index on its way; `fd` is -1 when none is being written. */
struct writer {
	char temp[TEMP_NAME_LEN];
	int fd;
	uint64_t sum;
	size_t n_lines, n_left_out;
	struct buf pending;
	bool failed;
	struct err err;
};

static void writer_flush(struct writer *w)
{
	w->sum = sum_add(w->sum, w->pending.data, w->pending.len);
	if (!w->failed && file_write_fd(w->fd, w->pending.data, w->pending.len, &w->err) < 0)
		w->failed = true;
	buf_clear(&w->pending);
}

static int writer_open(struct store *store, struct writer *w, struct err *err)
{
	*w = (struct writer){ .sum = SUM_INIT };
	store_temp_name(w->temp);
	w->fd = openat(store->facts, w->temp,
		O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (w->fd < 0)
		return err_sys(err, err_code_of_errno(errno), errno, "cannot write the index");
	buf_add_text(&w->pending, INDEX_HEAD);
	return 0;
}

/* Puts the new index in place of the old one, or leaves the old one and nothing else. */
static int writer_close(struct store *store, struct writer *w, struct err *err)
{
	writer_flush(w);
	buf_printf(&w->pending, "end %zu %016" PRIx64 "\n", w->n_lines, w->sum);
	writer_flush(w);
	buf_done(&w->pending);
	file_closep(&w->fd);
	if (!w->failed && renameat(store->facts, w->temp, store->facts, "index") < 0) {
		err_sys(&w->err, err_code_of_errno(errno), errno, "cannot rename it");
		w->failed = true;
	}
	if (w->failed) {
		unlinkat(store->facts, w->temp, 0);
		*err = w->err;
		return err_add(err, "cannot write the index");
	}
	store->is_dirty = w->n_left_out != 0;
	return 0;
}

static void write_line(const char *cert, const struct signature *signature, const char *line,
	const struct err *err, void *data)
{
	struct writer *w = data;

	(void)err;
	if (!signature || !line) {
		w->n_left_out++;
		return;
	}
	buf_printf(&w->pending, "%s\t%s\t", cert, signature->text);
	buf_add_text(&w->pending, line);
	buf_add_char(&w->pending, '\n');
	w->n_lines++;
	if (w->pending.len >= WRITE_CHUNK)
		writer_flush(w);
}

struct read_all {
	void (*tell)(const char *cert, const char *line, const struct err *err, void *data);
	void *data;
	struct writer writer;
};

static void tell_line(const char *cert, const struct signature *signature, const char *line,
	const struct err *err, void *data)
{
	struct read_all *all = data;

	all->tell(cert, line, err, all->data);
	if (all->writer.fd >= 0)
		write_line(cert, signature, line, err, &all->writer);
}

void store_read_all(struct store *store, const struct conf *conf,
	void (*tell)(const char *cert, const char *line, const struct err *err, void *data),
	void *data)
{
	struct read_all all = { .tell = tell, .data = data, .writer = { .fd = -1 } };
	struct index index;
	struct err err;

	index_open(store, &index);
	/* Without an index everything is read, which is not to be done twice. */
	if (!index.at && writer_open(store, &all.writer, &err) < 0)
		log_debug(NULL, "%s", err.text);
	walk(store, conf, &index, tell_line, &all);
	if (all.writer.fd >= 0 && writer_close(store, &all.writer, &err) < 0)
		log_debug(NULL, "%s", err.text);
	buf_done(&index.text);
}

bool store_has_changed(const struct store *store)
{
	return store->is_dirty;
}

int store_write_index(struct store *store, const struct conf *conf, struct err *err)
{
	struct writer writer;
	struct index index;

	if (!store->is_dirty)
		return 0;
	if (writer_open(store, &writer, err) < 0)
		return -1;
	index_open(store, &index);
	walk(store, conf, &index, write_line, &writer);
	buf_done(&index.text);
	return writer_close(store, &writer, err);
}

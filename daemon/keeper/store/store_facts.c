/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keeper/store/store_private.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"

/*
 * facts/GROUP/SERVICE: one line in facts_write() form, with only what no version can say, the
 * failure, what the CA said about renewal, and the targets.  No file means that there is
 * nothing to say.
 */

#define FACTS_MAX ((size_t)1024 * 1024)

/* Parses the content of a facts file: exactly one line of text. */
static int facts_decode(struct buf *text, struct cert_facts *out, struct err *err)
{
	if (text->len == 0 || text->data[text->len - 1] != '\n')
		return err_set(err, ERR_BROKEN_STORE, "the last line has no end");
	text->data[--text->len] = 0;
	if (strlen(text->data) != text->len || strchr(text->data, '\n'))
		return err_set(err, ERR_BROKEN_STORE, "it is not one line of text");
	return facts_parse(text->data, out, err);
}

static int read_facts_file(
	const struct cert_dir *dir, int group, struct cert_facts *out, struct err *err)
{
	int fd AUTO_CLOSE =
		openat(group, dir->service, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct buf text AUTO_BUF = BUF_INIT;
	struct stat st;

	if (fd < 0)
		return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno,
			"cannot open the facts");
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, ERR_BROKEN_STORE, "the facts are not a file");
	if (store_check_owner(dir->store, fd, "the facts file", err) < 0 ||
		file_read_fd(fd, FACTS_MAX, &text, err) < 0)
		return -1;
	return facts_decode(&text, out, err);
}

/*
 * Failure, renewal and targets; the caller owns them.  Facts that cannot be used are moved away
 * and are no reason to stop: what they tell was seen, and will be seen again.
 */
static void load_facts_file(const struct cert_dir *dir, struct cert_facts *out)
{
	struct err why = ERR_INIT, err;
	int group AUTO_CLOSE = file_open_dir(dir->store->facts, dir->group, &why);

	if (group >= 0 && read_facts_file(dir, group, out, &why) == 0)
		return;
	*out = (struct cert_facts){ 0 };
	if (why.code == ERR_NOT_FOUND)
		return;
	if (group < 0)
		log_event(&dir->log, EVENT_STORE_QUARANTINED, &why,
			"the facts of %s are ignored", dir->cert);
	else if (store_quarantine(dir, group, dir->service, "facts", &why, &err) < 0)
		log_event(&dir->log, EVENT_STORE_QUARANTINED, &err,
			"the facts of %s are ignored", dir->cert);
}

int facts_gather(struct store *store, const char *cert, enum depth depth,
	struct cert_facts *out, struct err *err)
{
	char *name AUTO_FREE = mem_strdup(cert);
	struct cert_dir dir AUTO_CERT_DIR;
	struct cert_facts kept, facts;
	int result = 0;

	if (cert_dir_open(store, cert, false, &dir, err) < 0)
		return -1;
	if (dir.fd >= 0) {
		store_sweep(dir.fd);
		if (facts_unpark(&dir, err) < 0)
			return err_add(err, "%s", cert);
	}
	load_facts_file(&dir, &kept);
	facts = (struct cert_facts){ .cert = name,
		.failure = kept.failure,
		.ari = kept.ari,
		.order = kept.order,
		.revocation = kept.revocation,
		.targets = kept.targets,
		.n_targets = kept.n_targets };
	if (dir.fd >= 0)
		result = links_settle(&dir, depth, &facts, NULL, err);
	if (result == 0)
		facts_copy(&facts, out);
	facts_done(&kept);
	return result < 0 ? err_add(err, "%s", cert) : 0;
}

int store_read(struct store *store, const char *cert, struct cert_facts *out, struct err *err)
{
	return facts_gather(store, cert, DEPTH_PROVEN, out, err);
}

static int remove_facts(int group, const char *service, struct err *err)
{
	if (unlinkat(group, service, 0) == 0)
		return file_sync_dir(group, ".", err);
	if (errno == ENOENT)
		return 0;
	return err_sys(err, err_code_of_errno(errno), errno, "cannot remove the facts");
}

static int write_facts(
	const struct cert_dir *dir, const struct cert_facts *facts, struct err *err)
{
	int group AUTO_CLOSE = store_make_dir(dir->store->facts, dir->group, err);
	struct buf text AUTO_BUF = BUF_INIT;
	struct cert_facts only = *facts;

	if (group < 0 || store_check_owner(dir->store, group, dir->group, err) < 0)
		return -1;
	if (facts->failure.code == ERR_NONE && facts->n_targets == 0 &&
		!version_is_set(&facts->ari.of) && !facts->order.url &&
		!version_is_set(&facts->revocation.of))
		return remove_facts(group, dir->service, err);
	only.curr = only.next = (struct version_facts){ 0 };
	only.prev = (struct version_id){ 0 };
	facts_write(&only, &text);
	buf_add_char(&text, '\n');
	if (text.len > FACTS_MAX)
		return err_set(
			err, ERR_TOO_LARGE, "the facts have more than %zu bytes", FACTS_MAX);
	return store_replace(dir->store->facts, group, dir->service, &text, FILE_SECRET, err);
}

int store_write_facts(struct store *store, const struct cert_facts *facts, struct err *err)
{
	struct cert_dir dir AUTO_CERT_DIR;

	if (cert_dir_open(store, facts->cert, false, &dir, err) < 0)
		return -1;
	store->is_dirty = true;
	if (write_facts(&dir, facts, err) < 0)
		return err_add(err, "cannot keep the facts of %s", facts->cert);
	return 0;
}

/* Renames and makes both directories durable; that there is nothing to move is success. */
static int move(int from_dir, const char *from, int to_dir, const char *to, struct err *err)
{
	if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) < 0) {
		if (errno == ENOENT)
			return 0;
		return err_sys(err, err_code_of_errno(errno), errno, "cannot move the facts");
	}
	if (file_sync_dir(to_dir, ".", err) < 0)
		return -1;
	return file_sync_dir(from_dir, ".", err);
}

int facts_park(const struct cert_dir *dir, struct err *err)
{
	int group AUTO_CLOSE = file_open_dir(dir->store->facts, dir->group, err);

	if (group < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	if (file_exists(dir->fd, PARKED_FACTS) && file_exists(group, dir->service) &&
		file_remove_tree(dir->fd, PARKED_FACTS, err) < 0)
		return -1;
	return move(group, dir->service, dir->fd, PARKED_FACTS, err);
}

int facts_unpark(const struct cert_dir *dir, struct err *err)
{
	int group AUTO_CLOSE = -1;

	if (!file_exists(dir->fd, PARKED_FACTS))
		return 0;
	group = store_make_dir(dir->store->facts, dir->group, err);
	if (group < 0)
		return -1;
	if (file_exists(group, dir->service))
		return file_remove_tree(dir->fd, PARKED_FACTS, err);
	return move(dir->fd, PARKED_FACTS, group, dir->service, err);
}

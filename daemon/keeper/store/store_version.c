/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keeper/store/info.h"
#include "daemon/keeper/store/store_private.h"
#include "daemon/keeper/store/version.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/chain.h"
#include "lib/crypt/key.h"

const struct version_file_kind version_file_kinds[] = {
	{ "privkey.pem", true, offsetof(struct version_files, privkey) },
	{ "csr.pem", false, offsetof(struct version_files, csr) },
	{ "cert.pem", false, offsetof(struct version_files, cert) },
	{ "chain.pem", false, offsetof(struct version_files, chain) },
	{ "fullchain.pem", false, offsetof(struct version_files, fullchain) },
	{ "bundle.pem", true, offsetof(struct version_files, bundle) },
	{ "tlsa.rr", false, offsetof(struct version_files, tlsa) },
	{ "info", false, offsetof(struct version_files, info) },
};
const size_t n_version_file_kinds = ARRAY_LEN(version_file_kinds);

const char *version_path(const struct version_id *id, char out[VERSION_PATH_LEN])
{
	char text[VERSION_ID_TEXT_LEN];

	snprintf(out, VERSION_PATH_LEN, "versions/%s", version_id_text(id, text));
	return out;
}

/*
 * Judges a file that should be there.  Only info may be missing: its content can be had from
 * the certificate.
 */
static enum verdict check_file(const struct cert_dir *dir, int fd,
	const struct version_file_kind *kind, struct err *err)
{
	struct stat st;

	if (fstatat(fd, kind->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT && kind->at == offsetof(struct version_files, info))
			return VERSION_WHOLE;
		err_sys(err, ERR_BROKEN_STORE, errno, "%s", kind->name);
		return errno == ENOENT ? VERSION_DAMAGED : VERSION_UNUSABLE;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(err, ERR_BROKEN_STORE, "%s is not a file", kind->name);
		return VERSION_DAMAGED;
	}
	if (st.st_uid != dir->store->uid) {
		err_set(err, ERR_BROKEN_STORE, "%s belongs to user %u, not to user %u",
			kind->name, (unsigned)st.st_uid, (unsigned)dir->store->uid);
		return VERSION_UNUSABLE;
	}
	if (kind->is_secret && st.st_mode & 077) {
		if (fchmodat(fd, kind->name, 0600, 0) < 0) {
			err_sys(err, err_code_of_errno(errno), errno,
				"%s is open to others and cannot be closed", kind->name);
			return VERSION_UNUSABLE;
		}
		log_event(&dir->log, EVENT_STORE_REPAIRED, NULL,
			"%s of %s could be read by others and was closed", kind->name,
			dir->cert);
	}
	return VERSION_WHOLE;
}

/* A file that cannot be read is no proof of damage, unlike one whose content makes no sense. */
static enum verdict verdict_of(const struct err *err)
{
	switch (err->code) {
	case ERR_IO:
	case ERR_NO_RIGHTS:
		return VERSION_UNUSABLE;
	default:
		return VERSION_DAMAGED;
	}
}

static enum verdict read_cert(int fd, struct cert **out, struct err *err)
{
	struct buf pem AUTO_BUF = BUF_INIT;

	if (file_read(fd, "cert.pem", CERT_MAX, &pem, err) < 0)
		return verdict_of(err);
	if (cert_read(pem.data, pem.len, out, err) < 0) {
		err_add(err, "cert.pem");
		return VERSION_DAMAGED;
	}
	return VERSION_WHOLE;
}

/* No private key is ever beside the wrong certificate. */
static enum verdict check_key(int fd, const struct cert *cert, struct err *err)
{
	struct secret pem AUTO_SECRET = SECRET_INIT;
	struct key *key AUTO_KEY = NULL;

	if (secret_read(fd, "privkey.pem", KEY_PEM_MAX, &pem, err) < 0)
		return verdict_of(err);
	if (key_read(pem.data, pem.len, &key, err) < 0) {
		err_add(err, "privkey.pem");
		return VERSION_DAMAGED;
	}
	if (!cert_has_key(cert, key)) {
		err_set(err, ERR_BROKEN_STORE, "privkey.pem is not the key of cert.pem");
		return VERSION_DAMAGED;
	}
	return VERSION_WHOLE;
}

/* The same at a glance, for files that were not touched since they were written. */
static bool is_as_written(int fd, const char *info, const struct version_facts *said)
{
	struct secret privkey AUTO_SECRET = SECRET_INIT;
	struct buf cert AUTO_BUF = BUF_INIT;
	struct err ignored;

	return file_read(fd, "cert.pem", CERT_MAX, &cert, &ignored) == 0 &&
	       secret_read(fd, "privkey.pem", KEY_PEM_MAX, &privkey, &ignored) == 0 &&
	       proof_compare(&cert, &privkey, info, said);
}

static int write_info(
	const struct cert_dir *dir, int fd, const struct buf *text, struct err *err)
{
	dir->store->is_dirty = true;
	return store_replace(dir->fd, fd, "info", text, FILE_PUBLIC, err);
}

/* The certificate knows most of what the info file said. */
static enum verdict rebuild_info(const struct cert_dir *dir, int fd, const struct cert *cert,
	struct version_facts *facts, struct err *err)
{
	struct buf pem AUTO_BUF = BUF_INIT, text AUTO_BUF = BUF_INIT;
	struct chain chain AUTO_CHAIN = CHAIN_INIT;
	struct err ignored, why = *err;

	if (file_read(fd, "chain.pem", CHAIN_PEM_MAX, &pem, &ignored) < 0 ||
		chain_read(pem.data, pem.len, &chain, &ignored) < 0)
		chain_done(&chain);
	info_from_cert(cert, chain.n ? chain.at[0] : NULL, facts->id.made, facts);
	info_write(facts, cert, "unknown", &text);
	if (write_info(dir, fd, &text, err) < 0)
		return VERSION_UNUSABLE;
	log_event(&dir->log, EVENT_STORE_REPAIRED, &why,
		"the info file of a version of %s was made anew from its certificate",
		dir->cert);
	return VERSION_WHOLE;
}

static enum verdict load(const struct cert_dir *dir, int fd, enum depth depth,
	struct version_facts *facts, struct err *err)
{
	struct version_id id = facts->id;
	struct buf text AUTO_BUF = BUF_INIT;
	struct cert *cert AUTO_CERT = NULL;
	enum verdict verdict;
	struct proof proof;
	bool has_info;

	if (depth != DEPTH_FACTS && proof_take(fd, &proof) && depth == DEPTH_PROVEN &&
		proof_holds(dir->store, &proof))
		depth = DEPTH_FACTS;
	for (size_t i = 0; i < n_version_file_kinds; i++) {
		verdict = check_file(dir, fd, &version_file_kinds[i], err);
		if (verdict != VERSION_WHOLE)
			return verdict;
	}
	has_info = file_read(fd, "info", INFO_MAX, &text, err) == 0;
	if (!has_info && verdict_of(err) == VERSION_UNUSABLE)
		return VERSION_UNUSABLE;
	has_info = has_info && strlen(buf_text(&text)) == text.len &&
		   info_parse(buf_text(&text), facts, err) == 0;
	facts->id = id;
	if (has_info && depth == DEPTH_FACTS)
		return VERSION_WHOLE;
	if (has_info && is_as_written(fd, buf_text(&text), facts)) {
		proof_keep(dir->store, &proof);
		return VERSION_WHOLE;
	}
	verdict = read_cert(fd, &cert, err);
	if (verdict == VERSION_WHOLE && depth != DEPTH_FACTS)
		verdict = check_key(fd, cert, err);
	if (verdict != VERSION_WHOLE)
		return verdict;
	if (has_info) {
		uint8_t spki[SHA256_LEN];

		cert_spki_sha256(cert, spki);
		if (memcmp(spki, facts->spki, sizeof(spki)) == 0 &&
			cert_not_after(cert).s == facts->not_after.s) {
			if (depth != DEPTH_FACTS)
				proof_keep(dir->store, &proof);
			return VERSION_WHOLE;
		}
		err_set(err, ERR_BROKEN_STORE, "it is of another certificate");
	}
	return rebuild_info(dir, fd, cert, facts, err);
}

enum verdict version_load(const struct cert_dir *dir, const struct version_id *id,
	enum depth depth, struct version_facts *out, struct err *err)
{
	struct version_facts facts = { .id = *id };
	char path[VERSION_PATH_LEN], text[VERSION_ID_TEXT_LEN];
	int fd AUTO_CLOSE = openat(dir->fd, version_path(id, path),
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	enum verdict verdict;

	*err = (struct err)ERR_INIT;
	if (fd < 0) {
		verdict = errno == ENOENT                      ? VERSION_MISSING
			  : errno == ENOTDIR || errno == ELOOP ? VERSION_DAMAGED
							       : VERSION_UNUSABLE;
		err_sys(err, ERR_BROKEN_STORE, errno, "cannot open %s", path);
		return verdict;
	}
	if (store_check_owner(dir->store, fd, path, err) < 0)
		return VERSION_UNUSABLE;
	verdict = load(dir, fd, depth, &facts, err);
	if (verdict == VERSION_WHOLE)
		*out = facts;
	else
		err_add(err, "version %s", version_id_text(id, text));
	return verdict;
}

int version_quarantine(const struct cert_dir *dir, const struct version_id *id,
	const struct err *why, struct err *err)
{
	int versions AUTO_CLOSE = file_open_dir(dir->fd, "versions", err);
	char text[VERSION_ID_TEXT_LEN];

	if (versions < 0)
		return -1;
	(void)version_leaves(dir, id, err); /* a damaged version has to go in any case */
	version_id_text(id, text);
	return store_quarantine(dir, versions, text, text, why, err);
}

int version_set_time(const struct cert_dir *dir, const struct version_id *id, const char *key,
	struct instant t, struct err *err)
{
	struct buf old AUTO_BUF = BUF_INIT, new AUTO_BUF = BUF_INIT;
	char path[VERSION_PATH_LEN];
	int fd AUTO_CLOSE = file_open_dir(dir->fd, version_path(id, path), err);

	if (fd < 0 || file_read(fd, "info", INFO_MAX, &old, err) < 0)
		return -1;
	info_set_time(buf_text(&old), key, t, &new);
	return write_info(dir, fd, &new, err);
}

int store_set_revoked(struct store *store, const char *cert, const struct version_id *version,
	struct instant now, struct err *err)
{
	char text[VERSION_ID_TEXT_LEN];
	struct cert_dir dir AUTO_CERT_DIR;
	struct version_facts facts;

	if (cert_dir_open(store, cert, false, &dir, err) < 0)
		return -1;
	switch (dir.fd < 0 ? VERSION_MISSING
			   : version_load(&dir, version, DEPTH_FACTS, &facts, err)) {
	case VERSION_WHOLE:
		break;
	case VERSION_MISSING:
		return err_set(err, ERR_NO_SUCH_VERSION, "%s has no version %s", cert,
			version_id_text(version, text));
	case VERSION_DAMAGED:
	case VERSION_UNUSABLE:
	default:
		return err_add(err, "%s", cert);
	}
	if (instant_is_set(facts.revoked))
		return 0;
	if (version_set_time(&dir, version, "revoked", now, err) < 0)
		return err_add(err, "%s", cert);
	return 0;
}

struct listing {
	const struct cert_dir *dir;
	struct version_facts *list;
	size_t n, size;
};

static int list_one(const char *name, void *data)
{
	struct listing *l = data;
	struct version_facts facts;
	struct version_id id;
	struct err why;

	if (version_id_parse(name, &id, &why) < 0)
		return 0;
	if (version_load(l->dir, &id, DEPTH_FACTS, &facts, &why) != VERSION_WHOLE) {
		log_debug(&l->dir->log, "%s", why.text);
		return 0;
	}
	if (l->n == l->size) {
		l->size = l->size ? l->size * 2 : 8;
		l->list = mem_grow(l->list, l->size, sizeof(*l->list));
	}
	l->list[l->n++] = facts;
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	const struct version_facts *va = a, *vb = b;

	return version_id_compare(&vb->id, &va->id);
}

int version_list(
	const struct cert_dir *dir, struct version_facts **out, size_t *n, struct err *err)
{
	struct listing l = { .dir = dir };

	*out = NULL;
	*n = 0;
	if (dir->fd < 0)
		return 0;
	*err = (struct err)ERR_INIT;
	if (store_each_entry(dir->fd, "versions", list_one, &l, err) < 0 &&
		err->code != ERR_NOT_FOUND) {
		free(l.list);
		return -1;
	}
	if (l.n)
		qsort(l.list, l.n, sizeof(*l.list), newest_first);
	*out = l.list;
	*n = l.n;
	return 0;
}

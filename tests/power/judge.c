/* SPDX-License-Identifier: MIT */
#include "tests/power/judge.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keeper/store/store.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/key.h"
#include "tests/power/life.h"
#include "tests/power/scene.h"
#include "tests/power/told.h"
#include "tests/power/trace.h"

enum { READ_MAX = 1 << 20 };

static bool read_text(int dir, const char *name, struct buf *out)
{
	struct err ignored;

	return file_read(dir, name, READ_MAX, out, &ignored) == 0;
}

static void add(struct buf *out, const struct buf *more)
{
	buf_add(out, buf_text(more), more->len);
}

/* Checks key, certificate and the files made of them in one directory. */
static bool is_pair(int dir, const char *whole, const char *bundle, struct buf *why)
{
	struct buf key_pem AUTO_BUF = BUF_INIT, cert_pem AUTO_BUF = BUF_INIT,
			   chain AUTO_BUF = BUF_INIT, full AUTO_BUF = BUF_INIT,
			   all AUTO_BUF = BUF_INIT, want AUTO_BUF = BUF_INIT;
	struct cert *cert AUTO_CERT = NULL;
	struct key *key AUTO_KEY = NULL;
	struct err err;

	if (!read_text(dir, "privkey.pem", &key_pem) ||
		!read_text(dir, "cert.pem", &cert_pem) ||
		!read_text(dir, "chain.pem", &chain) || !read_text(dir, whole, &full) ||
		!read_text(dir, bundle, &all) ||
		key_read(buf_text(&key_pem), key_pem.len, &key, &err) < 0 ||
		cert_read(buf_text(&cert_pem), cert_pem.len, &cert, &err) < 0 ||
		!cert_has_key(cert, key)) {
		buf_add_text(why, "key and certificate are no pair; ");
		return false;
	}
	add(&want, &cert_pem);
	/* A root is its own chain. */
	if (!str_is(buf_text(&cert_pem), buf_text(&chain)))
		add(&want, &chain);
	if (!str_is(buf_text(&want), buf_text(&full))) {
		buf_printf(why, "%s is of another certificate; ", whole);
		return false;
	}
	buf_clear(&want);
	add(&want, &key_pem);
	add(&want, &full);
	if (!str_is(buf_text(&want), buf_text(&all))) {
		buf_printf(why, "%s is of another certificate; ", bundle);
		return false;
	}
	return true;
}

/* Checks that the target has no files, or a whole version that the server's user can read. */
static bool serves_whole(const char *target, bool is_repaired, struct buf *why)
{
	char *place AUTO_FREE = mem_printf("%s/" LIFE_CERT, target);
	char *curr AUTO_FREE = mem_printf("%s/curr", place);
	int dir AUTO_CLOSE = openat(life_root_fd, curr, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (dir < 0 && file_exists(life_root_fd, curr)) {
		buf_printf(why, "%s leads nowhere; ", curr);
		return false;
	}
	if (dir < 0)
		return true;
	if (!is_pair(dir, "fullchain.pem", "bundle.pem", why) ||
		(str_is(target, LIFE_DEEP) &&
			!is_pair(dir, "fullchain.pem", "combined.pem", why))) {
		buf_printf(why, "in %s; ", curr);
		return false;
	}
	for (char *end = place + strlen(place); is_repaired && end; end = strrchr(place, '/')) {
		*end = 0;
		if (stat("/", &st) < 0 || fstatat(life_root_fd, place, &st, 0) < 0 ||
			(st.st_mode & 0777) != 0755) {
			buf_printf(why, "%s has the mode %o; ", place, st.st_mode & 0777);
			return false;
		}
	}
	return true;
}

/*
 * Walks the state directory: files with keys are closed to others, and no temporary file
 * remains after a repair.
 */
static bool is_tidy(int parent, const char *name, bool is_repaired, struct buf *why)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);
	bool result = true;

	for (struct dirent *e; entries && (e = readdir(entries));) {
		struct stat st;

		if (str_is(e->d_name, ".") || str_is(e->d_name, "..") ||
			fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (is_repaired && str_starts(e->d_name, FILE_TEMP_PREFIX)) {
			buf_printf(why, "%s/%s is left; ", name, e->d_name);
			result = false;
		}
		if (S_ISDIR(st.st_mode))
			result &= is_tidy(fd, e->d_name, is_repaired, why);
		if (S_ISREG(st.st_mode) && st.st_mode & 077 &&
			(strstr(e->d_name, "key") || str_is(e->d_name, "bundle.pem"))) {
			buf_printf(why, "%s/%s is open to others; ", name, e->d_name);
			result = false;
		}
	}
	if (entries)
		closedir(entries);
	return result;
}

static size_t count(const char *path)
{
	int fd = openat(life_root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);
	size_t n = 0;

	for (struct dirent *e; entries && (e = readdir(entries));)
		n += !str_is(e->d_name, ".") && !str_is(e->d_name, "..");
	if (entries)
		closedir(entries);
	return n;
}

/*
 * After the sweep the include file has only its heading; removals in DNS are still journalled.
 */
static bool is_withdrawn(struct buf *why)
{
	struct buf lines AUTO_BUF = BUF_INIT;

	if (count("www") != 0)
		buf_add_text(why, "something stays in the webroot; ");
	else if (!read_text(life_root_fd, "zones/acme-challenge.example.com", &lines) ||
		 strstr(buf_text(&lines), " IN TXT ") || lines.data[lines.len - 1] != '\n')
		buf_add_text(why, "the include file is not as it has to be; ");
	else if (count("zones") != 1)
		buf_add_text(why, "something stays beside the include file; ");
	else
		return true;
	return false;
}

/* A name server that starts before certd can load the include files. */
static bool is_loadable(struct buf *why)
{
	struct buf lines AUTO_BUF = BUF_INIT;

	if (!read_text(life_root_fd, "zones/acme-challenge.example.com", &lines))
		return true;
	if (lines.len > 0 && lines.data[0] == ';' && lines.data[lines.len - 1] == '\n' &&
		strlen(lines.data) == lines.len)
		return true;
	buf_add_text(why, "the include file cannot be loaded; ");
	return false;
}

static bool is_linked_whole(struct life *life, const char *cert, struct buf *why)
{
	static const char *const links[] = { "curr", "next", "prev" };
	bool result = true;

	(void)life;
	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		char *path AUTO_FREE = mem_printf("state/certs/%s/%s", cert, links[i]);
		int dir AUTO_CLOSE =
			openat(life_root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		size_t len = why->len;

		if (dir < 0 && file_exists(life_root_fd, path))
			buf_printf(why, "%s leads nowhere; ", path);
		else if (dir >= 0 && !is_pair(dir, "fullchain.pem", "bundle.pem", why))
			buf_printf(why, "at %s; ", path);
		result &= why->len == len;
	}
	return result;
}

static bool ask(struct life *life, struct buf *why, const char *request)
{
	const char *got = life_ask(life, NULL, "%s", request);

	if (str_starts(got, "ok 1"))
		return true;
	buf_printf(why, "%s: %s; ", request, got);
	return false;
}

static bool has_curr(struct life *life, const char *cert)
{
	struct cert_facts facts CLEANUP(facts_done) = { .cert = NULL };
	struct err err;

	return store_read(life->server.store, cert, &facts, &err) == 0 &&
	       version_is_set(&facts.curr.id);
}

static bool bring_in_line(struct life *life, struct buf *why)
{
	static const char *const requests[] = { "copy cert=" LIFE_CERT " target=web",
		"settle cert=" LIFE_CERT " target=web", "copy cert=" LIFE_CERT " target=deep",
		"settle cert=" LIFE_CERT " target=deep" };

	for (size_t i = 0; i < ARRAY_LEN(requests); i++)
		if (!ask(life, why, requests[i]))
			return false;
	if (!serves_whole(LIFE_WEB, true, why) || !serves_whole(LIFE_DEEP, true, why))
		return false;
	if (file_exists(life_root_fd, LIFE_WEB "/" LIFE_CERT "/curr/cert.pem") &&
		file_exists(life_root_fd, LIFE_DEEP "/" LIFE_CERT "/curr/cert.pem"))
		return true;
	buf_add_text(why, "a target has nothing; ");
	return false;
}

/* Checks that certd works: every interrupted action is repeated to its end. */
static bool goes_on(struct life *life, bool is_thorough, struct buf *why)
{
	static const char account[] = "sign ca=le url=https://ca.example/x nonce=b op=";
	char *sign AUTO_FREE = mem_printf("%snew-account", account);
	bool has_root = has_curr(life, "ca/root");

	if (!ask(life, why, "record ca=le what=order id=after") ||
		!ask(life, why, "ledger ca=le") || !ask(life, why, sign))
		return false;
	if (!conf_cert(life->conf, LIFE_CERT))
		return true;
	if (has_curr(life, LIFE_CERT) && !bring_in_line(life, why))
		return false;
	if (!is_thorough)
		return true;
	if (!has_root &&
		(!ask(life, why, "issue cert=ca/root") || !ask(life, why, "roll cert=ca/root")))
		return false;
	return ask(life, why, "issue cert=" LIFE_CERT) &&
	       ask(life, why, "roll cert=" LIFE_CERT) && bring_in_line(life, why) &&
	       is_linked_whole(life, LIFE_CERT, why);
}

/* Is the state that of a moment of the run since the last told message? */
static bool is_some_moment(const struct cut *cut, const struct moments *moments,
	const struct buf *found, struct buf *why)
{
	for (size_t n = cut->n; n > 0; n--) {
		if (told_is_moment(found, &moments->after[n]))
			return true;
		if (trace.ops[n - 1].kind == OP_TOLD || trace.ops[n - 1].kind == OP_SETTLED)
			break;
	}
	buf_add_text(why, "no moment of the run was like this; ");
	return false;
}

static bool judge_life(struct life *life, const struct cut *cut, const struct moments *moments,
	bool is_thorough, struct buf *why)
{
	const struct buf *before = &moments->at[cut->n_told];
	const struct buf *after =
		cut->n_told + 1 < moments->n ? &moments->at[cut->n_told + 1] : NULL;
	struct buf found AUTO_BUF = BUF_INIT;
	bool result;

	told_look(life, &found);
	result = told_is_kept(&found, before, after, why) &&
		 is_some_moment(cut, moments, &found, why);
	if (!life_sweep(life)) {
		buf_add_text(why, "the sweep does not end; ");
		return false;
	}
	for (size_t i = 0; i < life->conf->n_certs; i++)
		result &= is_linked_whole(life, life->conf->certs[i].name, why);
	return is_withdrawn(why) && is_tidy(life_root_fd, "state", true, why) && result &&
	       goes_on(life, is_thorough, why);
}

static bool start(const struct scene *scene, struct life *life, struct buf *why)
{
	struct err err;

	if (scene->without) {
		if (life_begin(life, scene->without, &err) < 0) {
			buf_printf(why, "it does not start: %s; ", err.text);
			return false;
		}
		life_end(life);
	}
	if (life_begin(life, NULL, &err) == 0)
		return true;
	buf_printf(why, "it does not start: %s; ", err.text);
	return false;
}

static void make(const struct cut *cut)
{
	struct disk disk;

	life_empty_root();
	cut_build(cut, trace.ops, (size_t)trace.n_nodes, &disk);
	disk_write(&disk, trace.ops, cut->n, life_root_fd);
	disk_done(&disk);
}

bool judge_learn(const struct scene *scene, struct moments *moments, struct buf *why)
{
	bool has_begun = false;
	struct life life;

	moments->n_after = trace.n + 1;
	moments->after = mem_zalloc(moments->n_after * sizeof(*moments->after));
	for (size_t n = 1; n <= trace.n; n++) {
		const struct op *op = &trace.ops[n - 1];

		has_begun = has_begun || op->kind == OP_SETTLED;
		if (!has_begun)
			continue;
		if (op->kind == OP_SYNC || op->kind == OP_TOLD) {
			buf_add(&moments->after[n], buf_text(&moments->after[n - 1]),
				moments->after[n - 1].len);
			continue;
		}
		make(&(struct cut){ .n = (uint32_t)n });
		if (!start(scene, &life, why))
			return false;
		told_look(&life, &moments->after[n]);
		life_end(&life);
	}
	return true;
}

bool judge_cut(const struct cut *cut, const struct scene *scene, const struct moments *moments,
	bool is_thorough, struct buf *why)
{
	struct life life;
	bool result;

	assert(cut->n_told < moments->n);
	make(cut);
	result = serves_whole(LIFE_WEB, false, why) && serves_whole(LIFE_DEEP, false, why) &&
		 is_loadable(why) && is_tidy(life_root_fd, "state", false, why) &&
		 start(scene, &life, why);
	if (!result)
		return false;
	result = judge_life(&life, cut, moments, is_thorough, why);
	life_end(&life);
	return result;
}

/* SPDX-License-Identifier: MIT */
#include "tests/power/told.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/keeper/store/store.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/power/life.h"
#include "tests/power/trace.h"

#define LEDGER "file state/accounts/le/ledger"

static void add_id(
	struct buf *out, const char *cert, const char *what, const struct version_id *id)
{
	char text[VERSION_ID_TEXT_LEN];

	if (version_is_set(id))
		buf_printf(out, "%s %s\t%s\n", cert, what, version_id_text(id, text));
}

struct versions {
	struct life *life;
	struct buf *out;
	const char *cert;
};

/* Hashes the files that no other line compares. */
static uint64_t hash_files(const struct versions *v, const struct version_id *id)
{
	static const char *const names[] = { "csr.pem", "tlsa.rr" };
	struct buf all AUTO_BUF = BUF_INIT;
	struct err ignored;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)store_read_file(
			v->life->server.store, v->cert, id, names[i], 1 << 20, &all, &ignored);
	return str_hash(all.data, all.len);
}

static void add_version(const struct version_facts *version, const char *role, void *data)
{
	const struct versions *v = data;
	char text[VERSION_ID_TEXT_LEN];

	(void)role;
	buf_printf(v->out, "%s version %s\tthere, %u, %016" PRIx64 ", %016" PRIx64 "%s%s\n",
		v->cert, version_id_text(&version->id, text), version->generation,
		version->digest, hash_files(v, &version->id),
		instant_is_set(version->revoked) ? ", revoked" : "",
		instant_is_set(version->rolled) ? ", rolled" : "");
}

static void add_facts(const struct cert_facts *facts, struct buf *out)
{
	const char *cert = facts->cert;

	add_id(out, cert, "curr", &facts->curr.id);
	add_id(out, cert, "next", &facts->next.id);
	add_id(out, cert, "prev", &facts->prev);
	add_id(out, cert, "revocation", &facts->revocation.of);
	add_id(out, cert, "ari", &facts->ari.of);
	if (facts->order.url)
		buf_printf(out, "%s order\t%s\n", cert, facts->order.url);
	if (facts->failure.code)
		buf_printf(out, "%s failure\t%s\n", cert, facts->failure.text);
	for (size_t i = 0; i < facts->n_targets; i++) {
		const struct target_facts *target = &facts->targets[i];
		char *copied AUTO_FREE = mem_printf("target %s copied", target->name),
			     *confirmed AUTO_FREE =
				     mem_printf("target %s confirmed", target->name);

		add_id(out, cert, copied, &target->copied);
		add_id(out, cert, confirmed, &target->confirmed);
	}
}

static void add_files(const char *dir, struct buf *out)
{
	int fd = openat(life_root_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *e; entries && (e = readdir(entries));) {
		struct buf data AUTO_BUF = BUF_INIT;
		char *key AUTO_FREE = mem_printf("file %s/%s", dir, e->d_name);
		struct err ignored;

		if (e->d_name[0] == '.' ||
			file_read(fd, e->d_name, 1 << 20, &data, &ignored) < 0)
			continue;
		if (!str_is(key, LEDGER)) {
			buf_printf(out, "%s\t%016" PRIx64 "\n", key,
				str_hash(data.data, data.len));
			continue;
		}
		/* The file grows by appended lines. */
		buf_printf(out, "%s\t", key);
		for (size_t i = 0; i < data.len && data.data[i]; i++)
			buf_add_char(out, data.data[i] == '\n' ? '|' : data.data[i]);
		buf_add_char(out, '\n');
	}
	if (entries)
		closedir(entries);
}

static void add_cert(struct life *life, const char *cert, struct buf *out)
{
	struct cert_facts facts CLEANUP(facts_done) = { .cert = NULL };
	struct versions versions = { life, out, cert };
	char *keys AUTO_FREE = mem_printf("state/certs/%s/keys", cert);
	struct err err;

	if (store_read(life->server.store, cert, &facts, &err) < 0 ||
		store_versions(life->server.store, cert, add_version, &versions, &err) < 0)
		buf_printf(out, "%s unreadable\t%s\n", cert, err.text);
	else
		add_facts(&facts, out);
	add_files(keys, out);
}

/* The certificate that a server would read now. */
static void add_served(const char *target, struct buf *out)
{
	char *path AUTO_FREE = mem_printf("%s/" LIFE_CERT "/curr/cert.pem", target);
	struct buf pem AUTO_BUF = BUF_INIT;
	struct err ignored;

	if (file_read(life_root_fd, path, 1 << 20, &pem, &ignored) == 0)
		buf_printf(out, "served %s\t%016" PRIx64 "\n", target,
			str_hash(pem.data, pem.len));
}

/* The files that a failed check would restore. */
static void add_waiting(const char *target, struct buf *out)
{
	char *path AUTO_FREE = mem_printf("%s/" LIFE_CERT "/.certd-old", target);
	char *cert AUTO_FREE = mem_printf("%s/cert.pem", path);
	struct buf pem AUTO_BUF = BUF_INIT;
	struct err ignored;

	if (!file_exists(life_root_fd, path))
		return;
	(void)file_read(life_root_fd, cert, 1 << 20, &pem, &ignored);
	buf_printf(out, "waiting %s\t%016" PRIx64 "\n", target, str_hash(pem.data, pem.len));
}

void told_look(struct life *life, struct buf *out)
{
	bool was_paused = trace_pause(true);

	for (size_t i = 0; i < life->conf->n_certs; i++)
		add_cert(life, life->conf->certs[i].name, out);
	add_files("state/accounts/le", out);
	add_files("state/challenges", out);
	add_served(LIFE_WEB, out);
	add_served(LIFE_DEEP, out);
	add_waiting(LIFE_WEB, out);
	add_waiting(LIFE_DEEP, out);
	(void)trace_pause(was_paused);
}

static const char *find(const struct buf *all, const char *key, size_t len, size_t *value_len)
{
	const char *at = all ? buf_text(all) : "";

	for (; *at; at += strcspn(at, "\n") + 1)
		if (strncmp(at, key, len) == 0 && at[len] == '\t') {
			*value_len = strcspn(at + len + 1, "\n");
			return at + len + 1;
		}
	*value_len = 0;
	return NULL;
}

/*
 * A journal entry that reappears is undone again. The next reading drops a torn line of the
 * ledger.
 */
static bool may_be(const char *key, size_t key_len, const char *have, size_t have_len,
	const char *want, size_t want_len)
{
	static const char journal[] = "file state/challenges/";

	if (!want && have && strncmp(key, journal, strlen(journal)) == 0)
		return true;
	if (have && key_len == strlen(LEDGER) && strncmp(key, LEDGER, key_len) == 0)
		return have_len >= want_len &&
		       (want_len == 0 || strncmp(have, want, want_len) == 0);
	if (!have || !want)
		return have == want;
	return have_len == want_len && strncmp(have, want, want_len) == 0;
}

static bool is_kept(const char *key, size_t len, const struct buf *found,
	const struct buf *before, const struct buf *after, struct buf *why)
{
	size_t n_found, n_before, n_after;
	const char *have = find(found, key, len, &n_found);
	const char *old = find(before, key, len, &n_before);
	const char *new = find(after, key, len, &n_after);

	/* During a restore these are the refused files; told_is_moment() compares them. */
	if (str_starts(key, "waiting "))
		return true;
	if (may_be(key, len, have, n_found, old, n_before) ||
		(after && may_be(key, len, have, n_found, new, n_after)))
		return true;
	buf_printf(why, "%.*s is %.*s, was told to be %.*s", (int)len, key,
		have ? (int)n_found : 4, have ? have : "gone", old ? (int)n_before : 6,
		old ? old : "absent");
	if (after)
		buf_printf(why, " and then %.*s", new ? (int)n_after : 6, new ? new : "absent");
	buf_add_text(why, "; ");
	return false;
}

bool told_is_kept(const struct buf *found, const struct buf *before, const struct buf *after,
	struct buf *why)
{
	const struct buf *all[] = { found, before, after };
	bool result = true;

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		for (const char *at = all[i] ? buf_text(all[i]) : ""; *at;
			at += strcspn(at, "\n") + 1)
			result &= is_kept(at, strcspn(at, "\t"), found, before, after, why);
	return result;
}

bool told_is_moment(const struct buf *found, const struct buf *moment)
{
	const struct buf *all[] = { found, moment };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		for (const char *at = buf_text(all[i]); *at; at += strcspn(at, "\n") + 1) {
			size_t len = strcspn(at, "\t"), n_have, n_want;
			const char *have = find(found, at, len, &n_have),
				   *want = find(moment, at, len, &n_want);
			const char *version = strstr(at, " version ");

			if ((!version || version > at + len) &&
				!may_be(at, len, have, n_have, want, n_want))
				return false;
		}
	return true;
}

/* SPDX-License-Identifier: MIT */
#include "tests/sim/store_memory.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/keeper/store/store_file.h"
#include "daemon/keeper/store/version.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/secret.h"
#include "lib/log/log.h"

struct kept {
	struct version_facts facts;
	struct buf privkey, cert, chain, fullchain;
};

struct entry {
	char *name;
	struct kept *versions; /* oldest first */
	size_t n;
	struct version_id curr, next, prev, newest; /* newest: that was ever added */
	struct cert_facts said;                     /* failure and targets */
	enum err_code fails;
	unsigned n_added;
	bool is_archived;
};

/* One of store_file.h. */
struct small_file {
	char *path;
	struct buf data;
	struct instant changed;
};

struct store {
	struct map entries, files;
	enum err_code fails;
	uint64_t n_changes;
};

struct store *store_memory_new(void)
{
	return mem_new(struct store);
}

static void kept_done(struct kept *kept)
{
	buf_done(&kept->privkey);
	buf_done(&kept->cert);
	buf_done(&kept->chain);
	buf_done(&kept->fullchain);
}

static void small_file_free(struct small_file *file)
{
	buf_done(&file->data);
	free(file->path);
	free(file);
}

void store_memory_free(struct store *store)
{
	struct small_file *file;
	struct entry *entry;
	size_t at = 0;

	while ((entry = map_next(&store->entries, &at))) {
		for (size_t i = 0; i < entry->n; i++)
			kept_done(&entry->versions[i]);
		facts_done(&entry->said);
		free(entry->versions);
		free(entry->name);
		free(entry);
	}
	map_done(&store->entries);
	at = 0;
	while ((file = map_next(&store->files, &at)))
		small_file_free(file);
	map_done(&store->files);
	free(store);
}

static struct entry *find(const struct store *store, const char *cert)
{
	struct entry *entry = map_get(&store->entries, cert);

	return entry && !entry->is_archived ? entry : NULL;
}

static struct entry *want(struct store *store, const char *cert)
{
	struct entry *entry = map_get(&store->entries, cert);
	struct cert_facts none = { .cert = (char *)(uintptr_t)cert };

	if (entry)
		return entry;
	entry = mem_new(struct entry);
	entry->name = mem_strdup(cert);
	facts_copy(&none, &entry->said);
	map_set(&store->entries, entry->name, entry);
	return entry;
}

void store_memory_fail(struct store *store, const char *cert, enum err_code code)
{
	if (cert)
		want(store, cert)->fails = code;
	else
		store->fails = code;
}

uint64_t store_memory_changes(const struct store *store)
{
	return store->n_changes;
}

unsigned store_memory_added(const struct store *store, const char *cert)
{
	const struct entry *entry = map_get(&store->entries, cert);

	return entry ? entry->n_added : 0;
}

unsigned store_memory_kept(const struct store *store, const char *cert)
{
	const struct entry *entry = map_get(&store->entries, cert);

	return entry ? (unsigned)entry->n : 0;
}

bool store_memory_is_archived(const struct store *store, const char *cert)
{
	const struct entry *entry = map_get(&store->entries, cert);

	return entry && entry->is_archived;
}

static struct kept *version_of(const struct entry *entry, const struct version_id *id)
{
	for (size_t i = 0; i < entry->n; i++)
		if (version_id_equal(&entry->versions[i].facts.id, id))
			return &entry->versions[i];
	return NULL;
}

/* What would be written cannot be. */
static int write_to(struct store *store, const struct entry *entry, struct err *err)
{
	if (entry->fails != ERR_NONE)
		return err_set(
			err, entry->fails, "the store of %s cannot be written", entry->name);
	store->n_changes++;
	return 0;
}

int store_read(struct store *store, const char *cert, struct cert_facts *out, struct err *err)
{
	const struct entry *entry = find(store, cert);
	struct cert_facts facts = { .cert = (char *)(uintptr_t)cert };

	(void)err;
	if (entry) {
		const struct kept *curr = version_of(entry, &entry->curr),
				  *next = version_of(entry, &entry->next);

		facts = entry->said;
		facts.prev = entry->prev;
		facts.curr = curr ? curr->facts : (struct version_facts){ 0 };
		facts.next = next ? next->facts : (struct version_facts){ 0 };
	}
	facts_copy(&facts, out);
	return 0;
}

void store_read_all(struct store *store, const struct conf *conf,
	void (*tell)(const char *cert, const char *line, const struct err *err, void *data),
	void *data)
{
	for (size_t i = 0; i < conf->n_certs; i++) {
		struct buf line AUTO_BUF = BUF_INIT;
		struct cert_facts facts;
		struct err err;

		store_read(store, conf->certs[i].name, &facts, &err);
		facts_write(&facts, &line);
		facts_done(&facts);
		tell(conf->certs[i].name, buf_text(&line), NULL, data);
	}
}

int store_write_facts(struct store *store, const struct cert_facts *facts, struct err *err)
{
	struct entry *entry = want(store, facts->cert);
	struct cert_facts copy;

	if (write_to(store, entry, err) < 0)
		return -1;
	facts_copy(facts, &copy);
	facts_done(&entry->said);
	entry->said = copy;
	return 0;
}

int store_add(struct store *store, const char *cert, const struct version_files *files,
	struct version_facts *version, struct err *err)
{
	struct entry *entry = want(store, cert);
	struct kept kept = { .privkey = BUF_INIT };

	if (write_to(store, entry, err) < 0)
		return -1;
	version->id = (struct version_id){ .made = version->created };
	if (version_id_compare(&version->id, &entry->newest) <= 0) {
		version->id = entry->newest;
		version->id.suffix++;
	}
	entry->newest = version->id;
	kept.facts = *version;
	buf_add(&kept.privkey, files->privkey.data, files->privkey.len);
	buf_add(&kept.cert, files->cert.data, files->cert.len);
	buf_add(&kept.chain, files->chain.data, files->chain.len);
	buf_add(&kept.fullchain, files->fullchain.data, files->fullchain.len);
	entry->versions = mem_grow(entry->versions, entry->n + 1, sizeof(kept));
	entry->versions[entry->n++] = kept;
	entry->next = version->id;
	entry->n_added++;
	return 0;
}

int store_set_next(struct store *store, const char *cert, const struct version_id *version,
	struct err *err)
{
	struct entry *entry = find(store, cert);

	if (!entry || !version_of(entry, version))
		return err_set(err, ERR_NO_SUCH_VERSION, "%s has no such version", cert);
	if (write_to(store, entry, err) < 0)
		return -1;
	entry->next = *version;
	return 0;
}

int store_drop_next(struct store *store, const char *cert, struct err *err)
{
	struct entry *entry = find(store, cert);

	if (!entry)
		return 0;
	if (write_to(store, entry, err) < 0)
		return -1;
	entry->next = (struct version_id){ .suffix = 0 };
	return 0;
}

int store_roll(struct store *store, const char *cert, struct instant now, struct err *err)
{
	struct entry *entry = find(store, cert);

	if (!entry || !version_is_set(&entry->next))
		return err_set(err, ERR_NO_NEXT, "%s has no version to roll", cert);
	if (write_to(store, entry, err) < 0)
		return -1;
	entry->prev = entry->curr;
	entry->curr = entry->next;
	entry->next = (struct version_id){ .suffix = 0 };
	version_of(entry, &entry->curr)->facts.rolled = now;
	return 0;
}

int store_set_revoked(struct store *store, const char *cert, const struct version_id *version,
	struct instant now, struct err *err)
{
	struct entry *entry = find(store, cert);
	struct kept *kept = entry ? version_of(entry, version) : NULL;

	if (!kept)
		return err_set(err, ERR_NO_SUCH_VERSION, "%s has no such version", cert);
	if (write_to(store, entry, err) < 0)
		return -1;
	kept->facts.revoked = now;
	if (version_id_equal(&entry->next, version))
		entry->next = (struct version_id){ .suffix = 0 };
	return 0;
}

static const struct buf *file_of(const struct kept *kept, const char *file)
{
	return str_is(file, "privkey.pem")     ? &kept->privkey
	       : str_is(file, "cert.pem")      ? &kept->cert
	       : str_is(file, "chain.pem")     ? &kept->chain
	       : str_is(file, "fullchain.pem") ? &kept->fullchain
					       : NULL;
}

int store_read_file(struct store *store, const char *cert, const struct version_id *version,
	const char *file, size_t limit, struct buf *out, struct err *err)
{
	const struct entry *entry = find(store, cert);
	const struct kept *kept =
		entry ? version_of(entry, version ? version : &entry->curr) : NULL;
	const struct buf *found = kept ? file_of(kept, file) : NULL;

	if (!found)
		return err_set(err, ERR_NOT_FOUND, "%s has no such file: %s", cert, file);
	if (found->len > limit)
		return err_set(err, ERR_TOO_LARGE, "%s of %s is too large", file, cert);
	buf_add(out, found->data, found->len);
	return 0;
}

int store_versions(struct store *store, const char *cert,
	void (*tell)(const struct version_facts *version, const char *role, void *data),
	void *data, struct err *err)
{
	const struct entry *entry = find(store, cert);

	(void)err;
	for (size_t i = entry ? entry->n : 0; i > 0; i--) {
		const struct version_facts *facts = &entry->versions[i - 1].facts;

		tell(facts,
			version_id_equal(&facts->id, &entry->curr)   ? "curr"
			: version_id_equal(&facts->id, &entry->next) ? "next"
			: version_id_equal(&facts->id, &entry->prev) ? "prev"
								     : "",
			data);
	}
	return 0;
}

static bool is_linked(const struct entry *entry, const struct version_id *id)
{
	return version_id_equal(id, &entry->curr) || version_id_equal(id, &entry->next) ||
	       version_id_equal(id, &entry->prev);
}

static bool is_used(const struct entry *entry, const struct version_id *id)
{
	return is_linked(entry, id) || facts_is_deployed(&entry->said, id) ||
	       version_id_equal(&entry->said.revocation.of, id);
}

int store_prune(
	struct store *store, const char *cert, size_t keep, size_t *n_deleted, struct err *err)
{
	struct entry *entry = find(store, cert);
	size_t n_spare = 0, at = 0;

	*n_deleted = 0;
	if (!entry)
		return 0;
	if (write_to(store, entry, err) < 0)
		return -1;
	for (size_t i = 0; i < entry->n; i++)
		n_spare += !is_used(entry, &entry->versions[i].facts.id);
	for (size_t i = 0; i < entry->n; i++) {
		struct kept *kept = &entry->versions[i];

		if (n_spare > keep && !is_used(entry, &kept->facts.id)) {
			kept_done(kept);
			n_spare--;
			++*n_deleted;
		} else {
			entry->versions[at++] = *kept;
		}
	}
	entry->n = at;
	return 0;
}

int store_align(struct store *store, const struct conf *conf, struct err *err)
{
	struct entry *entry;
	size_t at = 0;

	if (store->fails != ERR_NONE)
		return err_set(err, store->fails, "the store cannot be written");
	while ((entry = map_next(&store->entries, &at))) {
		struct log_field cert = { "CERT", entry->name, NULL };
		bool is_archived = !conf_cert(conf, entry->name);

		if (entry->is_archived != is_archived)
			log_event(&cert,
				is_archived ? EVENT_CERT_ARCHIVED : EVENT_CERT_RESTORED, NULL,
				"%s left or came back", entry->name);
		store->n_changes += entry->is_archived != is_archived;
		entry->is_archived = is_archived;
	}
	return 0;
}

/* A certificate that cannot be written has no small files written either. */
static struct small_file *open_file(struct store *store, const char *path, struct err *err)
{
	struct small_file *file = map_get(&store->files, path);
	struct entry *entry;
	size_t at = 0;

	while ((entry = map_next(&store->entries, &at)))
		if (str_starts(path, "certs/") && str_starts(path + 6, entry->name) &&
			path[6 + strlen(entry->name)] == '/' && write_to(store, entry, err) < 0)
			return NULL;
	if (!file) {
		file = mem_new(struct small_file);
		file->path = mem_strdup(path);
		map_set(&store->files, file->path, file);
	}
	file->changed = clock_now();
	return file;
}

int store_file_write(
	struct store *store, const char *path, const void *data, size_t len, struct err *err)
{
	struct small_file *file = open_file(store, path, err);

	if (!file)
		return -1;
	buf_clear(&file->data);
	buf_add(&file->data, data, len);
	return 0;
}

int store_file_append(struct store *store, const char *path, const void *data, size_t len,
	size_t limit, struct err *err)
{
	struct small_file *file = open_file(store, path, err);

	if (!file)
		return -1;
	if (len > limit || file->data.len > limit - len)
		return err_set(err, ERR_TOO_LARGE, "%s would be too large", path);
	buf_add(&file->data, data, len);
	return 0;
}

int store_file_read(struct store *store, const char *path, size_t limit, struct secret *out,
	struct err *err)
{
	const struct small_file *file = map_get(&store->files, path);

	if (!file)
		return err_set(err, ERR_NOT_FOUND, "there is no %s", path);
	if (file->data.len > limit)
		return err_set(err, ERR_TOO_LARGE, "%s is too large", path);
	secret_add(out, file->data.data, file->data.len);
	return 0;
}

int store_file_remove(struct store *store, const char *path, struct err *err)
{
	struct small_file *file = map_remove(&store->files, path);

	(void)err;
	if (file)
		small_file_free(file);
	return 0;
}

int store_file_list(struct store *store, const char *dir,
	void (*tell)(const char *name, struct instant changed, void *data), void *data,
	struct err *err)
{
	const struct small_file *file;
	size_t at = 0, len = strlen(dir);

	(void)err;
	while ((file = map_next(&store->files, &at)))
		if (str_starts(file->path, dir) && file->path[len] == '/' &&
			!strchr(file->path + len + 1, '/'))
			tell(file->path + len + 1, file->changed, data);
	return 0;
}

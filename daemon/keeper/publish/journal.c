/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/publish/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"
#include "lib/base/text.h"
#include "lib/crypt/digest.h"
#include "lib/log/log.h"

#define DIGITS "0123456789abcdef"
#define DIRS "dirs-"
enum { ID_DIGITS = 16 };

static const char *const hows[] = {
	[PUBLICATION_ENGINE] = "engine",
	[PUBLICATION_WEBROOT] = "webroot",
	[PUBLICATION_DIRECTORIES] = "directories",
	[PUBLICATION_INCLUDE] = "include",
	[PUBLICATION_COMMAND] = "command",
	[PUBLICATION_UPDATE] = "update",
};

/* The texts that must be there, so that whoever undoes it need not ask. */
static const char *const needed[PUBLICATION_COUNT] = {
	[PUBLICATION_WEBROOT] = "cert ca name token path value",
	[PUBLICATION_DIRECTORIES] = "path",
	[PUBLICATION_INCLUDE] = "cert ca name token path zone owner value",
	[PUBLICATION_COMMAND] = "cert ca name token zone owner value",
	[PUBLICATION_UPDATE] = "cert ca name token zone owner value",
};

static const struct {
	const char *key;
	size_t at;
} texts[] = {
#define JOURNAL_TEXT(key) { #key, offsetof(struct journal_entry, key) },
	JOURNAL_TEXTS(JOURNAL_TEXT)
#undef JOURNAL_TEXT
};

const char *publication_text(enum publication how)
{
	return hows[how];
}

static char **text_at(const struct journal_entry *entry, size_t i)
{
	return (char **)((uintptr_t)entry + texts[i].at);
}

void journal_entry_done(struct journal_entry *entry)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		mem_freep(text_at(entry, i));
}

void journal_make_id(struct journal_entry *entry)
{
	uint64_t r;

	rand_bytes(&r, sizeof(r));
	snprintf(entry->id, sizeof(entry->id), "%016" PRIx64, r);
}

void journal_dirs_id(const char *webroot, char out[JOURNAL_ID_LEN])
{
	struct buf hex AUTO_BUF = BUF_INIT;
	uint8_t digest[SHA256_LEN];

	digest_sha256(webroot, strlen(webroot), digest);
	buf_add_hex(&hex, digest, ID_DIGITS / 2);
	snprintf(out, JOURNAL_ID_LEN, DIRS "%s", buf_text(&hex));
}

void journal_print(const struct journal_entry *entry, struct buf *out)
{
	char when[INSTANT_TEXT_LEN];

	buf_printf(out, "how: %s\n", hows[entry->how]);
	if (entry->how == PUBLICATION_DIRECTORIES)
		buf_printf(out, "n_dirs: %" PRId64 "\n", entry->n_dirs);
	else
		buf_printf(out, "type: %s\n", challenge_text(entry->type));
	if (entry->is_test)
		buf_add_text(out, "test: yes\n");
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (*text_at(entry, i))
			buf_printf(out, "%s: %s\n", texts[i].key, *text_at(entry, i));
	if (entry->owner)
		buf_printf(out, "ttl: %" PRId64 "\n", entry->ttl.s);
	buf_printf(out, "made: %s\n", instant_text(entry->made, when));
}

static enum publication parse_how(const char *text)
{
	unsigned how = PUBLICATION_WEBROOT;

	while (how < PUBLICATION_COUNT && !str_is(hows[how], text))
		how++;
	return (enum publication)how;
}

static bool is_value(const char *value)
{
	return *value != 0 && text_is_fit(value);
}

static int take_text(
	struct journal_entry *entry, const char *key, const char *value, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char **text = text_at(entry, i);

		if (!str_is(texts[i].key, key))
			continue;
		if (*text)
			return err_set(err, ERR_BROKEN_STORE, "%s stands there twice", key);
		*text = mem_strdup(value);
		return 0;
	}
	return err_set(err, ERR_BROKEN_STORE, "it has the unknown key %.40s", key);
}

static int take(struct journal_entry *entry, char *line, struct err *err)
{
	char *value = strstr(line, ": ");
	bool is_good = true;

	if (!value)
		return err_set(err, ERR_BROKEN_STORE, "a line is not KEY: VALUE");
	*value = 0;
	value += 2;
	if (!is_value(value))
		return err_set(err, ERR_BROKEN_STORE, "the value of %.40s is no text", line);
	if (str_is(line, "how"))
		is_good = (entry->how = parse_how(value)) < PUBLICATION_COUNT;
	else if (str_is(line, "type"))
		is_good = (entry->type = challenge_parse(value)) < CHALLENGE_COUNT;
	else if (str_is(line, "test"))
		is_good = entry->is_test = str_is(value, "yes");
	else if (str_is(line, "ttl"))
		is_good = str_to_int(value, 0, INT32_MAX, &entry->ttl.s);
	else if (str_is(line, "n_dirs"))
		is_good = str_to_int(value, 1, 2, &entry->n_dirs);
	else if (str_is(line, "made"))
		return instant_parse(value, &entry->made, err);
	else
		return take_text(entry, line, value, err);
	return is_good ? 0 : err_set(err, ERR_BROKEN_STORE, "%s cannot be %.60s", line, value);
}

static int check(const struct journal_entry *entry, struct err *err)
{
	if (entry->how == PUBLICATION_ENGINE)
		return err_set(err, ERR_BROKEN_STORE, "it does not say how it was published");
	if (!instant_is_set(entry->made) ||
		(entry->how == PUBLICATION_DIRECTORIES && entry->n_dirs == 0))
		return err_set(err, ERR_BROKEN_STORE, "it does not say what was made when");
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *text = *text_at(entry, i);

		if (!text && strstr(needed[entry->how], texts[i].key))
			return err_set(err, ERR_BROKEN_STORE, "%s is missing", texts[i].key);
	}
	if (entry->path && entry->path[0] != '/')
		return err_set(err, ERR_BROKEN_STORE, "the path is not absolute");
	if (entry->zone && !file_name_is_safe(entry->zone))
		return err_set(err, ERR_BROKEN_STORE, "the zone is no name");
	/* It is about to become the name of a file that is removed. */
	if (entry->token && (strchr(entry->token, '/') || entry->token[0] == '.'))
		return err_set(err, ERR_BROKEN_STORE, "the token is none");
	return 0;
}

int journal_parse(const char *id, char *text, struct journal_entry *out, struct err *err)
{
	char *save, *line;
	int result = 0;

	*out = (struct journal_entry){ .how = PUBLICATION_ENGINE };
	snprintf(out->id, sizeof(out->id), "%s", id);
	for (line = strtok_r(text, "\n", &save); line && result == 0;
		line = strtok_r(NULL, "\n", &save))
		result = take(out, line, err);
	if (result == 0)
		result = check(out, err);
	if (result < 0)
		journal_entry_done(out);
	return result;
}

int journal_open(const char *state_dir, struct err *err)
{
	int root AUTO_CLOSE = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return err_sys(err, ERR_IO, errno, "cannot open %s", state_dir);
	/* Without its own name nothing that is noted in it would be found again. */
	if (!file_exists(root, "challenges") &&
		(file_make_dir(root, "challenges", 0700, err) < 0 ||
			file_sync_dir(root, ".", err) < 0))
		return -1;
	return file_open_dir(root, "challenges", err);
}

int journal_write(int dir, const char *id, const struct buf *text, struct err *err)
{
	if (unlinkat(dir, id, 0) < 0 && errno != ENOENT)
		return err_sys(err, ERR_IO, errno, "cannot replace %s", id);
	return file_create(dir, id, text->data, text->len, FILE_SECRET, err);
}

int journal_sync(int dir, struct err *err)
{
	return fsync(dir) < 0 ? err_sys(err, err_code_of_errno(errno), errno,
					"cannot sync the journal of challenges")
			      : 0;
}

void journal_remove(int dir, const char *id)
{
	/* If it comes back after a crash, what it names is undone a second time, which is nothing. */
	(void)unlinkat(dir, id, 0);
}

static bool is_id(const char *name)
{
	name += str_starts(name, DIRS) ? strlen(DIRS) : 0;
	return strspn(name, DIGITS) == ID_DIGITS && name[ID_DIGITS] == 0;
}

static void set_aside(int dir, const char *name, const struct err *why)
{
	char *to AUTO_FREE = mem_printf("../quarantine/challenge.%s", name);

	(void)mkdirat(dir, "../quarantine", 0700);
	if (renameat(dir, name, dir, to) < 0)
		log_debug(NULL, "challenges/%s cannot be set aside", name);
	log_event(NULL, EVENT_STORE_QUARANTINED, why,
		"the journalled challenge %s is unreadable", name);
}

/* A file that a crash left empty or short was never followed by an effect. */
static bool is_unfinished(const struct buf *text)
{
	return text->len == 0 || !strstr(text->data, "\nmade: ") ||
	       text->data[text->len - 1] != '\n';
}

static void read_one(int dir, const char *name,
	void (*tell)(struct journal_entry *entry, void *data), void *data)
{
	struct buf text AUTO_BUF = BUF_INIT;
	struct journal_entry entry;
	struct err err = ERR_INIT;

	if (file_read(dir, name, JOURNAL_FILE_MAX, &text, &err) == 0) {
		if (is_unfinished(&text)) {
			journal_remove(dir, name);
			return;
		}
		if (strlen(text.data) != text.len)
			err_set(&err, ERR_BROKEN_STORE, "it has a NUL");
		else if (journal_parse(name, text.data, &entry, &err) == 0) {
			tell(&entry, data);
			return;
		}
	}
	set_aside(dir, name, &err);
}

int journal_each(int dir, void (*tell)(struct journal_entry *entry, void *data), void *data,
	struct err *err)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *at;

	if (!entries) {
		file_closep(&copy);
		return err_sys(err, ERR_IO, errno, "cannot read the journal of challenges");
	}
	while ((at = readdir(entries)))
		if (is_id(at->d_name))
			read_one(dir, at->d_name, tell, data);
		else if (str_starts(at->d_name, FILE_TEMP_PREFIX))
			journal_remove(dir, at->d_name);
	closedir(entries);
	return 0;
}

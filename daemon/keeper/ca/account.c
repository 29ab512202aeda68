/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/ca/account.h"

#include <stdio.h>
#include <string.h>

#include "daemon/conf/index.h"
#include "daemon/keeper/store/info.h"
#include "daemon/keeper/store/store_file.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/digest.h"
#include "lib/crypt/key.h"
#include "lib/crypt/secret.h"
#include "lib/wire/url.h"
#include "proto/line.h"

#define KEY_FILE "key.pem"
#define CANDIDATE_FILE "candidate.pem"
#define RETIRED "retired-"
#define RETIRED_MAX 8
#define ACCOUNT_FILE "account"
#define REFUSAL_FILE "refusal"

/* The algorithm that every ACME server has to know (RFC 8555, 6.2). */
#define KEY_SPEC "ec:secp256r1"

/* CAs in use, and a candidate or two. */
#define KNOWN 8

int authority_find(const struct conf *conf, const struct line *line, struct authority *out,
	struct err *err)
{
	const char *name = line_need(line, "ca", err);

	*out = (struct authority){ .ca = NULL };
	if (!name || line_get_bool(line, "test", &out->is_test, err) < 0)
		return -1;
	for (size_t i = 0; i < conf->n_cas && !out->ca; i++)
		if (str_is(conf_ca_at(conf, i)->name, name))
			out->ca = conf_ca_at(conf, i);
	if (!out->ca || out->ca->type != CA_ACME)
		return err_set(err, ERR_BAD_ARGUMENT, "no ACME CA is called %.60s", name);
	out->acme = out->ca->acme;
	out->directory = out->is_test ? out->acme->staging : out->acme->directory;
	if (!out->directory)
		return err_set(
			err, ERR_BAD_ARGUMENT, "the CA %s has no staging directory", name);
	return 0;
}

int authority_check_url(const struct authority *at, const char *url, struct err *err)
{
	struct url_origins origins = { at->directory, at->acme->origins, at->acme->n_origins };

	if (url_check(url, err) < 0)
		return -1;
	if (!url_is_of(url, &origins))
		return err_set(err, ERR_NOT_ALLOWED,
			"%.150s is not a URL of %s, whose origins are those of %.100s and of "
			"its "
			"`origins`",
			url, at->ca->name, at->directory);
	return 0;
}

char *authority_path(const struct authority *at, const char *file)
{
	return mem_printf("%saccounts/%s/%s", at->is_test ? "test/" : "", at->ca->name, file);
}

/*
 * Keys as they were read before, by the digest of their file: an order takes eight signatures, and
 * OpenSSL takes far longer to decode a key than to sign with it.  The file decides each time.
 */
/*
 * State: `known` holds references to the last KNOWN keys that were decoded; the oldest is
 * replaced and freed.  Entries live as long as the process.
 */
static struct {
	uint8_t sha256[SHA256_LEN];
	struct key *key;
} known[KNOWN];
static unsigned next_known;

static int decode_key(const struct secret *pem, struct key **out, struct err *err)
{
	uint8_t sha256[SHA256_LEN];

	digest_sha256(pem->data, pem->len, sha256);
	for (size_t i = 0; i < KNOWN; i++)
		if (known[i].key && memcmp(known[i].sha256, sha256, sizeof(sha256)) == 0) {
			*out = key_share(known[i].key);
			return 0;
		}
	if (key_read(pem->data, pem->len, out, err) < 0)
		return -1;
	key_free(known[next_known].key);
	known[next_known].key = key_share(*out);
	memcpy(known[next_known].sha256, sha256, sizeof(sha256));
	next_known = (next_known + 1) % KNOWN;
	return 0;
}

/* *out stays NULL when there is no such file. */
static int read_key(struct store *store, const struct authority *at, const char *file,
	struct key **out, struct err *err)
{
	char *path AUTO_FREE = authority_path(at, file);
	struct secret pem AUTO_SECRET = SECRET_INIT;

	if (store_file_read(store, path, KEY_PEM_MAX, &pem, err) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	if (decode_key(&pem, out, err) < 0)
		return err_add(err, "%s", path);
	return 0;
}

static int write_key(struct store *store, const struct authority *at, const char *file,
	const struct key *key, struct err *err)
{
	char *path AUTO_FREE = authority_path(at, file);
	struct secret pem AUTO_SECRET = SECRET_INIT;

	if (key_write(key, &pem, err) < 0)
		return -1;
	return store_file_write(store, path, pem.data, pem.len, err);
}

static int make_key(struct store *store, const struct authority *at, const char *file,
	struct key **out, struct err *err)
{
	struct key *key AUTO_KEY = NULL;

	if (*out)
		return 0;
	if (key_make(KEY_SPEC, &key, err) < 0 || write_key(store, at, file, key, err) < 0)
		return err_add(err, "cannot make a key for the account at %s", at->ca->name);
	*out = mem_take(&key);
	return 0;
}

static int remove_file(
	struct store *store, const struct authority *at, const char *file, struct err *err)
{
	char *path AUTO_FREE = authority_path(at, file);

	return store_file_remove(store, path, err);
}

/* The text of a line, or NULL. */
static char *value_of(const char *text, const char *key)
{
	struct buf value AUTO_BUF = BUF_INIT;

	return info_value(text, key, &value) && value.len ? mem_strdup(value.data) : NULL;
}

static int read_account_file(
	struct store *store, const struct authority *at, struct account *out, struct err *err)
{
	char *path AUTO_FREE = authority_path(at, ACCOUNT_FILE), *directory AUTO_FREE = NULL,
		   *created AUTO_FREE = NULL;
	struct secret text AUTO_SECRET = SECRET_INIT;
	struct err ignored;

	if (store_file_read(store, path, INFO_MAX, &text, err) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	if (text.len == 0 || strlen(text.data) != text.len)
		return err_set(err, ERR_BROKEN_STORE, "%s is not text", path);
	directory = value_of(text.data, "directory");
	created = value_of(text.data, "created");
	if (created)
		(void)instant_parse(created, &out->created, &ignored);
	if (directory && str_is(directory, at->directory))
		out->url = value_of(text.data, "url");
	/* A hand may have been in it, and it becomes part of what is signed. */
	if (out->url && authority_check_url(at, out->url, err) < 0)
		return err_add(err, "%s", path);
	out->binding = value_of(text.data, "binding");
	return 0;
}

int account_refuse(struct store *store, const struct authority *at,
	const struct failure *refusal, struct err *err)
{
	char *path AUTO_FREE = authority_path(at, REFUSAL_FILE);
	struct buf text AUTO_BUF = BUF_INIT;
	char since[INSTANT_TEXT_LEN];

	if (refusal->code == ERR_NONE)
		return remove_file(store, at, REFUSAL_FILE, err);
	buf_printf(&text, "code: %s\nsince: %s\ntries: %u\ntext: %.400s\n",
		err_code_text(refusal->code), instant_text(refusal->first, since),
		(unsigned)refusal->tries, refusal->text ? refusal->text : "");
	return store_file_write(store, path, text.data, text.len, err);
}

/* It is only told: what cannot be read is as good as not there. */
static void read_refusal(struct store *store, const struct authority *at, struct failure *out)
{
	char *path AUTO_FREE = authority_path(at, REFUSAL_FILE), *code AUTO_FREE = NULL,
		   *since AUTO_FREE = NULL, *tries AUTO_FREE = NULL;
	struct secret text AUTO_SECRET = SECRET_INIT;
	struct err ignored;
	int64_t n = 0;

	if (store_file_read(store, path, INFO_MAX, &text, &ignored) < 0 || text.len == 0 ||
		strlen(text.data) != text.len)
		return;
	code = value_of(text.data, "code");
	since = value_of(text.data, "since");
	tries = value_of(text.data, "tries");
	if (!code || !since || instant_parse(since, &out->first, &ignored) < 0)
		return;
	out->code = err_code_parse(code);
	if (tries && str_to_int(tries, 0, INT32_MAX, &n))
		out->tries = (uint32_t)n;
	out->text = value_of(text.data, "text");
}

static bool is_same_key(const struct key *a, const struct key *b)
{
	uint8_t x[SHA256_LEN], y[SHA256_LEN];

	key_spki_sha256(a, x);
	key_spki_sha256(b, y);
	return memcmp(x, y, sizeof(x)) == 0;
}

int account_read(
	struct store *store, const struct authority *at, struct account *out, struct err *err)
{
	struct account account AUTO_ACCOUNT = { .key = NULL };

	if (read_key(store, at, KEY_FILE, &account.key, err) < 0 ||
		read_key(store, at, CANDIDATE_FILE, &account.candidate, err) < 0 ||
		read_account_file(store, at, &account, err) < 0)
		return -1;
	read_refusal(store, at, &account.refusal);
	/* A crash came between the two steps of a promotion. */
	if (account.key && account.candidate && is_same_key(account.key, account.candidate)) {
		key_free(account.candidate);
		account.candidate = NULL;
	}
	*out = account;
	account = (struct account){ .key = NULL };
	return 0;
}

void account_done(struct account *account)
{
	key_free(account->key);
	key_free(account->candidate);
	free(account->url);
	free(account->binding);
	free(account->refusal.text);
	*account = (struct account){ .key = NULL };
}

int account_want_key(struct store *store, const struct authority *at, struct account *account,
	struct err *err)
{
	return make_key(store, at, KEY_FILE, &account->key, err);
}

static void count_retired(const char *name, struct instant changed, void *data)
{
	size_t *n = data;

	(void)changed;
	*n += str_starts(name, RETIRED);
}

int account_want_candidate(struct store *store, const struct authority *at,
	struct account *account, struct err *err)
{
	char *dir AUTO_FREE = authority_path(at, "");
	size_t n = 0;

	dir[strlen(dir) - 1] = '\0';
	if (store_file_list(store, dir, count_retired, &n, err) < 0)
		return -1;
	if (n >= RETIRED_MAX)
		return err_set(err, ERR_NOT_ALLOWED,
			"%s holds %zu retired keys; remove those that nobody needs any more",
			dir, n);
	return make_key(store, at, CANDIDATE_FILE, &account->candidate, err);
}

int account_note(struct store *store, const struct authority *at, struct account *account,
	const char *url, struct err *err)
{
	char *path AUTO_FREE = authority_path(at, ACCOUNT_FILE);
	struct buf text AUTO_BUF = BUF_INIT;
	char created[INSTANT_TEXT_LEN];

	if (account->url && str_is(account->url, url))
		return 0;
	/* Records and other programs name the account by it, so no engine moves it elsewhere. */
	if (account->url)
		return err_set(err, ERR_NOT_ALLOWED,
			"the account at %s is %.150s; it does not become %.150s unless the CA "
			"has "
			"lost it or its file is removed",
			at->ca->name, account->url, url);
	buf_printf(&text, "url: %s\ncreated: %s\ndirectory: %s\n", url,
		instant_text(clock_now(), created), at->directory);
	if (at->acme->eab_kid)
		buf_printf(&text, "binding: %s\n", at->acme->eab_kid);
	return store_file_write(store, path, text.data, text.len, err);
}

int account_forget(struct store *store, const struct authority *at, struct err *err)
{
	return remove_file(store, at, ACCOUNT_FILE, err);
}

/*
 * Which key the CA knows is the engine's word, and a broken one may lie: the key that lost is
 * kept, so that a person can bring it back.
 */
static int retire(
	struct store *store, const struct authority *at, const struct key *key, struct err *err)
{
	uint8_t spki[SHA256_LEN];
	char name[64];

	key_spki_sha256(key, spki);
	snprintf(name, sizeof(name), RETIRED "%02x%02x%02x%02x%02x%02x%02x%02x.pem", spki[0],
		spki[1], spki[2], spki[3], spki[4], spki[5], spki[6], spki[7]);
	return write_key(store, at, name, key, err);
}

static bool is_same(const struct key *a, const struct key *b)
{
	uint8_t one[SHA256_LEN], other[SHA256_LEN];

	key_spki_sha256(a, one);
	key_spki_sha256(b, other);
	return memcmp(one, other, sizeof(one)) == 0;
}

int account_promote(
	struct store *store, const struct authority *at, bool candidate, struct err *err)
{
	struct key *old AUTO_KEY = NULL, *new AUTO_KEY = NULL;

	if (read_key(store, at, KEY_FILE, &old, err) < 0 ||
		read_key(store, at, CANDIDATE_FILE, &new, err) < 0)
		return -1;
	if (!new)
		return 0;
	if (candidate) {
		if ((old && !is_same(old, new) && retire(store, at, old, err) < 0) ||
			write_key(store, at, KEY_FILE, new, err) < 0)
			return -1;
	} else if (retire(store, at, new, err) < 0) {
		return -1;
	}
	return remove_file(store, at, CANDIDATE_FILE, err);
}

/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/ca/pending.h"

#include <string.h>

#include "daemon/keeper/store/info.h"
#include "daemon/keeper/store/store_file.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/der_peek.h"
#include "lib/crypt/csr.h"
#include "lib/crypt/digest.h"
#include "lib/crypt/key.h"
#include "lib/crypt/secret.h"
#include "lib/log/log.h"

#define PREFIX "pending-"
#define FILE_MAX (KEY_PEM_MAX + CSR_PEM_MAX + INFO_MAX)

/* "keys/" of the certificate; `file` may be "". */
static char *path_of(const struct pending_name *name, const char *file)
{
	return mem_printf("%scerts/%s/keys%s%s", name->is_test ? "test/" : "", name->cert,
		*file ? "/" : "", file);
}

static char *file_of(const struct pending_name *name)
{
	uint8_t hash[SHA256_LEN];
	struct buf file AUTO_BUF = BUF_INIT;

	digest_sha256(name->order, strlen(name->order), hash);
	buf_add_text(&file, PREFIX);
	buf_add_hex(&file, hash, 8);
	buf_add_text(&file, ".pem");
	return path_of(name, file.data);
}

/*
 * The CA verifies its signature; what is asked here is whether the two halves of a file belong
 * together.
 */
static int take_csr(const char *text, size_t len, struct pending *out, struct err *err)
{
	uint8_t own[SHA256_LEN], wanted[SHA256_LEN];

	key_spki_sha256(out->key, wanted);
	if (!der_peek_csr(text, len, own, &out->csr_der) ||
		memcmp(own, wanted, sizeof(own)) != 0)
		return err_set(err, ERR_BROKEN_STORE, "the signing request is not of its key");
	buf_add(&out->csr, text, len);
	return 0;
}

/* The request of the file, which begins behind the key. */
static int read_csr(const struct secret *text, struct pending *out, struct err *err)
{
	const char *at = strstr(text->data, "-----BEGIN CERTIFICATE REQUEST-----");

	return take_csr(at ? at : "", at ? strlen(at) : 0, out, err);
}

static int parse(
	const struct secret *text, const char *order, struct pending *out, struct err *err)
{
	struct buf value AUTO_BUF = BUF_INIT, created AUTO_BUF = BUF_INIT;

	if (text->len == 0 || strlen(text->data) != text->len ||
		!info_value(text->data, "order", &value) || !str_is(buf_text(&value), order) ||
		!info_value(text->data, "key_created", &created) ||
		instant_parse(buf_text(&created), &out->key_created, err) < 0)
		return err_set(err, ERR_BROKEN_STORE, "it is not of the order %.150s", order);
	if (key_read(text->data, text->len, &out->key, err) < 0)
		return -1;
	return read_csr(text, out, err);
}

int pending_read(struct store *store, const struct pending_name *name, struct pending *out,
	struct err *err)
{
	char *path AUTO_FREE = file_of(name);
	struct secret text AUTO_SECRET = SECRET_INIT;
	struct pending pending AUTO_PENDING = { .key = NULL };

	if (store_file_read(store, path, FILE_MAX, &text, err) < 0)
		return -1;
	if (parse(&text, name->order, &pending, err) < 0)
		return err_add(err, "%s", path);
	*out = pending;
	pending = (struct pending){ .key = NULL };
	return 0;
}

void pending_done(struct pending *pending)
{
	key_free(pending->key);
	buf_done(&pending->csr);
	buf_done(&pending->csr_der);
	pending->key = NULL;
}

int pending_write(struct store *store, const struct pending_name *name, const char *ca,
	const struct key *key, struct instant key_created, const struct buf *csr,
	struct pending *out, struct err *err)
{
	char *path AUTO_FREE = file_of(name), *head AUTO_FREE = NULL;
	struct secret text AUTO_SECRET = SECRET_INIT;
	struct pending pending AUTO_PENDING = { .key = NULL };
	char created[INSTANT_TEXT_LEN];

	head = mem_printf("order: %s\nca: %s\nkey_created: %s\n", name->order, ca,
		instant_text(key_created, created));
	secret_add(&text, head, strlen(head));
	if (key_write(key, &text, err) < 0)
		return -1;
	secret_add(&text, csr->data, csr->len);
	pending.key = key_share(key);
	pending.key_created = key_created;
	if (take_csr(csr->data, csr->len, &pending, err) < 0 ||
		store_file_write(store, path, text.data, text.len, err) < 0)
		return -1;
	*out = pending;
	pending = (struct pending){ .key = NULL };
	return 0;
}

int pending_remove(struct store *store, const struct pending_name *name, struct err *err)
{
	char *path AUTO_FREE = file_of(name);

	return store_file_remove(store, path, err);
}

struct sweep {
	const char *keep; /* a path, or NULL */
	const struct pending_name *name;
	struct duration age;
	struct buf old; /* paths, each with its NUL */
};

static void sweep_one(const char *file, struct instant changed, void *data)
{
	struct sweep *sweep = data;
	char *path AUTO_FREE = path_of(sweep->name, file);

	if (!str_starts(file, PREFIX) || (sweep->keep && str_is(path, sweep->keep)) ||
		instant_since(clock_now(), changed).s < sweep->age.s)
		return;
	buf_add(&sweep->old, path, strlen(path) + 1);
}

void pending_sweep(struct store *store, const struct pending_name *name, struct duration age)
{
	char *dir AUTO_FREE = path_of(name, ""), *keep AUTO_FREE = NULL;
	struct sweep sweep = { .name = name, .age = age };
	struct err err = ERR_INIT;

	sweep.keep = keep = name->order ? file_of(name) : NULL;
	(void)store_file_list(store, dir, sweep_one, &sweep, &err);
	for (size_t at = 0; at < sweep.old.len; at += strlen(sweep.old.data + at) + 1)
		if (store_file_remove(store, sweep.old.data + at, &err) < 0)
			log_debug(NULL, "%s", err.text);
	buf_done(&sweep.old);
}

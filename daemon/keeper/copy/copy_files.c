/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/keeper/copy/copy.h"
#include "daemon/keeper/files/secrets.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/chain.h"
#include "lib/crypt/key.h"
#include "lib/crypt/pem.h"
#include "lib/crypt/pkcs12.h"

/* The files of each format in a target's directory (contract, `formats`). */

#define PUBLIC_MODE 0644
#define PASSWORD_MAX 4096

enum source { KEY, CERT, CHAIN, FULLCHAIN, BUNDLE, SOURCE_COUNT };

static const struct {
	const char *name;
	bool has_key;
} sources[SOURCE_COUNT] = {
	[KEY] = { "privkey.pem", true },
	[CERT] = { "cert.pem", false },
	[CHAIN] = { "chain.pem", false },
	[FULLCHAIN] = { "fullchain.pem", false },
	[BUNDLE] = { "bundle.pem", true },
};

/* The material of the files, read from the store on demand. */
struct material {
	const struct target_conf *target;
	const struct cert_conf *cert;
	copy_read *read;
	void *data;
	struct secret at[SOURCE_COUNT];
};

static void wipe(struct buf *buf)
{
	if (buf->data)
		explicit_bzero(buf->data, buf->size);
	buf_done(buf);
}

static int get(
	struct material *from, enum source source, const struct secret **out, struct err *err)
{
	struct buf file CLEANUP(wipe) = BUF_INIT;

	if (!from->at[source].len) {
		if (from->read(from->data, sources[source].name, &file, err) < 0)
			return -1;
		secret_add(&from->at[source], file.data, file.len);
	}
	*out = &from->at[source];
	return 0;
}

static struct copy_file *add(
	struct copy *copy, const struct material *from, const char *name, bool has_key)
{
	struct copy_file *file = &copy->files[copy->n_files++];

	file->name = name;
	file->has_key = has_key;
	file->mode = has_key ? from->target->key_mode : PUBLIC_MODE;
	return file;
}

static int add_as_is(struct copy *copy, struct material *from, enum source source,
	const char *name, struct err *err)
{
	const struct secret *data;

	if (get(from, source, &data, err) < 0)
		return -1;
	secret_add(
		&add(copy, from, name, sources[source].has_key)->data, data->data, data->len);
	return 0;
}

static int add_pem(struct copy *copy, struct material *from, struct err *err)
{
	for (enum source i = 0; i < SOURCE_COUNT; i++)
		if (add_as_is(copy, from, i, sources[i].name, err) < 0)
			return -1;
	return 0;
}

static int add_combined(struct copy *copy, struct material *from, struct err *err)
{
	return add_as_is(copy, from, BUNDLE, "combined.pem", err);
}

/* The first PEM block of a file as DER. */
static int add_block(struct copy *copy, struct material *from, enum source source,
	const char *name, struct err *err)
{
	struct pem_block block CLEANUP(pem_block_done) = { .is_encrypted = false };
	const struct secret *pem;
	const char *text;
	size_t len;

	if (get(from, source, &pem, err) < 0)
		return -1;
	text = pem->data;
	len = pem->len;
	if (pem_next(&text, &len, &block, err) != 1)
		return err_set(err, ERR_BROKEN_STORE, "%s holds no PEM", sources[source].name);
	secret_move(&add(copy, from, name, sources[source].has_key)->data, &block.der);
	return 0;
}

static int add_der(struct copy *copy, struct material *from, struct err *err)
{
	if (add_block(copy, from, CERT, "cert.der", err) < 0)
		return -1;
	return add_block(copy, from, KEY, "privkey.der", err);
}

static int read_password(const struct target_conf *target, struct secret *out, struct err *err)
{
	if (!target->password_file)
		return err_set(err, ERR_BAD_CONFIG, "pkcs12 needs a password_file");
	if (secrets_read(target->password_file, PASSWORD_MAX, out, err) < 0)
		return -1;
	while (out->len && (out->data[out->len - 1] == '\n' || out->data[out->len - 1] == '\r'))
		out->data[--out->len] = 0;
	if (out->len == 0)
		return err_set(err, ERR_BAD_VALUE, "%s is empty", target->password_file);
	return 0;
}

/* The private key is part of it, so the mark tells nothing about the password. */
static uint32_t mark_of(const struct secret *bundle, const struct secret *password)
{
	struct secret both AUTO_SECRET = SECRET_INIT;

	secret_add(&both, bundle->data, bundle->len);
	secret_add(&both, password->data, password->len);
	return (uint32_t)(str_hash(both.data, both.len) % 999999999) + 1;
}

static int add_pkcs12(struct copy *copy, struct material *from, struct err *err)
{
	struct secret password AUTO_SECRET = SECRET_INIT;
	struct chain chain AUTO_CHAIN = CHAIN_INIT;
	const struct secret *pem, *certs, *bundle;
	struct key *key AUTO_KEY = NULL;
	struct copy_file *file;

	if (get(from, KEY, &pem, err) < 0 || get(from, FULLCHAIN, &certs, err) < 0 ||
		get(from, BUNDLE, &bundle, err) < 0)
		return -1;
	if (read_password(from->target, &password, err) < 0 ||
		key_read(pem->data, pem->len, &key, err) < 0 ||
		chain_read(certs->data, certs->len, &chain, err) < 0)
		return -1;
	file = add(copy, from, "cert.p12", true);
	file->mark = mark_of(bundle, &password);
	return pkcs12_write(key, &chain, from->cert->name, password.data, &file->data, err);
}

/* Once, also when another format has it already. */
static int add_anchor(struct copy *copy, struct material *from, struct err *err)
{
	for (size_t i = 0; i < copy->n_files; i++)
		if (str_is(copy->files[i].name, sources[CERT].name))
			return 0;
	return add_as_is(copy, from, CERT, sources[CERT].name, err);
}

static const struct {
	enum format format;
	int (*add)(struct copy *copy, struct material *from, struct err *err);
} formats[] = {
	{ FORMAT_PEM, add_pem },
	{ FORMAT_COMBINED, add_combined },
	{ FORMAT_DER, add_der },
	{ FORMAT_PKCS12, add_pkcs12 },
	{ FORMAT_ANCHOR, add_anchor },
};

static int add_all(struct copy *copy, struct material *from, struct err *err)
{
	/* The keys of a CA never leave, whatever the configuration might say. */
	unsigned wanted = from->cert->is_ca ? FORMAT_ANCHOR : from->target->formats;

	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if ((wanted & formats[i].format) && formats[i].add(copy, from, err) < 0)
			return -1;
	return 0;
}

int copy_init(struct copy *copy, const struct target_conf *target, const struct cert_conf *cert,
	const struct version_id *version, copy_read *read, void *data, struct err *err)
{
	struct material from = { target, cert, read, data, { { 0 } } };
	int r;

	copy_init_place(copy, target, cert);
	copy->version = *version;
	r = add_all(copy, &from, err);
	for (size_t i = 0; i < SOURCE_COUNT; i++)
		secret_done(&from.at[i]);
	return r < 0 ? err_add(err, "%s for %s", cert->name, target->name) : 0;
}

void copy_init_place(
	struct copy *copy, const struct target_conf *target, const struct cert_conf *cert)
{
	copy->dir = mem_strdup(target->dir);
	copy->group = mem_strndup(cert->name, (size_t)(cert->service - cert->name) - 1);
	copy->service = mem_strdup(cert->service);
	copy->uid = target->uid;
	copy->gid = target->gid;
	copy->use_links = target->layout == LAYOUT_LINK;
}

void copy_done(struct copy *copy)
{
	for (size_t i = 0; i < COPY_FILES_MAX; i++)
		secret_done(&copy->files[i].data);
	free(copy->dir);
	free(copy->group);
	free(copy->service);
	free(copy->aside);
	*copy = (struct copy){ .n_files = 0 };
}

char *copy_path(const struct copy *copy)
{
	return mem_printf("%s/%s/%s/curr", copy->dir, copy->group, copy->service);
}

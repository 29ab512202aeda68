/* SPDX-License-Identifier: MIT */
#include "client/material.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/pem.h"
#include "lib/crypt/secret.h"

const char *material_kind_text(enum material_kind kind)
{
	static const char *const words[] = {
		[MATERIAL_KEY] = "private key",
		[MATERIAL_REQUEST] = "signing request",
		[MATERIAL_CERT] = "certificate",
		[MATERIAL_OTHER] = "other",
	};

	return words[kind];
}

static void item_done(struct material_item *item)
{
	key_free(item->key);
	csr_free(item->csr);
	cert_free(item->cert);
	free(item->label);
}

static enum material_kind kind_of_label(const char *label)
{
	if (str_ends(label, "PRIVATE KEY"))
		return MATERIAL_KEY;
	if (str_ends(label, "CERTIFICATE REQUEST"))
		return MATERIAL_REQUEST;
	return str_is(label, "CERTIFICATE") ? MATERIAL_CERT : MATERIAL_OTHER;
}

static int item_decode(struct material_item *item, const void *der, size_t len, struct err *err)
{
	switch (item->kind) {
	case MATERIAL_KEY:
		return key_read(der, len, &item->key, err);
	case MATERIAL_REQUEST:
		return csr_read(der, len, &item->csr, err);
	case MATERIAL_CERT:
		return cert_read(der, len, &item->cert, err);
	default:
		return 0;
	}
}

static int add_block(struct material *out, const struct pem_block *block, struct err *err)
{
	struct material_item *item = &out->items[out->n];

	if (out->n == MATERIAL_MAX)
		return err_set(
			err, ERR_TOO_LARGE, "there are more than %d blocks", MATERIAL_MAX);
	*item = (struct material_item){ .kind = kind_of_label(block->label),
		.file = out->n_files };
	if (block->is_encrypted || str_is(block->label, "ENCRYPTED PRIVATE KEY"))
		return err_set(
			err, ERR_BAD_KEY, "the private key is encrypted with a password");
	if (item_decode(item, block->der.data, block->der.len, err) < 0)
		return -1;
	item->label = mem_strdup(block->label);
	out->n++;
	return 0;
}

/* DER has no label, so each kind is tried. */
static int add_der(struct material *out, const struct secret *data, struct err *err)
{
	static const enum material_kind kinds[] = { MATERIAL_CERT, MATERIAL_REQUEST,
		MATERIAL_KEY };
	struct material_item item = { .file = out->n_files };

	if (out->n == MATERIAL_MAX)
		return err_set(
			err, ERR_TOO_LARGE, "there are more than %d blocks", MATERIAL_MAX);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		item.kind = kinds[i];
		if (item_decode(&item, data->data, data->len, err) == 0) {
			item.label = mem_strdup("");
			out->items[out->n++] = item;
			return 0;
		}
	}
	return err_set(
		err, ERR_BAD_VALUE, "neither PEM nor a certificate, request or key in DER");
}

static int add_pem(struct material *out, const struct secret *data, struct err *err)
{
	const char *text = data->data;
	struct pem_block block = { .label = "" };
	size_t len = data->len, before = out->n;
	int got;

	while ((got = pem_next(&text, &len, &block, err)) > 0) {
		got = add_block(out, &block, err);
		pem_block_done(&block);
		if (got < 0)
			return err_add(err, "block %zu", out->n - before + 1);
	}
	if (got < 0)
		return -1;
	return out->n > before ? 0 : err_set(err, ERR_BAD_VALUE, "there is no PEM block");
}

/* Links are followed: curr is one, and the user chose the files. */
static int read_bytes(const char *path, struct secret *out, struct err *err)
{
	int fd AUTO_CLOSE = -1;

	if (!path)
		return secret_read_fd(STDIN_FILENO, MATERIAL_FILE_MAX, out, err);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : err_code_of_errno(errno),
			errno, "cannot open the file");
	return secret_read_fd(fd, MATERIAL_FILE_MAX, out, err);
}

int material_read(const char *path, struct material *out, struct err *err)
{
	struct secret data AUTO_SECRET = SECRET_INIT;
	int ret = read_bytes(path, &data, err);

	if (ret == 0)
		ret = pem_is_text(data.data, data.len) ? add_pem(out, &data, err)
						       : add_der(out, &data, err);
	out->n_files++;
	return ret < 0 ? err_add(err, "%s", path ? path : "standard input") : 0;
}

void material_done(struct material *material)
{
	for (size_t i = 0; i < material->n; i++)
		item_done(&material->items[i]);
	material->n = material->n_files = 0;
}

/* SPDX-License-Identifier: MIT */
#include "daemon/conf/schema.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Each part ends with a NUL, so no two lists of parts run into the same text. */
static void add(struct buf *text, const char *part)
{
	buf_add(text, part, strlen(part) + 1);
}

/*
 * FNV-1a over the parts in a fixed order, names sorted, then mixed so that few changed bits reach
 * all.  The value is stored with every version: any change here re-issues all certificates.
 */
uint64_t cert_conf_digest(const struct conf *conf, const struct cert_conf *cert)
{
	struct buf text AUTO_BUF = BUF_INIT;
	char **names AUTO_FREE = mem_zalloc(cert->n_names * sizeof(*names));
	uint64_t h;

	if (cert->n_names)
		memcpy(names, cert->names, cert->n_names * sizeof(*names));
	if (cert->n_names > 1)
		qsort(names, cert->n_names, sizeof(*names), by_text);
	buf_reserve(&text, 255);
	add(&text, "1 names");
	for (size_t i = 0; i < cert->n_names; i++)
		add(&text, names[i]);
	add(&text, "subject");
	for (size_t i = 0; i < cert->n_subject; i++) {
		add(&text, cert->subject[i].key);
		add(&text, cert->subject[i].value);
	}
	add(&text, "key");
	add(&text, cert->key);
	add(&text, "ca");
	for (size_t i = 0; i < cert->n_cas; i++)
		add(&text, cert->cas[i] == CA_SELF ? "self" : conf->cas[cert->cas[i]].name);
	buf_printf(&text, "rest %u %d %d", cert->purposes, cert->path_length, cert->is_ca);
	h = str_hash(text.data, text.len);
	h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	return h ? h : 1;
}

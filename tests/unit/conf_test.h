/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_UNIT_CONF_TEST_H
#define CERTD_TESTS_UNIT_CONF_TEST_H

#include "daemon/conf/conf.h"
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/yaml/diag.h"

/* Configurations out of texts, for the tests of daemon/conf. */

static inline void add_file(struct conf_files *files, const char *path, const char *text)
{
	files->at = mem_grow(files->at, files->n + 1, sizeof(*files->at));
	files->at[files->n++] =
		(struct conf_file){ mem_strdup(path), mem_strdup(text), strlen(text) };
}

/* Loads one text as /t/c; what is told goes into out, if not NULL. */
static inline struct conf *load_text(const char *text, struct buf *out)
{
	struct conf_files files = { 0 };
	struct yaml_diags diags = { 0 };
	struct conf *conf;

	add_file(&files, "/t/c", text);
	conf = conf_load(&files, &diags);
	if (out)
		yaml_diags_print(&diags, out);
	yaml_diags_done(&diags);
	conf_files_done(&files);
	return conf;
}

#endif

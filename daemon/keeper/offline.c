/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/offline.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "daemon/conf/conf.h"
#include "daemon/keeper/check/read.h"
#include "daemon/keeper/check/unit.h"
#include "daemon/keeper/launch/conf_report.h"
#include "lib/base/err.h"
#include "lib/yaml/diag.h"

int offline_check(const char *config, bool is_installed)
{
	struct yaml_diags diags = { 0 };
	struct conf_files files = { 0 };
	struct buf text AUTO_BUF = BUF_INIT;
	struct conf *conf = read_checked(config, &files, &diags);
	bool is_good;

	if (conf && is_installed)
		unit_check(conf, "", &diags);
	conf_report_print(&diags);
	is_good = conf && diags.n_errors == 0;
	if (is_good)
		buf_printf(&text, "%s: %zu certificate%s, %zu warning%s\n", config,
			conf->n_certs, conf->n_certs == 1 ? "" : "s", diags.n_warnings,
			diags.n_warnings == 1 ? "" : "s");
	fputs(buf_text(&text), stdout);
	conf_unref(conf);
	conf_files_done(&files);
	yaml_diags_done(&diags);
	return is_good ? EXIT_SUCCESS : EX_CONFIG;
}

int offline_explain(const char *key)
{
	struct buf text AUTO_BUF = BUF_INIT;
	struct err err;

	if (conf_explain(key, &text, &err) < 0) {
		fprintf(stderr, "certd: %s\n", err.text);
		return EXIT_FAILURE;
	}
	fputs(buf_text(&text), stdout);
	return EXIT_SUCCESS;
}

static int print(void (*make)(struct buf *out))
{
	struct buf text AUTO_BUF = BUF_INIT;

	make(&text);
	fputs(buf_text(&text), stdout);
	return EXIT_SUCCESS;
}

int offline_schema(void)
{
	return print(conf_schema);
}

int offline_manual(void)
{
	return print(conf_manual);
}

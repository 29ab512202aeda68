/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/offline.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/conf/conf.h"
#include "lib/base/err.h"

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

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_BENCH_BENCH_H
#define CERTD_TESTS_BENCH_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "daemon/conf/conf.h"
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/yaml/diag.h"

/* What several of the programs that measure have in common. */

/* The processor time of this process so far, in seconds. */
static inline double bench_processor_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* The configuration, which the caller unrefs; a bad one ends the program.  What is told of it goes to standard error. */
static inline struct conf *bench_load(const char *path)
{
	struct yaml_diags diags = { 0 };
	struct conf_files files = { 0 };
	struct buf text AUTO_BUF = BUF_INIT;
	struct conf *conf;

	conf_read_files(path, &files, &diags);
	conf = conf_load(&files, &diags);
	yaml_diags_print(&diags, &text);
	fputs(buf_text(&text), stderr);
	if (!conf)
		exit(EXIT_FAILURE);
	conf_files_done(&files);
	yaml_diags_done(&diags);
	return conf;
}

#endif

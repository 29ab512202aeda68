/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/check/read.h"

#include "daemon/conf/conf.h"
#include "daemon/keeper/check/outside.h"
#include "daemon/keeper/files/secrets.h"

struct conf *read_checked(const char *path, struct conf_files *files, struct yaml_diags *diags)
{
	struct conf *conf;

	/*
	 * The readable part is decoded even if another is not, so that one run tells all
	 * mistakes.
	 */
	conf_read_files(path, files, diags);
	conf = conf_load(files, diags);
	if (conf) {
		secrets_check(conf, diags);
		outside_check(conf, diags);
	}
	return conf;
}

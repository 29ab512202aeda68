/* SPDX-License-Identifier: MIT */
/* Where the targets of a certificate keep its files.  The plan links this, too. */
#include "daemon/conf/conf.h"
#include "daemon/conf/index.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

char *target_conf_dir(const struct target_conf *target, const struct cert_conf *cert)
{
	return mem_printf("%s/%s", target->dir, cert->name);
}

const struct target_conf *cert_conf_target_in(
	const struct conf *conf, const struct cert_conf *cert, const char *dir)
{
	for (size_t i = 0; i < cert->n_targets; i++) {
		const struct target_conf *target = cert_conf_nth_target(conf, cert, i);
		char *own AUTO_FREE = target_conf_dir(target, cert);

		if (str_is(own, dir))
			return target;
	}
	return NULL;
}

bool cert_conf_uses_dir(const struct conf *conf, const struct cert_conf *cert,
	const char *target, const char *dir)
{
	for (size_t i = 0; i < cert->n_targets; i++)
		if (str_is(cert_conf_nth_target(conf, cert, i)->name, target))
			return true;
	return cert_conf_target_in(conf, cert, dir) != NULL;
}

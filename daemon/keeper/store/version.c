/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/store/version.h"

#include "daemon/keeper/store/info.h"
#include "lib/crypt/chain.h"

void version_files_done(struct version_files *files)
{
	secret_done(&files->privkey);
	secret_done(&files->bundle);
	buf_done(&files->csr);
	buf_done(&files->cert);
	buf_done(&files->chain);
	buf_done(&files->fullchain);
	buf_done(&files->tlsa);
	buf_done(&files->info);
}

void version_files_fill(struct version_files *files, const char *name,
	const struct chain *chain, size_t from, const char *ca,
	const struct version_facts *facts)
{
	cert_write(chain->at[0], &files->cert);
	chain_write(chain, from, &files->chain);
	chain_write(chain, 0, &files->fullchain);
	secret_add(&files->bundle, files->privkey.data, files->privkey.len);
	secret_add(&files->bundle, files->fullchain.data, files->fullchain.len);
	buf_printf(&files->tlsa, ";; %s publishes no TLSA records\n", name);
	info_write(facts, chain->at[0], ca, &files->info);
}

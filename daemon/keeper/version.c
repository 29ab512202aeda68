#include "daemon/keeper/version.h"

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

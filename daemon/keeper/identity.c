#include "daemon/keeper/identity.h"

#include <fcntl.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/jws.h"
#include "lib/crypt/key.h"
#include "lib/crypt/secret.h"

enum { ACCOUNT_MAX = 16384 };

static int read_thumbprint(const char *path, struct buf *out, struct err *err)
{
	struct secret pem AUTO_SECRET = SECRET_INIT;
	struct key *key CLEANUP(key_freep) = NULL;

	if (secret_read(AT_FDCWD, path, KEY_PEM_MAX, &pem, err) < 0 ||
		key_read(pem.data, pem.len, &key, err) < 0)
		return -1;
	return jws_thumbprint(key, out, err);
}

static void read_url(const char *path, struct buf *out)
{
	struct buf text AUTO_BUF = BUF_INIT;
	struct err ignored;
	char *save, *line;

	if (file_read(AT_FDCWD, path, ACCOUNT_MAX, &text, &ignored) < 0 || text.len == 0)
		return;
	for (line = strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (str_starts(line, "url: "))
			buf_add_text(out, line + strlen("url: "));
}

int identity_read(const char *state_dir, const char *ca, bool is_test, struct buf *thumbprint,
	struct buf *url, struct err *err)
{
	char *dir AUTO_FREE =
		mem_printf("%s/%saccounts/%s", state_dir, is_test ? "test/" : "", ca);
	char *key AUTO_FREE = mem_printf("%s/key.pem", dir);
	char *account AUTO_FREE = mem_printf("%s/account", dir);

	read_url(account, url);
	if (read_thumbprint(key, thumbprint, err) < 0)
		return err_add(err, "the account at %s", ca);
	return 0;
}

#include "daemon/keeper/secrets.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "tests/test.h"
#include "tests/unit/conf_test.h"

/* Every file with a secret that the configuration may name is looked at, whoever uses it. */

static const char text[] =
	"cas: {le: {type: acme, directory: \"https://ca.example/dir\", contact: [a@b.de], "
	"terms_agreed: true,\n  challenge: dns-01, eab: {kid: k, hmac_file: %s/eab}}}\n"
	"targets: {t: {dir: /x, formats: [pkcs12], password_file: %s/password}}\n"
	"dns: {zones: {a.de: {publish: {type: update, server: 192.0.2.1, tsig: {name: k, "
	"secret_file: %s/tsig}}}}}\n";

static const struct {
	const char *name, *path;
} rows[] = {
	{ "eab", "cas.le.eab.hmac_file" },
	{ "password", "targets.t.password_file" },
	{ "tsig", "dns.zones.a.de.publish.tsig.secret_file" },
};

static void put(const char *dir, const char *name, mode_t mode)
{
	char *path AUTO_FREE = mem_printf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	REQUIRE(fd >= 0);
	REQUIRE(fchmod(fd, mode) == 0);
	close(fd);
}

static void check(const struct conf *conf, struct buf *told)
{
	struct yaml_diags diags = { 0 };

	buf_clear(told);
	yaml_diags_file(&diags, "/t/c");
	secrets_check(conf, &diags);
	yaml_diags_print(&diags, told);
	CHECK_INT(diags.n_errors, 0);
	yaml_diags_done(&diags);
}

static void check_row(const char *dir, const struct conf *conf, size_t i)
{
	char *want AUTO_FREE =
		mem_printf("warning: %s: %s/%s is a secret that everybody can read; "
			   "run \"chmod o= %s/%s\"\n",
			rows[i].path, dir, rows[i].name, dir, rows[i].name);
	struct buf told AUTO_BUF = BUF_INIT;
	const char *at;

	put(dir, rows[i].name, 0644);
	check(conf, &told);
	at = strstr(buf_text(&told), "warning: ");
	CHECK_STR(at ? at : "", want);
	put(dir, rows[i].name, 0640);
	check(conf, &told);
	CHECK_STR(buf_text(&told), "");
}

TEST(secrets_that_others_can_read_are_told)
{
	char dir[] = "/tmp/certd-secrets-XXXXXX";
	struct conf *conf;
	struct err err;

	REQUIRE(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		put(dir, rows[i].name, 0600);
	{
		char *all AUTO_FREE = mem_printf(text, dir, dir, dir);

		conf = load_text(all, NULL);
	}
	REQUIRE(conf);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(dir, conf, i);
	conf_unref(conf);
	CHECK_INT(file_remove_tree(AT_FDCWD, dir, &err), 0);
}

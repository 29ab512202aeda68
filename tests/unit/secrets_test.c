/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/files/secrets.h"

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

static void put_text(const char *dir, const char *name, mode_t mode, const char *secret)
{
	char *path AUTO_FREE = mem_printf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	REQUIRE(fd >= 0);
	REQUIRE(fchmod(fd, mode) == 0);
	REQUIRE(write(fd, secret, strlen(secret)) == (ssize_t)strlen(secret));
	close(fd);
}

static void put(const char *dir, const char *name, mode_t mode)
{
	put_text(dir, name, mode, "c2VjcmV0\n");
}

static void check_for(const struct conf *conf, struct buf *told, size_t n_errors)
{
	struct yaml_diags diags = { 0 };

	buf_clear(told);
	yaml_diags_file(&diags, "/t/c");
	secrets_check(conf, &diags);
	yaml_diags_print(&diags, told);
	CHECK_INT(diags.n_errors, n_errors);
	yaml_diags_done(&diags);
}

static void check(const struct conf *conf, struct buf *told)
{
	check_for(conf, told, 0);
}

static void check_row(const char *dir, const struct conf *conf, size_t i)
{
	char *want AUTO_FREE =
		mem_printf("warning: %s: %s/%s is a secret that all users can read; "
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

/* Files with secrets, and a configuration that names them. */
static struct conf *begin(char *dir)
{
	struct conf *conf;

	REQUIRE(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		put(dir, rows[i].name, 0600);
	{
		char *all AUTO_FREE = mem_printf(text, dir, dir, dir);

		conf = load_text(all, NULL);
	}
	REQUIRE(conf);
	return conf;
}

static void end(const char *dir, struct conf *conf)
{
	struct err err;

	conf_unref(conf);
	CHECK_INT(file_remove_tree(AT_FDCWD, dir, &err), 0);
}

TEST(secrets_that_others_can_read_are_told)
{
	char dir[] = "/tmp/certd-secrets-XXXXXX";
	struct conf *conf = begin(dir);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(dir, conf, i);
	end(dir, conf);
}

/* What no name server or CA can have handed out, at the place of the key that names it. */
TEST(what_is_no_secret_is_an_error)
{
	static const char *const key = "it holds a whole key as a name server reads it; put "
				       "only the secret there, as base64";
	static const struct {
		const char *name, *text, *place, *path, *want;
	} table[] = {
		{ "tsig", "", "4:94", "dns.zones.a.de.publish.tsig.secret_file",
			"it is empty" },
		{ "tsig", " \n", "4:94", "dns.zones.a.de.publish.tsig.secret_file",
			"it is empty" },
		{ "tsig", "=garbage!", "4:94", "dns.zones.a.de.publish.tsig.secret_file",
			"it is not base64" },
		{ "tsig", "key \"k\" {\n\talgorithm hmac-sha256;\n\tsecret \"c2Vj\";\n};\n",
			"4:94", "dns.zones.a.de.publish.tsig.secret_file", key },
		{ "tsig", "key:\n  - id: k\n    secret: c2Vj\n", "4:94",
			"dns.zones.a.de.publish.tsig.secret_file", key },
		{ "eab", "", "2:47", "cas.le.eab.hmac_file", "it is empty" },
		{ "eab", "a", "2:47", "cas.le.eab.hmac_file", "it is not base64" },
		{ "password", "", "3:58", "targets.t.password_file", "it is empty" },
	};
	char dir[] = "/tmp/certd-secrets-XXXXXX";
	struct conf *conf = begin(dir);
	struct buf told AUTO_BUF = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char *want AUTO_FREE = mem_printf("/t/c:%s: error: %s: %s/%s: %s\n",
			table[i].place, table[i].path, dir, table[i].name, table[i].want);

		put_text(dir, table[i].name, 0600, table[i].text);
		check_for(conf, &told, 1);
		CHECK_STR(buf_text(&told), want);
		put(dir, table[i].name, 0600);
	}
	put_text(dir, "password", 0600, "any { text: }\n");
	put_text(dir, "tsig", 0600, " c2Vj\ncmV0 \n");
	check(conf, &told);
	CHECK_STR(buf_text(&told), "");
	end(dir, conf);
}

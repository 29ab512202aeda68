/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "tests/test.h"
#include "tests/unit/conf_test.h"

/* How a trust_file, or roots_file, travels: read and checked by the keeper, in the notes to the engine. */

static char path[] = "/tmp/certd-trust-XXXXXX";

static const char root[] = "-----BEGIN CERTIFICATE-----\n"
			   "MIIBljCCAT2gAwIBAgIUPCmvIcInVR3XBV4krf3iE+sehKwwCgYIKoZIzj0EAwIw\n"
			   "IDEeMBwGA1UEAwwVVGVzdCBBQ01FIHNlcnZlciByb290MCAXDTI2MTEyMTIyMTky\n"
			   "MFoYDzIxMjYxMDI4MjIxOTIwWjAgMR4wHAYDVQQDDBVUZXN0IEFDTUUgc2VydmVy\n"
			   "IHJvb3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQMwCzC+wkr/fjEr/WfWoYh\n"
			   "+NnmPk6j2gUOOmopXJxkS7V5d7UQ/V8XAY/J1XovKgWqXNq0dYLfeJROfHhhU/eL\n"
			   "o1MwUTAdBgNVHQ4EFgQUq+arjtoOAwW2Djj265qhxU7Wex8wHwYDVR0jBBgwFoAU\n"
			   "q+arjtoOAwW2Djj265qhxU7Wex8wDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQD\n"
			   "AgNHADBEAiAGaN/ok3jQEu6D4E982ZamV8ecvuolE+r+UmOGzlhkhwIgCiCbhI8V\n"
			   "mB3ziUPNjAQP9TdqxOtHiGQwp6ifOJuIjcM=\n"
			   "-----END CERTIFICATE-----\n";

static void put(const char *text, size_t len)
{
	struct err err = ERR_INIT;
	int fd AUTO_CLOSE = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	REQUIRE(fd >= 0 && file_write_fd(fd, text, len, &err) == 0);
}

/* Loads a configuration with that trust_file; files keep the notes. */
static struct conf *load(struct conf_files *files, struct buf *out)
{
	char *text AUTO_FREE =
		mem_printf("cas: {le: {type: acme, directory: https://ca.example/d, "
			   "terms_agreed: true, trust_file: %s}, again: {type: acme, "
			   "directory: https://ca.example/d, terms_agreed: true, trust_file: "
			   "%s}, held: {type: acme, directory: https://ca.example/d, "
			   "terms_agreed: true, roots_file: %s, staging_roots_file: %s}}\n",
			path, path, path, path);
	struct yaml_diags diags = { 0 };
	struct conf *conf;

	if (!files->n)
		add_file(files, "/t/c", text);
	conf = conf_load(files, &diags);
	yaml_diags_print(&diags, out);
	yaml_diags_done(&diags);
	return conf;
}

TEST(engine_has_it_from_the_notes)
{
	char *twice AUTO_FREE = mem_printf("# first\n%s\nthe same\n%s", root, root);
	char *want AUTO_FREE = mem_printf("%s%s", root, root);
	struct conf_files files = { 0 }, copy;
	struct buf out AUTO_BUF = BUF_INIT, packed AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;
	struct conf *first, *second;
	const char *note;

	close(mkstemp(path));
	put(twice, strlen(twice));
	first = load(&files, &out);
	CHECK_STR(buf_text(&out), "");
	REQUIRE(first);
	/* Two CAs have it, and it is noted once; nothing but certificates is kept of it. */
	CHECK_STR(conf_ca(first, "le")->acme->trust, want);
	CHECK_STR(conf_ca(first, "again")->acme->trust, want);
	note = strstr(buf_text(&files.notes), "trust ");
	REQUIRE(note);
	CHECK(!strstr(note + 1, "trust ") && !strstr(note, "same"));
	conf_files_pack(&files, &packed);
	REQUIRE(conf_files_unpack(packed.data, packed.len, &copy, &err) == 0);
	REQUIRE(unlink(path) == 0);
	second = load(&copy, &out);
	CHECK_STR(buf_text(&out), "");
	REQUIRE(second);
	CHECK_STR(conf_ca(second, "le")->acme->trust, want);
	CHECK_STR(conf_ca(second, "held")->acme->roots, want);
	CHECK_STR(conf_ca(second, "held")->acme->staging_roots, want);
	CHECK(!conf_ca(second, "held")->acme->trust && !conf_ca(second, "le")->acme->roots);
	CHECK(conf_ca(first, "le")->acme->digest == conf_ca(second, "again")->acme->digest);
	conf_unref(first);
	conf_unref(second);
	conf_files_done(&files);
	conf_files_done(&copy);
}

static void refuses(const char *text, size_t len, const char *want)
{
	struct conf_files files = { 0 };
	struct buf out AUTO_BUF = BUF_INIT;
	struct conf *conf;

	put(text, len);
	conf = load(&files, &out);
	CHECK(!conf);
	if (!strstr(buf_text(&out), want))
		TEST_FAIL("no \"%s\" in: %s", want, buf_text(&out));
	conf_files_done(&files);
}

TEST(what_is_no_trust_file)
{
	char *cut AUTO_FREE = mem_strndup(root, strlen(root) / 2);
	char *key AUTO_FREE = mem_printf("%s-----BEGIN PRIVATE KEY-----\nAAAA\n"
					 "-----END PRIVATE KEY-----\n",
		root);
	char *large AUTO_FREE = mem_zalloc(1024 * 1024 + 2);

	memset(large, 'x', 1024 * 1024 + 1);
	strcpy(path + strlen(path) - 6, "XXXXXX");
	close(mkstemp(path));
	refuses("", 0, "it holds no certificate as PEM\n");
	refuses("hello\n", 6, "it holds no certificate as PEM\n");
	refuses(cut, strlen(cut), "cas.le.trust_file: cannot use /tmp/certd-trust-");
	refuses(key, strlen(key),
		"it holds a block PRIVATE KEY; only certificates may be in it\n");
	refuses(large, 1024 * 1024 + 1, "cas.again.trust_file: cannot use /tmp/certd-trust-");
	REQUIRE(unlink(path) == 0 && mkdir(path, 0700) == 0);
	{
		struct conf_files files = { 0 };
		struct buf out AUTO_BUF = BUF_INIT;

		CHECK(!load(&files, &out));
		CHECK(strstr(buf_text(&out), ": it is not a regular file\n"));
		conf_files_done(&files);
	}
	CHECK_INT(rmdir(path), 0);
}

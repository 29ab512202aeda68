/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/check/outside.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "tests/test.h"
#include "tests/unit/conf_test.h"

/* What the configuration names on this machine, and what is there instead; DIR is ours. */
static const struct {
	const char *zone, *want;
} rows[] = {
	{ "type: include, acme_dir: DIR/dir, refresh: [DIR/run]", "" },
	{ "type: include, acme_dir: DIR/none, refresh: [DIR/none]",
		"/t/c:1:57: warning: dns.zones.a.de.publish.acme_dir: the folder DIR/none is "
		"not "
		"there, and certd does not make it\n"
		"/t/c:1:98: warning: dns.zones.a.de.publish.refresh: the program DIR/none is "
		"not "
		"there\n" },
	{ "type: include, acme_dir: DIR/run, refresh: [DIR/plain]",
		"/t/c:1:57: warning: dns.zones.a.de.publish.acme_dir: DIR/run is no folder\n"
		"/t/c:1:97: warning: dns.zones.a.de.publish.refresh: the program DIR/plain is "
		"not executable; run \"chmod +x\" on it\n" },
	{ "type: include, acme_dir: DIR/open, refresh: [\"DIR/%{zone}\"]",
		"/t/c:1:57: warning: dns.zones.a.de.publish.acme_dir: all users can write to "
		"the "
		"folder DIR/open; run \"chmod o-w DIR/open\"\n" },
	{ "type: include, tlsa_dirs: [DIR/dir, DIR/none], refresh: [true]",
		"/t/c:1:58: warning: dns.zones.a.de.publish.tlsa_dirs[1]: the folder DIR/none "
		"is "
		"not there, and certd does not make it\n" },
	{ "type: command, add: [certd-no-such-program], remove: [certd-no-such-program, x]",
		"/t/c:1:52: warning: dns.zones.a.de.publish.add: there is no program "
		"certd-no-such-program in /usr/sbin:/usr/bin:/sbin:/bin\n" },
	{ "type: command, add: [DIR/dir], remove: [bin/dns-del]",
		"/t/c:1:52: warning: dns.zones.a.de.publish.add: the program DIR/dir is no "
		"program\n"
		"/t/c:1:93: warning: dns.zones.a.de.publish.remove: bin/dns-del: a program is "
		"a "
		"name or an absolute path\n" },
};

/* `text` with DIR replaced. */
static char *with_dir(const char *text, const char *dir)
{
	struct buf out = BUF_INIT;

	for (const char *at; (at = strstr(text, "DIR")); text = at + strlen("DIR"))
		buf_printf(&out, "%.*s%s", (int)(at - text), text, dir);
	buf_add_text(&out, text);
	return out.data;
}

static void check_row(const char *dir, size_t i)
{
	char *zone AUTO_FREE = with_dir(rows[i].zone, dir);
	char *want AUTO_FREE = with_dir(rows[i].want, dir);
	char *text AUTO_FREE = mem_printf(
		"dns: {zones: {a.de: {publish: {%s}}, b.de: {publish: {%s}}}}\n", zone, zone);
	struct conf *conf = load_text(text, NULL);
	struct yaml_diags diags = { 0 };
	struct buf told AUTO_BUF = BUF_INIT;

	REQUIRE(conf);
	yaml_diags_file(&diags, "/t/c");
	outside_check(conf, &diags);
	yaml_diags_print(&diags, &told);
	CHECK_STR(buf_text(&told), want);
	yaml_diags_done(&diags);
	conf_unref(conf);
}

static void put(int dir, const char *name, mode_t mode)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, mode);

	REQUIRE(fd >= 0);
	close(fd);
}

TEST(what_is_not_there_is_told_once)
{
	char path[] = "/tmp/certd-outside-XXXXXX";
	struct err err;
	int dir;

	REQUIRE(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	REQUIRE(dir >= 0);
	put(dir, "run", 0755);
	put(dir, "plain", 0644);
	REQUIRE(mkdirat(dir, "dir", 0755) == 0 && mkdirat(dir, "open", 0755) == 0);
	REQUIRE(fchmodat(dir, "open", 01777, 0) == 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(path, i);
	close(dir);
	CHECK_INT(file_remove_tree(AT_FDCWD, path, &err), 0);
}

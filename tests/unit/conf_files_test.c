/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "tests/test.h"
#include "tests/unit/conf_test.h"

/* A folder for files of one test. */
struct folder {
	char path[64];
};

static struct folder folder_make(void)
{
	struct folder f = { "/tmp/certd-conf-XXXXXX" };

	REQUIRE(mkdtemp(f.path));
	return f;
}

static void folder_put(const struct folder *f, const char *name, const char *text)
{
	char *path AUTO_FREE = mem_printf("%s/%s", f->path, name);
	FILE *out = fopen(path, "w");

	REQUIRE(out);
	fputs(text, out);
	fclose(out);
}

static void folder_done(struct folder *f)
{
	struct err err = ERR_INIT;

	CHECK_INT(file_remove_tree(AT_FDCWD, f->path, &err), 0);
}

/* Reads and loads NAME in the folder; diagnostics without the folder's path. */
static struct conf *folder_load(const struct folder *f, const char *name, struct buf *told)
{
	char *path AUTO_FREE = mem_printf("%s/%s", f->path, name);
	struct buf out AUTO_BUF = BUF_INIT;
	struct conf_files files;
	struct yaml_diags diags = { 0 };
	int rc = conf_read_files(path, &files, &diags);
	struct conf *conf = conf_load(&files, &diags);

	if (rc < 0)
		CHECK(!conf);
	yaml_diags_print(&diags, &out);
	for (const char *p = buf_text(&out); *p;) {
		if (strncmp(p, f->path, strlen(f->path)) == 0)
			p += strlen(f->path);
		else
			buf_add_char(told, *p++);
	}
	yaml_diags_done(&diags);
	conf_files_done(&files);
	return conf;
}

TEST(includes_merge)
{
	struct folder f = folder_make();
	struct buf told AUTO_BUF = BUF_INIT;
	char *sub AUTO_FREE = mem_printf("%s/conf.d", f.path);
	char *dir AUTO_FREE = mem_printf("%s/conf.d/live", f.path);
	struct conf *conf;

	REQUIRE(mkdir(sub, 0700) == 0);
	folder_put(&f, "c.yaml",
		"include: [conf.d/*.yaml, c.yaml]\n"
		"cas: {l: {type: local, issuer: ca/r}}\n"
		"groups: {ca: {r: {ca: self}}}\n");
	folder_put(&f, "conf.d/b.yaml",
		"groups: {ca: {s: {ca: l}}, a.de: {x: {ca: l, names: [a.de]}}}\n");
	folder_put(&f, "conf.d/a.yaml",
		"include: [b.yaml]\ntargets: {t: {dir: live}}\n"
		"groups: {a.de: {y: {ca: l, names: [a.de], deploy: t}}}\n");
	folder_put(&f, "conf.d/empty.yaml", "# nothing\n");
	conf = folder_load(&f, "c.yaml", &told);
	CHECK_STR(buf_text(&told), "");
	REQUIRE(conf);
	CHECK_INT(conf->n_certs, 4);
	CHECK(conf_cert(conf, "a.de/x") && conf_cert(conf, "a.de/y") &&
		conf_cert(conf, "ca/s"));
	/* Relative to the file that contains it. */
	CHECK_STR(conf->targets[0].dir, dir);
	conf_unref(conf);
	folder_done(&f);
}

TEST(mistakes_of_several_files)
{
	struct folder f = folder_make();
	struct buf told AUTO_BUF = BUF_INIT;

	folder_put(&f, "c.yaml",
		"include: [a.yaml, gone.yaml, \"none-*.yaml\"]\n"
		"state_dir: /x\ndefaults: {keep: 1}\n"
		"groups: {a.de: {x: {ca: self, names: [a.de]}}}\n"
		"colour: red\n");
	folder_put(&f, "a.yaml",
		"state_dir: /y\ndefaults: {keep: 2, auto: no}\n"
		"groups: {a.de: {x: {ca: self}, z: {}}}\n");
	CHECK(!folder_load(&f, "c.yaml", &told));
	buf_add_text(&told, "");
	CHECK(strstr(buf_text(&told), "/c.yaml:1:19: error: include[1]: there is no file "));
	CHECK(strstr(buf_text(&told), "/c.yaml:5:1: error: colour: is an unknown key\n"));
	CHECK(strstr(buf_text(&told),
		"/a.yaml:1:1: error: state_dir: is given twice, first in /c.yaml:2\n"));
	CHECK(strstr(buf_text(&told),
		"/a.yaml:2:12: error: defaults.keep: is given twice, first in /c.yaml:3\n"));
	CHECK(strstr(buf_text(&told), "/a.yaml:2:27: error: defaults.auto: \"no\" is not a "
				      "truth value; write true or false\n"));
	CHECK(strstr(buf_text(&told),
		"/a.yaml:3:17: error: groups.a.de.x: is given twice, first in /c.yaml:4\n"));
	CHECK(strstr(
		buf_text(&told), "/a.yaml:3:32: error: groups.a.de.z: needs the key ca\n"));
	folder_done(&f);
}

TEST(unreadable)
{
	struct folder f = folder_make();
	struct buf told AUTO_BUF = BUF_INIT;

	CHECK(!folder_load(&f, "none.yaml", &told));
	CHECK_STR(buf_text(&told),
		"/none.yaml:1:1: error: file: cannot open it: No such file or directory\n");
	buf_clear(&told);
	CHECK(!folder_load(&f, ".", &told));
	CHECK_STR(buf_text(&told), "/.:1:1: error: file: it is not a regular file\n");
	folder_done(&f);
}

TEST(credentials)
{
	static const char text[] = "targets: {t: {dir: /x, formats: [pkcs12], password_file: "
				   "\"credential:p12\"}}\n";
	struct conf *conf;

	setenv("CREDENTIALS_DIRECTORY", "/run/credentials/certd", 1);
	conf = load_text(text, NULL);
	unsetenv("CREDENTIALS_DIRECTORY");
	REQUIRE(conf);
	CHECK_STR(conf->targets[0].password_file, "/run/credentials/certd/p12");
	conf_unref(conf);
}

/* The engine decodes to the same, from the notes alone. */
TEST(pack_carries_the_machine)
{
	static const char text[] = "control: {observe: [root, \"@root\", no-such-user]}\n"
				   "targets: {t: {dir: /x, owner: \"root:root\", formats: "
				   "[pkcs12], password_file: "
				   "\"credential:p12\"}}\n";
	struct conf_files files = { 0 }, copy;
	struct yaml_diags diags = { 0 }, again = { 0 };
	struct buf packed AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;
	struct conf *first, *second;

	add_file(&files, "/t/c", text);
	setenv("CREDENTIALS_DIRECTORY", "/run/credentials/certd", 1);
	first = conf_load(&files, &diags);
	unsetenv("CREDENTIALS_DIRECTORY");
	REQUIRE(first);
	conf_files_pack(&files, &packed);
	REQUIRE(conf_files_unpack(packed.data, packed.len, &copy, &err) == 0);
	CHECK_INT(copy.n, 1);
	CHECK_STR(copy.at[0].path, "/t/c");
	CHECK_STR(copy.at[0].data, text);
	second = conf_load(&copy, &again);
	REQUIRE(second);
	CHECK_STR(second->targets[0].password_file, "/run/credentials/certd/p12");
	CHECK_INT(second->targets[0].uid, 0);
	CHECK(second->observe.at[0].is_known && second->observe.at[1].is_known);
	CHECK(!second->observe.at[2].is_known);
	conf_unref(first);
	conf_unref(second);
	conf_files_done(&files);
	conf_files_done(&copy);
	yaml_diags_done(&diags);
	yaml_diags_done(&again);
}

TEST(unpack_refuses_every_cut)
{
	struct conf_files files = { 0 }, copy;
	struct buf packed AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;

	add_file(&files, "/a", "x: 1\n");
	add_file(&files, "/b", "");
	conf_files_pack(&files, &packed);
	for (size_t len = 0; len < packed.len; len++) {
		CHECK_INT(conf_files_unpack(packed.data, len, &copy, &err), -1);
		CHECK_STR(err.text, "the packed configuration is malformed");
	}
	conf_files_done(&files);
}

struct told {
	char text[400];
};

static void tell(const struct cert_conf *old, const struct cert_conf *new, void *data)
{
	struct told *told = data;
	size_t len = strlen(told->text);

	snprintf(told->text + len, sizeof(told->text) - len, "%s%s ",
		!old   ? "+"
		: !new ? "-"
		       : "~",
		old ? old->name : new->name);
}

#define ACME(keys)                                                                             \
	"cas: {le: {type: acme, directory: https://ca.example/d, terms_agreed: true" keys      \
	"}}\ngroups: {a.de: {x: {ca: le, names: [a.de]}, y: {ca: self, names: [a.de]}}}\n"

/* What differs between two texts, and what is told. */
static const struct {
	const char *old, *new, *want;
} pairs[] = {
	{ "groups: {a.de: {x: {ca: self, names: [a.de, b.de]}}}",
		"groups: {a.de: {x: {names: [b.de, A.DE], ca: [self]}}}", "" },
	{ "groups: {a.de: {x: {ca: self, names: [a.de]}, y: {ca: self, names: [a.de]}}}",
		"groups: {a.de: {w: {ca: self, names: [a.de]}, y: {ca: self, names: [b.de]}}}",
		"+a.de/w -a.de/x ~a.de/y " },
	{ "groups: {a.de: {x: {ca: self, names: [a.de]}}}", "", "-a.de/x " },
	{ "", "groups: {a.de: {x: {ca: self, names: [a.de]}}}", "+a.de/x " },
	{ "groups: {a.de: {x: {ca: self, names: [a.de]}, y: {ca: self, names: [a.de], keep: "
	  "1}}}",
		"defaults: {keep: 1}\n"
		"groups: {a.de: {x: {ca: self, names: [a.de]}, y: {ca: self, names: [a.de]}}}",
		"~a.de/x " },
	{ "groups: {a.de: {x: {ca: self, names: [a.de]}}}",
		"groups: {a.de: {x: {ca: self, names: [a.de], roll: {window: [\"Sat\"]}}}}",
		"~a.de/x " },
	{ "groups: {a.de: {x: {ca: self, names: [a.de]}}}",
		"groups: {a.de: {x: {ca: self, names: [a.de], renew: {spread: 1h}}}}",
		"~a.de/x " },
	/* A changed target or CA changes those that use it. */
	{ "targets: {t: {dir: /x}, u: {dir: /u}}\n"
	  "groups: {a.de: {x: {ca: self, names: [a.de], deploy: t}, y: {ca: self, names: "
	  "[a.de], "
	  "deploy: u}}}",
		"targets: {a: {dir: /a}, t: {dir: /x, check: [y]}, u: {dir: /u}}\n"
		"groups: {a.de: {x: {ca: self, names: [a.de], deploy: t}, y: {ca: self, names: "
		"[a.de], "
		"deploy: u}}}",
		"~a.de/x " },
	{ "cas: {l: {type: local, issuer: ca/r}}\n"
	  "groups: {ca: {r: {ca: self}}, a.de: {x: {ca: l, names: [a.de]}}}",
		"cas: {l: {type: local, issuer: ca/r, lifetime: 5d}}\n"
		"groups: {ca: {r: {ca: self}}, a.de: {x: {ca: l, names: [a.de]}}}",
		"~a.de/x " },
	/* So does the way to pass its challenge, and no other. */
	{ ACME("") "http: {webroot: /x}\ndns: {deadline: 5m}\n",
		ACME("") "http: {webroot: /x}\ntls_alpn: {listen: [\"[::]:443\"]}\n", "" },
	{ ACME("") "http: {webroot: /x}\n", ACME("") "http: {webroot: /y}\n", "~a.de/x " },
	{ ACME("") "http: {listen: [\"[::]:80\"]}\n",
		ACME("") "http: {listen: [\"[::]:80\"], hold: always}\n", "~a.de/x " },
	/* A hook may veto an issue. */
	{ ACME("") "http: {webroot: /x}\n",
		ACME("") "http: {webroot: /x}\nhooks: {before_issue: [/x]}\n",
		"~a.de/x ~a.de/y " },
	{ ACME("") "http: {webroot: /x}\n", ACME(", contact: [a@b.de]") "http: {webroot: /x}\n",
		"~a.de/x " },
	{ ACME(", challenge: dns-01") "dns: {zones: {a.de: {publish: {type: command, add: [x], "
				      "remove: [x]}}}}\n",
		ACME(", challenge: dns-01") "dns: {zones: {a.de: {publish: {type: command, "
					    "add: [x], remove: [y]}}}}\n",
		"~a.de/x " },
	{ ACME(", challenge: dns-01") "dns: {zones: {a.de: {publish: {type: update}}}}\n",
		ACME(", challenge: dns-01") "dns: {zones: {a.de: {publish: {type: update}, "
					    "aliases: any}}}\n",
		"~a.de/x " },
};

TEST(difference)
{
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct conf *old = load_text(pairs[i].old, NULL),
			    *new = load_text(pairs[i].new, NULL);
		struct told told = { "" };

		REQUIRE(old && new);
		conf_differ(old, new, tell, &told);
		CHECK_STR(told.text, pairs[i].want);
		conf_unref(old);
		conf_unref(new);
	}
}

static uint64_t digest_of(const char *cert)
{
	char *text AUTO_FREE =
		mem_printf("cas: {l: {type: local, issuer: ca/r}, m: {type: local, "
			   "issuer: ca/r}}\n"
			   "groups: {ca: {r: {ca: self}}, a.de: {x: %s}}\n",
			cert);
	struct conf *conf = load_text(text, NULL);
	uint64_t digest;

	REQUIRE(conf);
	digest = conf_cert(conf, "a.de/x")->digest;
	conf_unref(conf);
	return digest;
}

/* Stored with every version: other numbers here would re-issue every certificate in the world. */
TEST(digest_is_stable)
{
	uint64_t base = digest_of("{ca: l, names: [a.de, b.de]}");
	static const char *const other[] = {
		"{ca: m, names: [a.de, b.de]}",
		"{ca: [l, m], names: [a.de, b.de]}",
		"{ca: self, names: [a.de, b.de]}",
		"{ca: l, names: [a.de]}",
		"{ca: l, names: [a.de, b.de], key: ed25519}",
		"{ca: l, names: [a.de, b.de], subject: {O: x}}",
		"{ca: l, names: [a.de, b.de], eku: [server_auth, client_auth]}",
	};

	CHECK(base == UINT64_C(0xb2ebe40cf632623a));
	CHECK(base ==
		digest_of(
			"{names: [B.de, a.DE.], ca: [l], keep: 3, lifetime: 5d, auto: false}"));
	for (size_t i = 0; i < ARRAY_LEN(other); i++)
		CHECK(digest_of(other[i]) != base);
	if (base != UINT64_C(0xb2ebe40cf632623a))
		printf("# digest is 0x%016" PRIx64 "\n", base);
}

TEST(inheritance)
{
	struct conf *conf = load_text(
		"defaults: {ca: self, eku: [client_auth], renew: {spread: 1h}, names: [d.de]}\n"
		"groups: {ca: {r: {}}, a.de: {x: {renew: {ari: false}}, y: {eku: [email], "
		"names: [y.de]}}}\n",
		NULL);
	const struct cert_conf *x, *y;

	REQUIRE(conf);
	x = conf_cert(conf, "a.de/x");
	y = conf_cert(conf, "a.de/y");
	CHECK_INT(x->renew->spread.s, 3600);
	CHECK(!x->renew->ari && y->renew->ari);
	CHECK_INT(x->purposes, PURPOSE_CLIENT_AUTH);
	CHECK_INT(y->purposes, PURPOSE_EMAIL);
	CHECK_STR(x->names[0], "d.de");
	CHECK_STR(y->names[0], "y.de");
	/* Purposes of the defaults are for leaves. */
	CHECK_INT(conf_cert(conf, "ca/r")->purposes, 0);
	conf_unref(conf);
}

TEST(examples_load)
{
	static const char *const names[] = { "private-ca.yaml", "nginx.yaml",
		"ca-hierarchy.yaml", "acme.yaml", "acme-dns.yaml" };
	const char *source = getenv("SOURCE_ROOT");

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *path AUTO_FREE =
			mem_printf("%s/docs/examples/%s", source ? source : ".", names[i]);
		struct buf out AUTO_BUF = BUF_INIT;
		struct conf_files files;
		struct yaml_diags diags = { 0 };
		struct conf *conf;

		CHECK_INT(conf_read_files(path, &files, &diags), 0);
		conf = conf_load(&files, &diags);
		yaml_diags_print(&diags, &out);
		CHECK_STR(buf_text(&out), "");
		CHECK(conf && conf->n_certs >= 1);
		conf_unref(conf);
		yaml_diags_done(&diags);
		conf_files_done(&files);
	}
}

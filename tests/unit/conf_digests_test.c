/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/conf/schema.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "tests/test.h"
#include "tests/unit/conf_test.h"

/*
 * What failed is tried at once when it is configured otherwise: each key of a target, an ACME CA and a
 * zone changes the digest.  A key that is new in the tables fails here until it has a value below.
 */

#define CERTS                                                                                  \
	"groups: {a.de: {x: {ca: le, names: [a.de], deploy: t}, "                              \
	"y: {ca: self, names: [b.de]}}}\n"
#define LE "type: acme, directory: https://ca.example/d, terms_agreed: true"
#define ZONE "publish: {type: update}"

struct sample {
	const char *key, *value;
};

static const struct sample target_samples[] = { { "dir", "/other" }, { "hosts", NULL },
	{ "owner", "\"1:2\"" }, { "key_mode", "\"0600\"" }, { "include_next", "true" },
	{ "layout", "link" }, { "formats", "[pem, der]" }, { "check", "[/bin/x]" },
	{ "after_copy", "[/bin/x]" }, { "reload", "{unit: x.service}" }, { "after", "u" },
	{ "password_file", "/p" } };

static const struct sample ca_samples[] = { { "type", NULL }, { "issuer", NULL },
	{ "lifetime", NULL }, { "digest", NULL }, { "trust_file", NULL },
	{ "roots_file", NULL }, { "staging_roots_file", NULL }, { "terms_agreed", NULL },
	{ "directory", "https://other.example/d" }, { "staging", "https://s.example/d" },
	{ "contact", "[a@b.de]" }, { "challenge", "tls-alpn-01" }, { "profile", "short" },
	{ "profile_required", "true" }, { "chain", "Root" },
	{ "eab", "{kid: k, hmac_file: /h}" }, { "in_flight", "2" }, { "limits", "letsencrypt" },
	{ "origins", "[\"https://o.example\"]" }, { "proxy", "none" } };

static const struct sample zone_samples[] = { { "primary", "192.0.2.1" },
	{ "nameservers", "[192.0.2.2]" }, { "anycast", "[192.0.2.3]" },
	{ "publish", "{type: update, server: 192.0.2.4}" }, { "aliases", "any" } };

/* A configuration in which one key of one thing has another value. */
struct change {
	const char *target, *ca, *zone, *rest;
};

static struct conf *load(const struct change *change)
{
	char *text AUTO_FREE = mem_printf("targets: {t: {%s}, u: {dir: /u}}\n"
					  "cas: {le: {%s}}\ndns: {zones: {a.de: {%s}, z.de: "
					  "{}}}\n" CERTS "%s",
		change->target, change->ca, change->zone, change->rest);
	struct buf said AUTO_BUF = BUF_INIT;
	struct conf *conf = load_text(text, &said);

	if (!conf)
		TEST_FAIL("%s%s", text, buf_text(&said));
	REQUIRE(conf);
	return conf;
}

enum about { TARGET, ISSUE };

static uint64_t digest_of(enum about about, const struct change *change)
{
	struct conf *conf = load(change);
	uint64_t digest = about == TARGET ? conf_target(conf, "t")->deploy_digest
					  : conf_cert(conf, "a.de/x")->issue_digest;

	conf_unref(conf);
	return digest;
}

/* The map with the key set; what it had before under that key is left out. */
static char *with(const char *map, const struct sample *sample)
{
	const char *old = strstr(map, sample->key);
	size_t len = old ? (size_t)(old - map) : strlen(map);
	const char *end = old ? old + strcspn(old, ",") : "";

	return mem_printf("%.*s%s%s: %s%s", (int)len, map, len && !old ? ", " : "", sample->key,
		sample->value, end);
}

static const struct sample *find(const struct sample *samples, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(samples[i].key, key))
			return &samples[i];
	TEST_FAIL("the key %s has no sample", key);
	return NULL;
}

TEST(each_key_of_a_target_counts)
{
	struct change change = { "dir: /t", LE ", challenge: dns-01", ZONE, "" };
	uint64_t before = digest_of(TARGET, &change), issue = digest_of(ISSUE, &change);

	for (const struct yaml_field *f = conf_target_fields; f->name; f++) {
		const struct sample *sample =
			find(target_samples, ARRAY_LEN(target_samples), f->name);
		char *map AUTO_FREE = NULL;

		if (!sample || !sample->value)
			continue;
		change.target = map = str_is(f->name, "password_file")
					      ? mem_printf("dir: /t, formats: [pkcs12], "
							   "password_file: /p")
					      : with("dir: /t", sample);
		if (digest_of(TARGET, &change) == before)
			TEST_FAIL("%s changes nothing", f->name);
		CHECK(digest_of(ISSUE, &change) == issue);
	}
}

TEST(each_key_of_a_ca_counts)
{
	struct change change = { "dir: /t", LE ", challenge: dns-01", ZONE, "" };
	uint64_t before = digest_of(ISSUE, &change), target = digest_of(TARGET, &change);

	for (const struct yaml_field *f = conf_ca_fields; f->name; f++) {
		const struct sample *sample = find(ca_samples, ARRAY_LEN(ca_samples), f->name);
		char *map AUTO_FREE = NULL;

		if (!sample || !sample->value)
			continue;
		change.rest = str_is(f->name, "challenge")
				      ? "tls_alpn: {listen: [\"[::]:443\"]}\n"
				      : "";
		change.ca = map = str_is(f->name, "profile_required")
					  ? mem_printf(LE ", challenge: dns-01, profile: p, "
							  "profile_required: true")
					  : with(LE ", challenge: dns-01", sample);
		/* The upper half as well: another CA ends a limit. */
		if (digest_of(ISSUE, &change) >> 32 == before >> 32)
			TEST_FAIL("%s changes nothing", f->name);
		CHECK(digest_of(TARGET, &change) == target);
	}
}

TEST(each_key_of_a_zone_counts_and_is_no_other_ca)
{
	struct change change = { "dir: /t", LE ", challenge: dns-01", ZONE, "" };
	uint64_t before = digest_of(ISSUE, &change);

	for (const struct yaml_field *f = conf_zone_fields; f->name; f++) {
		const struct sample *sample =
			find(zone_samples, ARRAY_LEN(zone_samples), f->name);
		char *map AUTO_FREE = NULL;

		if (!sample)
			continue;
		change.zone = map = str_is(f->name, "publish")
					    ? mem_printf("publish: %s", sample->value)
					    : with(ZONE, sample);
		if (digest_of(ISSUE, &change) == before)
			TEST_FAIL("%s changes nothing", f->name);
		CHECK(digest_of(ISSUE, &change) >> 32 == before >> 32);
	}
}

TEST(the_ways_and_the_hooks_count)
{
	static const struct {
		const char *ca, *one, *other;
		bool counts;
	} rows[] = {
		{ LE, "http: {webroot: /a}\n", "http: {webroot: /b}\n", true },
		{ LE, "http: {webroot: /a}\n", "http: {listen: [\"[::]:80\"]}\n", true },
		{ LE, "http: {listen: [\"[::]:80\"]}\n",
			"http: {listen: [\"[::]:80\"], hold: always}\n", true },
		{ LE, "http: {webroot: /a}\n",
			"http: {webroot: /a}\ntls_alpn: {listen: [\"[::]:443\"]}\n", false },
		{ LE ", challenge: tls-alpn-01", "tls_alpn: {listen: [\"[::]:443\"]}\n",
			"tls_alpn: {listen: [\"[::]:444\"]}\n", true },
		{ LE ", challenge: dns-01", "", "hooks: {before_issue: [/bin/x]}\n", true },
		{ LE ", challenge: dns-01", "", "hooks: {after_roll: [/bin/x]}\n", true },
		{ LE ", challenge: dns-01", "", "state_dir: /elsewhere\n", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct change one = { "dir: /t", rows[i].ca, ZONE, rows[i].one };
		struct change other = { "dir: /t", rows[i].ca, ZONE, rows[i].other };

		if ((digest_of(ISSUE, &one) != digest_of(ISSUE, &other)) != rows[i].counts)
			TEST_FAIL("%s%s", rows[i].one, rows[i].other);
	}
}

/* The secret files of a target, a CA and a zone, of which each is the one that is written anew. */
enum { N_SECRETS = 3 };

struct secrets {
	char paths[N_SECRETS][sizeof("/tmp/certd-secret-XXXXXX")];
	struct conf_files files;
};

static struct conf *load_secrets(struct secrets *s)
{
	char *text AUTO_FREE = mem_printf(
		"targets: {t: {dir: /t, formats: [pkcs12], "
		"password_file: %s}, u: {dir: /u}}\n"
		"cas: {le: {" LE ", challenge: dns-01, eab: {kid: k, hmac_file: %s}}}\n"
		"dns: {zones: {a.de: {publish: {type: update, tsig: {name: "
		"k., algorithm: hmac-sha256, secret_file: %s}}}}}\n" CERTS,
		s->paths[0], s->paths[1], s->paths[2]);
	struct yaml_diags diags = { 0 };
	struct buf said AUTO_BUF = BUF_INIT;
	struct conf *conf;

	if (!s->files.n)
		add_file(&s->files, "/t/c", text);
	conf = conf_load(&s->files, &diags);
	yaml_diags_print(&diags, &said);
	if (!conf)
		TEST_FAIL("%s", buf_text(&said));
	REQUIRE(conf);
	yaml_diags_done(&diags);
	return conf;
}

/* As editors do: a new file takes the place of the old one. */
static void put_secret(const char *path, const char *text)
{
	char *beside AUTO_FREE = mem_printf("%s.new", path);
	int fd AUTO_CLOSE = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct err err = ERR_INIT;

	REQUIRE(fd >= 0 && file_write_fd(fd, text, strlen(text), &err) == 0);
	REQUIRE(rename(beside, path) == 0);
}

static void make_secrets(struct secrets *s, const char *text)
{
	*s = (struct secrets){ .files = { 0 } };
	for (size_t i = 0; i < N_SECRETS; i++) {
		memcpy(s->paths[i], "/tmp/certd-secret-XXXXXX", sizeof(s->paths[i]));
		close(mkstemp(s->paths[i]));
		put_secret(s->paths[i], text);
	}
}

static void remove_secrets(const struct secrets *s)
{
	for (size_t i = 0; i < N_SECRETS; i++)
		unlink(s->paths[i]);
}

static void digests_of(struct conf *conf, uint64_t out[2])
{
	out[TARGET] = conf_target(conf, "t")->deploy_digest;
	out[ISSUE] = conf_cert(conf, "a.de/x")->issue_digest;
	conf_unref(conf);
}

TEST(a_secret_file_that_is_written_anew_counts)
{
	uint64_t before[2], after[2];
	struct secrets s;

	make_secrets(&s, "d3Jvbmc=");
	digests_of(load_secrets(&s), before);
	conf_files_done(&s.files);
	digests_of(load_secrets(&s), after);
	CHECK(before[TARGET] == after[TARGET] && before[ISSUE] == after[ISSUE]);
	for (size_t i = 0; i < N_SECRETS; i++) {
		conf_files_done(&s.files);
		put_secret(s.paths[i], "cmlnaHQh");
		digests_of(load_secrets(&s), after);
		CHECK((before[TARGET] != after[TARGET]) == (i == 0));
		CHECK((before[ISSUE] != after[ISSUE]) == (i != 0));
		/* A limit is the same with another key. */
		CHECK(before[ISSUE] >> 32 == after[ISSUE] >> 32);
		memcpy(before, after, sizeof(before));
	}
	remove_secrets(&s);
	conf_files_done(&s.files);
}

TEST(the_engine_has_the_stamps_of_secrets_and_nothing_of_them)
{
	struct buf packed AUTO_BUF = BUF_INIT;
	struct secrets s;
	uint64_t before[2], after[2];
	struct conf_files copy;
	struct err err = ERR_INIT;

	make_secrets(&s, "aHVudGVyMg==");
	digests_of(load_secrets(&s), before);
	conf_files_pack(&s.files, &packed);
	CHECK(!memmem(packed.data, packed.len, "hunter2", 7) &&
		!memmem(packed.data, packed.len, "aHVudGVyMg", 10));
	REQUIRE(conf_files_unpack(packed.data, packed.len, &copy, &err) == 0);
	conf_files_done(&s.files);
	s.files = copy;
	remove_secrets(&s);
	digests_of(load_secrets(&s), after);
	CHECK(before[TARGET] == after[TARGET] && before[ISSUE] == after[ISSUE]);
	conf_files_done(&s.files);
}

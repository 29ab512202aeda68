/* SPDX-License-Identifier: MIT */
/*
 * Does things to a store, one process each, so that tests/live/test_store_kill.py can kill it or let
 * a system call fail at any point, and then judge what is left.
 *
 *   store_crash prepare DIR     a certificate with prev, curr and next, and facts
 *   store_crash work DIR        one add, one roll, one write of the facts, an index
 *   store_crash check DIR       opens, reads and judges; prints what links name what
 *   store_crash finish DIR      repeats the work to its end, whatever was done before
 *
 * Exit status: 0 done, 1 an error that was told (on standard error), 2 the store is not whole.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/conf/conf.h"
#include "daemon/keeper/store/store.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "tests/unit/store_fixture.h"

#define CERT "example.com/web"
#define VERSIONS "certs/" CERT "/versions"

static struct cert_conf cert_conf = { .name = CERT };
static struct conf conf = { .certs = &cert_conf, .n_certs = 1 };
static struct store *store;
static struct err err;

const struct cert_conf *conf_cert(const struct conf *all, const char *name)
{
	return str_is(all->certs[0].name, name) ? all->certs : NULL;
}

static int told(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", what, err_code_text(err.code), err.text);
	return 1;
}

static int broken(const char *what)
{
	fprintf(stderr, "broken: %s: %s\n", what, err.text);
	return 2;
}

static int add(int64_t ago)
{
	struct version_files files;
	struct version_facts facts;
	int result;

	fixture_version(&files, &facts, instant_sub(clock_now(), SECONDS(ago)), DAYS(30));
	result = store_add(store, CERT, &files, &facts, &err);
	version_files_done(&files);
	return result < 0 ? told("add") : 0;
}

static int roll(void)
{
	return store_roll(store, CERT, clock_now(), &err) < 0 ? told("roll") : 0;
}

static int write_facts(uint32_t tries)
{
	struct cert_facts facts = { .cert = (char *)CERT,
		.failure = { .code = ERR_IO, .tries = tries, .text = (char *)"a failure" } };

	return store_write_facts(store, &facts, &err) < 0 ? told("facts") : 0;
}

static int prepare(void)
{
	for (int64_t i = 0; i < 2; i++)
		if (add(50 - i) || roll())
			return 1;
	return write_facts(1);
}

static int work(void)
{
	int failed = add(10);

	failed |= roll();
	failed |= write_facts(2);
	if (store_write_index(store, &conf, &err) < 0)
		failed |= told("index");
	return failed;
}

static int print(const char *role, const struct version_id *id)
{
	struct buf pem AUTO_BUF = BUF_INIT;
	char text[VERSION_ID_TEXT_LEN];

	printf("%s=%s ", role, version_id_text(id, text));
	if (!version_is_set(id))
		return 0;
	/* Reading a key compares it with its certificate. */
	return store_read_file(store, CERT, id, "privkey.pem", 65536, &pem, &err) < 0 ? -1 : 0;
}

static void count(const struct version_facts *version, const char *role, void *data)
{
	(void)version;
	(void)role;
	++*(int *)data;
}

static int check_no_temporaries(const char *dir, const char *path)
{
	int root AUTO_CLOSE = open(dir, O_RDONLY | O_DIRECTORY);
	int fd = openat(root, path, O_RDONLY | O_DIRECTORY), result = 0;
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);

	err_set(&err, ERR_BROKEN_STORE, "a temporary in %s", path);
	for (struct dirent *e; entries && (e = readdir(entries));)
		if (str_starts(e->d_name, FILE_TEMP_PREFIX))
			result = broken("not swept");
	if (entries)
		closedir(entries);
	return result;
}

/* Everything in versions/ is a whole version: nothing there is torn, nothing has another name. */
static int check_versions(const char *dir)
{
	char path[400];
	int n_whole = 0, n_there = 0;
	DIR *entries;

	if (store_versions(store, CERT, count, &n_whole, &err) < 0)
		return broken("versions");
	snprintf(path, sizeof(path), "%s/" VERSIONS, dir);
	entries = opendir(path);
	for (struct dirent *e; entries && (e = readdir(entries));)
		n_there += e->d_name[0] != '.' || strlen(e->d_name) > 2;
	if (entries)
		closedir(entries);
	printf("versions=%d ", n_whole);
	err_set(&err, ERR_BROKEN_STORE, "%d entries, %d whole", n_there, n_whole);
	return n_there != n_whole ? broken("torn versions") : 0;
}

static int check(const char *dir)
{
	struct cert_facts facts CLEANUP(facts_done) = { 0 };
	static const char *const dirs[] = { "facts", "facts/example.com", "certs",
		"certs/example.com", "certs/" CERT, VERSIONS };

	if (store_read(store, CERT, &facts, &err) < 0)
		return broken("read");
	if (print("curr", &facts.curr.id) < 0 || print("next", &facts.next.id) < 0 ||
		print("prev", &facts.prev) < 0)
		return broken("a linked version");
	if (version_is_set(&facts.curr.id) && !instant_is_set(facts.curr.rolled))
		return broken("curr was never rolled");
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		if (check_no_temporaries(dir, dirs[i]))
			return 2;
	if (check_versions(dir))
		return 2;
	printf("tries=%u\n", facts.failure.tries);
	return 0;
}

/* What the engine does after a restart: looks at the facts and does what is missing. */
static int finish(void)
{
	struct cert_facts facts CLEANUP(facts_done) = { 0 };

	if (store_read(store, CERT, &facts, &err) < 0)
		return broken("read");
	if (!version_is_set(&facts.next.id) && add(5))
		return 1;
	return roll() || write_facts(2);
}

int main(int argc, char **argv)
{
	const char *what = argc == 3 ? argv[1] : "";
	int result = 64;

	if (argc != 3) {
		fprintf(stderr, "usage: %s prepare|work|check|finish DIR\n", argv[0]);
		return 64;
	}
	if (store_open(argv[2], &store, &err) < 0)
		return told("open");
	if (str_is(what, "prepare"))
		result = prepare();
	else if (str_is(what, "work"))
		result = work();
	else if (str_is(what, "check"))
		result = check(argv[2]);
	else if (str_is(what, "finish"))
		result = finish();
	store_close(store);
	fixture_done();
	return result;
}

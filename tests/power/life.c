/* SPDX-License-Identifier: MIT */
#include "tests/power/life.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/keeper/ca/pending.h"
#include "daemon/keeper/publish/challenge_private.h"
#include "daemon/keeper/store/store.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/key.h"
#include "lib/log/log.h"
#include "lib/task/worker.h"
#include "tests/power/trace.h"
#include "tests/unit/conf_test.h"

enum { WAIT_MS = 20000 };

char life_root[64];
int life_root_fd = -1;

void life_make_root(void)
{
	struct err err;

	snprintf(life_root, sizeof(life_root), "%s/certd-power-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(life_root))
		abort();
	life_root_fd = file_open_dir(AT_FDCWD, life_root, &err);
	assert(life_root_fd >= 0);
}

void life_empty_root(void)
{
	DIR *entries = fdopendir(openat(life_root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct err err;

	for (struct dirent *e; entries && (e = readdir(entries));)
		if (!str_is(e->d_name, ".") && !str_is(e->d_name, "..") &&
			file_remove_tree(life_root_fd, e->d_name, &err) < 0)
			abort();
	closedir(entries);
}

void life_remove_root(void)
{
	life_empty_root();
	close(life_root_fd);
	if (rmdir(life_root) < 0)
		abort();
}

/* Removes the lines of the certificate that is to be missing from the configuration. */
static struct conf *load(const char *without)
{
	static const struct {
		const char *cert, *text;
	} certs[] = {
		{ LIFE_CERT,
			"    web: {ca: root, names: [example.com], deploy: [web, deep]}\n" },
		{ LIFE_ACME, "    acme: {ca: le, names: [www.example.com, example.net], keep: "
			     "0}\n" },
	};
	struct buf text AUTO_BUF = BUF_INIT, told AUTO_BUF = BUF_INIT;
	struct conf *conf;

	buf_printf(&text,
		"state_dir: %s/state\n"
		"control: {socket: %s/control.sock}\n"
		"http: {webroot: %s/www}\n"
		"dns:\n"
		"  zones:\n"
		"    example.com: {publish: {type: include, acme_dir: %s/zones}}\n"
		"    example.net: {publish: {type: update, server: 192.0.2.53}}\n"
		"defaults: {key: ed25519, keep: 1}\n"
		"cas:\n"
		"  root: {type: local, issuer: ca/root, lifetime: 30d}\n"
		"  le: {type: acme, directory: \"https://ca.example/dir\", terms_agreed: true, "
		"challenge: http-01}\n"
		"targets:\n"
		"  web: {dir: %s/live, reload: {command: [\"true\"]}}\n"
		"  deep: {dir: %s/deep/below, include_next: true, formats: [pem, combined], "
		"reload: {command: [\"true\"]}}\n"
		"groups:\n"
		"  ca:\n"
		"    root: {ca: self, subject: {CN: Root}, lifetime: 3650d}\n"
		"  example.com:\n",
		life_root, life_root, life_root, life_root, life_root, life_root);
	for (size_t i = 0; i < ARRAY_LEN(certs); i++)
		if (!without || !str_is(without, certs[i].cert))
			buf_add_text(&text, certs[i].text);
	conf = load_text(text.data, &told);
	if (!conf)
		printf("# %s\n", buf_text(&told));
	assert(conf);
	return conf;
}

static void answered(struct server *server, const struct buf *packet, int fd)
{
	struct life *life = (struct life *)((char *)server - offsetof(struct life, server));
	char word[64];

	(void)fd;
	snprintf(word, sizeof(word), "%.60s", packet->data);
	buf_clear(&life->reply);
	buf_add(&life->reply, packet->data, packet->len);
	life->has_reply = true;
	trace_told(word);
	if (life->told)
		life->told(life);
}

static void ignore_wait(struct server *server, int64_t ms)
{
	(void)server;
	(void)ms;
}

static void ignore_use(struct server *server)
{
	(void)server;
}

static void note_event(const struct log_entry *entry, void *data)
{
	struct life *life = data;

	if (entry->event != EVENT_COUNT)
		buf_printf(
			&life->events_told, "%s: %s\n", event_name(entry->event), entry->text);
}

int life_begin(struct life *life, const char *without, struct err *err)
{
	char *state AUTO_FREE = mem_printf("%s/state", life_root);
	struct server *server = &life->server;

	*life = (struct life){ .conf = load(without) };
	*err = (struct err)ERR_INIT;
	log_to(note_event, life);
	serve_init(server, conf_ref(life->conf));
	server->send = answered;
	server->signer_used = ignore_use;
	server->record_waits = ignore_wait;
	life->loop = loop_new();
	if (store_open(state, &server->store, err) < 0 ||
		store_align(server->store, life->conf, err) < 0 ||
		commands_new_plain(life->loop, &server->commands, err) < 0 ||
		worker_new(life->loop, &server->keys, err) < 0 ||
		worker_new(life->loop, &server->disks, err) < 0 ||
		challenges_new(
			state, server->commands, server->disks, &server->challenges, err) < 0)
		return -1;
	server->challenges->quiet_ms = server->challenges->split_ms = 0;
	server->challenges->refresh_ms = 0;
	return 0;
}

bool life_sweep(struct life *life)
{
	challenges_use(life->server.challenges, life->conf);
	(void)challenges_sweep(life->server.challenges);
	return challenges_settle(life->server.challenges, WAIT_MS);
}

void life_end(struct life *life)
{
	struct server *server = &life->server;

	serve_done(server);
	challenges_free(server->challenges);
	worker_free(server->keys);
	worker_free(server->disks);
	commands_free(server->commands);
	store_close(server->store);
	loop_run_ready(life->loop);
	loop_free(life->loop);
	conf_unref(life->conf);
	buf_done(&life->reply);
	buf_done(&life->events_told);
	log_to(NULL, NULL);
}

const char *life_ask(struct life *life, const char *rows, const char *fmt, ...)
{
	struct buf packet AUTO_BUF = BUF_INIT;
	char text[4096];
	struct err err;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_printf(&packet, "ask 1 %s%s%s", text, rows ? "\n" : "", rows ? rows : "");
	buf_clear(&life->reply);
	life->has_reply = false;
	if (serve_packet(&life->server, packet.data, packet.len, &err) < 0)
		return "";
	if (!life->has_reply && !loop_run_until(life->loop, &life->has_reply, WAIT_MS))
		return "";
	return buf_text(&life->reply);
}

static struct cert *sign(const struct cert_wish *wish, const struct key *key,
	const struct cert *issuer, const struct key *issuer_key, struct duration life)
{
	struct instant now = clock_now();
	struct cert_issue order = { wish, key, issuer, issuer_key, "sha256",
		instant_sub(now, HOURS(1)), instant_add(now, life), false };
	struct cert *cert = NULL;
	struct err err;
	int result = cert_issue(&order, &cert, &err);

	assert(result == 0);
	return cert;
}

void life_sign_chain(struct life *life, const char *order, struct buf *out)
{
	static const char *const names[] = { "www.example.com", "example.net" };
	static const struct dn_field fields[] = { { "CN", "Elsewhere" } };
	struct cert_wish root = { fields, 1, NULL, 0, 0, true, -1 },
			 leaf = { NULL, 0, names, 2, EKU_SERVER_AUTH, false, -1 };
	struct pending_name name = { LIFE_ACME, false, order };
	struct pending pending AUTO_PENDING = { .key = NULL };
	struct key *key AUTO_KEY = NULL;
	struct cert *ca AUTO_CERT = NULL, *cert AUTO_CERT = NULL;
	struct err err;

	if (pending_read(life->server.store, &name, &pending, &err) < 0 ||
		key_make("ed25519", &key, &err) < 0)
		abort();
	ca = sign(&root, key, NULL, NULL, DAYS(3650));
	cert = sign(&leaf, pending.key, ca, key, DAYS(90));
	cert_write(cert, out);
	cert_write(ca, out);
}

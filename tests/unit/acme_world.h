/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_UNIT_ACME_WORLD_H
#define CERTD_TESTS_UNIT_ACME_WORLD_H

#include <assert.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/keeper/ca/pending.h"
#include "daemon/keeper/serve/serve.h"
#include "daemon/keeper/store/store.h"
#include "daemon/keeper/store/store_file.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/jws.h"
#include "lib/crypt/key.h"
#include "lib/crypt/secret.h"
#include "lib/log/log.h"
#include "lib/task/worker.h"

/*
 * The keeper's side of ACME on a real store, with a CA of its own: what the tests of its requests and
 * the program that is killed share.  Everything is static; include it in one file of a program.
 */

#define CERT "example.com/web"
#define ORDER "https://ca.example/order/1"

static struct acme_conf world_acme = {
	.directory = "https://ca.example/dir",
	.staging = "https://stage.example/dir",
	.terms_agreed = true,
};
static char *world_names[] = { (char *)"example.com", (char *)"*.example.com",
	(char *)"192.0.2.1" };
static uint32_t world_ca_of_cert[] = { 0 };
static struct ca_conf world_cas[] = {
	{ .name = "le", .type = CA_ACME, .issuer = CA_NO_ISSUER, .acme = &world_acme },
	{ .name = "other", .type = CA_ACME, .issuer = CA_NO_ISSUER, .acme = &world_acme },
	{ .name = "local", .type = CA_LOCAL, .issuer = CA_NO_ISSUER },
};
static struct cert_conf world_cert = {
	.name = CERT,
	.service = CERT + 12,
	.cas = world_ca_of_cert,
	.n_cas = 1,
	.names = world_names,
	.n_names = 3,
	.key = "ec:secp256r1",
	.key_max_age = { 365 * 86400 },
	.keep = 9,
	.digest = 77,
	.path_length = -1,
	.is_active = true,
};
static struct conf world_conf = {
	.refs = 1000, .cas = world_cas, .n_cas = 3, .certs = &world_cert, .n_certs = 1
};

static struct server server;
static struct buf reply = BUF_INIT;
static int reply_fd = -1;

static inline void world_send(struct server *from, const struct buf *packet, int fd)
{
	(void)from;
	buf_clear(&reply);
	buf_add(&reply, packet->data, packet->len);
	if (fd >= 0)
		reply_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static int64_t record_wait_ms;

static inline void world_record_waits(struct server *from, int64_t ms)
{
	(void)from;
	record_wait_ms = ms;
}

static inline int world_open(const char *dir, struct err *err)
{
	log_to(NULL, NULL);
	map_set(&world_conf.cert_by_name, world_cert.name, &world_cert);
	serve_init(&server, conf_ref(&world_conf));
	server.send = world_send;
	server.record_waits = world_record_waits;
	return store_open(dir, &server.store, err);
}

static inline void world_close(void)
{
	serve_done(&server);
	store_close(server.store);
	server.store = NULL;
	map_done(&world_conf.cert_by_name);
	buf_done(&reply);
}

/* The answer to a request, "" when there is none yet. */
static inline const char *world_ask(const char *request, const char *rows)
{
	struct buf packet AUTO_BUF = BUF_INIT;
	struct err err;
	int result;

	buf_clear(&reply);
	buf_printf(&packet, "ask 1 %s%s%s", request, rows ? "\n" : "", rows ? rows : "");
	result = serve_packet(&server, packet.data, packet.len, &err);
	assert(result == 0);
	return buf_text(&reply);
}

/* A CA: a root, an intermediate, and whatever leaf is wanted. */

static struct key *world_root_key, *world_int_key;
static struct cert *world_root, *world_int;

static inline struct cert *world_sign(const struct cert_wish *wish, const struct key *key,
	const struct cert *issuer, const struct key *issuer_key, struct instant from,
	struct instant until)
{
	struct cert_issue order = { wish, key, issuer, issuer_key, "sha256", from, until };
	struct cert *cert = NULL;
	struct err err;
	int result = cert_issue(&order, &cert, &err);

	assert(result == 0);
	return cert;
}

static inline void world_make_ca(void)
{
	static const struct dn_field root[] = { { "CN", "Root" } }, mid[] = { { "CN", "Int" } };
	struct cert_wish wish = { root, 1, NULL, 0, 0, true, -1 };
	struct instant from = instant_sub(clock_now(), DAYS(1)),
		       until = instant_add(clock_now(), DAYS(20000));
	struct err err;

	if (world_root)
		return;
	if (key_make("ec:secp256r1", &world_root_key, &err) < 0 ||
		key_make("ec:secp256r1", &world_int_key, &err) < 0)
		abort();
	world_root = world_sign(&wish, world_root_key, NULL, NULL, from, until);
	wish.subject = mid;
	world_int = world_sign(&wish, world_int_key, world_root, world_root_key, from, until);
}

static inline void world_drop_ca(void)
{
	cert_free(world_root);
	cert_free(world_int);
	key_free(world_root_key);
	key_free(world_int_key);
	world_root = world_int = NULL;
	world_root_key = world_int_key = NULL;
}

/* The key that waits for the order's certificate. */
static inline struct key *world_pending_key(const char *order, bool is_test)
{
	struct pending_name name = { CERT, is_test, order };
	struct pending pending = { .key = NULL };
	struct key *key = NULL;
	struct err err;

	if (pending_read(server.store, &name, &pending, &err) == 0)
		key = mem_take(&pending.key);
	pending_done(&pending);
	return key;
}

static inline struct cert *world_leaf(const struct key *key, const char *const *names,
	size_t n_names, struct instant from, struct instant until)
{
	struct cert_wish wish = { NULL, 0, names, n_names, EKU_SERVER_AUTH, false, -1 };

	return world_sign(&wish, key, world_int, world_int_key, from, until);
}

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_SERVE_SERVE_H
#define CERTD_DAEMON_KEEPER_SERVE_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/conf/conf.h"
#include "daemon/conf/expand.h"
#include "daemon/keeper/copy/deployment.h"
#include "daemon/keeper/run/command.h"
#include "daemon/keeper/run/run_pace.h"
#include "lib/base/buf.h"
#include "lib/base/list.h"
#include "lib/log/log.h"
#include "proto/facts.h"
#include "proto/keeper.h"

/* Requests that may wait for their end at once, and the bytes of one: the largest is a chain. */
#define SERVE_ASKED_MAX 256
#define SERVE_PACKET_MAX KEEPER_MESSAGE_MAX

#define SERVE_SIGNER_MS 60000

/*
 * Entries of the ledgers of CAs (serve_ledger.c): each costs a sync.  As many as an honest
 * engine writes for all certificates at once are written at once.  Then SERVE_RECORD_MINUTE a
 * minute are, and one more for each certificate, but none sooner than SERVE_RECORD_LEAST_MS
 * after the last.  The others wait and are not refused.
 */
enum {
	SERVE_RECORD_BURST = 50,
	SERVE_RECORD_EACH = 4,
	SERVE_RECORD_MINUTE = 300,
	SERVE_RECORD_LEAST_MS = 20,
};

/*
 * Work that waits for a timer is repeated at once when an operator asks, or after a reload; it
 * may be a command of the configuration that fails.  A stolen engine asks without an end.
 */
enum { SERVE_RETRY_BURST = 10, SERVE_RETRY_MS = 6000 };

struct cert_conf;
struct challenges;
struct localca_signer;
struct store;
struct target_conf;
struct worker;

/*
 * Serving the engine: the requests of proto/keeper.def and nothing else.
 *
 * A packet becomes a struct asked, which its handler answers exactly once, at once or when a
 * command, a slow key or a copy is done.  Certificates and targets are named in requests; what
 * is done with them comes from the configuration and the store, never from the engine.  A
 * request keeps the configuration it was made under.  A packet that is malformed, or names a
 * request that does not exist, is a broken engine: serve_packet() returns -1 and the keeper
 * ends.  More requests at once than can be worked on are refused one by one.
 *
 * The server owns its configuration; store, commands and workers belong to main.c, or to a
 * simulation.
 */

/*
 * The local CA that signed last, read: reading one costs more than signing does.  It is used as
 * long as that version is its certificate's current one and lies untouched in the store, and
 * forgotten when another becomes current or nothing was signed for SERVE_SIGNER_MS, so that its
 * key is in memory only while there is work for it.  That is ordinary memory, wiped when it is
 * freed: OpenSSL makes parts of keys wherever it computes with them, and its locked heap is of
 * a fixed size, which one RSA key of 16384 bits and RLIMIT_MEMLOCK of a container would
 * exhaust.  Against reading by others the keeper is not dumpable; the unit has no core files.
 */
struct kept_signer {
	char *name;
	struct version_id version;
	struct localca_signer *signer;
};

struct server {
	struct conf *conf;
	struct store *store;
	struct commands *commands;
	struct challenges *challenges;
	struct worker *keys;  /* slow keys */
	struct worker *disks; /* copies that sync */
	struct list asked;    /* struct asked that are not answered yet */
	size_t n_asked;
	int facts_ahead; /* the answer to the next request, if that is for the facts; -1: none */
	struct kept_signer kept;
	struct deployments deployments;
	bool clock_is_doubted; /* the engine's word: nothing is deleted meanwhile */
	struct run_pace pace;
	struct pace_bucket records; /* entries that may be written to ledgers now */
	size_t n_records;           /* requests among `asked` that wait for that */
	struct pace_bucket retries;
	/* Sends a packet; fd >= 0 travels along and stays the server's. */
	void (*send)(struct server *server, const struct buf *packet, int fd);
	/* Reads the configuration again: 0 and *out, or -1 with rows "text=..." of diagnostics. */
	int (*reread)(
		struct server *server, struct conf **out, struct buf *rows, struct err *err);
	/*
	 * A signer was used: serve_forget_signer() is to be called in SERVE_SIGNER_MS from the
	 * last time.
	 */
	void (*signer_used)(struct server *server);
	/*
	 * Entries of ledgers wait: serve_record_waiting() is to be called in so many
	 * milliseconds.
	 */
	void (*record_waits)(struct server *server, int64_t ms);
	/* An operator looks anew: unbound addresses are tried again.  May be NULL. */
	void (*look_anew)(struct server *server);
	void (*ready)(struct server *server);
	void (*alive)(struct server *server, const char *status);
};

/* One request on its way to its answer. */
struct asked {
	struct list link;
	struct server *server;
	struct conf *conf;                /* a reference */
	const struct cert_conf *cert;     /* when the request names one */
	const struct target_conf *target; /* when the request names one */
	struct keeper_message message;
	char *text; /* the memory that the message points into */
	struct log_field log_cert, log_target;
	/* The environment of a command of this request (serve_describe). */
	struct expand_facts facts;
	struct command_spec spec;
	char group[256], version[VERSION_ID_TEXT_LEN];
	char *dir;
	void *work;     /* the handler's own, freed by drop_work() */
	uint64_t began; /* a check or reload: its moment (deployment.h) */
	void (*drop_work)(void *work);
};

/* `conf` gives up its reference. */
void serve_init(struct server *server, struct conf *conf);
void serve_done(struct server *server);

/*
 * Gets the facts ready while the engine still reads its configuration.  For the start, when nothing
 * else can change the store: any other request before the one for facts throws them away.
 */
void serve_facts_ahead(struct server *server);

void serve_forget_signer(struct server *server);

/* Writes the entries of ledgers whose time has come, the oldest first. */
void serve_record_waiting(struct server *server);

int serve_packet(struct server *server, const char *packet, size_t len, struct err *err);

/* Puts another configuration in force and tells the engine (SIGHUP, REQUEST_reload). */
int serve_reload(struct server *server, struct buf *rows, struct err *err);

/* For handlers: each ends the request and frees it. */
void asked_ok(struct asked *asked, const struct buf *words_and_rows); /* NULL: nothing to say */
void asked_ok_file(
	struct asked *asked, int fd); /* with a descriptor, which stays the caller's */
void asked_fail(struct asked *asked, const struct err *err);
void asked_facts(struct asked *asked); /* the certificate's facts, read anew */
void asked_result(
	struct asked *asked, const struct err *err); /* ok without words, or the error */

#define REQUEST(id, word, arguments, help) void serve_##id##_request(struct asked *asked);
#include "proto/keeper.def"
#undef REQUEST

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_SIM_TOWN_H
#define CERTD_TESTS_SIM_TOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/conf/conf.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/list.h"
#include "lib/task/loop.h"
#include "proto/facts.h"

struct command_spec;
struct challenges;
struct commands;
struct target_conf;
struct wires;
struct worker;

/*
 * The world around the daemon, in memory: directories of targets, servers that read them, commands
 * that somebody configured, and how long everything takes.
 *
 * fake_command.c, fake_reload.c, fake_copy.c and fake_worker.c implement the headers of the same
 * names in daemon/keeper on the virtual loop, and keep what they do here.  A copy changes what lies
 * at a place; only a reload that ends well changes what a server serves.  All delays come from
 * one seed.  There is one town at a time, because daemon/keeper/copy/copy.h has no room for another.
 * It outlives restarts of the daemon: commands that ran die, files and servers stay.
 */

/* A version as it lies in a directory or in a server's memory; no version: nothing. */
struct town_files {
	struct version_id version;
	struct buf fullchain, privkey;
};

struct town_place {
	struct list link;
	char *dir, *cert;
	struct town_files curr, old, next, served;
	bool has_old;        /* `old` waits to be settled or restored; it may hold nothing */
	uint64_t n_served;   /* how often another version was served */
	uint64_t n_seen;     /* sim_check.c's: which of those it has looked at, */
	struct instant ends; /* and when the last one of them ends */
};

struct town {
	struct loop *loop;
	uint64_t seed;
	struct list places;                /* struct town_place */
	struct list scripts;               /* struct town_script */
	uint64_t n_served;                 /* changes of what is served, all places together */
	struct wires *wires;               /* where records are published, or NULL */
	unsigned n_published, n_withdrawn; /* challenges */
	unsigned n_lies;      /* so many of the next publications do not reach the world */
	unsigned n_refreshed; /* how often one was asked for again */
	char *state_dir;      /* where true_challenge.c keeps the keeper's journal */
	unsigned n_copies, n_restores, n_begun,
		n_ended; /* commands and work: begun, and ended or killed */
};

/* How the next runs of a command end.  Its name is its first word; "reload TARGET" for reloads. */
struct town_script {
	struct list link;
	char *word, *cert; /* cert NULL: any */
	int times;         /* < 0: always */
	enum err_code code;
	int64_t ms;
	unsigned n_runs;
};

void town_open(struct town *town, struct loop *loop, uint64_t seed);
void town_close(struct town *town);
struct town *town_here(void);

/* A few milliseconds, from the seed. */
int64_t town_delay(struct town *town, int64_t most_ms);

/* The next `times` runs of a command (< 0: all) take `ms` and end with `code`. */
void town_script(struct town *town, const char *word, const char *cert, int times,
	enum err_code code, int64_t ms);

/* From now on every check fails while new files of this certificate lie in the checked directory. */
#define TOWN_REFUSE(town, cert) town_script(town, "refuse files", cert, -1, ERR_NONE, 0)
void town_forgive(struct town *town); /* forgets all scripts */

/* Takes the result of one run; *ms: how long it takes.  Says nothing of limits. */
enum err_code town_run(struct town *town, const char *word, const char *cert, int64_t *ms);

/* Would a check of this directory find a file that it does not like? */
bool town_refuses(struct town *town, const char *dir);

struct town_place *town_place(struct town *town, const char *dir, const char *cert);
struct town_place *town_find(
	struct town *town, const char *dir, const char *cert); /* or NULL */

/* The server that reads this directory reads it. */
void town_read(struct town *town, const char *dir);

void town_files_copy(const struct town_files *from, struct town_files *to);
void town_files_done(struct town_files *files);

/* For the fakes' owner; what runs dies without a word. */
struct commands *fake_commands_new(struct town *town);
void fake_commands_free(struct commands *commands);
struct challenges *fake_challenges_new(
	struct town *town, struct commands *commands, struct worker *worker);
void fake_challenges_free(struct challenges *challenges);

/* How much lies in the journal of true_challenge.c. */
size_t fake_challenges_left(const struct town *town);

/* Would a CA that looks now find this key authorization, or its record, published? */
bool fake_challenges_show(const struct challenges *challenges, enum challenge type,
	const char *name, const char *token, const char *key_authorization);
struct worker *fake_worker_new(struct town *town);
void fake_worker_free(struct worker *worker);

/* For fake_reload.c. */
struct town *fake_commands_town(struct commands *commands);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_PUBLISH_CHALLENGE_PRIVATE_H
#define CERTD_DAEMON_KEEPER_PUBLISH_CHALLENGE_PRIVATE_H

#include "daemon/keeper/publish/challenge.h"
#include "daemon/keeper/publish/journal.h"
#include "lib/base/err.h"
#include "lib/base/list.h"
#include "lib/base/map.h"
#include "lib/task/loop.h"

struct command;
struct publish_work;
struct updating;

/*
 * What challenge.c (which challenges there are, and who waits for them) and place.c (how the changes
 * at one place are made) share.
 *
 * A challenge belongs to its place.  place_wake() has the place look at the states of its challenges and make
 * them true:
 *
 *	WANTED --put--> PUBLISHED          told to those who wait; a failure makes it LEAVING
 *	LEAVING --drop--> (forgotten)      a failure makes it LEFT until the next sweep or retry
 */

enum challenge_state { WANTED, PUBLISHED, LEAVING, LEFT };
enum challenge_act { ACT_NONE, ACT_PUT, ACT_DROP };

struct shown {
	struct list link; /* in place->challenges */
	struct place *place;
	struct journal_entry entry;
	char *key_authorization; /* NULL: another life's */
	enum challenge_state state;
	enum challenge_act act; /* what the batch that is under way does about it */
	size_t item;            /* which of the batch's items */
	bool has_twin;  /* when the batch began the same file or record was there for another */
	bool is_second; /* the batch puts the same for another one */
	char *wish;     /* its key in challenges->by_wish; NULL: another life's */
	bool is_stale;  /* published, and to be sent again */
	bool is_untouched; /* it cannot have been made, so there is nothing to undo */
	bool is_refused;   /* a server refused it, though nothing proves that */
	struct tick until; /* it has to be there; 0: whenever */
	unsigned n_out;    /* signed updates that would make it, and of which nobody knows */
	struct list waits;
};

struct challenge_wait {
	struct list link;
	challenge_done *done;
	void *data;
};

/* Batches: one at a time. */
struct place {
	struct list link; /* in challenges->places */
	struct challenges *challenges;
	char *key; /* in challenges->by_place */
	enum publication how;
	char *path; /* the webroot, or the include file's folder */
	char *zone;
	char *record;      /* of a command: owner and value, which have a place of their own */
	struct conf *conf; /* where the commands come from */
	struct list all;   /* struct shown */
	struct timer timer;
	struct publish_work *work;
	struct command *command;
	struct updating *updating; /* while a batch waits for the engine to send it */
	struct tick first, last; /* when what waits for the next batch came; 0: nothing does */
	struct tick refreshed;   /* when a refresh was asked for last, */
	struct tick refresh_began; /* and when one began */
	struct list waits;         /* struct challenge_wait for the next refresh, */
	struct list served;        /* and for the one under way */
	struct err refresh_err;    /* the first of those that a refresh met */
	unsigned tries;
	struct err trouble;      /* why it is not as it should be, */
	struct instant troubled; /* since when, */
	struct instant again;    /* and when the next try is; unset: nobody knows */
	struct timer due;        /* somebody's time is over, */
	struct tick due_at;      /* at this moment; 0: nobody's */
	size_t room; /* the most that a batch may have since one was refused; 0: as many as fit */
	size_t n_suspects; /* how many of the next changes were refused together */
	int64_t n_dirs;
	bool is_running;
	bool is_busy; /* counted in challenges->n_busy: woken, and not settled since */
	bool wants_refresh, is_refreshing;
	bool is_wanted; /* an include file that has to be there */
};

struct challenges {
	struct commands *commands;
	struct worker *worker;
	struct loop *loop;
	struct conf *conf; /* the newest, a reference; NULL before challenges_use() */
	struct list places;
	struct map by_place; /* struct place */
	struct map by_id;    /* struct shown */
	struct map by_wish;  /* struct shown that was presented last for that wish */
	struct timer retry;  /* of what is LEFT */
	size_t n, n_busy;
	int journal;
	int64_t quiet_ms;         /* how long a zone gathers: see place_gathers() */
	int64_t split_ms;         /* PLACE_SPLIT_MS */
	int64_t refresh_ms;       /* REFRESH_MS */
	int64_t retry_ms;         /* TROUBLE_RETRY_MS */
	int64_t stop_ms;          /* CHALLENGES_STOP_MS */
	struct tick stop_at;      /* commands end before, when nothing is gathered any more */
	challenge_engine *engine; /* NULL: there is none, or it is not ready */
	void *engine_data;
	challenge_tell_trouble *tell;
	struct challenge_listening listening;
	size_t n_answered[CHALLENGE_COUNT]; /* that only the engine answers, by type */
	int64_t n_updates;                  /* what was signed so far, which numbers it */
	bool is_settled;
	bool is_hurried; /* nothing is gathered any more */
};

/* Everything about a wish, before anything happens. */
int wish_describe(const struct conf *conf, const struct challenge_wish *wish,
	const char *key_authorization, struct journal_entry *entry, struct err *err);

/* The place of an entry, made when there is none; `conf` is where its commands come from. */
struct place *place_of(
	struct challenges *challenges, const struct journal_entry *entry, struct conf *conf);

struct place *place_find(
	const struct challenges *challenges, const struct journal_entry *entry);

/*
 * A zone's batch begins when nothing came for PLACE_QUIET_MS, PLACE_MOST times as long after the first that
 * waits at the latest, so that many certificates make one publication.
 */
#define PLACE_QUIET_MS 2000
#define PLACE_MOST 10

/* In how many ms a batch has to begin whose first and last changes came at these times. */
int64_t place_gathers(struct tick first, struct tick last, struct tick now, int64_t quiet_ms);

/* Something has come: has the place make its challenges' states true, soon and from the loop. */
void place_wake(struct place *place);

/* The same for what has waited already. */
void place_go_on(struct place *place);

/* An update's place without an engine: nothing begins there. */
void place_rest(struct place *place);

/* Ends the batch that is under way. */
void place_end(struct place *place, const struct err *err);

/*
 * The batch that is under way, of n changes, was refused as a whole, maybe because of one of them.  Nobody is told: half
 * of them go first, and so on down to the one, which fails alone; then what goes through doubles how much goes next.  So
 * one bad change among n costs about 3 log2(n) batches, and n of them n + log2(n), PLACE_SPLIT_MS apart.
 */
#define PLACE_SPLIT_MS 250
void place_split(struct place *place, size_t n);

/* In how many ms the next batch begins, and how many changes it may have (pace.c). */
int64_t place_delay(const struct place *place);
size_t place_room(const struct place *place);
/* While a batch is split: n changes were refused, or carried out. */
void place_narrow(struct place *place, size_t n);
void place_widen(struct place *place, size_t n);

/* The files of the batch are written; ends it at once or later. */
void hand_over(struct place *place, bool is_changed);

/* The most that one update changes: any names of that many records fit into a message. */
#define UPDATING_MAX 100

/* Has the engine send the batch as a dynamic update, and ends it. */
void updating_begin(struct place *place);
/* It is over, and with it the batch. */
void updating_end(struct place *place, const struct err *err);
void updating_free(struct updating *updating); /* NULL is fine */

/*
 * Between two refreshes of a zone that were asked for lies that much time, whoever asks, so that a command of
 * root's is not run without an end for an engine that somebody else has got hold of; what comes sooner waits, all of
 * it together.  Unforced ones come once a minute at most, so only `certctl publish` ever meets it.
 */
#define REFRESH_MS 10000

/*
 * A batch begins: true when it is to be made though there may be nothing new; those who wait are told
 * when it has ended, or the last that it takes.
 */
bool refresh_begin(struct place *place);
int64_t refresh_delay(const struct place *place); /* ms until one that is wanted may begin */
void refresh_end(struct place *place, const struct err *err);
void refresh_drop(struct place *place);
void place_free(struct place *place);

/*
 * What fails is tried again (trouble.c), first after that time: trouble_retry() says in how many ms, or -1, and tells the
 * log and the engine.  trouble_say() only tells; trouble_end() tells that all is well.
 */
#define TROUBLE_RETRY_MS 1000
int64_t trouble_retry(struct place *place, const struct err *err);
void trouble_say(struct place *place, const struct err *err, int64_t ms);
void trouble_end(struct place *place);
void trouble_drop(struct place *place);

/* Has it fail when it is not there in time. */
void trouble_watch(struct shown *challenge);

/* How long a command of the place may run now: -1, not at all. */
int trouble_limit(const struct place *place, struct duration *limit, struct err *err);

/*
 * Sets has_twin and is_second of what the next batch is about: what is there for another order as well is
 * neither made twice nor taken away.
 */
void twins_mark(struct place *place);

/* What serves the zone, if this configuration publishes into it that way; or NULL. */
const struct zone_conf *place_zone(
	const struct conf *conf, const char *zone, enum publication how);

/* For place.c: calls everybody who waits for it, and forgets them. */
void challenge_tell(struct shown *challenge, const struct err *err);
void challenge_free(struct shown *challenge);

/* Something has ended: is everything settled now? */
void challenges_look(struct challenges *challenges);

/* Something is LEFT: tries again later. */
void challenges_retry(struct challenges *challenges);

#endif

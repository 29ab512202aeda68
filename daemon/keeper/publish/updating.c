/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/keeper/files/secrets.h"
#include "daemon/keeper/publish/challenge_private.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/secret.h"
#include "lib/log/log.h"
#include "lib/wire/dns_message.h"
#include "lib/wire/dns_update.h"

/*
 * A batch as one dynamic update.  The keeper makes and signs the message and judges the answer; what lies
 * between is the engine's, which may delay it, lose it or say that it failed, but neither change it nor have it
 * count as done.  All changes are by value, so sending it again does no harm, and what others keep in the zone is
 * never touched.
 *
 * A server carries out all of a message or nothing, so one alias that leads where it lets us change nothing would
 * starve all other certificates of the zone.  What is refused because of a record is therefore split (place_split).
 * Where the answer may as well be about the key or the zone, a message without changes is sent first: who refuses that,
 * too, will not take the parts.
 */

/* How long the engine may take from being told to bringing the answer. */
enum { UPDATING_MS = 60000 };

struct updating {
	struct place *place;
	struct timer timer;
	int64_t id; /* of what was signed last; 0: nothing was */
	struct dns_update_sent sent;
	char *server, *owner; /* whose record it is when there is only one */
	size_t n_changes;
	bool is_question; /* whether the server takes anything: the message had none of them */
	struct err refusal; /* of the message before it */
};

void updating_free(struct updating *updating)
{
	if (!updating)
		return;
	loop_timer_stop(updating->place->challenges->loop, &updating->timer);
	free(updating->server);
	free(updating->owner);
	free(updating);
}

static int compare_records(const void *a, const void *b)
{
	const struct journal_entry *x = &(*(const struct shown *const *)a)->entry;
	const struct journal_entry *y = &(*(const struct shown *const *)b)->entry;
	int owners = strcmp(x->owner, y->owner);

	return owners ? owners : strcmp(x->value, y->value);
}

/* What the batch is about and what stays, equal records side by side. */
static struct shown **sort_records(const struct place *place, size_t *n)
{
	struct shown **sorted;

	*n = 0;
	list_each(at, &place->all)
		++*n;
	sorted = mem_zalloc((*n + 1) * sizeof(struct shown *));
	*n = 0;
	list_each(at, &place->all) {
		struct shown *challenge = LIST_OF(at, struct shown, link);

		if (challenge->act != ACT_NONE || challenge->state == PUBLISHED)
			sorted[(*n)++] = challenge;
	}
	if (*n > 1)
		qsort(sorted, *n, sizeof(*sorted), compare_records);
	return sorted;
}

/* One record that several may want, some put and some drop: how many changes that is, and which. */
static size_t change_of(
	struct shown *const *at, size_t n, struct arena *arena, struct dns_change *out)
{
	const struct journal_entry *entry = &at[0]->entry;
	bool is_put = false, is_drop = false, stays = false;

	for (size_t i = 0; i < n; i++) {
		is_put |= at[i]->act == ACT_PUT;
		is_drop |= at[i]->act == ACT_DROP && !at[i]->is_untouched;
		stays |= at[i]->act == ACT_NONE;
	}
	if (!is_put && (!is_drop || stays))
		return 0;
	*out = (struct dns_change){ .owner = entry->owner,
		.type = DNS_TXT,
		.ttl = (uint32_t)entry->ttl.s,
		.rdata = arena_printf(arena, "\"%s\"", entry->value),
		.is_removal = !is_put };
	return 1;
}

/* The changes of the batch, UPDATING_MAX at most. */
static size_t list_changes(
	const struct place *place, struct arena *arena, struct dns_change *changes)
{
	struct shown **sorted AUTO_FREE = NULL;
	size_t n, n_changes = 0, from, to;

	sorted = sort_records(place, &n);
	for (from = 0; from < n; from = to) {
		for (to = from + 1; to < n && compare_records(&sorted[from], &sorted[to]) == 0;)
			to++;
		n_changes += change_of(&sorted[from], to - from, arena, &changes[n_changes]);
	}
	return n_changes;
}

void updating_end(struct place *place, const struct err *err)
{
	struct err told = *err;

	if (err_is_set(&told))
		err_add(&told, "the update of %s", place->zone);
	updating_free(place->updating);
	place->updating = NULL;
	place_end(place, &told);
}

/* What is being put by the message that was signed last may be there now, or after all not. */
static void count_out(const struct place *place, bool is_out)
{
	list_each(at, &place->all) {
		struct shown *challenge = LIST_OF(at, struct shown, link);

		if (challenge->act != ACT_PUT)
			continue;
		if (is_out)
			challenge->n_out++;
		else
			challenge->n_out--;
	}
}

static void is_late(struct timer *timer)
{
	struct updating *updating = CONTAINER_OF(timer, struct updating, timer);
	struct err err;

	err_set(&err, ERR_TIMEOUT, "the engine brought no answer for %d s", UPDATING_MS / 1000);
	updating_end(updating->place, &err);
}

static void call_engine(struct updating *updating)
{
	const struct challenges *challenges = updating->place->challenges;

	updating->id = 0;
	loop_timer_in(challenges->loop, &updating->timer, UPDATING_MS);
	challenges->engine(challenges->engine_data, updating->place->zone);
}

void updating_begin(struct place *place)
{
	struct challenges *challenges = place->challenges;
	struct dns_change changes[UPDATING_MAX + 1];
	struct arena arena = { 0 };
	size_t n = list_changes(place, &arena, changes);
	struct err err = ERR_INIT;

	arena_done(&arena);
	if (n > 0 && !challenges->engine)
		err_set(&err, ERR_CANCELLED, "there is no engine to send the update of %s",
			place->zone);
	if (n == 0 || err_is_set(&err)) {
		place_end(place, &err);
		return;
	}
	place->updating = mem_new(struct updating);
	place->updating->place = place;
	place->updating->timer.fire = is_late;
	call_engine(place->updating);
}

/* What waits for the engine; `id` 0: signed or not. */
static struct updating *find(
	const struct challenges *challenges, const char *zone, int64_t id, struct err *err)
{
	const struct journal_entry entry = { .how = PUBLICATION_UPDATE,
		.zone = (char *)(uintptr_t)zone };
	const struct place *place = place_find(challenges, &entry);

	if (!place || !place->updating) {
		err_set(err, ERR_NOT_FOUND, "no update of %.255s is under way", zone);
		return NULL;
	}
	if (id && place->updating->id != id) {
		err_set(err, ERR_NOT_FOUND, "the update %" PRId64 " of %.255s counts no longer",
			id, zone);
		return NULL;
	}
	return place->updating;
}

/* How the zone is updated, by the configuration. */
static const struct zone_conf *find_zone(const struct place *place, struct err *err)
{
	const struct zone_conf *zone = place_zone(place->conf, place->zone, place->how);

	if (!zone)
		err_set(err, ERR_BAD_CONFIG,
			"the zone %s takes no updates in the configuration any more",
			place->zone);
	return zone;
}

/* *key is NULL where updates are not signed. */
static int read_key(const struct zone_conf *zone, struct tsig_key *space, struct secret *secret,
	const struct tsig_key **key, struct err *err)
{
	*key = NULL;
	if (!zone->publish.tsig_name)
		return 0;
	if (secrets_read_base64(zone->publish.tsig_secret_file, secret, err) < 0)
		return err_add(err, "the TSIG key %s", zone->publish.tsig_name);
	*space = (struct tsig_key){ zone->publish.tsig_name, zone->publish.tsig_algorithm,
		secret };
	*key = space;
	return 0;
}

static const char *server_of(const struct zone_conf *zone, const char *offered)
{
	return zone->publish.server.text ? zone->publish.server.text
	       : zone->primary.text      ? zone->primary.text
					 : offered;
}

/* What the server calls the zone; the newest of those who saw that in DNS knows best. */
static const char *apex_of(const struct place *place)
{
	const char *apex = place->zone;

	list_each(at, &place->all) {
		const struct journal_entry *entry = &LIST_OF(at, struct shown, link)->entry;

		apex = entry->apex ? entry->apex : place->zone;
	}
	return apex;
}

/* *is_record: what is wrong is one of the records. */
static int make(struct updating *updating, const char *offered, struct buf *wire,
	bool *is_record, struct err *err)
{
	const struct place *place = updating->place;
	const struct zone_conf *zone = find_zone(place, err);
	struct dns_change changes[UPDATING_MAX + 1];
	struct secret secret AUTO_SECRET = SECRET_INIT;
	struct arena arena = { 0 };
	const struct tsig_key *key;
	struct tsig_key space;
	const char *server;

	if (!zone || read_key(zone, &space, &secret, &key, err) < 0)
		return -1;
	server = server_of(zone, offered);
	if (!server)
		return err_set(err, ERR_BAD_CONFIG,
			"nobody says which server takes the updates of %s: give "
			"publish.server",
			place->zone);
	updating->n_changes = list_changes(place, &arena, changes);
	*is_record = dns_update_make(apex_of(place), changes,
			     updating->is_question ? 0 : updating->n_changes, key, clock_now(),
			     wire, &updating->sent, err) < 0;
	free(updating->owner);
	updating->owner = updating->n_changes == 1 ? mem_strdup(changes[0].owner) : NULL;
	arena_done(&arena);
	if (*is_record)
		return -1;
	free(updating->server);
	updating->server = mem_strdup(server);
	return 0;
}

static void split(struct updating *updating)
{
	struct place *place = updating->place;
	size_t n = updating->n_changes;

	updating_free(updating);
	place->updating = NULL;
	place_split(place, n);
}

int challenges_sign_update(struct challenges *challenges, const char *zone, const char *offered,
	struct buf *wire, int64_t *id, const char **server, struct err *err)
{
	struct updating *updating = find(challenges, zone, 0, err);
	bool is_record = false;

	if (!updating)
		return -1;
	/* What cannot be made now cannot be sent, so there is nothing to wait for. */
	if (make(updating, offered, wire, &is_record, err) < 0) {
		if (is_record && updating->n_changes > 1)
			split(updating);
		else
			updating_end(updating->place, err);
		return -1;
	}
	if (!updating->is_question)
		count_out(updating->place, true);
	updating->id = *id = ++challenges->n_updates;
	*server = updating->server;
	return 0;
}

struct judgement {
	struct err err;
	enum dns_blame blame;
	bool is_refusal;
	bool is_proven; /* under the server's signature */
};

static void judge(struct updating *updating, const struct dns_update_answer *answer,
	struct judgement *out)
{
	const struct place *place = updating->place;
	const struct zone_conf *zone = find_zone(place, &out->err);
	struct secret secret AUTO_SECRET = SECRET_INIT;
	const struct tsig_key *key;
	struct tsig_key space;

	if (!zone || read_key(zone, &space, &secret, &key, &out->err) < 0 ||
		dns_update_judge(
			answer, &updating->sent, key, place->zone, clock_now(), &out->err) == 0)
		return;
	out->is_refusal = out->err.code == ERR_ZONE_REFUSED;
	out->is_proven = key && answer->is_signed && answer->mac_len > 0;
	if (out->is_refusal)
		out->blame = dns_update_blame(answer);
}

static void log_end(const struct updating *updating, const struct err *err, bool is_split)
{
	const char *plural = updating->n_changes == 1 ? "" : "s";

	if (!err_is_set(err))
		log_event(NULL, EVENT_DNS_UPDATED, NULL,
			"%s: %s carried out an update of %zu record%s", updating->place->zone,
			updating->server, updating->n_changes, plural);
	/* The parts of what was refused once are told only when they cannot be split any more. */
	else if (!is_split)
		log_event(NULL, EVENT_DNS_REFUSED, err, "%s: the update at %s does not count",
			updating->place->zone, updating->server);
	else if (!updating->place->room)
		log_event(NULL, EVENT_DNS_REFUSED, err,
			"%s: the update of %zu record%s at %s does not count and is tried in "
			"parts",
			updating->place->zone, updating->n_changes, plural, updating->server);
}

/* The server was asked whether it takes anything from us. */
static void end_question(struct updating *updating, const struct judgement *judgement)
{
	if (judgement->is_refusal && judgement->blame != BLAME_RECORD)
		updating_end(updating->place, &updating->refusal);
	else if (judgement->is_refusal || !err_is_set(&judgement->err))
		split(updating);
	else
		updating_end(updating->place, &judgement->err);
}

static void end(struct updating *updating, struct judgement *judgement)
{
	struct place *place = updating->place;
	bool is_record = judgement->is_refusal && judgement->blame != BLAME_ZONE;
	bool is_split = is_record && updating->n_changes > 1;

	if (judgement->is_refusal && judgement->is_proven)
		count_out(place, false);
	if (!err_is_set(&judgement->err))
		place_widen(place, updating->n_changes);
	else if (is_record && !is_split && place->room)
		place_narrow(place, 1);
	log_end(updating, &judgement->err, is_split);
	if (!is_split) {
		if (is_record)
			err_add(&judgement->err, "the record %s", updating->owner);
		updating_end(place, &judgement->err);
	} else if (judgement->blame == BLAME_RECORD || place->room) {
		split(updating);
	} else {
		updating->is_question = true;
		updating->refusal = judgement->err;
		call_engine(updating);
	}
}

int challenges_judge_update(struct challenges *challenges, const char *zone, int64_t id,
	const struct dns_update_answer *answer, struct err *err)
{
	struct updating *updating = find(challenges, zone, id, err);
	struct judgement judgement = { .is_refusal = false };

	if (!updating)
		return -1;
	judge(updating, answer, &judgement);
	if (updating->is_question)
		end_question(updating, &judgement);
	else
		end(updating, &judgement);
	if (!err_is_set(&judgement.err))
		return 0;
	*err = judgement.err;
	return -1;
}

int challenges_fail_update(struct challenges *challenges, const char *zone, int64_t id,
	const struct err *why, struct err *err)
{
	struct updating *updating = find(challenges, zone, id, err);

	if (!updating)
		return -1;
	updating_end(updating->place, why);
	return 0;
}

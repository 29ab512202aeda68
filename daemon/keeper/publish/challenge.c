/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/publish/challenge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/keeper/ca/keyauth.h"
#include "daemon/keeper/publish/challenge_private.h"
#include "daemon/keeper/run/command.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/log/log.h"
#include "lib/wire/name.h"

enum { RETRY_MS = 600000 };

/* Walks all challenges of all places; the current one may go. */
#define EACH_CHALLENGE(challenges, at_place, at)                                               \
	list_each(at_place, &(challenges)->places)                                             \
		list_each_safe(at, &LIST_OF(at_place, struct place, link)->all)

static struct shown *challenge_at(struct list *at)
{
	return LIST_OF(at, struct shown, link);
}

static void leave(struct shown *challenge)
{
	static const struct err nothing = ERR_INIT;
	struct err err;

	if (challenge->state == WANTED) {
		err_set(&err, ERR_CANCELLED, "it was withdrawn before it was published");
		challenge_tell(challenge, &err);
	} else if (challenge->state == PUBLISHED) {
		challenge_tell(challenge, &nothing);
	}
	challenge->state = LEAVING;
	challenge->is_stale = false;
	place_wake(challenge->place);
}

static void retry(struct timer *timer)
{
	struct challenges *challenges = CONTAINER_OF(timer, struct challenges, retry);

	EACH_CHALLENGE(challenges, at_place, at)
	if (challenge_at(at)->state == LEFT)
		leave(challenge_at(at));
}

void challenges_retry(struct challenges *challenges)
{
	if (!loop_timer_is_set(&challenges->retry))
		loop_timer_in(challenges->loop, &challenges->retry, RETRY_MS);
}

void challenges_look(struct challenges *challenges)
{
	challenges->is_settled = challenges->n_busy == 0;
}

static struct shown *add(struct challenges *challenges, struct journal_entry *entry,
	struct conf *conf, enum challenge_state state)
{
	struct shown *challenge = mem_new(struct shown);

	challenge->entry = *entry;
	*entry = (struct journal_entry){ .how = PUBLICATION_ENGINE };
	challenge->state = state;
	challenge->place = place_of(challenges, &challenge->entry, conf);
	list_init(&challenge->waits);
	list_append(&challenge->place->all, &challenge->link);
	map_set(&challenges->by_id, challenge->entry.id, challenge);
	challenges->n++;
	if (challenge->entry.how == PUBLICATION_ENGINE)
		challenges->n_answered[challenge->entry.type]++;
	return challenge;
}

static void take_journalled(struct journal_entry *entry, void *data)
{
	struct challenges *challenges = data;

	if (entry->how == PUBLICATION_DIRECTORIES) {
		entry->how = PUBLICATION_WEBROOT;
		place_of(challenges, entry, NULL)->n_dirs = entry->n_dirs;
		journal_entry_done(entry);
		return;
	}
	add(challenges, entry, NULL, LEFT);
}

int challenges_new(const char *state_dir, struct commands *commands, struct worker *worker,
	struct challenges **out, struct err *err)
{
	struct challenges *challenges = mem_new(struct challenges);

	challenges->commands = commands;
	challenges->worker = worker;
	challenges->loop = commands_loop(commands);
	challenges->retry.fire = retry;
	challenges->is_settled = true;
	challenges->quiet_ms = PLACE_QUIET_MS;
	challenges->split_ms = PLACE_SPLIT_MS;
	challenges->refresh_ms = REFRESH_MS;
	challenges->retry_ms = TROUBLE_RETRY_MS;
	challenges->stop_ms = CHALLENGES_STOP_MS;
	list_init(&challenges->places);
	challenges->journal = journal_open(state_dir, err);
	if (challenges->journal < 0 ||
		journal_each(challenges->journal, take_journalled, challenges, err) < 0) {
		challenges_free(challenges);
		return -1;
	}
	*out = challenges;
	return 0;
}

static void look_listening(struct challenges *challenges, enum challenge type)
{
	if (challenges->n_answered[type] == 0 && challenges->listening.end)
		challenges->listening.end(type);
}

static int begin_listening(
	struct challenges *challenges, const struct journal_entry *entry, struct err *err)
{
	if (entry->how != PUBLICATION_ENGINE || !challenges->listening.begin)
		return 0;
	if (challenges->listening.begin(entry->type, err) == 0)
		return 0;
	look_listening(challenges, entry->type);
	return -1;
}

void challenge_free(struct shown *challenge)
{
	struct challenges *challenges = challenge->place->challenges;

	list_each_safe(at, &challenge->waits) {
		list_remove(at);
		free(LIST_OF(at, struct challenge_wait, link));
	}
	challenges->n--;
	if (challenge->entry.how == PUBLICATION_ENGINE) {
		challenges->n_answered[challenge->entry.type]--;
		look_listening(challenges, challenge->entry.type);
	}
	map_remove(&challenges->by_id, challenge->entry.id);
	if (challenge->wish && map_get(&challenges->by_wish, challenge->wish) == challenge)
		map_remove(&challenges->by_wish, challenge->wish);
	free(challenge->wish);
	list_remove(&challenge->link);
	journal_entry_done(&challenge->entry);
	free(challenge->key_authorization);
	free(challenge);
}

void challenges_free(struct challenges *challenges)
{
	if (!challenges)
		return;
	loop_timer_stop(challenges->loop, &challenges->retry);
	list_each_safe(at, &challenges->places)
		place_free(LIST_OF(at, struct place, link));
	map_done(&challenges->by_place);
	map_done(&challenges->by_id);
	map_done(&challenges->by_wish);
	file_closep(&challenges->journal);
	conf_unref(challenges->conf);
	free(challenges);
}

/* An include file is part of its zone, so it is there before there is anything to say. */
static void want_include(struct challenges *challenges, const struct zone_conf *zone)
{
	struct journal_entry entry = { .how = PUBLICATION_INCLUDE,
		.zone = (char *)(uintptr_t)zone->name,
		.path = (char *)(uintptr_t)zone->publish.acme_dir };
	struct place *place = place_of(challenges, &entry, challenges->conf);

	place->is_wanted = true;
	place_wake(place);
}

/* Commands come from the configuration in force as long as it has the zone. */
static void update_place(struct place *place, struct conf *conf)
{
	if (place->zone && place_zone(conf, place->zone, place->how)) {
		conf_unref(place->conf);
		place->conf = conf_ref(conf);
	}
}

void challenges_use(struct challenges *challenges, struct conf *conf)
{
	conf_unref(challenges->conf);
	challenges->conf = conf_ref(conf);
	list_each(at, &challenges->places)
		update_place(LIST_OF(at, struct place, link), conf);
	EACH_CHALLENGE(challenges, at_place, at)
	if (challenge_at(at)->state < LEAVING && !conf_cert(conf, challenge_at(at)->entry.cert))
		leave(challenge_at(at));
	for (size_t i = 0; i < conf->dns.n_zones; i++)
		if (conf->dns.zones[i].publish.type == PUBLISH_INCLUDE &&
			conf->dns.zones[i].publish.acme_dir)
			want_include(challenges, &conf->dns.zones[i]);
}

void challenges_retry_now(struct challenges *challenges)
{
	list_each(at, &challenges->places) {
		struct place *place = LIST_OF(at, struct place, link);

		if (place->tries > 0 && loop_timer_is_set(&place->timer))
			loop_timer_in(challenges->loop, &place->timer, 0);
	}
	if (loop_timer_is_set(&challenges->retry)) {
		loop_timer_stop(challenges->loop, &challenges->retry);
		retry(&challenges->retry);
	}
}

static void hurry(struct challenges *challenges)
{
	challenges->is_hurried = true;
	list_each(at, &challenges->places) {
		struct place *place = LIST_OF(at, struct place, link);

		if (loop_timer_is_set(&place->timer))
			loop_timer_in(challenges->loop, &place->timer, 0);
	}
}

/* Whose tries have failed so far would only meet the same again. */
static void give_up(struct place *place)
{
	struct err err;

	err_set(&err, ERR_CANCELLED, "the daemon stops");
	list_each_safe(at, &place->all)
		if (challenge_at(at)->state == WANTED && place->tries > 0) {
			challenge_tell(challenge_at(at), &err);
			leave(challenge_at(at));
		}
}

void challenges_hurry(struct challenges *challenges)
{
	if (challenges->is_hurried)
		return;
	challenges->stop_at.ms = clock_tick().ms + challenges->stop_ms;
	hurry(challenges);
	list_each(at, &challenges->places) {
		give_up(LIST_OF(at, struct place, link));
		command_stop(LIST_OF(at, struct place, link)->command);
	}
}

void challenges_tell(struct challenges *challenges, challenge_tell_trouble *tell)
{
	challenges->tell = tell;
}

void challenges_use_listening(
	struct challenges *challenges, const struct challenge_listening *listening)
{
	challenges->listening = *listening;
}

void challenges_use_engine(struct challenges *challenges, challenge_engine *engine, void *data)
{
	struct err gone;

	challenges->engine = engine;
	challenges->engine_data = data;
	err_set(&gone, ERR_CANCELLED, "the engine is gone");
	list_each_safe(at, &challenges->places) {
		struct place *place = LIST_OF(at, struct place, link);

		if (place->how != PUBLICATION_UPDATE)
			continue;
		if (engine)
			place_go_on(place);
		else if (place->updating)
			updating_end(place, &gone);
		else
			place_rest(place);
	}
}

size_t challenges_sweep(struct challenges *challenges)
{
	bool is_hurried = challenges->is_hurried;
	size_t n = challenges->n;

	hurry(challenges);
	EACH_CHALLENGE(challenges, at_place, at)
	if (challenge_at(at)->state != LEAVING)
		leave(challenge_at(at));
	challenges->is_hurried = is_hurried;
	/* Directories whose files are gone already. */
	list_each(at, &challenges->places)
		if (LIST_OF(at, struct place, link)->n_dirs > 0)
			place_wake(LIST_OF(at, struct place, link));
	return n;
}

bool challenges_settle(struct challenges *challenges, int ms)
{
	challenges_look(challenges);
	return loop_run_until(challenges->loop, &challenges->is_settled, ms);
}

/* None of these texts has a line end: all of them stand in the journal. */
static char *key_of(const struct challenge_wish *wish)
{
	return mem_printf("%d %d\n%s\n%s\n%s\n%s\n%s\n%s", (int)wish->type, wish->is_test,
		wish->cert->name, wish->ca, wish->name, wish->token,
		wish->owner ? wish->owner : "", wish->apex ? wish->apex : "");
}

/* One that leaves may have the same wish, and no longer counts for it. */
static void note_wish(struct shown *challenge, char *key)
{
	struct map *by_wish = &challenge->place->challenges->by_wish;

	challenge->wish = key;
	map_remove(by_wish, key);
	map_set(by_wish, key, challenge);
}

static struct challenge_wait *wait_for(
	struct shown *challenge, challenge_done *done, void *data)
{
	struct challenge_wait *wait = mem_new(struct challenge_wait);

	wait->done = done;
	wait->data = data;
	list_append(&challenge->waits, &wait->link);
	place_wake(challenge->place);
	return wait;
}

struct challenge_wait *challenge_present(struct challenges *challenges, struct conf *conf,
	const struct challenge_wish *wish, challenge_done *done, void *data, struct err *err)
{
	char *key AUTO_FREE = key_of(wish);
	struct shown *challenge = map_get(&challenges->by_wish, key);
	struct journal_entry entry = { .how = PUBLICATION_ENGINE };
	struct buf text AUTO_BUF = BUF_INIT;

	if (challenge && challenge->state < LEAVING)
		return wait_for(challenge, done, data);
	if (challenges->n >= CHALLENGES_MAX) {
		err_set(err, ERR_BUSY, "%d challenges are published already", CHALLENGES_MAX);
		return NULL;
	}
	keyauth_make(wish->token, wish->thumbprint, &text);
	if (wish_describe(conf, wish, buf_text(&text), &entry, err) < 0 ||
		begin_listening(challenges, &entry, err) < 0) {
		journal_entry_done(&entry);
		return NULL;
	}
	challenge = add(challenges, &entry, conf, WANTED);
	note_wish(challenge, mem_take(&key));
	challenge->key_authorization = mem_strdup(buf_text(&text));
	if (challenge_is_dns(wish->type)) {
		challenge->until.ms = clock_tick().ms + conf->dns.deadline.s * 1000;
		trouble_watch(challenge);
	}
	return wait_for(challenge, done, data);
}

struct challenge_wait *challenge_withdraw(
	struct challenges *challenges, const char *id, challenge_done *done, void *data)
{
	struct shown *challenge = map_get(&challenges->by_id, id);

	if (!challenge)
		return NULL;
	if (challenge->state != LEAVING)
		leave(challenge);
	return wait_for(challenge, done, data);
}

void challenge_forget(struct challenge_wait *wait)
{
	if (!wait)
		return;
	list_remove(&wait->link);
	free(wait);
}

void challenge_tell(struct shown *challenge, const struct err *err)
{
	const struct journal_entry *entry = &challenge->entry;
	struct challenge_told told = { entry->id, challenge->key_authorization, entry->zone,
		entry->owner, entry->owner ? entry->value : NULL };
	struct list *first;

	while ((first = list_first(&challenge->waits))) {
		struct challenge_wait *wait = LIST_OF(first, struct challenge_wait, link);
		challenge_done *done = wait->done;
		void *data = wait->data;

		challenge_forget(wait);
		done(data, &told, err);
	}
}

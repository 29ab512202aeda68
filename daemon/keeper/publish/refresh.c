/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/index.h"
#include "daemon/keeper/publish/challenge_private.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/*
 * Saying again what was said: a refresh that lied, a server that forgot.  It is a batch of the zone's place that is
 * made though nothing is new there; of commands, where each record is a place of its own, one of each.  What could not
 * be withdrawn is tried again with it.
 */

enum { AGAIN_MS = 60000 };

int64_t refresh_delay(const struct place *place)
{
	const struct challenges *challenges = place->challenges;
	int64_t ms = place->refresh_began.ms + challenges->refresh_ms - clock_tick().ms;

	return !place->refresh_began.ms || challenges->is_hurried || ms < 0 ? 0 : ms;
}

static void move(struct list *from, struct list *to)
{
	list_each_safe(at, from) {
		list_remove(at);
		list_append(to, at);
	}
}

/* All of a command's place are one record, which is said once. */
bool refresh_begin(struct place *place)
{
	bool has = false;

	if (!place->wants_refresh || refresh_delay(place) > 0)
		return place->is_refreshing;
	place->wants_refresh = false;
	place->refresh_began = clock_tick();
	place->is_refreshing = true;
	move(&place->waits, &place->served);
	list_each(at, &place->all) {
		struct shown *challenge = LIST_OF(at, struct shown, link);

		if (challenge->state == LEFT)
			challenge->state = LEAVING;
		challenge->is_stale = challenge->state == PUBLISHED &&
				      (place->how == PUBLICATION_UPDATE ||
					      (place->how == PUBLICATION_COMMAND && !has));
		has |= challenge->is_stale;
	}
	return true;
}

/* Is there more of it than went into one message?  What is wrong with one record says nothing of the others. */
static bool has_more(struct place *place, const struct err *err)
{
	bool is_over = err_is_set(err) && !place->room, has = false;

	list_each(at, &place->all) {
		struct shown *challenge = LIST_OF(at, struct shown, link);

		challenge->is_stale &= !is_over;
		has |= challenge->is_stale;
	}
	return has;
}

/* What serves the zone of a place now, or NULL: it goes another way. */
static const struct zone_conf *entry_of(const struct place *place)
{
	const struct zone_conf *entry =
		place->zone ? place_zone(place->challenges->conf, place->zone, place->how)
			    : NULL;

	return entry && place->how == PUBLICATION_INCLUDE &&
			       !str_is(place->path, entry->publish.acme_dir)
		       ? NULL
		       : entry;
}

/* Whoever waits for what has several places waits for each of them that is said again. */
static bool wait_for_next(struct place *place)
{
	const struct zone_conf *entry = entry_of(place);

	list_each(at, &place->challenges->places) {
		struct place *next = LIST_OF(at, struct place, link);

		if (!entry || (!next->wants_refresh && !next->is_refreshing) ||
			entry_of(next) != entry)
			continue;
		move(&place->served, next->wants_refresh ? &next->waits : &next->served);
		return true;
	}
	return false;
}

void refresh_end(struct place *place, const struct err *err)
{
	static const struct challenge_told nothing = { .id = NULL };
	struct err ended;
	struct list *first;

	if (!place->is_refreshing)
		return;
	if (!err_is_set(&place->refresh_err))
		place->refresh_err = *err;
	if (has_more(place, err))
		return;
	place->is_refreshing = false;
	ended = place->refresh_err;
	place->refresh_err = (struct err)ERR_INIT;
	if (!err_is_set(&ended) && wait_for_next(place))
		return;
	while ((first = list_first(&place->served))) {
		struct challenge_wait *wait = LIST_OF(first, struct challenge_wait, link);
		challenge_done *done = wait->done;
		void *data = wait->data;

		challenge_forget(wait);
		done(data, &nothing, &ended);
	}
}

void refresh_drop(struct place *place)
{
	move(&place->waits, &place->served);
	list_each_safe(at, &place->served)
		challenge_forget(LIST_OF(at, struct challenge_wait, link));
}

/* The one place of all of a zone's records, or NULL. */
static struct place *find_place(
	const struct challenges *challenges, const struct zone_conf *conf, const char *zone)
{
	struct journal_entry entry = { .zone = (char *)(uintptr_t)zone };

	if (conf->publish.type == PUBLISH_INCLUDE && conf->publish.acme_dir) {
		entry.how = PUBLICATION_INCLUDE;
		entry.path = (char *)(uintptr_t)conf->publish.acme_dir;
	} else if (conf->publish.type == PUBLISH_UPDATE) {
		entry.how = PUBLICATION_UPDATE;
	} else {
		return NULL;
	}
	return place_find(challenges, &entry);
}

static void want(struct place *place, struct tick now, bool is_forced)
{
	place->refreshed = now;
	place->wants_refresh = true;
	/* What has been mended is not to wait for the next try. */
	if (is_forced && !place->is_running)
		place->tries = 0;
	place_wake(place);
}

/* Is something there for a certificate of this group? */
static bool has_group(const struct place *place, const char *group)
{
	size_t len = strlen(group);

	list_each(at, &place->all) {
		const char *cert = LIST_OF(at, struct shown, link)->entry.cert;

		if (str_starts(cert, group) && cert[len] == '/')
			return true;
	}
	return false;
}

/*
 * People name an entry, and mean all the zones that it serves; of those that go by `default`, which has no name, they
 * mean what certificates of the group have there.
 */
static bool is_meant(const struct place *place, const struct zone_conf *conf, const char *zone)
{
	if (entry_of(place) != conf)
		return false;
	return str_is(place->zone, zone) || conf->name || has_group(place, zone);
}

/* Some place of the zones that has begun, or NULL. */
static struct place *want_all(struct challenges *challenges, const struct zone_conf *conf,
	const char *zone, struct tick now)
{
	struct place *some = NULL;

	list_each(at, &challenges->places) {
		struct place *place = LIST_OF(at, struct place, link);

		if (!is_meant(place, conf, zone))
			continue;
		want(place, now, true);
		some = place;
	}
	return some;
}

static struct place *want_zone(struct challenges *challenges, const struct zone_conf *conf,
	const char *zone, bool is_forced)
{
	struct tick now = clock_tick();
	struct place *place;

	if (is_forced)
		return want_all(challenges, conf, zone, now);
	/* A program that adds need not bear being run again, so only people have it run. */
	place = find_place(challenges, conf, zone);
	if (!place || (place->refreshed.ms && now.ms - place->refreshed.ms < AGAIN_MS))
		return NULL;
	want(place, now, false);
	return place;
}

/* A certificate whose group goes by `default` has its zone under that name. */
static bool is_group(const struct conf *conf, const char *zone)
{
	char group[256];

	for (size_t i = 0; i < conf->n_certs; i++)
		if (str_is(cert_conf_group(conf_cert_at(conf, i), group), zone))
			return true;
	return false;
}

/* Names of entries, groups that go by `default`, and zones that something was published in. */
static bool is_known(
	const struct challenges *challenges, const struct zone_conf *entry, const char *zone)
{
	if (entry->name ? str_is(entry->name, zone) : is_group(challenges->conf, zone))
		return true;
	list_each(at, &challenges->places) {
		const struct place *place = LIST_OF(at, struct place, link);

		if (place->zone && str_is(place->zone, zone) && entry_of(place) == entry)
			return true;
	}
	return false;
}

int challenges_refresh(struct challenges *challenges, const char *zone, bool is_forced,
	challenge_done *done, void *data, struct challenge_wait **out, struct err *err)
{
	const struct zone_conf *conf =
		challenges->conf ? conf_zone(challenges->conf, zone) : NULL;
	struct challenge_wait *wait;
	struct place *place;

	*out = NULL;
	if (!conf || !is_known(challenges, conf, zone))
		return err_set(err, ERR_NOT_FOUND, "dns.zones has no zone %.255s", zone);
	place = want_zone(challenges, conf, zone, is_forced);
	if (!place)
		return 0;
	wait = mem_new(struct challenge_wait);
	wait->done = done;
	wait->data = data;
	list_append(&place->waits, &wait->link);
	*out = wait;
	return 0;
}

#include <stdlib.h>

#include "daemon/keeper/challenge_private.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/*
 * Saying again what was said: a refresh that lied, a server that forgot.  It is a batch of the zone's place that is
 * made though nothing is new there.
 */

enum { AGAIN_MS = 60000 };

static void move(struct list *from, struct list *to)
{
	list_each_safe(at, from) {
		list_remove(at);
		list_append(to, at);
	}
}

bool refresh_begin(struct place *place)
{
	if (!place->wants_refresh)
		return place->is_refreshing;
	place->wants_refresh = false;
	place->is_refreshing = true;
	move(&place->waits, &place->served);
	if (place->how != PUBLICATION_UPDATE)
		return true;
	list_each(at, &place->all) {
		struct shown *challenge = LIST_OF(at, struct shown, link);

		challenge->is_stale = challenge->state == PUBLISHED;
	}
	return true;
}

/* Is there more of it than went into one message?  After an error that no longer matters. */
static bool has_more(struct place *place, const struct err *err)
{
	bool has = false;

	list_each(at, &place->all) {
		struct shown *challenge = LIST_OF(at, struct shown, link);

		challenge->is_stale &= !err_is_set(err);
		has |= challenge->is_stale;
	}
	return has;
}

void refresh_end(struct place *place, const struct err *err)
{
	static const struct challenge_told nothing = { .id = NULL };
	struct list *first;

	if (!place->is_refreshing || has_more(place, err))
		return;
	place->is_refreshing = false;
	while ((first = list_first(&place->served))) {
		struct challenge_wait *wait = LIST_OF(first, struct challenge_wait, link);
		challenge_done *done = wait->done;
		void *data = wait->data;

		challenge_forget(wait);
		done(data, &nothing, err);
	}
}

void refresh_drop(struct place *place)
{
	move(&place->waits, &place->served);
	list_each_safe(at, &place->served)
		challenge_forget(LIST_OF(at, struct challenge_wait, link));
}

/* 0 and NULL: what is configured has nothing that could be refreshed. */
static int find_place(const struct challenges *challenges, const char *zone, struct place **out,
	struct err *err)
{
	const struct zone_conf *found =
		challenges->conf ? conf_zone(challenges->conf, zone) : NULL;
	struct journal_entry entry = { .zone = (char *)(uintptr_t)zone };

	*out = NULL;
	if (!found || (found->name && !str_is(found->name, zone)))
		return err_set(err, ERR_NOT_FOUND, "dns.zones has no zone %.255s", zone);
	if (found->publish.type == PUBLISH_INCLUDE && found->publish.acme_dir) {
		entry.how = PUBLICATION_INCLUDE;
		entry.path = (char *)(uintptr_t)found->publish.acme_dir;
	} else if (found->publish.type == PUBLISH_UPDATE) {
		entry.how = PUBLICATION_UPDATE;
	} else {
		return 0;
	}
	*out = place_find(challenges, &entry);
	return 0;
}

int challenges_refresh(struct challenges *challenges, const char *zone, bool is_forced,
	challenge_done *done, void *data, struct challenge_wait **out, struct err *err)
{
	struct tick now = clock_tick();
	struct challenge_wait *wait;
	struct place *place;

	*out = NULL;
	if (find_place(challenges, zone, &place, err) < 0)
		return -1;
	if (!place ||
		(!is_forced && place->refreshed.ms && now.ms - place->refreshed.ms < AGAIN_MS))
		return 0;
	place->refreshed = now;
	place->wants_refresh = true;
	wait = mem_new(struct challenge_wait);
	wait->done = done;
	wait->data = data;
	list_append(&place->waits, &wait->link);
	place_wake(place);
	*out = wait;
	return 0;
}

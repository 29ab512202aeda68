/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/publish/challenge_private.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/keeper/publish/publish.h"
#include "daemon/keeper/run/command.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/log/log.h"
#include "lib/task/worker.h"

#define EACH(place, at) list_each_safe(at, &(place)->all)

static struct shown *challenge_at(struct list *at)
{
	return LIST_OF(at, struct shown, link);
}

static char *record_of(const struct journal_entry *entry)
{
	return entry->how == PUBLICATION_COMMAND
		       ? mem_printf("%s %s", entry->owner, entry->value)
		       : NULL;
}

static char *key_of(const struct journal_entry *entry, const char *record)
{
	return mem_printf("%d\n%s\n%s\n%s", (int)entry->how, entry->path ? entry->path : "",
		entry->zone ? entry->zone : "", record ? record : "");
}

static void begin(struct timer *timer);

struct place *place_find(const struct challenges *challenges, const struct journal_entry *entry)
{
	char *record AUTO_FREE = record_of(entry);
	char *key AUTO_FREE = key_of(entry, record);

	return map_get(&challenges->by_place, key);
}

struct place *place_of(
	struct challenges *challenges, const struct journal_entry *entry, struct conf *conf)
{
	char *record AUTO_FREE = record_of(entry);
	char *key AUTO_FREE = key_of(entry, record);
	struct place *place = map_get(&challenges->by_place, key);

	if (place)
		return place;
	place = mem_new(struct place);
	place->challenges = challenges;
	place->how = entry->how;
	place->path = entry->path ? mem_strdup(entry->path) : NULL;
	place->zone = entry->zone ? mem_strdup(entry->zone) : NULL;
	place->record = mem_take(&record);
	place->conf = conf ? conf_ref(conf) : NULL;
	place->timer.fire = begin;
	list_init(&place->all);
	list_init(&place->waits);
	list_init(&place->served);
	place->key = mem_take(&key);
	map_set(&challenges->by_place, place->key, place);
	list_append(&challenges->places, &place->link);
	return place;
}

static void set_busy(struct place *place, bool is_busy)
{
	if (is_busy && !place->is_busy)
		place->challenges->n_busy++;
	else if (!is_busy && place->is_busy)
		place->challenges->n_busy--;
	place->is_busy = is_busy;
}

/* A thread that is at work keeps its own copy of everything; behind it the batch is ours. */
void place_free(struct place *place)
{
	bool is_written = place->command || place->updating;

	command_cancel(place->command);
	updating_free(place->updating);
	refresh_drop(place);
	if (is_written)
		publish_free(place->work);
	else if (place->work)
		place->work->place = NULL;
	loop_timer_stop(place->challenges->loop, &place->timer);
	trouble_drop(place);
	EACH(place, at)
	challenge_free(challenge_at(at));
	set_busy(place, false);
	map_remove(&place->challenges->by_place, place->key);
	free(place->key);
	list_remove(&place->link);
	conf_unref(place->conf);
	free(place->path);
	free(place->zone);
	free(place->record);
	free(place);
}

/* Without an engine nobody sends an update; the journal keeps what is to be done. */
static bool is_waiting_for_engine(const struct place *place)
{
	return place->how == PUBLICATION_UPDATE && !place->challenges->engine;
}

static void begin_in(struct place *place, int64_t ms)
{
	loop_timer_in(place->challenges->loop, &place->timer, ms);
}

/* A failed batch has its own time, and a part of one, which nothing that comes moves. */
static bool has_its_time(const struct place *place)
{
	return place->tries > 0 || (place->room && loop_timer_is_set(&place->timer));
}

static void go_on_in(struct place *place, int64_t ms)
{
	if (is_waiting_for_engine(place))
		return;
	place->challenges->is_settled = false;
	set_busy(place, true);
	if (!place->is_running && !has_its_time(place))
		begin_in(place, ms);
}

void place_go_on(struct place *place)
{
	go_on_in(place, place_delay(place));
}

void place_rest(struct place *place)
{
	place->tries = 0;
	place->room = 0;
	loop_timer_stop(place->challenges->loop, &place->timer);
	set_busy(place, place->is_running);
	challenges_look(place->challenges);
}

void place_wake(struct place *place)
{
	place->last = clock_tick();
	if (!place->first.ms)
		place->first = place->last;
	place_go_on(place);
}

const struct zone_conf *place_zone(
	const struct conf *conf, const char *zone, enum publication how)
{
	enum publish_type type = how == PUBLICATION_INCLUDE  ? PUBLISH_INCLUDE
				 : how == PUBLICATION_UPDATE ? PUBLISH_UPDATE
							     : PUBLISH_COMMAND;
	const struct zone_conf *found = conf ? conf_zone(conf, zone) : NULL;

	return found && found->publish.type == type ? found : NULL;
}

static void tell_event(
	const struct shown *challenge, enum event event, const struct err *err, const char *how)
{
	const struct journal_entry *entry = &challenge->entry;
	struct log_field ca = { "CA", entry->ca, NULL };
	struct log_field cert = { "CERT", entry->cert, &ca };

	log_event(&cert, event, err, "%s: the %s challenge of %s for %s %s", entry->cert,
		challenge_text(entry->type), entry->ca, entry->name, how);
}

/* Chooses what this batch does: all that is to be done and has room.  To forget needs none. */
static size_t choose(struct place *place)
{
	size_t n = 0, n_free = 0, room = place_room(place);

	twins_mark(place);
	EACH(place, at)
	{
		struct shown *challenge = challenge_at(at);
		bool is_free = place->how == PUBLICATION_UPDATE && challenge->is_untouched;

		if (challenge->state == LEAVING && (is_free || n < room)) {
			challenge->act = ACT_DROP;
			is_free ? n_free++ : n++;
		}
	}
	EACH(place, at)
	{
		struct shown *challenge = challenge_at(at);

		if (n < room && ((challenge->state == WANTED && !challenge->is_second) ||
					challenge->is_stale)) {
			challenge->act = ACT_PUT;
			n++;
		}
	}
	return n + n_free;
}

static void add_item(struct publish_work *work, struct shown *challenge)
{
	struct publish_item *item;

	challenge->item = work->n_items;
	item = &work->items[work->n_items++];
	*item = (struct publish_item){ .is_put = challenge->act == ACT_PUT };
	memcpy(item->id, challenge->entry.id, sizeof(item->id));
	item->is_idle = challenge->is_untouched || challenge->has_twin;
	if (item->is_put && challenge->state == WANTED)
		journal_print(&challenge->entry, &item->journal);
	item->token = mem_strdup(challenge->entry.token);
	item->text = mem_strdup(challenge->entry.value ? challenge->entry.value : "");
}

static void add_lines(const struct place *place, struct publish_work *work)
{
	struct buf lines AUTO_BUF = BUF_INIT;

	list_each(at, &place->all)
		if (challenge_at(at)->state < LEAVING)
			publish_add_line(&challenge_at(at)->entry, &lines);
	publish_add_file(place->zone, &lines, &work->text);
}

static bool is_leaving_all(const struct place *place)
{
	list_each(at, &place->all)
		if (challenge_at(at)->act != ACT_DROP)
			return false;
	return true;
}

static struct publish_work *work_new(struct place *place, size_t n_items)
{
	struct publish_work *work = mem_new(struct publish_work);

	work->place = place;
	work->journal = place->challenges->journal;
	work->how = place->how;
	work->path = place->path ? mem_strdup(place->path) : NULL;
	work->zone = place->zone ? mem_strdup(place->zone) : NULL;
	work->n_dirs = place->n_dirs;
	work->is_last = is_leaving_all(place);
	work->items = mem_zalloc((n_items + 1) * sizeof(*work->items));
	EACH(place, at)
	if (challenge_at(at)->act != ACT_NONE)
		add_item(work, challenge_at(at));
	if (place->how == PUBLICATION_INCLUDE)
		add_lines(place, work);
	return work;
}

static void forget(struct shown *challenge)
{
	static const struct err nothing = ERR_INIT;

	if (challenge->place->how != PUBLICATION_ENGINE)
		journal_remove(challenge->place->challenges->journal, challenge->entry.id);
	if (!challenge->is_untouched)
		tell_event(challenge, EVENT_CHALLENGE_WITHDRAWN, NULL, "is withdrawn");
	challenge_tell(challenge, &nothing);
	challenge_free(challenge);
}

static void end_put(
	struct shown *challenge, const struct publish_item *item, const struct err *err)
{
	if (err_is_set(&item->err))
		err = &item->err;
	if (err_is_set(err))
		challenge->is_untouched =
			item->is_foreign ||
			(challenge->place->how == PUBLICATION_UPDATE && challenge->n_out == 0);
	if (challenge->state != WANTED)
		return; /* withdrawn meanwhile: the next batch undoes it */
	if (!err_is_set(err)) {
		challenge->state = PUBLISHED;
		tell_event(challenge, EVENT_CHALLENGE_PUBLISHED, NULL, "is published");
		return;
	}
	challenge->is_refused = err->code == ERR_ZONE_REFUSED;
	challenge->state = LEAVING;
	challenge_tell(challenge, err);
}

/* What a server lets us neither make nor remove is not there. */
static bool was_refused(const struct shown *challenge, const struct err *err)
{
	return challenge->is_refused && err->code == ERR_ZONE_REFUSED;
}

static void end_drop(
	struct shown *challenge, const struct publish_item *item, const struct err *err)
{
	static const struct err nothing = ERR_INIT;

	if (err_is_set(&item->err))
		err = &item->err;
	/* What was never there is not told to be left. */
	challenge->is_untouched |= was_refused(challenge, err);
	if (err_is_set(err) && !challenge->is_untouched)
		tell_event(challenge, EVENT_CHALLENGE_LEFT, err, "cannot be withdrawn");
	if (!err_is_set(err) || item->is_foreign || was_refused(challenge, err)) {
		forget(challenge);
		return;
	}
	challenge->state = LEFT;
	challenge_tell(challenge, &nothing);
	challenges_retry(challenge->place->challenges);
}

static bool has_changes(const struct place *place)
{
	list_each(at, &place->all)
		if (challenge_at(at)->state == WANTED || challenge_at(at)->state == LEAVING ||
			challenge_at(at)->is_stale)
			return true;
	return false;
}

static void settle(struct place *place)
{
	static const struct err nothing = ERR_INIT;
	struct challenges *challenges = place->challenges;
	bool has_more = has_changes(place);

	EACH(place, at)
	if (challenge_at(at)->state == PUBLISHED)
		challenge_tell(challenge_at(at), &nothing);
	set_busy(place, place->is_running || loop_timer_is_set(&place->timer));
	place->room = has_more ? place->room : 0;
	if (has_more)
		place_go_on(place);
	else if (place->wants_refresh)
		go_on_in(place, refresh_delay(place));
	else if (list_is_empty(&place->all) && !place->is_wanted && place->n_dirs == 0)
		place_free(place);
	challenges_look(challenges);
}

/* Nobody is told anything of this batch: what it was about is chosen anew. */
static void begin_again(struct place *place, int64_t ms)
{
	EACH(place, at)
	challenge_at(at)->act = ACT_NONE;
	publish_free(place->work);
	place->work = NULL;
	place->is_running = false;
	begin_in(place, ms);
}

void place_split(struct place *place, size_t n)
{
	place->tries = 0;
	place_narrow(place, n);
	begin_again(place, place_delay(place));
}

void place_end(struct place *place, const struct err *err)
{
	struct publish_work *work = place->work;
	int64_t ms = work->n_items > 0 ? trouble_retry(place, err) : -1;

	if (ms >= 0) {
		/* People want to know how it went, not how it ends. */
		refresh_end(place, err);
		/* What was to be said again still is. */
		EACH(place, at)
		challenge_at(at)->is_stale |= challenge_at(at)->act == ACT_PUT &&
					      challenge_at(at)->state == PUBLISHED;
		begin_again(place, ms);
		return;
	}
	place->work = NULL;
	place->is_running = false;
	place->tries = 0;
	EACH(place, at)
	{
		struct shown *challenge = challenge_at(at);
		enum challenge_act act = challenge->act;

		challenge->act = ACT_NONE;
		challenge->is_stale &= act == ACT_NONE;
		if (act == ACT_PUT)
			end_put(challenge, &work->items[challenge->item], err);
		else if (act == ACT_DROP)
			end_drop(challenge, &work->items[challenge->item], err);
	}
	if (!err_is_set(err))
		trouble_end(place);
	else if (place->how == PUBLICATION_INCLUDE && list_is_empty(&place->all))
		trouble_say(place, err, -1);
	publish_free(work);
	refresh_end(place, err);
	settle(place);
}

/* The files are written; what follows is the name server's. */
static void written(struct place *place, struct publish_work *work)
{
	place->n_dirs = work->n_dirs;
	if (work->n_foreign > 0)
		log_event(NULL, EVENT_CHALLENGE_OVERWRITTEN, NULL,
			"the include file of %s held %zu line%s of somebody else, which %s "
			"gone, such "
			"as: %s",
			place->zone, work->n_foreign, work->n_foreign == 1 ? "" : "s",
			work->n_foreign == 1 ? "is" : "are", work->foreign);
	if (err_is_set(&work->err))
		place_end(place, &work->err);
	else
		hand_over(place, work->is_changed);
}

static void work_run(void *in)
{
	publish_batch(in);
}

static void work_done(void *in, void *data)
{
	struct publish_work *work = in;

	(void)data;
	if (work->place)
		written(work->place, work);
	else
		publish_free(work);
}

static void work_drop(void *in)
{
	publish_free(in);
}

static const struct work work_kind = { work_run, work_done, work_drop };

static void begin(struct timer *timer)
{
	struct place *place = CONTAINER_OF(timer, struct place, timer);
	bool is_refresh = refresh_begin(place);
	size_t n_items = choose(place);
	bool is_needed = n_items > 0 || place->is_wanted || is_refresh ||
			 (place->n_dirs > 0 && list_is_empty(&place->all));

	place->first = place->last = (struct tick){ 0 };
	if (!is_needed) {
		place->tries = 0;
		settle(place);
		return;
	}
	place->is_running = true;
	place->work = work_new(place, n_items);
	if (place->how == PUBLICATION_ENGINE)
		place_end(place, &(struct err){ .code = ERR_NONE });
	else
		worker_start(place->challenges->worker, &work_kind, place->work, NULL);
}

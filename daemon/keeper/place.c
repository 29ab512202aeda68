#include "daemon/keeper/challenge_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/expand.h"
#include "daemon/keeper/command.h"
#include "daemon/keeper/publish.h"
#include "daemon/keeper/worker.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/log/log.h"

/* How long to wait before a refresh is tried again; after the last it is the error. */
static const int64_t retry_ms[] = { 1000, 5000, 20000 };

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

static void begin(void *data);

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
	place->timer.fired = begin;
	place->timer.data = place;
	list_init(&place->all);
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

/* A thread that is at work keeps its own copy of everything. */
void place_free(struct place *place)
{
	command_cancel(place->command);
	if (place->work)
		place->work->place = NULL;
	events_stop_timer(place->challenges->events, &place->timer);
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

void place_wake(struct place *place)
{
	place->challenges->is_settled = false;
	set_busy(place, true);
	if (!place->is_running && !heap_has(&place->timer.node))
		events_set_timer_in(place->challenges->events, &place->timer, 0);
}

const struct zone_conf *place_zone(
	const struct conf *conf, const char *zone, enum publication how)
{
	enum publish_type type = how == PUBLICATION_INCLUDE ? PUBLISH_INCLUDE : PUBLISH_COMMAND;
	const struct zone_conf *found = conf ? conf_zone(conf, zone) : NULL;

	if (!found || found->publish.type != type ||
		(found->name && !str_is(found->name, zone)))
		return NULL;
	return found;
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

/* Chooses what this batch does: all that is to be done, but of commands one. */
static size_t choose(struct place *place)
{
	size_t n = 0;

	twins_mark(place);
	EACH(place, at)
	if (challenge_at(at)->state == LEAVING &&
		(n == 0 || place->how != PUBLICATION_COMMAND)) {
		challenge_at(at)->act = ACT_DROP;
		n++;
	}
	EACH(place, at)
	if (challenge_at(at)->state == WANTED && !challenge_at(at)->is_second &&
		(n == 0 || place->how != PUBLICATION_COMMAND)) {
		challenge_at(at)->act = ACT_PUT;
		n++;
	}
	return n;
}

static void add_item(struct publish_work *work, struct shown *challenge)
{
	struct publish_item *item;

	challenge->item = work->n_items;
	item = &work->items[work->n_items++];
	*item = (struct publish_item){ .is_put = challenge->act == ACT_PUT };
	memcpy(item->id, challenge->entry.id, sizeof(item->id));
	item->is_idle = challenge->is_untouched || challenge->has_twin;
	if (item->is_put)
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
	if (challenge->state != WANTED)
		return; /* withdrawn meanwhile: the next batch undoes it */
	if (!err_is_set(err)) {
		challenge->state = PUBLISHED;
		tell_event(challenge, EVENT_CHALLENGE_PUBLISHED, NULL, "is published");
		return;
	}
	challenge->is_untouched = item->is_foreign;
	challenge->state = LEAVING;
	challenge_tell(challenge, err);
}

static void end_drop(
	struct shown *challenge, const struct publish_item *item, const struct err *err)
{
	static const struct err nothing = ERR_INIT;

	if (err_is_set(&item->err))
		err = &item->err;
	if (err_is_set(err))
		tell_event(challenge, EVENT_CHALLENGE_LEFT, err, "cannot be withdrawn");
	/* What is not ours will not become ours. */
	if (!err_is_set(err) || item->is_foreign) {
		forget(challenge);
		return;
	}
	challenge->state = LEFT;
	challenge_tell(challenge, &nothing);
	challenges_retry(challenge->place->challenges);
}

static bool has_more_to_do(const struct place *place)
{
	list_each(at, &place->all)
		if (challenge_at(at)->state == WANTED || challenge_at(at)->state == LEAVING)
			return true;
	return false;
}

static void settle(struct place *place)
{
	static const struct err nothing = ERR_INIT;
	struct challenges *challenges = place->challenges;

	EACH(place, at)
	if (challenge_at(at)->state == PUBLISHED)
		challenge_tell(challenge_at(at), &nothing);
	set_busy(place, place->is_running || heap_has(&place->timer.node));
	if (has_more_to_do(place))
		place_wake(place);
	else if (list_is_empty(&place->all) && !place->is_wanted && place->n_dirs == 0)
		place_free(place);
	challenges_look(challenges);
}

static void end(struct place *place, const struct err *err)
{
	struct publish_work *work = place->work;

	place->work = NULL;
	place->is_running = false;
	if (err_is_set(err) && place->how == PUBLICATION_INCLUDE && work->n_items > 0 &&
		place->tries < ARRAY_LEN(retry_ms)) {
		EACH(place, at)
		challenge_at(at)->act = ACT_NONE;
		events_set_timer_in(
			place->challenges->events, &place->timer, retry_ms[place->tries++]);
		publish_free(work);
		return;
	}
	place->tries = 0;
	EACH(place, at)
	{
		struct shown *challenge = challenge_at(at);
		enum challenge_act act = challenge->act;

		challenge->act = ACT_NONE;
		if (act == ACT_PUT)
			end_put(challenge, &work->items[challenge->item], err);
		else if (act == ACT_DROP)
			end_drop(challenge, &work->items[challenge->item], err);
	}
	if (err_is_set(err) && list_is_empty(&place->all))
		log_event(NULL, EVENT_CHALLENGE_LEFT, err,
			"the include file of %s is not as it should be", place->zone);
	publish_free(work);
	settle(place);
}

static void command_ended(void *data, const struct err *err)
{
	struct place *place = data;
	struct err told = *err;

	place->command = NULL;
	if (err_is_set(&told))
		err_add(&told,
			place->how == PUBLICATION_INCLUDE ? "the refresh of %s" : "the zone %s",
			place->zone);
	end(place, &told);
}

static void start_command(struct place *place, const struct words *words,
	const struct shown *challenge, const char *event)
{
	struct log_field ca = { "CA", challenge ? challenge->entry.ca : NULL, NULL };
	struct log_field cert = { "CERT", challenge ? challenge->entry.cert : NULL, &ca };
	const char *name = challenge ? challenge->entry.cert : NULL;
	const char *slash = name ? strchr(name, '/') : NULL;
	char *group AUTO_FREE = slash ? mem_strndup(name, (size_t)(slash - name)) : NULL;
	struct expand_facts facts = { .zone = place->zone,
		.event = event,
		.cert = name,
		.group = group,
		.service = slash ? slash + 1 : NULL };
	struct command_spec spec = { words, &facts, &cert, { 0 } };

	place->command =
		command_start(place->challenges->commands, &spec, command_ended, place);
}

/* The configured words, and ZONE NAME TTL TYPE RDATA behind them. */
static void run_command(struct place *place, const struct shown *challenge)
{
	const struct zone_conf *zone = place_zone(place->conf, place->zone, place->how);
	const struct journal_entry *entry = &challenge->entry;
	bool is_put = challenge->act == ACT_PUT;
	const struct words *configured;
	char *ttl AUTO_FREE = mem_printf("%" PRId64, entry->ttl.s);
	char txt[] = "TXT", **words AUTO_FREE = NULL;
	struct words all;
	struct err err;

	if (!zone) {
		err_set(&err, ERR_BAD_CONFIG,
			"the zone %s has no commands in the configuration any more",
			place->zone);
		end(place, &err);
		return;
	}
	configured = is_put ? &zone->publish.add : &zone->publish.remove;
	words = mem_grow(NULL, configured->n + 5, sizeof(*words));
	memcpy(words, configured->at, configured->n * sizeof(*words));
	words[configured->n] = place->zone;
	words[configured->n + 1] = entry->owner;
	words[configured->n + 2] = ttl;
	words[configured->n + 3] = txt;
	words[configured->n + 4] = entry->value;
	all = (struct words){ words, configured->n + 5 };
	start_command(place, &all, challenge, is_put ? "publish" : "withdraw");
}

static struct shown *in_batch(struct place *place)
{
	EACH(place, at)
	if (challenge_at(at)->act != ACT_NONE)
		return challenge_at(at);
	return NULL;
}

/* The files are written; what follows is the name server's. */
static void written(struct place *place, struct publish_work *work)
{
	struct shown *challenge = in_batch(place);
	const struct zone_conf *zone;

	place->n_dirs = work->n_dirs;
	if (err_is_set(&work->err)) {
		end(place, &work->err);
		return;
	}
	if (place->how == PUBLICATION_COMMAND && challenge && !challenge->has_twin) {
		run_command(place, challenge);
		return;
	}
	zone = place->how == PUBLICATION_INCLUDE
		       ? place_zone(place->conf, place->zone, place->how)
		       : NULL;
	if (zone && zone->publish.refresh.n > 0 && (challenge || work->is_changed))
		start_command(place, &zone->publish.refresh, NULL, "publish");
	else
		end(place, &(struct err){ .code = ERR_NONE });
}

static void work_run(void *in)
{
	publish_run(in);
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

static void begin(void *data)
{
	struct place *place = data;
	size_t n_items = choose(place);
	bool is_needed = n_items > 0 || place->is_wanted ||
			 (place->n_dirs > 0 && list_is_empty(&place->all));

	if (!is_needed) {
		settle(place);
		return;
	}
	place->is_running = true;
	place->work = work_new(place, n_items);
	if (place->how == PUBLICATION_ENGINE)
		end(place, &(struct err){ .code = ERR_NONE });
	else
		worker_start(place->challenges->worker, &work_kind, place->work, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/publish/challenge_private.h"
#include "daemon/keeper/run/command.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/log/log.h"

/*
 * Publishing that fails: a lock that a signer holds, a full disk, a server that restarts.  What is wanted is tried
 * again until its own end (deadline), which holds for everything: for the tries, for the pauses between them and for
 * commands.  What goes has no such end, but somebody waits for that, too, so it is tried a few times; after that it is
 * LEFT.
 */

enum { MOST_MS = 60000, NEAR_MS = 1000, WITHDRAWALS = 5, HURRIED_TRIES = 1 };

static struct shown *challenge_at(struct list *at)
{
	return LIST_OF(at, struct shown, link);
}

/* Until the last of those that are waited for has to be there; 0: none is. */
static int64_t time_left(const struct place *place)
{
	int64_t now = clock_tick().ms, left = 0;

	list_each(at, &place->all) {
		const struct shown *challenge = challenge_at(at);

		if (challenge->state == WANTED && challenge->until.ms - now > left)
			left = challenge->until.ms - now;
	}
	return left;
}

/* Another try may end otherwise.  Who refuses has understood, and at the end there is nobody to send it. */
static bool may_help(const struct place *place, const struct err *err)
{
	const struct challenges *challenges = place->challenges;

	if (err->code == ERR_ZONE_REFUSED || err->code == ERR_BAD_VALUE)
		return false;
	if (challenges->is_hurried && (err->code == ERR_CANCELLED || err->code == ERR_TIMEOUT ||
					      place->tries >= HURRIED_TRIES))
		return false;
	if (place->how == PUBLICATION_COMMAND)
		return err->code != ERR_BAD_CONFIG;
	return place->how == PUBLICATION_INCLUDE ||
	       (place->how == PUBLICATION_UPDATE && challenges->engine);
}

/* Whoever waits for a withdrawal waits for one command that hangs and not for several. */
static bool may_go_again(const struct place *place, const struct err *err)
{
	return place->how != PUBLICATION_COMMAND && place->tries < WITHDRAWALS &&
	       (place->how == PUBLICATION_UPDATE || err->code != ERR_TIMEOUT);
}

/* The distance doubles; the last try is shortly before the end. */
static int64_t distance(const struct place *place, const struct err *err)
{
	int64_t left = time_left(place), ms = place->challenges->retry_ms;

	for (unsigned i = 0; i < place->tries && ms < MOST_MS; i++)
		ms *= 2;
	if (ms > MOST_MS)
		ms = MOST_MS;
	if (left == 0)
		return may_go_again(place, err) ? ms : -1;
	if (ms <= left - NEAR_MS)
		return ms;
	return left >= NEAR_MS + place->challenges->retry_ms ? left - NEAR_MS : -1;
}

static void tell_engine(const struct place *place)
{
	const struct challenges *challenges = place->challenges;

	if (challenges->engine && challenges->tell)
		challenges->tell(challenges->engine_data,
			&(struct challenge_trouble){ place->zone, place->trouble.text,
				place->troubled, place->again });
}

void trouble_say(struct place *place, const struct err *err, int64_t ms)
{
	bool is_known = err_is_set(&place->trouble);
	bool is_news = !is_known || !str_is(place->trouble.text, err->text);
	char pause[DURATION_TEXT_LEN];

	if (!is_known)
		place->troubled = clock_now();
	place->trouble = *err;
	place->again =
		ms < 0 ? INSTANT_NONE
		       : instant_add(clock_now(), (struct duration){ (ms + 999) / 1000 });
	if (is_news && ms < 0)
		log_event(
			NULL, EVENT_ZONE_FAILED, err, "%s is not as it should be", place->zone);
	else if (is_news)
		log_event(NULL, EVENT_ZONE_FAILED, err,
			"%s is not as it should be, which is tried again in %s", place->zone,
			duration_brief((struct duration){ (ms + 999) / 1000 }, pause));
	tell_engine(place);
}

int64_t trouble_retry(struct place *place, const struct err *err)
{
	int64_t ms;

	if (!err_is_set(err) || !may_help(place, err))
		return -1;
	ms = distance(place, err);
	if (ms >= 0)
		trouble_say(place, err, ms);
	place->tries += ms >= 0;
	return ms;
}

void trouble_end(struct place *place)
{
	if (!err_is_set(&place->trouble))
		return;
	place->trouble = (struct err)ERR_INIT;
	place->again = INSTANT_NONE;
	log_event(NULL, EVENT_ZONE_RECOVERED, NULL, "%s is as it should be again", place->zone);
	tell_engine(place);
}

static void expire(struct shown *challenge)
{
	struct place *place = challenge->place;
	const struct err *why = &place->trouble;
	struct err err;

	if (err_is_set(why))
		err_set(&err, why->code, "%s; there was no more time to try again", why->text);
	else
		err_set(&err, ERR_TIMEOUT, "%s: publishing has not ended within dns.deadline",
			place->zone);
	challenge->state = LEAVING;
	challenge_tell(challenge, &err);
}

static void is_due(struct timer *timer)
{
	struct place *place = CONTAINER_OF(timer, struct place, due);
	int64_t now = clock_tick().ms;

	place->due_at = (struct tick){ 0 };
	list_each_safe(at, &place->all) {
		struct shown *challenge = challenge_at(at);

		if (challenge->state == WANTED && challenge->until.ms &&
			challenge->until.ms <= now)
			expire(challenge);
		else
			trouble_watch(challenge);
	}
	if (time_left(place) == 0 && !place->is_running)
		place->tries = 0;
	place_wake(place);
}

void trouble_watch(struct shown *challenge)
{
	struct place *place = challenge->place;

	if (challenge->state != WANTED || !challenge->until.ms ||
		(place->due_at.ms && place->due_at.ms <= challenge->until.ms))
		return;
	place->due.fire = is_due;
	place->due_at = challenge->until;
	loop_timer_in(place->challenges->loop, &place->due, place->due_at.ms - clock_tick().ms);
}

void trouble_drop(struct place *place)
{
	loop_timer_stop(place->challenges->loop, &place->due);
	if (!err_is_set(&place->trouble))
		return;
	place->trouble = (struct err)ERR_INIT;
	tell_engine(place);
}

int trouble_limit(const struct place *place, struct duration *limit, struct err *err)
{
	const struct challenges *challenges = place->challenges;
	int64_t ms = COMMAND_LIMIT.s * 1000, left = time_left(place);

	if (left > 0 && left < ms)
		ms = left;
	if (challenges->is_hurried) {
		left = challenges->stop_at.ms - clock_tick().ms;
		if (left <= 0)
			return err_set(err, ERR_CANCELLED, "the daemon stops");
		ms = left < ms ? left : ms;
	}
	*limit = (struct duration){ ms < 1000 ? 1 : ms / 1000 };
	return 0;
}

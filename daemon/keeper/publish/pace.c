/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/publish/challenge_private.h"

#include "lib/base/clock.h"

/* When a place begins its next batch, and how much goes into that. */

int64_t place_gathers(struct tick first, struct tick last, struct tick now, int64_t quiet_ms)
{
	int64_t at = last.ms + quiet_ms, most = first.ms + quiet_ms * PLACE_MOST;

	if (at > most)
		at = most;
	return at > now.ms ? at - now.ms : 0;
}

int64_t place_delay(const struct place *place)
{
	const struct challenges *challenges = place->challenges;
	bool is_zone = place->how == PUBLICATION_INCLUDE || place->how == PUBLICATION_UPDATE;

	if (!is_zone || challenges->is_hurried)
		return 0;
	/* Parts of a batch have waited long enough. */
	if (place->room)
		return challenges->split_ms;
	if (!place->first.ms)
		return 0;
	return place_gathers(place->first, place->last, clock_tick(), challenges->quiet_ms);
}

size_t place_room(const struct place *place)
{
	if (place->room)
		return place->room;
	return place->how == PUBLICATION_COMMAND  ? 1
	       : place->how == PUBLICATION_UPDATE ? UPDATING_MAX
						  : CHALLENGES_MAX;
}

void place_narrow(struct place *place, size_t n)
{
	place->n_suspects = n > 1 ? n : 0;
	place->room = n > 1 ? n / 2 : 1;
}

void place_widen(struct place *place, size_t n)
{
	size_t twice = place->room < UPDATING_MAX / 2 ? place->room * 2 : UPDATING_MAX;

	if (!place->room)
		return;
	/* What is bad among those lies in the rest of them. */
	place->n_suspects -= place->n_suspects < n ? place->n_suspects : n;
	place->room = place->n_suspects > 1    ? place->n_suspects / 2
		      : place->n_suspects == 1 ? 1
					       : twice;
}

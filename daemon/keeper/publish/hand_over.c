/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/publish/challenge_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/expand.h"
#include "daemon/keeper/run/command.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

/*
 * What follows when the journal and the files of a batch are written: the refresh of a zone, the command of a
 * record, an update.
 */

static void command_ended(void *data, const struct err *err)
{
	struct place *place = data;
	struct err told = *err;

	place->command = NULL;
	if (err_is_set(&told))
		err_add(&told,
			place->how == PUBLICATION_INCLUDE ? "the refresh of %s" : "the zone %s",
			place->zone);
	place_end(place, &told);
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
	struct command_spec spec = { words, &facts, &cert, { 0 },
		place->challenges->is_hurried };
	struct err err = ERR_INIT;

	if (trouble_limit(place, &spec.limit, &err) < 0) {
		place_end(place, &err);
		return;
	}
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
		place_end(place, &err);
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

static struct shown *in_batch(const struct place *place)
{
	list_each(at, &place->all) {
		struct shown *challenge = LIST_OF(at, struct shown, link);

		if (challenge->act != ACT_NONE)
			return challenge;
	}
	return NULL;
}

void hand_over(struct place *place, bool is_changed)
{
	struct shown *challenge = in_batch(place);
	const struct zone_conf *zone;

	if (place->how == PUBLICATION_UPDATE) {
		updating_begin(place);
		return;
	}
	if (place->how == PUBLICATION_COMMAND && challenge && !challenge->has_twin) {
		run_command(place, challenge);
		return;
	}
	zone = place->how == PUBLICATION_INCLUDE
		       ? place_zone(place->conf, place->zone, place->how)
		       : NULL;
	if (zone && zone->publish.refresh.n > 0 &&
		(challenge || is_changed || place->is_refreshing))
		start_command(place, &zone->publish.refresh, NULL, "publish");
	else
		place_end(place, &(struct err){ .code = ERR_NONE });
}

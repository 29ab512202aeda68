/* SPDX-License-Identifier: MIT */
#include "tests/sim/town.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

static struct town *here;

struct town *town_here(void)
{
	assert(here);
	return here;
}

void town_open(struct town *town, struct loop *loop, uint64_t seed)
{
	assert(!here);
	*town = (struct town){ .loop = loop, .seed = seed * 2 + 1 };
	list_init(&town->places);
	list_init(&town->scripts);
	here = town;
}

void town_files_done(struct town_files *files)
{
	buf_done(&files->fullchain);
	buf_done(&files->privkey);
	*files = (struct town_files){ .fullchain = BUF_INIT };
}

void town_files_copy(const struct town_files *from, struct town_files *to)
{
	town_files_done(to);
	to->version = from->version;
	buf_add(&to->fullchain, buf_text(&from->fullchain), from->fullchain.len);
	buf_add(&to->privkey, buf_text(&from->privkey), from->privkey.len);
}

void town_forgive(struct town *town)
{
	list_each_safe(at, &town->scripts) {
		struct town_script *script = LIST_OF(at, struct town_script, link);

		list_remove(at);
		free(script->word);
		free(script->cert);
		free(script);
	}
}

void town_close(struct town *town)
{
	struct err ignored;

	town_forgive(town);
	if (town->state_dir)
		file_remove_tree(AT_FDCWD, town->state_dir, &ignored);
	free(town->state_dir);
	list_each_safe(at, &town->places) {
		struct town_place *place = LIST_OF(at, struct town_place, link);

		list_remove(at);
		town_files_done(&place->curr);
		town_files_done(&place->old);
		town_files_done(&place->next);
		town_files_done(&place->served);
		free(place->dir);
		free(place->cert);
		free(place);
	}
	here = NULL;
}

/* xorshift64*: the same delays on every machine. */
int64_t town_delay(struct town *town, int64_t most_ms)
{
	town->seed ^= town->seed >> 12;
	town->seed ^= town->seed << 25;
	town->seed ^= town->seed >> 27;
	return 1 +
	       (int64_t)((town->seed * UINT64_C(0x2545f4914f6cdd1d) >> 33) % (uint64_t)most_ms);
}

void town_script(struct town *town, const char *word, const char *cert, int times,
	enum err_code code, int64_t ms)
{
	struct town_script *script = mem_new(struct town_script);

	script->word = mem_strdup(word);
	script->cert = cert ? mem_strdup(cert) : NULL;
	script->times = times;
	script->code = code;
	script->ms = ms;
	list_append(&town->scripts, &script->link);
}

static bool is_for(const struct town_script *script, const char *word, const char *cert)
{
	return script->times != 0 && str_is(script->word, word) &&
	       (!script->cert || (cert && str_is(script->cert, cert)));
}

enum err_code town_run(struct town *town, const char *word, const char *cert, int64_t *ms)
{
	*ms = town_delay(town, 20);
	list_each(at, &town->scripts) {
		struct town_script *script = LIST_OF(at, struct town_script, link);

		if (!is_for(script, word, cert))
			continue;
		script->times -= script->times > 0;
		script->n_runs++;
		*ms = script->ms ? script->ms : *ms;
		return script->code;
	}
	return ERR_NONE;
}

bool town_refuses(struct town *town, const char *dir)
{
	list_each(at, &town->scripts) {
		const struct town_script *script = LIST_OF(at, struct town_script, link);
		struct town_place *place;

		if (!str_is(script->word, "refuse files"))
			continue;
		place = town_find(town, dir, script->cert);
		if (place && version_is_set(&place->curr.version) &&
			!version_id_equal(&place->curr.version, &place->served.version))
			return true;
	}
	return false;
}

struct town_place *town_find(struct town *town, const char *dir, const char *cert)
{
	list_each(at, &town->places) {
		struct town_place *place = LIST_OF(at, struct town_place, link);

		if (str_is(place->dir, dir) && str_is(place->cert, cert))
			return place;
	}
	return NULL;
}

struct town_place *town_place(struct town *town, const char *dir, const char *cert)
{
	struct town_place *place = town_find(town, dir, cert);

	if (place)
		return place;
	place = mem_new(struct town_place);
	place->dir = mem_strdup(dir);
	place->cert = mem_strdup(cert);
	list_append(&town->places, &place->link);
	return place;
}

void town_read(struct town *town, const char *dir)
{
	list_each(at, &town->places) {
		struct town_place *place = LIST_OF(at, struct town_place, link);

		if (!str_is(place->dir, dir) ||
			version_id_equal(&place->curr.version, &place->served.version))
			continue;
		town_files_copy(&place->curr, &place->served);
		place->n_served++;
		town->n_served++;
	}
}

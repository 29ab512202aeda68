/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/launch/notes.h"

#include "daemon/keeper/launch/engine.h"
#include "daemon/keeper/publish/challenge.h"
#include "lib/base/err.h"
#include "lib/log/log.h"
#include "proto/event_note.h"
#include "proto/keeper.h"

void notes_listener(struct engine *engine, enum challenge type, const char *at, int fd,
	const struct err *err)
{
	struct buf packet AUTO_BUF = BUF_INIT;

	keeper_begin_note(&packet, "listener");
	line_add(&packet, "kind", challenge_text(type));
	line_add(&packet, "at", at);
	if (err)
		line_add(&packet, "failed", err->text);
	engine_send(engine, &packet, fd);
}

void notes_update(void *engine, const char *zone)
{
	struct buf packet AUTO_BUF = BUF_INIT;

	keeper_begin_note(&packet, "update");
	line_add(&packet, "zone", zone);
	engine_send(engine, &packet, -1);
}

void notes_trouble(void *engine, const struct challenge_trouble *trouble)
{
	struct buf packet AUTO_BUF = BUF_INIT;

	keeper_begin_note(&packet, "trouble");
	line_add(&packet, "zone", trouble->zone);
	line_add(&packet, "text", trouble->text);
	line_add_instant(&packet, "since", trouble->since);
	line_add_instant(&packet, "again", trouble->again);
	engine_send(engine, &packet, -1);
}

void notes_event(const struct log_entry *entry, void *engine)
{
	struct buf packet AUTO_BUF = BUF_INIT;

	if (!((struct engine *)engine)->loop)
		return;
	event_note_write(entry, &packet);
	engine_send(engine, &packet, -1);
}

/* SPDX-License-Identifier: MIT */
#include "daemon/ctl/failed_listeners.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

static void remove_at(struct failed_listener **at)
{
	struct failed_listener *gone = *at;

	*at = gone->next;
	free(gone->challenge);
	free(gone->at);
	free(gone->text);
	free(gone);
}

void failed_listeners_note(
	struct failed_listener **list, const char *challenge, const char *at, const char *text)
{
	struct failed_listener **place = list;

	while (*place && !(str_is((*place)->challenge, challenge) && str_is((*place)->at, at)))
		place = &(*place)->next;
	if (*place && text) {
		free((*place)->text);
		(*place)->text = mem_strdup(text);
	} else if (*place) {
		remove_at(place);
	} else if (text) {
		*place = mem_new(struct failed_listener);
		(*place)->challenge = mem_strdup(challenge);
		(*place)->at = mem_strdup(at);
		(*place)->text = mem_strdup(text);
	}
}

void failed_listeners_done(struct failed_listener **list)
{
	while (*list)
		remove_at(list);
}

/* SPDX-License-Identifier: MIT */
#include "lib/log/log.h"

#include <string.h>
#include <syslog.h>

/* The rows of proto/events.def, one for each event. */

static const struct {
	const char *name, *message_id;
	int priority;
} events[] = {
#define EVENT(id, name, priority, message_id, help) { name, message_id, LOG_##priority },
#include "proto/events.def"
#undef EVENT
};

const char *event_name(enum event event)
{
	return event < EVENT_COUNT ? events[event].name : "debug";
}

int event_priority(enum event event)
{
	return event < EVENT_COUNT ? events[event].priority : LOG_DEBUG;
}

const char *event_message_id(enum event event)
{
	return event < EVENT_COUNT ? events[event].message_id : NULL;
}

enum event event_parse(const char *name)
{
	enum event event = 0;

	while (event < EVENT_COUNT && strcmp(events[event].name, name) != 0)
		event++;
	return event;
}

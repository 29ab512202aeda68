/* SPDX-License-Identifier: MIT */
#include "lib/log/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/text.h"

static struct {
	log_sink *sink, *listener;
	void *sink_data, *listener_data;
	bool debug;
} logger = { .sink = log_to_stderr };

void log_to(log_sink *sink, void *data)
{
	logger.sink = sink;
	logger.sink_data = data;
}

void log_listen(log_sink *listener, void *data)
{
	logger.listener = listener;
	logger.listener_data = data;
}

void log_set_debug(bool on)
{
	logger.debug = on;
}

void log_relay(const struct log_entry *entry)
{
	if (logger.listener && entry->event != EVENT_COUNT)
		logger.listener(entry, logger.listener_data);
}

static void deliver(const struct log_entry *entry)
{
	if (logger.sink)
		logger.sink(entry, logger.sink_data);
	log_relay(entry);
}

void log_event(const struct log_field *context, enum event event, const struct err *err,
	const char *fmt, ...)
{
	struct log_field error = { "ERROR",
		err && err_is_set(err) ? err_code_text(err->code) : NULL, context };
	struct log_entry entry = { event, event_priority(event), NULL, &error };
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (error.value && n >= 0 && (size_t)n < sizeof(text))
		snprintf(text + n, sizeof(text) - (size_t)n, ": %s", err->text);
	text_show_here(text, sizeof(text));
	entry.text = text;
	deliver(&entry);
}

void log_debug(const struct log_field *context, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (!logger.debug)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_show_here(text, sizeof(text));
	deliver(&(struct log_entry){ EVENT_COUNT, event_priority(EVENT_COUNT), text, context });
}

const char *log_field_get(const struct log_field *fields, const char *name)
{
	for (; fields; fields = fields->up)
		if (fields->value && strcmp(fields->name, name) == 0)
			return fields->value;
	return NULL;
}

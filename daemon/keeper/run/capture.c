/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/run/capture.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/keeper/run/command.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/text.h"
#include "lib/log/log.h"

/* Of the summary; the first line, which gets the rest, may hold long paths. */
#define SUMMARY_LAST_MAX 80

static bool is_blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
			return false;
	return true;
}

static void end_line(struct capture *capture)
{
	if (!is_blank(capture->last, capture->last_len)) {
		memcpy(capture->whole, capture->last, capture->last_len);
		capture->whole[capture->last_len] = 0;
		if (!capture->first[0])
			memcpy(capture->first, capture->whole, sizeof(capture->first));
	}
	capture->last_len = 0;
}

/* Lines are followed for ever: the last one often says why a command failed. */
static void follow_lines(struct capture *capture, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n')
			end_line(capture);
		else if (capture->last_len < sizeof(capture->last) - 1)
			capture->last[capture->last_len++] = data[i] ? data[i] : ' ';
	}
}

void capture_add(struct capture *capture, const char *data, size_t len)
{
	size_t room = COMMAND_OUTPUT_MAX - capture->kept.len;
	size_t kept = len < room ? len : room;

	follow_lines(capture, data, len);
	buf_add(&capture->kept, data, kept);
	capture->n_dropped += len - kept;
}

void capture_done(struct capture *capture)
{
	buf_done(&capture->kept);
}

void capture_clean(const char *text, size_t len, char *out, size_t size)
{
	struct buf shown AUTO_BUF = BUF_INIT;

	text_show(&shown, text, len);
	text_cut(&shown, size - 1);
	while (shown.len > 0 && shown.data[shown.len - 1] == ' ')
		shown.data[--shown.len] = 0;
	memcpy(out, buf_text(&shown), shown.len + 1);
}

void capture_tell(
	const struct capture *capture, const struct log_field *context, const char *about)
{
	const char *p = buf_text(&capture->kept), *end = p + capture->kept.len;
	size_t n_lines = 0, n_more = 0;
	char line[CAPTURE_LINE_MAX];

	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((lf ? lf : end) - p);

		if (is_blank(p, len)) {
			p += len + 1;
			continue;
		}
		if (n_lines++ < COMMAND_LINES_MAX) {
			capture_clean(p, len, line, sizeof(line));
			log_event(context, EVENT_HOOK_OUTPUT, NULL, "%s: %s", about, line);
		} else {
			n_more++;
		}
		p += len + 1;
	}
	if (capture->n_dropped)
		log_event(context, EVENT_HOOK_OUTPUT, NULL,
			"%s: ... %zu more lines and %" PRIu64 " more bytes", about, n_more,
			capture->n_dropped);
	else if (n_more)
		log_event(context, EVENT_HOOK_OUTPUT, NULL, "%s: ... %zu more lines", about,
			n_more);
}

const char *capture_summary(struct capture *capture, char out[CAPTURE_SUMMARY_MAX])
{
	static const char between[] = " ... ";
	size_t len;

	end_line(capture);
	if (str_is(capture->first, capture->whole)) {
		capture_clean(capture->whole, strlen(capture->whole), out, CAPTURE_SUMMARY_MAX);
		return out;
	}
	capture_clean(capture->first, strlen(capture->first), out,
		CAPTURE_SUMMARY_MAX - SUMMARY_LAST_MAX - sizeof(between));
	len = strlen(out);
	memcpy(out + len, between, sizeof(between));
	len += sizeof(between) - 1;
	capture_clean(capture->whole, strlen(capture->whole), out + len, SUMMARY_LAST_MAX);
	return out;
}

void capture_about(char *const *argv, char *out, size_t size)
{
	struct buf text AUTO_BUF = BUF_INIT;

	for (char *const *word = argv; *word && text.len < size; word++)
		buf_printf(&text, "%s%s", text.len ? " " : "", *word);
	capture_clean(buf_text(&text), text.len, out, size);
}

const struct log_field *capture_context(const struct log_field *context, struct arena *arena)
{
	struct log_field *copy;

	if (!context)
		return NULL;
	copy = arena_new(arena, struct log_field);
	copy->name = context->name;
	copy->value = context->value ? arena_strdup(arena, context->value) : NULL;
	copy->up = capture_context(context->up, arena);
	return copy;
}

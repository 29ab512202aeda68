/* SPDX-License-Identifier: MIT */
#include "daemon/conf/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

static int by_life(const void *a, const void *b)
{
	int64_t x = ((const struct curve_point *)a)->life.s;
	int64_t y = ((const struct curve_point *)b)->life.s;

	return x < y ? -1 : x > y;
}

static bool decode_point(struct yaml_decoder *d, const struct yaml_node *key,
	const struct yaml_path *path, struct curve_point *out)
{
	struct yaml_value value = { .node = key + 1, .path = path };
	const char *left = yaml_text_of(d, &value, "the time left, a duration");
	struct err err = ERR_INIT;

	if (duration_parse(key->text, &out->life, &err) < 0) {
		yaml_error(d->diags, key->place, path, "%s", err.text);
		return false;
	}
	if (!left)
		return false;
	if (duration_parse(left, &out->left, &err) < 0) {
		yaml_bad(d, &value, "%s", err.text);
		return false;
	}
	if (out->left.s < 1 || out->left.s >= out->life.s) {
		yaml_bad(d, &value, "the time left must lie between 0 and the lifetime %.40s",
			key->text);
		return false;
	}
	return true;
}

static void decode_curve(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	struct renew_conf *renew =
		CONTAINER_OF((struct curve_point **)out, struct renew_conf, curve);
	struct curve_point *points;
	size_t n = 0;

	if (v->node->kind != NODE_MAP || v->node->n == 0) {
		if (v->node->kind != NODE_BAD)
			yaml_bad(d, v, "is %s; write a map of lifetime: time left",
				v->node->kind == NODE_MAP ? "empty" : yaml_kind_text(v->node));
		return;
	}
	points = arena_zalloc(d->arena, v->node->n * sizeof(*points));
	for (uint32_t i = 0; i < v->node->n; i++) {
		const struct yaml_node *key = &v->node->items[2 * i];
		struct yaml_path path = { .up = v->path, .key = key->text };

		n += decode_point(d, key, &path, &points[n]);
	}
	qsort(points, n, sizeof(*points), by_life);
	for (size_t i = 1; i < n; i++)
		if (points[i].life.s == points[i - 1].life.s) {
			yaml_bad(d, v, "has two points for the same lifetime");
			return;
		}
	renew->curve = points;
	renew->n_curve = n;
}

static const char *const day_words[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat",
	NULL };

static int parse_day(const char **p)
{
	for (int i = 0; i < 7; i++)
		if (strncasecmp(*p, day_words[i], 3) == 0) {
			*p += 3;
			return i;
		}
	return -1;
}

/* "Tue", "Mon,Wed", "Tue..Thu", "Sat..Sun,Wed".  NULL when it is no such thing. */
static const char *parse_days(const char *p, uint8_t *out)
{
	unsigned days = 0;

	for (;;) {
		int from = parse_day(&p), to = from;

		if (from < 0)
			return NULL;
		if (str_starts(p, "..")) {
			p += 2;
			to = parse_day(&p);
			if (to < 0)
				return NULL;
		}
		for (int day = from;; day = (day + 1) % 7) {
			days |= 1U << day;
			if (day == to)
				break;
		}
		if (*p != ',')
			break;
		p++;
	}
	*out = (uint8_t)days;
	return p;
}

static const char *parse_minutes(const char *p, uint16_t *out)
{
	int hour, minute, len = 0;

	if (strspn(p, "0123456789") == 0 || sscanf(p, "%2d:%2d%n", &hour, &minute, &len) != 2 ||
		len < 4 || p[len - 3] != ':')
		return NULL;
	if (hour < 0 || minute < 0 || minute > 59 || hour * 60 + minute > 24 * 60)
		return NULL;
	*out = (uint16_t)(hour * 60 + minute);
	return p + len;
}

/* DAYS, HH:MM-HH:MM, or both with a space between. */
static bool parse_window(const char *text, struct window *out)
{
	struct window w = { .days = 0x7f };
	const char *p = text;

	if (*p < '0' || *p > '9') {
		p = parse_days(p, &w.days);
		if (!p)
			return false;
		if (!*p) {
			*out = w;
			return true;
		}
		if (*p++ != ' ')
			return false;
	}
	p = parse_minutes(p, &w.from);
	if (!p || *p++ != '-')
		return false;
	p = parse_minutes(p, &w.to);
	if (!p || *p || w.from == 24 * 60)
		return false;
	w.to = w.to % (24 * 60);
	*out = w;
	return true;
}

static void decode_windows(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	struct roll_conf *roll = CONTAINER_OF((struct window **)out, struct roll_conf, windows);
	size_t n_items, n = 0;
	const struct yaml_node *items =
		yaml_items_of(d, v, "a list of windows: [\"Tue..Thu 02:00-05:00\"]", &n_items);
	struct window *windows;

	if (!items)
		return;
	windows = n_items ? arena_zalloc(d->arena, n_items * sizeof(*windows)) : NULL;
	for (size_t i = 0; i < n_items; i++) {
		struct yaml_path path = { .up = v->path, .index = i };
		struct yaml_value item = { .node = &items[i], .path = &path };
		const char *text = yaml_text_of(d, &item, "a window: \"Tue..Thu 02:00-05:00\"");

		if (text && !parse_window(text, &windows[n]))
			yaml_bad(d, &item,
				"\"%.60s\" is not a window; write days and times such as "
				"\"Tue..Thu 02:00-05:00\"",
				text);
		else if (text)
			n++;
	}
	roll->windows = windows;
	roll->n_windows = n;
}

const struct yaml_type conf_curve = {
	.word = "map of lifetime: time left",
	.json = "\"type\": \"object\", \"additionalProperties\": {\"type\": \"string\"}",
	.size = sizeof(struct curve_point *),
	.decode = decode_curve,
};

const struct yaml_type conf_windows = {
	.word = "list of windows",
	.json = "\"type\": \"array\", \"items\": {\"type\": \"string\"}",
	.size = sizeof(struct window *),
	.decode = decode_windows,
};

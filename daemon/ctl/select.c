/* SPDX-License-Identifier: MIT */
#include "daemon/ctl/select.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/conf/index.h"
#include "daemon/job/fleet.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "proto/line.h"
#include "proto/request.h"

enum {
	STEPS = 256,        /* certificates looked at in one call */
	NEAR_MISSES = 1000, /* and names compared for a hint */
};

static bool is_pattern(const char *text)
{
	return !strchr(text, '/') || strchr(text, '*') != NULL;
}

/* The hint is looked for in the same group first, then from the beginning. */
static size_t collect(const struct fleet *fleet, const char *after, const char **out, size_t n)
{
	const struct conf *conf = fleet->conf;
	const struct cert *cert = fleet_after(fleet, after);
	size_t at = cert ? cert->conf->place : conf->n_certs;

	for (size_t i = 0; i < NEAR_MISSES && at < conf->n_certs; i++)
		out[n++] = conf_cert_at(conf, at++)->name;
	return n;
}

static int fail_no_such(const struct fleet *fleet, const char *name, struct err *err)
{
	const char **names AUTO_FREE = mem_zalloc((2 * NEAR_MISSES + 1) * sizeof(char *));
	const char *slash = strchr(name, '/'), *near = NULL;
	char *group AUTO_FREE =
		mem_strndup(name, slash ? (size_t)(slash + 1 - name) : strlen(name));

	if (strlen(name) < 256)
		near = (collect(fleet, "", names, collect(fleet, group, names, 0)),
			str_near_miss(name, names));
	if (near)
		return err_set(err, ERR_NO_SUCH_CERT,
			"no certificate is called %.200s; did you mean %s?", name, near);
	return err_set(err, ERR_NO_SUCH_CERT, "no certificate is called %.200s", name);
}

int select_check(const struct fleet *fleet, const char *arg, struct err *err)
{
	return is_pattern(arg) || fleet_find(fleet, arg) ? 0 : fail_no_such(fleet, arg, err);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int add(struct selection *selection, const struct fleet *fleet, const char *arg,
	struct err *err)
{
	if (!is_pattern(arg)) {
		if (select_check(fleet, arg, err))
			return -1;
		selection->names[selection->n_names++] = arg;
		return 0;
	}
	if (selection->n_patterns == SELECTION_PATTERNS_MAX)
		return err_set(err, ERR_BAD_ARGUMENT, "more than %d patterns in one request",
			SELECTION_PATTERNS_MAX);
	selection->patterns[selection->n_patterns++] = arg;
	return 0;
}

static void sort_names(struct selection *selection)
{
	size_t n = 0;

	qsort(selection->names, selection->n_names, sizeof(char *), compare);
	for (size_t i = 0; i < selection->n_names; i++)
		if (n == 0 || !str_is(selection->names[n - 1], selection->names[i]))
			selection->names[n++] = selection->names[i];
	selection->n_names = n;
}

/* Of one pattern alone: its text up to the first wildcard, or the whole group. */
static char *prefix_of(const struct selection *selection)
{
	const char *pattern = selection->patterns[0];
	size_t len;

	if (selection->n_patterns != 1 || selection->n_names)
		return mem_strdup("");
	len = strcspn(pattern, "*");
	if (pattern[len] == '\0')
		return mem_printf("%s/", pattern);
	return mem_strndup(pattern, len);
}

int selection_init(struct selection *selection, const struct fleet *fleet,
	const struct request_line *request, struct err *err)
{
	*selection = (struct selection){ .at = 0 };
	selection->names = mem_zalloc((request->n_args + 1) * sizeof(char *));
	for (size_t i = request->first; i < request->line->n; i++) {
		const struct word *word = &request->line->words[i];

		if (word->key || word->value[0] == '-')
			continue;
		if (add(selection, fleet, word->value, err)) {
			selection_done(selection);
			return -1;
		}
	}
	if (request->n_args == 0) {
		selection->patterns[selection->n_patterns++] = "*";
		selection->has_hit[0] = true;
	}
	sort_names(selection);
	selection->prefix = prefix_of(selection);
	return 0;
}

void selection_done(struct selection *selection)
{
	free(selection->names);
	free(selection->prefix);
	free(selection->cursor);
	*selection = (struct selection){ .at = 0 };
}

bool selection_is_single(const struct selection *selection)
{
	return selection->n_names == 1 && selection->n_patterns == 0;
}

bool selection_has_name(const struct selection *selection, const char *name)
{
	return selection->n_names &&
	       bsearch(&name, selection->names, selection->n_names, sizeof(char *), compare);
}

static bool is_wanted(struct selection *selection, const char *name)
{
	bool is_hit = false;

	for (size_t i = 0; i < selection->n_patterns; i++)
		if (str_matches(name, selection->patterns[i]))
			is_hit = selection->has_hit[i] = true;
	return is_hit || selection_has_name(selection, name);
}

static enum selected end(const struct selection *selection, struct err *err)
{
	for (size_t i = 0; i < selection->n_patterns; i++)
		if (!selection->has_hit[i]) {
			err_set(err, ERR_NO_SUCH_CERT, "no certificate matches %.200s",
				selection->patterns[i]);
			break;
		}
	return SELECTED_END;
}

static enum selected next_name(
	struct selection *selection, const struct fleet *fleet, struct cert **out)
{
	while (selection->at < selection->n_names) {
		struct cert *cert = fleet_find(fleet, selection->names[selection->at++]);

		/* One that left since the request began is passed over. */
		if (cert) {
			*out = cert;
			return SELECTED_CERT;
		}
	}
	return SELECTED_END;
}

static void set_cursor(struct selection *selection, const char *name)
{
	char *cursor = mem_strdup(name);

	free(selection->cursor);
	selection->cursor = cursor;
}

/* The place of the first certificate that was not told or passed yet. */
static size_t place_of(const struct selection *selection, const struct fleet *fleet)
{
	const struct cert *cert = NULL;

	if (!selection->cursor)
		cert = fleet_find(fleet, selection->prefix);
	if (!cert)
		cert = fleet_after(
			fleet, selection->cursor ? selection->cursor : selection->prefix);
	return cert ? cert->conf->place : fleet->conf->n_certs;
}

enum selected selection_next(struct selection *selection, const struct fleet *fleet,
	struct cert **out, struct err *err)
{
	size_t place;

	if (selection->n_patterns == 0)
		return next_name(selection, fleet, out);
	place = place_of(selection, fleet);
	for (int i = 0; i < STEPS; i++, place++) {
		struct cert *cert;

		if (place >= fleet->conf->n_certs)
			return end(selection, err);
		cert = fleet_at(fleet, place);
		if (!str_starts(cert->conf->name, selection->prefix))
			return end(selection, err);
		if (is_wanted(selection, cert->conf->name)) {
			set_cursor(selection, cert->conf->name);
			*out = cert;
			return SELECTED_CERT;
		}
		if (i == STEPS - 1)
			set_cursor(selection, cert->conf->name);
	}
	return SELECTED_NONE_YET;
}

struct cert *select_one(
	const struct fleet *fleet, const struct request_line *request, struct err *err)
{
	const char *name = request_arg(request, 0);
	struct cert *cert = fleet_find(fleet, name);

	if (!cert)
		fail_no_such(fleet, name, err);
	return cert;
}

/* SPDX-License-Identifier: MIT */
#include "daemon/dns/rules/caa_find.h"

#include <stdio.h>

#include "daemon/dns/resolve/trace.h"
#include "lib/base/clock.h"

static bool is_over(const struct caa_find *f)
{
	return f->is_found || !f->at || !*f->at;
}

static void look(struct caa_find *f)
{
	caa_look_done(&f->look);
	caa_look(f->zones, &f->task, &f->look, f->at, f->since);
}

static int take(struct caa_find *f, struct err *err)
{
	const struct caa_seen *seen = f->look.seen;

	if (!seen) {
		*err = f->look.err;
		return -1;
	}
	/* The question was under way before, for a caller that accepts an older answer. */
	if (seen->asked.ms < f->since.ms)
		return 0;
	f->is_remembered |= seen->asked.ms < f->begun.ms;
	f->is_found = seen->is_found;
	if (!f->is_found)
		f->at = dns_name_parent(f->at);
	return 0;
}

/* A precaution does not repeat a question that failed a moment ago. */
static int foresee(const struct caa_find *f, struct err *err)
{
	const struct err *foreseen = trace_foreseen(f->zones, f->at);

	if (!foreseen)
		return 0;
	*err = *foreseen;
	return -1;
}

static void run(struct task *task)
{
	struct caa_find *f = TASK_OF(task, struct caa_find);

	TASK_BEGIN(task)
	while (!is_over(f)) {
		TRY(foresee(f, &f->err));
		AWAIT(look(f));
		TRY(take(f, &f->err));
	}
	FINALLY
	TASK_END
}

static void begin(struct caa_find *f, struct zones *zones, const char *name, struct tick since)
{
	caa_find_done(f);
	*f = (struct caa_find){ .zones = zones, .begun = clock_tick(), .since = since };
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->at = f->name;
}

void caa_find(struct caa_find *find, struct task *parent, struct zones *zones, const char *name,
	struct tick since)
{
	begin(find, zones, name, since);
	task_start_child(&find->task, parent, run);
}

bool caa_find_recall(
	struct caa_find *find, struct zones *zones, const char *name, struct tick since)
{
	begin(find, zones, name, since);
	while (!is_over(find)) {
		caa_look_done(&find->look);
		if (!caa_recall(zones, &find->look, find->at, since))
			return foresee(find, &find->err) < 0;
		take(find, &find->err);
	}
	return true;
}

const struct dns_message *caa_found(const struct caa_find *find)
{
	return find->is_found ? &find->look.seen->message : NULL;
}

void caa_find_done(struct caa_find *find)
{
	caa_look_done(&find->look);
}

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_UNIT_CTL_WORLD_H
#define CERTD_TESTS_UNIT_CTL_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/session.h"
#include "daemon/job/runner.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/yaml/diag.h"

/*
 * What sessions need around them, for tests: a fleet of a root and some leaves, whose scheduler stays
 * still, and a keeper that keeps its requests until the test answers them.
 */

#define CTL_WORLD_NOW INT64_C(1795256100) /* 2026-11-21T10:15:00Z */

struct ctl_world {
	struct loop *loop;
	struct fleet *fleet;
	struct runner *runner;
	struct ctl ctl;
	struct principals observe, operate, admin; /* as they were before they were changed */
	unsigned n_reloads;
};

/* Requests that wait for an answer, oldest first. */
static struct list ctl_world_asked;

void keeper_ask(struct keeper *keeper, struct task *task, struct keeper_op *op)
{
	keeper_pend(keeper, keeper_put, &ctl_world_asked, task, op);
}

void keeper_put(struct keeper *keeper, const struct buf *text)
{
	(void)keeper;
	(void)text;
}

static inline struct keeper_op *ctl_world_request(void)
{
	struct list *first = list_first(&ctl_world_asked);

	return first ? LIST_OF(first, struct keeper_op, pending) : NULL;
}

/* Answers the oldest request; `words` stand behind "ok ID", rows behind an LF. */
static inline void ctl_world_answer(const char *words)
{
	struct keeper_op *op = ctl_world_request();
	char *packet = mem_printf("ok %u%s", op->id, words);

	keeper_answer(op, packet, strlen(packet), -1);
	free(packet);
}

/* A root and n leaves in example.com: l00000, l00001 ...; and one in other.org that is not active. */
static inline struct conf *ctl_world_conf(size_t n)
{
	struct conf_files files = { 0 };
	struct yaml_diags diags = { 0 };
	struct buf text = BUF_INIT;
	struct conf *conf;

	buf_add_text(&text, "state_dir: /nonexistent\n"
			    "cas: {root: {type: local, issuer: ca/root, lifetime: 100d}}\n"
			    "targets: {web: {dir: /nonexistent/live}}\n"
			    "groups:\n"
			    "  ca: {root: {ca: self, lifetime: 3650d, subject: {CN: R}}}\n"
			    "  other.org:\n"
			    "    off: {ca: root, active: false, names: [other.org]}\n"
			    "  example.com:\n");
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "    l%05zu: {ca: root, names: [l%zu.example.com]%s}\n", i, i,
			i == 0 ? ", deploy: [web]" : "");
	files.at = mem_new(struct conf_file);
	files.n = 1;
	files.at[0] = (struct conf_file){ mem_strdup("/t/c"), text.data, text.len };
	conf = conf_load(&files, &diags);
	if (!conf) {
		struct buf told AUTO_BUF = BUF_INIT;

		yaml_diags_print(&diags, &told);
		fputs(buf_text(&told), stderr);
		abort();
	}
	yaml_diags_done(&diags);
	conf_files_done(&files);
	return conf;
}

static inline void ctl_world_reload(void *data)
{
	((struct ctl_world *)data)->n_reloads++;
}

/* `conf` gives up its reference; `acme` may be NULL. */
static inline void ctl_world_open(
	struct ctl_world *w, struct loop *loop, struct conf *conf, struct acme *acme)
{
	*w = (struct ctl_world){ .loop = loop };
	list_init(&ctl_world_asked);
	w->fleet = fleet_new(w->loop, NULL, conf);
	w->runner = runner_new(w->fleet, acme);
	w->ctl = (struct ctl){ .loop = w->loop,
		.fleet = w->fleet,
		.runner = w->runner,
		.version = "1.2.3",
		.own_uid = 900,
		.reload = ctl_world_reload,
		.data = w };
	ctl_init(&w->ctl);
}

static inline void ctl_world_init(struct ctl_world *w, struct loop *loop, size_t n)
{
	ctl_world_open(w, loop, ctl_world_conf(n), NULL);
}

/* The sessions have ended, and so have the jobs. */
static inline void ctl_world_done(struct ctl_world *w)
{
	ctl_done(&w->ctl);
	runner_free(w->runner);
	fleet_free(w->fleet);
	loop_free(w->loop);
}

/* Facts of one certificate: ages in seconds of curr and next, both of `life`; < 0: none. */
static inline void ctl_world_facts(
	struct ctl_world *w, const char *name, int64_t curr, int64_t next, int64_t life)
{
	const struct cert *cert = fleet_find(w->fleet, name);
	char *own AUTO_FREE = mem_strdup(name);
	struct cert_facts facts = { .cert = own }, copy;
	int64_t ages[] = { curr, next };
	struct version_facts *versions[] = { &facts.curr, &facts.next };

	for (int i = 0; i < 2; i++) {
		struct instant made = { CTL_WORLD_NOW - ages[i] };

		if (ages[i] < 0)
			continue;
		*versions[i] = (struct version_facts){ .id = { made, (uint32_t)i + 1 },
			.created = made,
			.not_before = made,
			.not_after = { made.s + life },
			.rolled = i == 0 ? made : INSTANT_NONE,
			.key_created = made,
			.digest = cert->conf->digest,
			.generation = (uint32_t)(2 - i) };
	}
	facts_copy(&facts, &copy);
	fleet_take_facts(w->fleet, &copy);
}

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_UNIT_JOB_WORLD_H
#define CERTD_TESTS_UNIT_JOB_WORLD_H

#include <string.h>

#include "daemon/acme/acme.h"
#include "daemon/job/runner.h"
#include "lib/base/clock.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/net/http.h"
#include "lib/task/loop_virtual.h"
#include "tests/test.h"
#include "tests/unit/conf_test.h"

/*
 * What jobs need around them, for tests: a fleet that plans nothing, the ACME CAs a and b, a keeper and
 * a network that keep what they are asked until the test answers it.
 */

#define JOB_WORLD_CERTS 20

struct http;

struct job_world {
	struct loop *loop;
	struct fleet *fleet;
	struct acme *acme;
	struct runner *runner;
};

static struct list job_world_keeper, job_world_http;

void keeper_ask(struct keeper *keeper, struct task *task, struct keeper_op *op)
{
	keeper_pend(keeper, keeper_put, &job_world_keeper, task, op);
}

void keeper_put(struct keeper *keeper, const struct buf *text)
{
	(void)keeper;
	(void)text;
}

static void job_world_hang_up(struct op *op)
{
	list_remove(&CONTAINER_OF(op, struct http_op, op)->pending);
	op_end(op, NULL);
}

void http_ask(struct http *http, struct task *task, struct http_op *op)
{
	(void)http;
	op_begin(&op->op, task, job_world_hang_up);
	list_append(&job_world_http, &op->pending);
}

static inline size_t job_world_n(const struct list *pending)
{
	size_t n = 0;

	list_each(at, pending)
		n++;
	return n;
}

/* The CAs a and b; example.com/one from a, /two from either, /c00 and so on from a. */
static inline void job_world_open(struct job_world *w)
{
	struct buf text AUTO_BUF = BUF_INIT, told AUTO_BUF = BUF_INIT;
	struct conf *conf;

	virtual_start((struct instant){ 1795256100 });
	list_init(&job_world_keeper);
	list_init(&job_world_http);
	buf_add_text(&text, "state_dir: /nonexistent\nhttp: {listen: ['[::]:80']}\ncas:\n");
	for (const char *ca = "a"; *ca <= 'b'; ca = *ca == 'a' ? "b" : "c")
		buf_printf(&text,
			"  %s: {type: acme, directory: 'https://%s.test/dir', "
			"terms_agreed: true, challenge: http-01}\n",
			ca, ca);
	buf_add_text(&text, "groups:\n  example.com:\n    one: {ca: a, names: [example.com]}\n"
			    "    two: {ca: [a, b], names: [www.example.com]}\n");
	for (int i = 0; i < JOB_WORLD_CERTS; i++)
		buf_printf(&text, "    c%02d: {ca: a, names: [c%d.example.com]}\n", i, i);
	conf = load_text(buf_text(&text), &told);
	if (!conf)
		TEST_FAIL("%s", buf_text(&told));
	REQUIRE(conf);
	w->loop = loop_new();
	w->fleet = fleet_new(w->loop, NULL, conf);
	w->acme = acme_new(w->loop, NULL, NULL, NULL, NULL, conf);
	w->runner = runner_new(w->fleet, w->acme);
}

static inline void job_world_close(struct job_world *w)
{
	CHECK(list_is_empty(&job_world_keeper) && list_is_empty(&job_world_http));
	runner_free(w->runner);
	acme_free(w->acme);
	fleet_free(w->fleet);
	loop_free(w->loop);
}

#endif

/* SPDX-License-Identifier: MIT */
#include "daemon/job/publish_all.h"

#include <stdlib.h>

#include "daemon/conf/index.h"
#include "daemon/job/kinds.h"
#include "daemon/job/publish.h"
#include "daemon/job/runner.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* Certificates that are looked at before others have their turn. */
enum { SLICE = 1000 };

bool publish_all_can(const struct conf *conf)
{
	for (size_t i = 0; i < conf->dns.n_zones; i++)
		if (publish_can(&conf->dns.zones[i]))
			return true;
	return publish_can(conf->dns.fallback);
}

struct publish_all *publish_all_new(const char *about)
{
	struct publish_all *all = mem_new(struct publish_all);

	all->about = about ? mem_strdup(about) : NULL;
	all->job.about = about ? all->about : PUBLISH_ABOUT;
	return all;
}

void publish_all_done(struct job *job)
{
	struct publish_all *all = CONTAINER_OF(job, struct publish_all, job);

	for (size_t i = 0; i < PUBLISH_SIDE_BY_SIDE; i++)
		keeper_op_done(&all->asks[i]);
	map_done(&all->by_name);
	for (size_t i = 0; i < all->n; i++)
		free(all->zones[i]);
	free(all->zones);
	free(all->about);
}

void publish_all_free(struct publish_all *all)
{
	publish_all_done(&all->job);
	free(all);
}

struct job *publish_all_start(struct runner *runner, struct publish_all *all, struct err *err)
{
	bool is_same = runner_has_same(runner, JOB_PUBLISH, all->job.about, err);

	if (runner->is_stopping)
		err_set(err, ERR_BUSY, "the daemon ends");
	if (is_same || runner->is_stopping) {
		publish_all_free(all);
		return NULL;
	}
	runner_add(runner, &all->job, JOB_PUBLISH, NULL);
	runner_begin(&all->job);
	return &all->job;
}

void publish_all_take(struct publish_all *all, const char *name)
{
	char *zone;

	if (map_get(&all->by_name, name))
		return;
	if (all->n == all->size) {
		all->size = all->size ? all->size * 2 : 8;
		all->zones = mem_grow(all->zones, all->size, sizeof(*all->zones));
	}
	zone = mem_strdup(name);
	all->zones[all->n++] = zone;
	map_set(&all->by_name, zone, zone);
}

static void take_named(struct publish_all *all)
{
	const struct dns_conf *dns = &all->job.conf->dns;

	for (size_t i = 0; i < dns->n_zones; i++)
		if (publish_can(&dns->zones[i]))
			publish_all_take(all, dns->zones[i].name);
	/* The entry `default` serves no other zone. */
	if (!publish_can(dns->fallback))
		all->at_cert = all->job.conf->n_certs;
}

static void take_certs(struct publish_all *all)
{
	const struct conf *conf = all->job.conf;

	for (size_t i = 0; i < SLICE && all->at_cert < conf->n_certs; i++) {
		const struct cert_conf *cert = conf_cert_at(conf, all->at_cert++);
		char apex[256];

		for (size_t k = 0; cert->is_active && k < cert->n_names; k++) {
			const char *zone = publish_zone(conf, cert, k, apex);

			if (zone)
				publish_all_take(all, zone);
		}
	}
}

static void ask_some(struct publish_all *all)
{
	all->n_asks = 0;
	while (all->n_asks < PUBLISH_SIDE_BY_SIDE && all->at + all->n_asks < all->n) {
		struct keeper_op *ask = &all->asks[all->n_asks];

		keeper_request(ask, REQUEST_refresh);
		line_add(&ask->text, "zone", all->zones[all->at + all->n_asks]);
		line_add_bool(&ask->text, "force", true);
		keeper_ask_soft(all->job.runner->fleet->keeper, &all->job.task, ask);
		all->n_asks++;
	}
}

static void note(struct publish_all *all, struct err *failed)
{
	for (size_t i = 0; i < all->n_asks; i++) {
		const struct err *err = &all->asks[i].err;

		if (!err_is_set(err))
			continue;
		if (all->n_failed++ > 0)
			continue;
		*failed = *err;
		err_add(failed, "the zone %s", all->zones[all->at + i]);
	}
	all->at += all->n_asks;
}

void publish_all_run(struct task *task)
{
	struct publish_all *all =
		CONTAINER_OF(TASK_OF(task, struct job), struct publish_all, job);

	TASK_BEGIN(task)
	job_step(&all->job, "zones");
	if (!all->about)
		take_named(all);
	while (!all->about && all->at_cert < all->job.conf->n_certs) {
		take_certs(all);
		AWAIT(task_sleep(task, &all->pause, 0));
	}
	job_step(&all->job, "publish");
	while (all->at < all->n) {
		AWAIT(ask_some(all));
		note(all, &all->job.failed);
	}
	FINALLY
	if (!err_is_set(&task->err) && all->n_failed > 0)
		task->err = all->job.failed;
	TASK_END
}

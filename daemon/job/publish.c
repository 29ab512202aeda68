#include "daemon/job/publish.h"

#include <stdio.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/job/job.h"
#include "daemon/job/runner.h"
#include "lib/base/str.h"
#include "lib/wire/name.h"

bool publish_can(const struct zone_conf *zone)
{
	return zone &&
	       (zone->publish.type == PUBLISH_INCLUDE ? zone->publish.acme_dir != NULL
						      : zone->publish.type != PUBLISH_NONE);
}

static const char *zone_of(
	const struct conf *conf, const struct cert_conf *cert, const char *name, char apex[256])
{
	char owner[sizeof("_acme-challenge.") + NAME_MAX_LEN];
	const struct zone_conf *zone;

	if (name_is_ip(name))
		return NULL;
	snprintf(owner, sizeof(owner), "_acme-challenge.%s",
		name_is_wildcard(name) ? name + strlen("*.") : name);
	zone = conf_zone(conf, owner);
	if (!publish_can(zone))
		return NULL;
	return zone->name ? zone->name : cert_conf_group(cert, apex);
}

const char *publish_zone(
	const struct conf *conf, const struct cert_conf *cert, size_t i, char apex[256])
{
	const char *zone = zone_of(conf, cert, cert->names[i], apex), *other;
	char other_apex[256];

	for (size_t k = 0; zone && k < i; k++) {
		other = zone_of(conf, cert, cert->names[k], other_apex);
		if (other && str_is(other, zone))
			return NULL;
	}
	return zone;
}

static const char *zone(const struct job *job, char apex[256])
{
	return publish_zone(job->conf, job->cert->conf, job->at_name, apex);
}

static void ask(struct job *job)
{
	char apex[256];

	keeper_request(&job->keeper, REQUEST_refresh);
	line_add(&job->keeper.text, "zone", zone(job, apex));
	line_add_bool(&job->keeper.text, "force", true);
	keeper_ask(job->runner->fleet->keeper, &job->task, &job->keeper);
}

void publish_run(struct task *task)
{
	struct job *job = TASK_OF(task, struct job);
	char apex[256];

	TASK_BEGIN(task)
	job_step(job, "publish");
	for (job->at_name = 0; job->at_name < job->cert->conf->n_names; job->at_name++) {
		if (!zone(job, apex))
			continue;
		AWAIT(ask(job));
	}
	FINALLY
	TASK_END
}

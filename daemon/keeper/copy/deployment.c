/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/copy/deployment.h"

#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"

/* The files of one certificate at one target. */
struct files {
	char *key;
	uint64_t changed;   /* when the last change ended */
	unsigned n_changes; /* under way */
	bool is_settled;
	bool is_restored; /* a change under way, or the last one, is a restore */
	bool is_copied;
	bool has_place;
	struct deployment_place place;
};

struct target {
	char *name;
	uint64_t checked, reloaded; /* when the last good one began */
};

static struct files *find(const struct deployments *all, const char *target, const char *cert)
{
	char *key AUTO_FREE = mem_printf("%s %s", target, cert);

	return map_get(&all->files, key);
}

void deployment_begins(
	struct deployments *all, const char *target, const char *cert, bool is_copy)
{
	struct files *files = find(all, target, cert);

	if (!files) {
		files = mem_new(struct files);
		files->key = mem_printf("%s %s", target, cert);
		map_set(&all->files, files->key, files);
	}
	if (files->n_changes++ == 0)
		files->is_restored = false;
	files->is_restored |= !is_copy;
	files->is_settled = files->is_copied = false;
}

void deployment_ended(struct deployments *all, const char *target, const char *cert)
{
	struct files *files = find(all, target, cert);

	if (!files || files->n_changes == 0)
		return;
	files->n_changes--;
	files->changed = ++all->now;
}

void deployment_settled(struct deployments *all, const char *target, const char *cert)
{
	struct files *files = find(all, target, cert);

	if (files && files->n_changes == 0)
		files->is_settled = true;
}

bool deployment_is_settled(const struct deployments *all, const char *target, const char *cert)
{
	const struct files *files = find(all, target, cert);

	return files && files->is_settled;
}

void deployment_set_place(struct deployments *all, const char *target, const char *cert,
	struct deployment_place place)
{
	struct files *files = find(all, target, cert);

	if (!files)
		return;
	files->has_place = true;
	files->place = place;
}

bool deployment_place(const struct deployments *all, const char *target, const char *cert,
	struct deployment_place *out)
{
	const struct files *files = find(all, target, cert);

	if (!files || !files->has_place)
		return false;
	*out = files->place;
	return true;
}

void deployment_copied(struct deployments *all, const char *target, const char *cert)
{
	struct files *files = find(all, target, cert);

	if (files && files->n_changes == 0)
		files->is_copied = !files->is_restored;
}

uint64_t deployment_own(
	const struct deployments *all, const char *target, const char *cert, uint64_t dir)
{
	const struct files *files = find(all, target, cert);

	if (!files || !files->is_copied || !files->has_place || files->place.dir != dir)
		return 0;
	return files->changed;
}

uint64_t deployment_moment(struct deployments *all)
{
	return ++all->now;
}

static struct target *want_target(struct deployments *all, const char *name)
{
	struct target *target = map_get(&all->targets, name);

	if (target)
		return target;
	target = mem_new(struct target);
	target->name = mem_strdup(name);
	map_set(&all->targets, target->name, target);
	return target;
}

void deployment_checked(struct deployments *all, const char *target, uint64_t moment)
{
	struct target *at = want_target(all, target);

	if (at->checked < moment)
		at->checked = moment;
}

void deployment_reloaded(struct deployments *all, const char *target, uint64_t moment)
{
	struct target *at = want_target(all, target);

	if (at->reloaded < moment)
		at->reloaded = moment;
}

int deployment_check(
	const struct deployments *all, const char *target, const char *cert, struct err *err)
{
	const struct files *files = find(all, target, cert);
	const struct target *at = map_get(&all->targets, target);

	if (!files)
		return err_set(err, ERR_NOT_ALLOWED,
			"nothing of %s was copied to %s since certd started", cert, target);
	if (files->n_changes > 0)
		return err_set(err, ERR_BUSY, "%s is being copied to %s", cert, target);
	/* Else the files from before wait there still, and a first copy's are not certd's. */
	if (!files->is_settled)
		return err_set(err, ERR_NOT_ALLOWED, "what %s had of %s before was not settled",
			target, cert);
	if (!at || at->checked < files->changed)
		return err_set(err, ERR_NOT_ALLOWED,
			"what %s has of %s has not passed a check of certd", target, cert);
	if (at->reloaded < files->changed)
		return err_set(err, ERR_NOT_ALLOWED,
			"what %s has of %s was not followed by a reload of certd", target,
			cert);
	return 0;
}

static void files_free(struct files *files)
{
	if (files)
		free(files->key);
	free(files);
}

void deployment_forget(struct deployments *all, const char *target, const char *cert)
{
	char *key AUTO_FREE = mem_printf("%s %s", target, cert);

	files_free(map_remove(&all->files, key));
}

void deployments_done(struct deployments *all)
{
	struct target *target;
	struct files *files;
	size_t at = 0;

	while ((files = map_next(&all->files, &at)))
		files_free(files);
	map_done(&all->files);
	for (at = 0; (target = map_next(&all->targets, &at));) {
		free(target->name);
		free(target);
	}
	map_done(&all->targets);
}

/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/check/outside.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/conf/index.h"
#include "daemon/keeper/run/spawn.h"
#include "lib/base/err.h"
#include "lib/base/map.h"
#include "lib/base/trust.h"
#include "lib/yaml/diag.h"

/* One outside_check(). */
struct checking {
	struct yaml_diags *diags;
	struct map programs, dirs; /* looked at already; keys are the configuration's */
};

static bool is_first(struct map *seen, const char *path)
{
	return !map_set(seen, path, seen);
}

static bool is_missing(void)
{
	return errno == ENOENT || errno == ENOTDIR;
}

/* The reason why the program at this path cannot be run; NULL when none is known. */
static const char *program_fault(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return is_missing() ? "is not there" : NULL;
	if (!S_ISREG(st.st_mode))
		return "is no program";
	return st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)
		       ? NULL
		       : "is not executable; run \"chmod +x\" on it";
}

/*
 * A program that every user can change is not run (command.c), so it is a mistake and no mere
 * warning.
 */
static void check_trust(struct checking *c, const char *program, struct yaml_place place,
	const struct yaml_path *path)
{
	char why[TRUST_WHY_LEN];

	switch (trust_program(program, why)) {
	case TRUST_REFUSED:
		yaml_error(c->diags, place, path, "%s", why);
		break;
	case TRUST_WARNED:
		yaml_warn(c->diags, place, path, "%s", why);
		break;
	case TRUST_FINE:
	default:
		break;
	}
}

static void check_program(struct checking *c, const struct words *command,
	struct yaml_place place, const struct yaml_path *path)
{
	char program[PATH_MAX];
	const char *fault;
	struct err err = ERR_INIT;

	/* One that depends on a fact is known when it runs. */
	if (command->n == 0 || strchr(command->at[0], '%') ||
		!is_first(&c->programs, command->at[0]))
		return;
	if (spawn_find(command->at[0], program, sizeof(program), &err) < 0) {
		yaml_warn(c->diags, place, path, "%s", err.text);
		return;
	}
	check_trust(c, program, place, path);
	fault = program_fault(program);
	if (fault)
		yaml_warn(c->diags, place, path, "the program %s %s", program, fault);
}

static void check_dir(struct checking *c, const char *dir, struct yaml_place place,
	const struct yaml_path *path)
{
	struct stat st;

	if (!is_first(&c->dirs, dir))
		return;
	if (stat(dir, &st) < 0) {
		if (is_missing())
			yaml_warn(c->diags, place, path,
				"the folder %s is not there, and certd does not make it", dir);
	} else if (!S_ISDIR(st.st_mode)) {
		yaml_warn(c->diags, place, path, "%s is no folder", dir);
	} else if (st.st_mode & S_IWOTH) {
		yaml_warn(c->diags, place, path,
			"all users can write to the folder %s; run \"chmod o-w %s\"", dir, dir);
	}
}

static void check_zone(struct checking *c, const struct zone_conf *zone)
{
	const struct publish_conf *publish = &zone->publish;
	const struct yaml_path dns = { NULL, "dns", 0 }, zones = { &dns, "zones", 0 };
	const struct yaml_path name = { &zones, zone->name ? zone->name : "default", 0 };
	const struct yaml_path path = { &name, "publish", 0 };
	const struct yaml_path acme_dir = { &path, "acme_dir", 0 };
	const struct yaml_path tlsa_dirs = { &path, "tlsa_dirs", 0 };
	const struct yaml_path refresh = { &path, "refresh", 0 };
	const struct yaml_path add = { &path, "add", 0 }, remove = { &path, "remove", 0 };

	if (publish->type == PUBLISH_NONE)
		return;
	if (publish->acme_dir)
		check_dir(c, publish->acme_dir, publish->places->acme_dir, &acme_dir);
	for (size_t i = 0; i < publish->tlsa_dirs.n; i++) {
		const struct yaml_path item = { &tlsa_dirs, NULL, i };

		check_dir(c, publish->tlsa_dirs.at[i], publish->places->tlsa_dirs, &item);
	}
	check_program(c, &publish->refresh, publish->places->refresh, &refresh);
	check_program(c, &publish->add, publish->places->add, &add);
	check_program(c, &publish->remove, publish->places->remove, &remove);
}

static void check_target(struct checking *c, const struct target_conf *target)
{
	const struct yaml_path targets = { NULL, "targets", 0 };
	const struct yaml_path name = { &targets, target->name, 0 };
	const struct yaml_path check = { &name, "check", 0 };
	const struct yaml_path after_copy = { &name, "after_copy", 0 };
	const struct yaml_path reload = { &name, "reload", 0 };

	check_program(c, &target->check, target->place, &check);
	check_program(c, &target->after_copy, target->place, &after_copy);
	for (size_t i = 0; i < target->n_reload; i++)
		check_program(c, &target->reload[i].command, target->place, &reload);
}

static void check_hooks(struct checking *c, const struct conf *conf)
{
	const struct yaml_path hooks = { NULL, "hooks", 0 };

	for (enum hook hook = 0; hook < HOOK_COUNT; hook++) {
		const struct yaml_path path = { &hooks, hook_text(hook), 0 };

		check_program(c, &conf->hooks[hook], (struct yaml_place){ 1, 1, 0 }, &path);
	}
}

void outside_check(const struct conf *conf, struct yaml_diags *diags)
{
	struct checking c = { .diags = diags };
	const struct yaml_path http = { NULL, "http", 0 }, webroot = { &http, "webroot", 0 };

	if (conf->http.webroot && !strchr(conf->http.webroot, '%'))
		check_dir(&c, conf->http.webroot, conf->http.webroot_place, &webroot);
	if (conf->dns.fallback)
		check_zone(&c, conf->dns.fallback);
	for (size_t i = 0; i < conf->dns.n_zones; i++)
		check_zone(&c, &conf->dns.zones[i]);
	for (size_t i = 0; i < conf->n_targets; i++)
		check_target(&c, conf_target_at(conf, i));
	check_hooks(&c, conf);
	map_done(&c.programs);
	map_done(&c.dirs);
}

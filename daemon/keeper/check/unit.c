/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/check/unit.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/index.h"
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/yaml/diag.h"

enum { UNIT_MAX = 64 * 1024 };

/* The installed units: what certd.service says about writing, and certd.socket about its path. */
struct unit {
	struct buf writable; /* directories, each ended by LF */
	struct buf listens;  /* paths, each ended by LF */
	bool is_strict, hides_home;
};

/* Words of a directory setting, put below `base`; a leading "-" or "+" is systemd's own mark. */
static void add_paths(struct unit *unit, const char *base, char *words)
{
	char *save;

	for (char *word = strtok_r(words, " \t", &save); word;
		word = strtok_r(NULL, " \t", &save)) {
		word += strspn(word, "-+");
		buf_printf(&unit->writable, "%s%s\n", base, word);
	}
}

static void read_setting(struct unit *unit, char *line)
{
	char *value = strchr(line, '=');

	if (!value || line[0] == '#' || line[0] == ';')
		return;
	*value++ = 0;
	if (str_is(line, "ProtectSystem"))
		unit->is_strict = str_is(value, "strict");
	else if (str_is(line, "ProtectHome"))
		unit->hides_home = !str_is(value, "no") && !str_is(value, "false");
	else if (str_is(line, "ReadWritePaths") && !*value)
		buf_clear(&unit->writable);
	else if (str_is(line, "ReadWritePaths"))
		add_paths(unit, "", value);
	else if (str_is(line, "ListenStream") && !*value)
		buf_clear(&unit->listens);
	else if (str_is(line, "ListenStream"))
		buf_printf(&unit->listens, "%s\n", value);
	else if (str_is(line, "StateDirectory"))
		add_paths(unit, "/var/lib/", value);
	else if (str_is(line, "RuntimeDirectory"))
		add_paths(unit, "/run/", value);
}

static bool read_unit(struct unit *unit, const char *path)
{
	struct buf text AUTO_BUF = BUF_INIT;
	struct err err;
	char *save, *line;

	if (file_read(AT_FDCWD, path, UNIT_MAX, &text, &err) < 0)
		return false;
	for (line = strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		read_setting(unit, line);
	return true;
}

/* The unit of the strongest place, and the drop-ins of all places on top. */
static bool find_unit(struct unit *unit, const char *name, const char *root)
{
	static const char *const places[] = { "/etc/systemd/system", "/run/systemd/system",
		"/usr/local/lib/systemd/system", "/usr/lib/systemd/system" };
	bool found = false;

	for (size_t i = 0; i < ARRAY_LEN(places) && !found; i++) {
		char *path AUTO_FREE = mem_printf("%s%s/%s", root, places[i], name);

		found = read_unit(unit, path);
	}
	for (size_t i = 0; found && i < ARRAY_LEN(places); i++) {
		char *pattern AUTO_FREE = mem_printf("%s%s/%s.d/*.conf", root, places[i], name);
		glob_t drop_ins = { 0 };

		if (glob(pattern, 0, NULL, &drop_ins) == 0)
			for (size_t k = 0; k < drop_ins.gl_pathc; k++)
				read_unit(unit, drop_ins.gl_pathv[k]);
		globfree(&drop_ins);
	}
	return found;
}

static bool lies_in(const char *path, const char *dir, size_t len)
{
	while (len > 1 && dir[len - 1] == '/')
		len--;
	return strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == 0);
}

static bool is_writable(const struct unit *unit, const char *path)
{
	const char *dir = buf_text(&unit->writable);

	for (const char *end; (end = strchr(dir, '\n')); dir = end + 1)
		if (lies_in(path, dir, (size_t)(end - dir)))
			return true;
	return false;
}

static bool is_home(const char *path)
{
	return lies_in(path, "/home", 5) || lies_in(path, "/root", 5) ||
	       lies_in(path, "/run/user", 9);
}

/* One unit_check(). */
struct checking {
	struct unit unit;
	struct yaml_diags *diags;
};

static void check_dir(struct checking *c, const char *dir, struct yaml_place place,
	const struct yaml_path *path)
{
	bool is_hidden = c->unit.hides_home && is_home(dir);

	if (!is_writable(&c->unit, dir) || is_hidden)
		yaml_warn(c->diags, place, path,
			"the installed certd.service may not write %s; run \"systemctl edit "
			"certd.service\" and add: [Service] ReadWritePaths=%s%s",
			dir, dir, is_hidden ? " ProtectHome=no" : "");
}

static void check_targets(struct checking *c, const struct conf *conf)
{
	const struct yaml_path targets = { NULL, "targets", 0 };

	for (size_t i = 0; i < conf->n_targets; i++) {
		const struct target_conf *target = conf_target_at(conf, i);
		const struct yaml_path path = { &targets, target->name, 0 };

		check_dir(c, target->dir, target->place, &path);
	}
}

/* The part of a webroot that is the same for all certificates: up to the first %{...} word. */
static void check_webroot(struct checking *c, const struct http_conf *http)
{
	const struct yaml_path top = { NULL, "http", 0 }, path = { &top, "webroot", 0 };
	size_t len = strcspn(http->webroot, "%");
	char *dir;

	while (http->webroot[len] && len > 1 && http->webroot[len - 1] != '/')
		len--;
	while (len > 1 && http->webroot[len - 1] == '/')
		len--;
	dir = mem_strndup(http->webroot, len);
	check_dir(c, dir, http->webroot_place, &path);
	free(dir);
}

static void check_zone(struct checking *c, const struct zone_conf *zone)
{
	const struct yaml_path dns = { NULL, "dns", 0 }, zones = { &dns, "zones", 0 };
	const struct yaml_path name = { &zones, zone->name ? zone->name : "default", 0 };
	const struct yaml_path publish = { &name, "publish", 0 };
	const struct yaml_path acme = { &publish, "acme_dir", 0 };
	const struct yaml_path tlsa = { &publish, "tlsa_dirs", 0 };

	if (zone->publish.acme_dir)
		check_dir(c, zone->publish.acme_dir, zone->place, &acme);
	for (size_t i = 0; i < zone->publish.tlsa_dirs.n; i++) {
		const struct yaml_path item = { &tlsa, NULL, i };

		check_dir(c, zone->publish.tlsa_dirs.at[i], zone->place, &item);
	}
}

/* A key that a zone has from the entry `default` was told there. */
static bool is_inherited(const struct dns_conf *dns, const struct zone_conf *zone)
{
	return dns->fallback && dns->fallback->publish.acme_dir == zone->publish.acme_dir &&
	       dns->fallback->publish.tlsa_dirs.at == zone->publish.tlsa_dirs.at;
}

static bool has_line(const char *lines, const char *wanted)
{
	size_t len = strlen(wanted);

	for (const char *end; (end = strchr(lines, '\n')); lines = end + 1)
		if ((size_t)(end - lines) == len && memcmp(lines, wanted, len) == 0)
			return true;
	return false;
}

/* certd then binds its own socket, and clients that use the unit's path find no listener. */
static void check_socket(struct checking *c, const struct conf *conf)
{
	const struct yaml_path control = { NULL, "control", 0 };
	const struct yaml_path path = { &control, "socket", 0 };
	const char *listens = buf_text(&c->unit.listens);

	/* Only systemd can expand "%t". */
	if (!c->unit.listens.len || strchr(listens, '%') || has_line(listens, conf->socket))
		return;
	yaml_warn(c->diags, conf->socket_place, &path,
		"the installed certd.socket listens at %.*s and not at %s; run \"systemctl "
		"edit "
		"certd.socket\" and add: [Socket] ListenStream= ListenStream=%s",
		(int)strcspn(listens, "\n"), listens, conf->socket, conf->socket);
}

void unit_check(const struct conf *conf, const char *root, struct yaml_diags *diags)
{
	struct checking c = { .diags = diags };

	if (find_unit(&c.unit, "certd.service", root) && c.unit.is_strict) {
		check_targets(&c, conf);
		if (conf->http.webroot)
			check_webroot(&c, &conf->http);
		if (conf->dns.fallback)
			check_zone(&c, conf->dns.fallback);
		for (size_t i = 0; i < conf->dns.n_zones; i++)
			if (!is_inherited(&conf->dns, &conf->dns.zones[i]))
				check_zone(&c, &conf->dns.zones[i]);
	}
	if (find_unit(&c.unit, "certd.socket", root))
		check_socket(&c, conf);
	buf_done(&c.unit.writable);
	buf_done(&c.unit.listens);
}

#include "daemon/keeper/unit.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/yaml/diag.h"

enum { UNIT_MAX = 64 * 1024 };

/* What the unit says about writing. */
struct unit {
	struct buf writable; /* directories, each ended by LF */
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
static bool find_unit(struct unit *unit, const char *root)
{
	static const char *const places[] = { "/etc/systemd/system", "/run/systemd/system",
		"/usr/local/lib/systemd/system", "/usr/lib/systemd/system" };
	bool found = false;

	for (size_t i = 0; i < ARRAY_LEN(places) && !found; i++) {
		char *path AUTO_FREE = mem_printf("%s%s/certd.service", root, places[i]);

		found = read_unit(unit, path);
	}
	for (size_t i = 0; found && i < ARRAY_LEN(places); i++) {
		char *pattern AUTO_FREE =
			mem_printf("%s%s/certd.service.d/*.conf", root, places[i]);
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

void unit_check(const struct conf *conf, const char *root, struct yaml_diags *diags)
{
	const struct yaml_path targets = { NULL, "targets", 0 };
	struct unit unit = { .is_strict = false };

	if (find_unit(&unit, root) && unit.is_strict)
		for (size_t i = 0; i < conf->n_targets; i++) {
			const struct target_conf *target = &conf->targets[i];
			const struct yaml_path path = { &targets, target->name, 0 };
			bool is_hidden = unit.hides_home && is_home(target->dir);

			if (is_writable(&unit, target->dir) && !is_hidden)
				continue;
			yaml_warn(diags, target->place, &path,
				"the installed certd.service may not write %s; run \"systemctl "
				"edit "
				"certd.service\" and add: [Service] ReadWritePaths=%s%s",
				target->dir, target->dir, is_hidden ? " ProtectHome=no" : "");
		}
	buf_done(&unit.writable);
}

/*
 * Asks the machine about users, groups and credentials, once: each answer is noted beside the
 * files, as "user NAME NUMBER", "group NAME NUMBER" ("-" for none) or "credentials FOLDER".
 */
#include "daemon/conf/schema.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"

/* The rest of the note that begins with `head`, up to the line's end; NULL when there is none. */
static const char *find_note(const struct conf_files *files, const char *head)
{
	size_t len = strlen(head);

	for (const char *line = buf_text(&files->notes); *line;) {
		const char *end = strchrnul(line, '\n');

		if ((size_t)(end - line) >= len && memcmp(line, head, len) == 0)
			return line + len;
		line = *end ? end + 1 : end;
	}
	return NULL;
}

static bool ask_user(const char *name, uint32_t *out)
{
	struct passwd *pw = getpwnam(name);

	if (pw)
		*out = pw->pw_uid;
	return pw != NULL;
}

static bool ask_group(const char *name, uint32_t *out)
{
	struct group *gr = getgrnam(name);

	if (gr)
		*out = gr->gr_gid;
	return gr != NULL;
}

static bool look_up(struct conf_files *files, const char *kind, const char *name,
	bool (*ask)(const char *, uint32_t *), uint32_t *out)
{
	char head[300];
	const char *note;
	uint32_t id;

	/* Names that no account can have would break the notes. */
	if (strlen(name) > 200 || strpbrk(name, " \n"))
		return false;
	snprintf(head, sizeof(head), "%s %s ", kind, name);
	note = find_note(files, head);
	if (note) {
		*out = (uint32_t)strtoul(note, NULL, 10);
		return *note != '-';
	}
	if (files->is_unpacked)
		return false;
	if (ask(name, &id)) {
		buf_printf(&files->notes, "%s%u\n", head, id);
		*out = id;
		return true;
	}
	buf_printf(&files->notes, "%s-\n", head);
	return false;
}

/* A number stands for itself, as everywhere else. */
bool machine_user(struct conf_files *files, const char *name, uint32_t *out)
{
	int64_t n;

	if (str_to_int(name, 0, UINT32_MAX - 1, &n)) {
		*out = (uint32_t)n;
		return true;
	}
	return look_up(files, "user", name, ask_user, out);
}

bool machine_group(struct conf_files *files, const char *name, uint32_t *out)
{
	int64_t n;

	if (str_to_int(name, 0, UINT32_MAX - 1, &n)) {
		*out = (uint32_t)n;
		return true;
	}
	return look_up(files, "group", name, ask_group, out);
}

const char *machine_credentials(struct conf_files *files, struct arena *arena)
{
	const char *note = find_note(files, "credentials "), *folder;

	if (note)
		return *note == '\n' ? NULL : arena_strndup(arena, note, strcspn(note, "\n"));
	folder = files->is_unpacked ? NULL : getenv("CREDENTIALS_DIRECTORY");
	if (folder && (folder[0] != '/' || strchr(folder, '\n')))
		folder = NULL;
	if (!files->is_unpacked)
		buf_printf(&files->notes, "credentials %s\n", folder ? folder : "");
	return folder ? arena_strdup(arena, folder) : NULL;
}

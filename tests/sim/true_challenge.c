/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/conf/challenge.h"
#include "daemon/keeper/ca/keyauth.h"
#include "daemon/keeper/publish/challenge.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "tests/sim/town.h"
#include "tests/sim/wires.h"

/*
 * The keeper's own code of challenges in the town, in place of fake_challenge.c, with its journal in a directory
 * that outlives the daemon as a disk does.  A CA sees what the name servers show.
 */

static void make_state_dir(struct town *town)
{
	char path[] = "/tmp/certd-sim-XXXXXX";

	if (town->state_dir)
		return;
	if (!mkdtemp(path)) {
		perror(path);
		abort();
	}
	town->state_dir = mem_strdup(path);
}

struct challenges *fake_challenges_new(
	struct town *town, struct commands *commands, struct worker *worker)
{
	struct challenges *challenges;
	struct err err = ERR_INIT;

	make_state_dir(town);
	if (challenges_new(town->state_dir, commands, worker, &challenges, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	return challenges;
}

void fake_challenges_free(struct challenges *challenges)
{
	challenges_free(challenges);
}

bool fake_challenges_show(const struct challenges *challenges, enum challenge type,
	const char *name, const char *token, const char *key_authorization)
{
	struct buf owner AUTO_BUF = BUF_INIT;
	char value[KEYAUTH_VALUE_LEN];

	(void)challenges;
	(void)token;
	if (type != CHALLENGE_DNS)
		return false;
	challenge_owner(type, name, NULL, &owner);
	keyauth_value(key_authorization, value);
	return wires_show(town_here()->wires, buf_text(&owner), value);
}

size_t fake_challenges_left(const struct town *town)
{
	char *path AUTO_FREE = mem_printf("%s/challenges", town->state_dir);
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t n = 0;

	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

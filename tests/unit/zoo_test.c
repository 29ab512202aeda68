/* SPDX-License-Identifier: MIT */
#include "tests/unit/zoo_world.h"

#include "daemon/job/lane.h"
#include "tests/test.h"

/* Every read-only command over every kind of certificate, as every role. */

static struct zoo_world world;
static size_t n_asked;

/* The kinds of rows and their keys, as proto/rows.def has them, and which were answered. */
static struct {
	enum command_id command;
	const char *kind, *key;
	bool is_seen;
} keys[] = {
#define KEY(command, kind, key, type, meaning) { COMMAND_##command, kind, key, false },
#include "proto/rows.def"
#undef KEY
};

/* Are such rows made of facts alone?  A limit needs the ledger of a CA. */
static bool is_of_facts(enum command_id command, const char *kind)
{
	return command == COMMAND_STATUS || command == COMMAND_PLAN ||
	       (command == COMMAND_SHOW && !str_is(kind, "limit"));
}

static void note_keys(const struct command *command, const char *answer)
{
	struct line row CLEANUP(line_done) = { 0 };
	struct err err;

	for (const char *end; (end = strchr(answer, '\n')); answer = end + 1) {
		const char *kind;

		REQUIRE(line_parse_copy(
				&row, answer, (size_t)(end - answer), LINE_MAX_LEN, &err) == 0);
		kind = line_get(&row, "kind");
		for (size_t i = 0; i < ARRAY_LEN(keys); i++)
			keys[i].is_seen |= keys[i].command == command->id &&
					   str_is(keys[i].kind, kind ? kind : "") &&
					   line_get(&row, keys[i].key);
	}
}

static void begin(void)
{
	setenv("TZ", "UTC0", 1);
	virtual_start((struct instant){ CTL_WORLD_NOW });
	zoo_world_open(&world);
}

static void ask_as_everybody(const struct command *command, const char *line, void *data)
{
	(void)data;
	for (enum role role = ROLE_NONE; role <= ROLE_ADMIN; role++) {
		struct buf answer AUTO_BUF = BUF_INIT, complaint AUTO_BUF = BUF_INIT;

		zoo_world_ask(&world, command, role, line, &answer);
		if (!zoo_judge(command, line, role, buf_text(&answer), &complaint))
			TEST_FAIL("%s", buf_text(&complaint));
		note_keys(command, buf_text(&answer));
		n_asked++;
	}
}

TEST(every_command_has_an_answer_about_everything)
{
	begin();
	n_asked = 0;
	zoo_each_line(ask_as_everybody, NULL);
	CHECK(n_asked > 4 * zoo_n);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (!keys[i].is_seen && is_of_facts(keys[i].command, keys[i].kind))
			TEST_FAIL("no row %s of %s has %s", keys[i].kind,
				commands[keys[i].command].name, keys[i].key);
	zoo_world_close(&world);
}

/* The zoo is what its table says: each state is there as `status` tells it. */
TEST(each_certificate_is_in_its_state)
{
	begin();
	for (size_t i = 0; i < zoo_n; i++) {
		struct buf answer AUTO_BUF = BUF_INIT;
		char *line AUTO_FREE = mem_printf("status %s", zoo[i].cert);
		char *health AUTO_FREE = mem_printf(" health=%s ", health_text(zoo[i].health));
		char *why AUTO_FREE = mem_printf(" why=%s ", why_text(zoo[i].why));

		zoo_world_ask(&world, &commands[COMMAND_STATUS], ROLE_OBSERVE, line, &answer);
		if (!strstr(buf_text(&answer), health) || !strstr(buf_text(&answer), why))
			TEST_FAIL("not%sand%sbut %s", health, why, buf_text(&answer));
	}
	zoo_world_close(&world);
}

/* Which CA signs is told of the one that does, whatever stands before it in the list. */
TEST(why_names_the_ca_that_signs)
{
	static const struct {
		const char *cert, *says;
	} rows[] = {
		{ "zoo.test/due", "The CA int signs with ca/int, which ends at" },
		{ "zoo.test/list", "The CA int signs with ca/int, which ends at" },
		{ "zoo.test/absent-orphan",
			"The CA none, certificate ca/none, has no current" },
		{ "ca/int", "The CA root signs with ca/root, which ends at" },
		{ "zoo.test/below-early", "the version of ca/early above it begins then" },
		{ "zoo.test/orphan-list", "The CA none, certificate ca/none, has no current" },
	};

	begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf answer AUTO_BUF = BUF_INIT;
		char *line AUTO_FREE = mem_printf("why %s", rows[i].cert);

		zoo_world_ask(&world, &commands[COMMAND_WHY], ROLE_OBSERVE, line, &answer);
		if (!strstr(buf_text(&answer), rows[i].says))
			TEST_FAIL("no \"%s\" in %s", rows[i].says, buf_text(&answer));
	}
	zoo_world_close(&world);
}

/* A certificate waits in the queue of the CA that will be asked, not of one that stands behind it. */
TEST(issues_wait_where_they_are_asked)
{
	static const struct {
		const char *cert, *ca; /* NULL: no ACME CA's queue */
	} rows[] = {
		{ "zoo.test/due", NULL },
		{ "zoo.test/self", NULL },
		{ "zoo.test/list", NULL },
		{ "zoo.test/local-first", NULL },
		{ "zoo.test/mixed", "le" },
		{ "zoo.test/ordered-due", "le" },
		{ "zoo.test/busy", "le" },
		{ "zoo.test/ca-down", "down" },
	};

	begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct cert *cert = fleet_find(world.w.fleet, rows[i].cert);
		const char *ca = lane_of(world.w.runner, JOB_ISSUE, cert)->ca;

		if (rows[i].ca ? !ca || !str_is(ca, rows[i].ca) : ca != NULL)
			TEST_FAIL("%s waits for %s", rows[i].cert, ca ? ca : "no CA");
	}
	zoo_world_close(&world);
}

/* Not even by force does a version become current that every client would refuse. */
TEST(a_forced_roll_waits_for_the_beginning)
{
	static const struct {
		const char *line, *says;
	} rows[] = {
		{ "roll zoo.test/next-early --force",
			"err too-early \"zoo.test/next-early cannot be rolled yet: the version "
			"is valid only in the future, so every client refuses it\" "
			"until=2026-11-26T10:15:00Z" },
		{ "roll zoo.test/due --force", "err no-next" },
		{ "roll zoo.test/ready --force", "ok job=" },
	};

	begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf answer AUTO_BUF = BUF_INIT;

		zoo_world_ask(
			&world, &commands[COMMAND_ROLL], ROLE_ADMIN, rows[i].line, &answer);
		if (!strstr(buf_text(&answer), rows[i].says))
			TEST_FAIL("no %s in %s", rows[i].says, buf_text(&answer));
	}
	zoo_world_close(&world);
}

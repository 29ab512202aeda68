/* SPDX-License-Identifier: MIT */
#include "tests/zoo/zoo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/index.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/yaml/diag.h"
#include "proto/line.h"
#include "proto/message.h"

#define NO INT64_MIN
#define H(n) ((int64_t)(n)*3600)
#define D(n) ((int64_t)(n)*86400)

const struct beast zoo[] = {
#define BEAST(cert, cas, more, curr, next, life, quirk, health, why)                           \
	{ cert, cas, more, curr, next, life, quirk, HEALTH_##health, WHY_##why },
#include "tests/zoo/zoo.def"
#undef BEAST
};

const size_t zoo_n = ARRAY_LEN(zoo);

/* A command that exists everywhere; reload commands must not fail where they really run. */
#define WELL "/bin/true"

static void add_cas(const struct zoo_places *places, struct buf *out)
{
	static const char *const locals[] = { "root", "int", "none", "old", "early" };

	buf_add_text(out, "cas:\n");
	buf_printf(out,
		"  le: {type: acme, directory: '%s/dir', terms_agreed: true, challenge: "
		"http-01}\n"
		"  down: {type: acme, directory: '%s/dir', terms_agreed: true, challenge: "
		"http-01}\n",
		places->le, places->down);
	for (size_t i = 0; i < ARRAY_LEN(locals); i++)
		buf_printf(out, "  %s: {type: local, issuer: ca/%s, lifetime: %s}\n", locals[i],
			locals[i], i == 0 ? "900d" : "60d");
}

static void add_targets(const struct zoo_places *places, struct buf *out)
{
	const char *live = places->live;

	buf_printf(out,
		"targets:\n"
		"  anchors: {dir: %s/anchors, formats: [anchor]}\n"
		"  web: {dir: %s/web, check: [" WELL "], reload: {command: [" WELL "]}}\n"
		"  mail: {dir: %s/mail, after: [web], after_copy: [" WELL
		"], reload: {unit: certd-zoo-nothing.service}}\n"
		"  all: {dir: %s/all, formats: [pem, der, combined], include_next: true, "
		"key_mode: '0600'}\n"
		"  p12: {dir: %s/p12, formats: [pkcs12], password_file: %s/p12.pass}\n"
		"  shut: {dir: %s/shut, check: [/bin/false]}\n",
		live, live, live, live, live, live, live);
}

static void add_certs(struct buf *out)
{
	const char *group = "";

	buf_add_text(out, "groups:\n");
	for (size_t i = 0; i < zoo_n; i++) {
		const char *service = strchr(zoo[i].cert, '/') + 1;
		bool is_ca = str_starts(zoo[i].cert, "ca/");
		const char *now = is_ca ? "ca" : "zoo.test";

		if (!str_is(now, group))
			buf_printf(out, "  %s:\n", now);
		group = now;
		buf_printf(out, "    %s: {ca: %s", service, zoo[i].cas);
		if (!is_ca)
			buf_printf(out, ", names: [%s.zoo.test]", service);
		if (*zoo[i].more)
			buf_printf(out, ", %s", zoo[i].more);
		buf_add_text(out, "}\n");
	}
}

void zoo_config(const struct zoo_places *places, struct buf *out)
{
	if (places->state_dir)
		buf_printf(out,
			"state_dir: %s\n"
			"control: {socket: %s/control.sock, observe: [" ZOO_OBSERVER
			"], operate: [" ZOO_OPERATOR "], admin: [root]}\n",
			places->state_dir, places->state_dir);
	buf_printf(out,
		"http: {webroot: %s/webroot}\n"
		"defaults: {key: 'ec:secp256r1', roll: {min_age: 1h, window: ['Tue "
		"02:00-05:00']}}\n",
		places->live);
	add_cas(places, out);
	add_targets(places, out);
	add_certs(out);
}

struct conf *zoo_conf(void)
{
	static const struct zoo_places nowhere = { "/nonexistent", "https://le.test",
		"https://down.test", "/nonexistent/live" };
	struct conf_files files = { 0 };
	struct yaml_diags diags = { 0 };
	struct buf text = BUF_INIT;
	struct conf *conf;

	zoo_config(&nowhere, &text);
	files.at = mem_new(struct conf_file);
	files.n = 1;
	files.at[0] = (struct conf_file){ mem_strdup("/t/c"), text.data, text.len };
	conf = conf_load(&files, &diags);
	if (!conf) {
		struct buf told AUTO_BUF = BUF_INIT;

		yaml_diags_print(&diags, &told);
		fputs(buf_text(&told), stderr);
		abort();
	}
	yaml_diags_done(&diags);
	conf_files_done(&files);
	return conf;
}

const char *zoo_signer(const struct beast *beast, const struct conf *conf)
{
	const struct cert_conf *cert = conf_cert(conf, beast->cert);
	uint32_t issuer = conf_issuer(conf, cert_conf_ca(cert, 0));

	/* The first of the list that can sign. */
	if (str_is(beast->cert, "zoo.test/list"))
		return "ca/int";
	return issuer == CA_NO_ISSUER ? NULL : conf_cert_at(conf, issuer)->name;
}

static int signer_key(const struct beast *beast, const struct conf *conf)
{
	const char *signer = zoo_signer(beast, conf);

	return (int)conf_cert(conf, signer ? signer : beast->cert)->place + 1;
}

static struct version_facts version_of(const struct beast *beast, const struct conf *conf,
	struct instant now, int64_t age, bool is_next)
{
	const struct cert_conf *cert = conf_cert(conf, beast->cert);
	const struct ca_conf *ca = cert_conf_nth_ca(conf, cert, 0);
	struct instant made = { now.s - age };
	struct version_facts v = { .id = { made, is_next ? 2 : 1 },
		.created = made,
		.not_before = made,
		.not_after = { made.s + beast->life },
		.key_created = made,
		.rolled = is_next ? INSTANT_NONE : made,
		.digest = cert->digest + (beast->quirk == CHANGED),
		.generation = is_next ? 2 : 1,
		.ca = facts_ca(ca ? ca->name : "self") };

	memset(v.spki, (int)(cert->place + 1), sizeof(v.spki));
	v.spki[0] ^= is_next;
	memset(v.issuer_spki, beast->quirk == OTHER_ISSUER ? 0xee : signer_key(beast, conf),
		sizeof(v.issuer_spki));
	return v;
}

static struct failure failure_of(enum quirk quirk, struct instant now, char *text)
{
	static const struct {
		enum quirk quirk;
		enum err_code code;
		int64_t wish;
	} rows[] = {
		{ FAILED, ERR_IO, 0 },
		{ LIMITED, ERR_RATE_LIMITED, D(2) },
		{ CA_IS_DOWN, ERR_CA_DOWN, D(1) },
		{ TOLD_TO_WAIT, ERR_CA_FAILED, D(3) },
		{ TARGET_FAILED, ERR_CHECK_FAILED, 0 },
		{ FAILED_BEFORE, ERR_IO, 0 },
	};
	struct failure failure = { .code = ERR_NONE };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].quirk == quirk)
			failure = (struct failure){ rows[i].code, 6, { now.s - H(30) },
				{ now.s - 60 },
				rows[i].wish ? (struct instant){ now.s + rows[i].wish }
					     : INSTANT_NONE,
				text, quirk == FAILED_BEFORE };
	return failure;
}

static void add_quirk(
	struct cert_facts *facts, const struct beast *beast, struct instant now, char *text)
{
	static char url[] = "https://le.test/order/1", ca[] = "le",
		    why[] = "https://le.test/why";
	int64_t ari = beast->quirk == ARI_PAST ? -H(2) : H(20);

	if (beast->quirk == REVOKED)
		facts->curr.revoked.s = now.s - 600;
	if (beast->quirk == DOOMED)
		facts->revocation.of = facts->curr.id;
	if (beast->quirk == REPLACED)
		facts->revocation.of = facts->prev =
			(struct version_id){ { now.s - D(30) }, 1 };
	if (version_is_set(&facts->revocation.of))
		facts->revocation.asked.s = now.s - 60;
	if (beast->quirk == ARI_AHEAD || beast->quirk == ARI_PAST)
		facts->ari = (struct ari_facts){ facts->curr.id, { now.s + ari - H(1) },
			{ now.s + ari + H(1) }, { now.s + ari }, { now.s + H(6) }, why };
	if (beast->quirk == ORDERED)
		facts->order =
			(struct order_facts){ url, ca, { now.s - 60 }, { now.s + D(6) } };
	if (beast->quirk == HELD)
		facts->held.s = now.s + 30;
	if (beast->quirk != TARGET_FAILED)
		facts->failure = failure_of(beast->quirk, now, text);
}

static void add_leftovers(struct cert_facts *facts, const char *text)
{
	facts_set_untidy(facts, "web", text);
	facts_set_dir(facts, "gone", "/nonexistent/gone/zoo.test/leftovers");
	facts_leave_dir(facts, "gone", "/nonexistent/a \"place\"/zoo.test/leftovers");
	facts_leave_dir(facts, "gone", "/nonexistent/older/zoo.test/leftovers");
}

/* Reversed, so that no test depends on the order of facts. */
static void add_target_facts(struct cert_facts *facts, const struct beast *beast,
	const struct conf *conf, struct instant now, char *text)
{
	const struct cert_conf *cert = conf_cert(conf, beast->cert);

	for (size_t i = cert->n_targets; i-- > 0;) {
		const char *name = cert_conf_nth_target(conf, cert, i)->name;
		struct failure failure = failure_of(beast->quirk, now, text);
		struct target_facts *target;

		if (beast->quirk != DEPLOYED && beast->quirk != LEFTOVERS &&
			beast->quirk != TARGET_FAILED)
			continue;
		target = facts_want_target(facts, name);
		if (beast->quirk != TARGET_FAILED || !str_is(name, "shut"))
			target->copied = target->confirmed = facts->curr.id;
		else
			facts_set_failure(facts, name, &failure);
	}
	if (beast->quirk == LEFTOVERS)
		add_leftovers(facts, text);
}

void zoo_facts(const struct beast *beast, const struct conf *conf, struct instant now,
	struct cert_facts *out)
{
	char *name AUTO_FREE = mem_strdup(beast->cert);
	char text[] = "the zoo \"says\" so";
	struct cert_facts facts = { .cert = name };

	if (beast->curr != NO)
		facts.curr = version_of(beast, conf, now, beast->curr, false);
	if (beast->next != NO)
		facts.next = version_of(beast, conf, now, beast->next, true);
	add_quirk(&facts, beast, now, text);
	facts_copy(&facts, out);
	add_target_facts(out, beast, conf, now, text);
}

struct asked {
	enum command_id id;
	const char *line;
};

static const struct asked reads[] = {
#define READS(id, line) { COMMAND_##id, line },
#define OFFLINE(id, line)
#define CHANGES(id)
#include "tests/zoo/commands.def"
#undef READS
#undef OFFLINE
};

static const struct asked offline[] = {
#define READS(id, line)
#define OFFLINE(id, line) { COMMAND_##id, line },
#include "tests/zoo/commands.def"
#undef READS
#undef OFFLINE
#undef CHANGES
};

static void fill_in(const struct asked *asked, const char *cert,
	void (*tell)(const struct command *command, const char *line, void *data), void *data)
{
	const char *hole = strstr(asked->line, "%s");
	char line[256];

	snprintf(line, sizeof(line), "%.*s%s%s", (int)(hole - asked->line), asked->line, cert,
		hole + 2);
	tell(&commands[asked->id], line, data);
}

void zoo_each_line(
	void (*tell)(const struct command *command, const char *line, void *data), void *data)
{
	for (size_t i = 0; i < ARRAY_LEN(reads); i++) {
		if (!strstr(reads[i].line, "%s")) {
			tell(&commands[reads[i].id], reads[i].line, data);
			continue;
		}
		for (size_t k = 0; k < zoo_n; k++)
			fill_in(&reads[i], zoo[k].cert, tell, data);
		fill_in(&reads[i], ZOO_ARCHIVED, tell, data);
		fill_in(&reads[i], ZOO_MISSING, tell, data);
	}
}

void zoo_each_offline(
	void (*tell)(const struct command *command, const char *line, void *data), void *data)
{
	for (size_t i = 0; i < ARRAY_LEN(offline); i++)
		tell(&commands[offline[i].id], offline[i].line, data);
}

/* May the command be refused with this code because of the certificate's state? */
static bool is_known_refusal(const struct command *command, const char *line, const char *code)
{
	if (strstr(line, ZOO_ARCHIVED) || strstr(line, ZOO_MISSING))
		return str_is(code, "no-such-cert") || command->id == COMMAND_WATCH;
	/* Tests without name servers. */
	return command->id == COMMAND_DNS_CHECK && str_is(code, "dns");
}

/* The answer about a certificate names it, and has content. */
static const char *judge_rows(
	const struct command *command, const char *line, const char *answer)
{
	if (command->shape == SHAPE_STREAM || command->shape == SHAPE_JOB ||
		command->id == COMMAND_JOBS)
		return NULL;
	if (str_starts(line, "plan zoo.test/inactive") || str_starts(line, "plan ca/none"))
		return NULL;
	if (!str_starts(answer, "row ") && command->id != COMMAND_PLAN &&
		command->id != COMMAND_ACCOUNTS && command->id != COMMAND_VERSIONS)
		return "has no rows";
	if (command->id == COMMAND_STATUS &&
		(!strstr(answer, " health=") || !strstr(answer, " why=")))
		return "lacks health or reason";
	return NULL;
}

bool zoo_judge(const struct command *command, const char *line, enum role role,
	const char *answer, struct buf *out)
{
	struct line parsed CLEANUP(line_done) = { 0 };
	struct err err = ERR_INIT;
	const char *last = answer, *what = NULL, *code;
	enum message kind = MESSAGE_OTHER;

	for (const char *at = answer; *at && !what;) {
		const char *end = strchr(at, '\n');

		if (!end ||
			line_parse_copy(&parsed, at, (size_t)(end - at), LINE_MAX_LEN, &err) <
				0 ||
			message_kind(&parsed) == MESSAGE_OTHER) {
			what = "is no line of the protocol";
			break;
		}
		if (kind == MESSAGE_ERR ||
			(kind == MESSAGE_OK && command->shape != SHAPE_STREAM))
			what = "goes on behind its end";
		kind = message_kind(&parsed);
		last = at;
		at = end + 1;
	}
	code = str_starts(last, "err ") ? last + 4 : NULL;
	if (!what && kind != MESSAGE_OK && kind != MESSAGE_ERR &&
		command->shape != SHAPE_STREAM)
		what = "has no end";
	if (!what && role < command->role && !(code && str_starts(code, "not-allowed ")))
		what = "tells what the role may not know";
	if (!what && role >= command->role && code) {
		char word[64];

		snprintf(word, sizeof(word), "%.*s", (int)strcspn(code, " \n"), code);
		if (!is_known_refusal(command, line, word))
			what = "is refused";
	}
	if (!what && role >= command->role && !code)
		what = judge_rows(command, line, answer);
	if (what)
		buf_printf(out, "%s as %s %s: %.2000s", line, role_text(role), what, answer);
	return !what;
}

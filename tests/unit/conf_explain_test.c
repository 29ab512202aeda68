/* SPDX-License-Identifier: MIT */
#include <ctype.h>

#include "daemon/conf/schema.h"
#include "lib/base/str.h"
#include "tests/test.h"
#include "tests/unit/conf_test.h"

static const struct {
	const char *key;
	const char *part[3]; /* all of these are in the answer */
} keys[] = {
	{ "state_dir", { "state_dir: path\n", "default: /var/lib/certd\n" } },
	{ "keep", { "groups.GROUP.SERVICE.keep: number from 0 to 10000\n", "default: 10\n" } },
	{ "groups.example.com.web-ec.keep", { "groups.GROUP.SERVICE.keep: " } },
	{ "groups.ca.my-root.renew.curve", { "groups.GROUP.SERVICE.renew.curve: " } },
	{ "roll.min_age", { "groups.GROUP.SERVICE.roll.min_age: duration, at most 365d\n" } },
	{ "targets.web.dir", { "targets.NAME.dir: path, required\n" } },
	{ "targets", { "targets: map\n", "\n    .NAME.dir: ", "\n    .NAME.reload: " } },
	{ "targets.NAME", { "targets.NAME: target\n", "\n    .dir: ", "\n    .reload: " } },
	{ "targets.web", { "targets.NAME: target\n", "\n    .dir: " } },
	{ "targets.NAME.dir", { "targets.NAME.dir: path, required\n" } },
	{ "cas.le", { "cas.NAME: CA\n", "\n    .issuer: " } },
	{ "groups", { "groups: map\n", "\n    .GROUP.SERVICE.lifetime: " } },
	{ "groups.example.com",
		{ "groups.GROUP: certificates\n", "\n    .SERVICE.lifetime: " } },
	{ "groups.example.com.web", { "groups.GROUP.SERVICE: certificate\n", "\n    .ca: " } },
	{ "defaults.renew.curve", { "defaults.renew.curve: " } },
	{ "lifetime", { "cas.NAME.lifetime: ", "groups.GROUP.SERVICE.lifetime: " } },
	{ "reload.unit", { "targets.NAME.reload.unit: text\n" } },
	{ "issuer", { "cas.NAME.issuer: name, required, for type local\n" } },
	{ "cas.le.directory", { "cas.NAME.directory: https URL, required, for type acme\n" } },
	{ "eab", { "cas.NAME.eab: map, for type acme\n", "\n    .kid: " } },
	{ "dns.zones.example.com.primary",
		{ "dns.zones.ZONE.primary: HOST, IP or IP:PORT\n" } },
	{ "dns.zones.default",
		{ "dns.zones.ZONE: zone\n    the entry default holds for names in no other",
			"\n    .publish: " } },
	{ "dns.zones.example.com", { "dns.zones.ZONE: zone\n", "\n    .publish: " } },
	{ "publish.add",
		{ "dns.zones.ZONE.publish.add: command, required, for type command\n" } },
	{ "extra_nameservers",
		{ "    default: [1.1.1.1, 8.8.8.8, 9.9.9.9, 208.67.222.222]\n" } },
	{ "control", { "control: map\n", ".socket: ", ".admin: " } },
	{ "", { "hooks.before_issue\n", "control.socket\n", "groups.GROUP.SERVICE.ca\n" } },
};

TEST(explain)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct buf out AUTO_BUF = BUF_INIT;
		struct err err = ERR_INIT;

		CHECK_INT(conf_explain(keys[i].key, &out, &err), 0);
		for (size_t k = 0; k < 3 && keys[i].part[k]; k++)
			if (!strstr(buf_text(&out), keys[i].part[k]))
				TEST_FAIL("%s: no \"%s\" in: %s", keys[i].key, keys[i].part[k],
					buf_text(&out));
	}
}

TEST(explain_unknown)
{
	static const struct {
		const char *key, *want;
	} unknown[] = {
		{ "kep", "there is no key kep; did you mean key?" },
		{ "groups.a.b.min_ag",
			"there is no key groups.a.b.min_ag; did you mean min_age?" },
		{ "quux", "there is no key quux" },
		{ ".", "there is no key ." },
		{ "NAME", "there is no key NAME" },
		{ "targets.web.keep", "there is no key targets.web.keep; did you mean keep?" },
		{ "target.web", "there is no key target.web" },
	};

	for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
		struct buf out AUTO_BUF = BUF_INIT;
		struct err err = ERR_INIT;

		CHECK_INT(conf_explain(unknown[i].key, &out, &err), -1);
		CHECK_STR(err.text, unknown[i].want);
		CHECK_INT(out.len, 0);
	}
}

/* Every row has help in the style of sentences, and fits its member. */
static void check_fields(const struct yaml_field *fields, int depth)
{
	for (; fields->name && depth < 8; fields++) {
		const struct yaml_type *type = fields->type;

		if (!fields->help || strlen(fields->help) < 10 || str_ends(fields->help, ".") ||
			isupper((unsigned char)fields->help[0]))
			TEST_FAIL(
				"the help of %s is missing or has another style", fields->name);
		if (!type->word || type->size != fields->size)
			TEST_FAIL("the type of %s does not fit its member", fields->name);
		for (; type->entry; type = type->of)
			CHECK(type->of != NULL);
		if (type->fields)
			check_fields(type->fields, depth + 1);
		else
			CHECK(type->json != NULL);
	}
}

TEST(every_key_has_help)
{
	check_fields(conf_top_fields, 0);
}

/* A reader of JSON in a page: enough to see that brackets, strings and commas are right. */
static const char *json_value(const char *p);

static const char *json_space(const char *p)
{
	return p + strspn(p, " \n");
}

static const char *json_string(const char *p)
{
	if (*p != '"')
		return NULL;
	for (p++; *p && *p != '"'; p++)
		if (*p == '\\' && !*++p)
			return NULL;
	return *p ? p + 1 : NULL;
}

static const char *json_members(const char *p, char end)
{
	p = json_space(p + 1);
	if (*p == end)
		return p + 1;
	for (;;) {
		if (end == '}') {
			p = json_string(json_space(p));
			if (!p || *json_space(p) != ':')
				return NULL;
			p = json_space(p) + 1;
		}
		p = json_value(p);
		if (!p)
			return NULL;
		p = json_space(p);
		if (*p == end)
			return p + 1;
		if (*p++ != ',')
			return NULL;
	}
}

static const char *json_value(const char *p)
{
	p = json_space(p);
	if (*p == '{')
		return json_members(p, '}');
	if (*p == '[')
		return json_members(p, ']');
	if (*p == '"')
		return json_string(p);
	if (str_starts(p, "true"))
		return p + 4;
	if (str_starts(p, "false"))
		return p + 5;
	return strspn(p, "-0123456789") ? p + strspn(p, "-0123456789") : NULL;
}

TEST(schema_is_json)
{
	struct buf out AUTO_BUF = BUF_INIT;
	const char *end;

	conf_schema(&out);
	end = json_value(buf_text(&out));
	REQUIRE(end);
	CHECK_STR(json_space(end), "");
	CHECK(strstr(buf_text(&out), "\"required\": [\"type\"]"));
	CHECK(strstr(buf_text(&out), "\"before_roll\": {"));
}

TEST(manual)
{
	struct buf out AUTO_BUF = BUF_INIT;

	conf_manual(&out);
	CHECK(str_starts(buf_text(&out), ".Bl -tag -width Ds\n.It Ic state_dir\npath:\n"));
	CHECK(str_ends(buf_text(&out), ".El\n"));
	CHECK(strstr(buf_text(&out), ".It Ic groups.GROUP.SERVICE.roll.min_age\n"));
	CHECK(!strstr(buf_text(&out), "(null)"));
}

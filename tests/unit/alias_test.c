/* SPDX-License-Identifier: MIT */
#include "daemon/conf/challenge.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "tests/test.h"
#include "tests/unit/conf_test.h"

/* Where in our zones somebody else's aliases may lead a challenge. */

#define ZONE "publish: {type: command, add: [x], remove: [y]}"
#define ASKED "_acme-challenge.www.b.de"

static const char text[] =
	"dns:\n"
	"  zones:\n"
	"    a.de: {" ZONE "}\n"
	"    challenges.de: {" ZONE "}\n"
	"    in.a.de: {" ZONE "}\n"
	"    any.de: {" ZONE ", aliases: any}\n"
	"    none.de: {" ZONE ", aliases: none}\n"
	"    empty.de: {" ZONE ", aliases: none}\n"
	"    _acme-challenge.d.de: {" ZONE "}\n"
	"groups:\n"
	"  a.de:\n"
	"    a: {ca: self, names: [a.de, \"*.a.de\", www.a.de, mail.in.b.a.de, 192.0.2.1]}\n"
	"    b: {ca: self, active: false, names: [\"*.any.de\", d.de, www.none.de]}\n";

static const char others[] = "at _acme-challenge only";
static const char disturbs[] = "where a challenge could disturb others";

static const struct {
	const char *owner, *fault; /* NULL: it may */
} rows[] = {
	{ "_acme-challenge.a.de", NULL },
	{ "_ujmmovf2vn55tgye._acme-challenge.a.de", NULL },
	{ "_c7d1._acme-challenge.www.a.de", NULL },
	{ "_acme-challenge.www.a.de", NULL },
	/* It is there, because a name below it is. */
	{ "_acme-challenge.b.a.de", NULL },
	/* The wildcard would answer for it no more: */
	{ "shop.a.de", disturbs },
	{ "_acme-challenge.shop.a.de", disturbs },
	{ "_acme-challenge.a.a.de", disturbs },
	/* What stands there is not alone: */
	{ "a.de", disturbs },
	{ "www.a.de", disturbs },
	{ "x_y.a.de", disturbs },
	{ "*.a.de", disturbs },
	/* What another protocol reads, in whatever zone and with whatever `aliases`: */
	{ "_acme-challenge_x.a.de", others },
	{ "_a.x.www.a.de", others },
	{ "2026._domainkey.a.de", others },
	{ "_dmarc.a.de", others },
	{ "_dmarc.any.de", others },
	{ "_25._tcp.www.any.de", others },
	{ "_mta-sts.challenges.de", others },
	{ "x._domainkey.challenges.de", others },
	{ "_acme-challenge._dmarc.any.de", others },
	{ "_x._acme-challenge._tcp.any.de", others },
	{ "_acme-challengex.any.de", others },
	/* Made for challenges: */
	{ "challenges.de", NULL },
	{ "1f4c.challenges.de", NULL },
	{ "a.b.challenges.de", NULL },
	{ "1f4c.in.a.de", NULL },
	{ "d.de._acme-challenge.d.de", NULL },
	{ "shop.any.de", NULL },
	{ "_acme-challenge.none.de", "but the zone none.de has aliases: none" },
	{ "x.empty.de", "but the zone empty.de has aliases: none" },
	{ "_acme-challenge.c.de", "which lies in no zone of dns.zones" },
	{ "_acme-challenge.xa.de", "which lies in no zone of dns.zones" },
	{ "de", "which lies in no zone of dns.zones" },
};

TEST(aliases_may_not_disturb)
{
	struct conf *conf = load_text(text, NULL);

	REQUIRE(conf);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = ERR_INIT;
		int result = challenge_check_alias(conf, ASKED, rows[i].owner, &err);
		bool is_right = rows[i].fault
					? result < 0 && err.code == ERR_BAD_CONFIG &&
						  strstr(err.text, rows[i].fault) &&
						  strstr(err.text, ASKED " is an alias of ")
					: result == 0;

		CHECK(is_right);
		if (!is_right)
			printf("# %s: %s\n", rows[i].owner, result < 0 ? err.text : "may");
	}
	conf_unref(conf);
}

TEST(it_is_told_how_to_mend_it)
{
	struct conf *conf = load_text(text, NULL);
	struct err err = ERR_INIT;

	REQUIRE(conf);
	CHECK(challenge_check_alias(conf, ASKED, "shop.a.de", &err) < 0);
	CHECK_STR(err.text, ASKED
		" is an alias of shop.a.de, where a challenge could disturb others; let it "
		"lead to _acme-challenge.a.de, or give the zone aliases: any");
	conf_unref(conf);
}

/* What one says is the default of the others. */
TEST(the_default_entry_says_it_for_all)
{
	struct conf *conf = load_text("dns: {zones: {default: {aliases: none}, a.de: {" ZONE
				      "}, b.de: {" ZONE ", aliases: marked}}}\n"
				      "groups: {a.de: {x: {ca: self, names: [x.c.de]}}}\n",
		NULL);
	struct err err = ERR_INIT;

	REQUIRE(conf);
	CHECK(challenge_check_alias(conf, ASKED, "_acme-challenge.a.de", &err) < 0);
	CHECK(challenge_check_alias(conf, ASKED, "_acme-challenge.b.de", &err) == 0);
	CHECK(!conf_zone(conf, "a.de")->has_names);
	/* What lies in no zone of its own can be no target. */
	CHECK(challenge_check_alias(conf, ASKED, "_acme-challenge.c.de", &err) < 0);
	conf_unref(conf);
}

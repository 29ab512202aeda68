/* SPDX-License-Identifier: MIT */
#include "daemon/conf/expand.h"

#include "daemon/conf/conf.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "tests/test.h"

static const struct expand_facts facts = {
	.group = "example.com",
	.service = "web",
	.cert = "example.com/web",
	.dir = "/srv/x/curr",
};

static const struct {
	const char *word, *want; /* NULL: refused */
} words[] = {
	{ "", "" },
	{ "nginx", "nginx" },
	{ "%{group}", "example.com" },
	{ "-%{service}-%{group}-", "-web-example.com-" },
	{ "%{cert}%{dir}", "example.com/web/srv/x/curr" },
	{ "100%%", "100%" },
	{ "%%{group}", "%{group}" },
	{ "%{zone}", "" }, /* known, and there is none */
	{ "%{host}|%{version}|%{event}", "||" },
	{ "$HOME `x` ; \"y\"", "$HOME `x` ; \"y\"" },
	{ "%", NULL },
	{ "50% off", NULL },
	{ "%d", NULL },
	{ "%{", NULL },
	{ "%{}", NULL },
	{ "%{group", NULL },
	{ "%{Group}", NULL },
	{ "%{ group}", NULL },
	{ "%{groups}", NULL },
	{ "%{aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}", NULL },
};

TEST(words)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct buf out AUTO_BUF = BUF_INIT;
		struct err err = ERR_INIT;
		int r = expand_word(words[i].word, &facts, &out, &err);

		CHECK_INT(expand_check(words[i].word, &err), words[i].want ? 0 : -1);
		CHECK_INT(r, words[i].want ? 0 : -1);
		if (words[i].want)
			CHECK_STR(buf_text(&out), words[i].want);
	}
}

TEST(near_miss)
{
	struct err err = ERR_INIT;

	CHECK_INT(expand_check("%{servce}", &err), -1);
	CHECK_INT(err.code, ERR_BAD_VALUE);
	CHECK_STR(err.text, "%{servce} is unknown; did you mean %{service}?");
}

TEST(too_long)
{
	struct expand_facts long_facts = { 0 };
	char *text AUTO_FREE = mem_zalloc(EXPAND_WORD_MAX + 2);
	struct buf out AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;

	memset(text, 'a', EXPAND_WORD_MAX + 1);
	long_facts.group = text;
	CHECK_INT(expand_word("%{group}", &long_facts, &out, &err), -1);
	CHECK_INT(err.code, ERR_TOO_LARGE);
}

TEST(vectors)
{
	char *at[] = { (char[]){ "/bin/x" }, (char[]){ "" }, (char[]){ "%{service}" } };
	struct words three = { at, 3 }, none = { NULL, 0 };
	struct err err = ERR_INIT;
	char **argv = NULL;

	CHECK_INT(expand_words(&three, &facts, &argv, &err), 0);
	CHECK_STR(argv[0], "/bin/x");
	CHECK_STR(argv[1], "");
	CHECK_STR(argv[2], "web");
	CHECK(!argv[3]);
	free(argv);
	CHECK_INT(expand_words(&none, &facts, &argv, &err), -1);
}

TEST(environment)
{
	const char *const extra[] = { "CERTD_MORE=1", NULL };
	char **env = expand_environment(&facts, extra);
	static const char *const want[] = {
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG=C.UTF-8",
		"CERTD_GROUP=example.com",
		"CERTD_SERVICE=web",
		"CERTD_CERT=example.com/web",
		"CERTD_DIR=/srv/x/curr",
		"CERTD_MORE=1",
	};
	size_t n = 0;

	while (env[n])
		n++;
	CHECK_INT(n, ARRAY_LEN(want));
	for (size_t i = 0; i < n && i < ARRAY_LEN(want); i++)
		CHECK_STR(env[i], want[i]);
	free(env);
}

/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/text.h"
#include "lib/log/log.h"
#include "tests/test.h"

/* What reaches a terminal by way of the log, whichever part of a message it was in. */

#define CSI                                                                                    \
	"\xc2\x9b"                                                                             \
	"2J"
#define RLO "\xe2\x80\xae"

static char heard[4096];

static void listen_to(const struct log_entry *entry, void *data)
{
	(void)data;
	snprintf(heard, sizeof(heard), "%s", entry->text);
}

/* The line on standard error, without its line feed. */
static void said(void (*say)(void), char *out, size_t size)
{
	int kept = dup(STDERR_FILENO), fd = memfd_create("stderr", 0);
	ssize_t n;

	REQUIRE(kept >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	say();
	REQUIRE(dup2(kept, STDERR_FILENO) >= 0);
	n = pread(fd, out, size - 1, 0);
	REQUIRE(n > 0 && out[n - 1] == '\n');
	out[n - 1] = 0;
	close(kept);
	close(fd);
}

static void say_all(void)
{
	struct log_field cert = { "CERT", "a" CSI "\n", NULL };
	struct err err;

	err_set(&err, ERR_IO, "the CA said " CSI "%s", RLO);
	log_event(&cert, EVENT_HOOK_OUTPUT, &err, "said " RLO "\x1b[1m\n%s", CSI);
}

static void say_debug(void)
{
	log_debug(NULL, "said %s" RLO "\n", CSI);
}

TEST(log_shows_no_controls)
{
	char line[4096];

	log_to(log_to_stderr, NULL);
	log_listen(listen_to, NULL);
	log_set_debug(true);
	said(say_all, line, sizeof(line));
	CHECK(text_is_fit(line));
	CHECK(strstr(line, " CERT=a\\x9b"
			   "2J : said \\u202e\\x1b[1m \\x9b"
			   "2J: the CA said \\x9b"
			   "2J\\u202e"));
	CHECK(text_is_fit(heard));
	CHECK(strstr(heard, "said \\u202e"));
	said(say_debug, line, sizeof(line));
	CHECK(text_is_fit(line));
}

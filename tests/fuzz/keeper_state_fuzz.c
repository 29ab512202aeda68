/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/sim/sim.h"

/*
 * A compromised engine: every line is a request to the keeper, in any order, over a store and
 * targets that keep the results of earlier lines. A line "+" lets commands and copies end. The
 * keeper answers or ends the engine; and a version that a server still serves is never revoked
 * without root's mark, after any sequence of requests.
 */

#define CONFIG                                                                                 \
	"state_dir: /sim/state\ncontrol: {socket: /sim/socket}\n"                              \
	"defaults: {key: 'ec:P-256'}\n"                                                        \
	"cas:\n"                                                                               \
	"  own: {type: local, issuer: ca/root, lifetime: 90d}\n"                               \
	"  le: {type: acme, directory: 'https://a.test/dir', terms_agreed: true}\n"            \
	"targets:\n"                                                                           \
	"  front: {dir: /srv/front, check: [check-front], reload: {command: "                  \
	"[reload-front]}}\n"                                                                   \
	"groups:\n"                                                                            \
	"  ca: {root: {ca: self, subject: {CN: Root}, lifetime: 3650d, key: ed25519}}\n"       \
	"  example.com:\n"                                                                     \
	"    web: {ca: own, names: [example.com], deploy: [front], active: false}\n"

#define WEB "example.com/web"
#define LINES_MAX 40

static char *answer;

/*
 * A broken promise to operators (an outage) by a compromised engine is no fault of the keeper.
 */
void sim_complain(const char *text)
{
	(void)text;
}

static void take(struct server *server, const struct buf *packet, int fd)
{
	(void)server;
	(void)fd;
	free(answer);
	answer = mem_strdup(buf_text(packet));
}

static int ask(struct sim *sim, const char *line)
{
	char *packet AUTO_FREE = mem_printf("ask 1 %s", line);
	struct err err = ERR_INIT;
	int result;

	free(answer);
	answer = NULL;
	result = serve_packet(&sim->server, packet, strlen(packet), &err);
	assert(result == 0 || err.text[0]);
	return result;
}

static void expect_no_revocation(struct sim *sim)
{
	struct town_place *place = town_find(&sim->town, "/srv/front", WEB);
	char version[VERSION_ID_TEXT_LEN];
	char *request AUTO_FREE = NULL;

	if (!place || !version_is_set(&place->served.version))
		return;
	version_id_text(&place->served.version, version);
	request =
		mem_printf("sign ca=le op=revoke url=https://a.test/revoke nonce=abc cert=" WEB
			   " version=%s with=cert-key",
			version);
	if (ask(sim, request) == 0 && answer && str_starts(answer, "ok ")) {
		fprintf(stderr, "%s is served and was revoked\n", version);
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text AUTO_FREE = mem_strndup((const char *)data, size), *rest = text, *line;
	struct sim sim;

	sim_open(&sim, CONFIG, 1);
	sim_advance(&sim, SECONDS(30));
	sim.server.send = take;
	for (unsigned n = 0; n < LINES_MAX && (line = strsep(&rest, "\n")); n++) {
		if (str_is(line, "+"))
			sim_advance(&sim, SECONDS(5));
		else if (ask(&sim, line) < 0)
			break;
		expect_no_revocation(&sim);
	}
	free(answer);
	answer = NULL;
	sim_close(&sim);
	return 0;
}

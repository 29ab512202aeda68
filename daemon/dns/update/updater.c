/* SPDX-License-Identifier: MIT */
#include "daemon/dns/update/updater.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/dns/resolve/lookup.h"
#include "daemon/dns/resolve/survey.h"
#include "daemon/link/keeper.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/jws.h"
#include "lib/wire/dns_update.h"

/*
 * States: an updater is made by the keeper's note of a zone and is in zones->updaters until its
 * task ends.  It finds the server, asks the keeper for the message, delivers it and reports the
 * answer.  A note that arrives meanwhile sets is_wanted, and the task begins again instead of
 * ending.  The end of the task frees the updater.
 */
struct updater {
	struct task task;
	struct list link; /* in zones->updaters */
	struct zones *zones;
	char *name;
	char host[256];    /* of the configured server, when that is given by name */
	struct zone *zone; /* only when its servers have to be found */
	struct zone_op open;
	struct lookup four, six; /* its addresses */
	struct keeper_op keeper;
	struct dns_deliver_op deliver;
	struct dns_address server;
	bool is_offered; /* the configuration names no server */
	bool is_wanted;  /* the keeper noted the zone again meanwhile */
	int64_t id;
	struct err err;
};

/* The configured server of updates; NULL: none is. */
static const struct endpoint *configured(const struct updater *u)
{
	const struct zone_conf *zone = zones_conf(u->zones, u->name);

	if (!zone)
		return NULL;
	if (zone->publish.server.text)
		return &zone->publish.server;
	return zone->primary.text ? &zone->primary : NULL;
}

static void find_server(struct updater *u)
{
	const struct endpoint *at = configured(u);

	u->is_offered = !at;
	u->server.len = 0;
	if (at && zones_address(at, &u->server) == 0)
		return;
	if (at) {
		/* A reload may free the configuration while resolvers are asked. */
		snprintf(u->host, sizeof(u->host), "%s", at->host);
		lookup_start(&u->four, &u->task, u->zones, u->name, u->host, DNS_A);
		lookup_start(&u->six, &u->task, u->zones, u->name, u->host, DNS_AAAA);
		return;
	}
	u->zone = zone_of(u->zones, u->name);
	zone_open(u->zone, &u->task, &u->open);
}

static const struct dns_record *address_in(const struct lookup *lookup)
{
	const struct dns_message *answer = lookup_answer(lookup);

	return answer ? dns_message_find(answer, DNS_ANSWER, lookup->type, NULL, NULL) : NULL;
}

static int take_looked_up(struct updater *u, struct err *err)
{
	const struct dns_record *four = address_in(&u->four), *six = address_in(&u->six);
	const struct endpoint *at = configured(u);

	if (!four && !six && err_is_set(&u->four.err)) {
		*err = u->four.err;
		return -1;
	}
	if ((!four && !six) || !at)
		return err_set(err, ERR_DNS,
			"no address is found of the server of updates of %s", u->name);
	u->server = four ? dns_address_of(four->address, 4, at->port)
			 : dns_address_of(six->address, 16, at->port);
	return 0;
}

static int take_surveyed(struct updater *u, struct err *err)
{
	const struct name_server *best = NULL;

	if (err_is_set(&u->open.err)) {
		*err = u->open.err;
		return -1;
	}
	for (size_t i = 0; i < u->zone->n_servers; i++) {
		const struct name_server *server = &u->zone->servers[i];

		if (server->address.len > 0 && server->role != ROLE_EXTRA &&
			(!best || server->role < best->role))
			best = server;
	}
	if (!best)
		return err_set(
			err, ERR_DNS, "no server of %s is known that takes updates", u->name);
	u->server = best->address;
	return 0;
}

static int take_server(struct updater *u, struct err *err)
{
	if (u->server.len > 0)
		return 0;
	return u->is_offered ? take_surveyed(u, err) : take_looked_up(u, err);
}

/* The keeper is told even without a server: its retry begins with that failure. */
static void ask_message(struct updater *u)
{
	char text[DNS_ADDRESS_TEXT_LEN];

	keeper_request(&u->keeper, REQUEST_update);
	line_add(&u->keeper.text, "zone", u->name);
	if (u->is_offered && u->server.len > 0)
		line_add(&u->keeper.text, "server", dns_address_text(&u->server, text));
	keeper_ask_soft(u->zones->keeper, &u->task, &u->keeper);
}

/* Nothing to send any more is no error. */
static int take_message(struct updater *u)
{
	const struct line *line = &u->keeper.answer.line;
	const char *row = u->keeper.answer.rows;
	struct err ignored;

	dns_deliver_done(&u->deliver);
	u->deliver = (struct dns_deliver_op){ .server = u->server };
	if (u->keeper.answer.kind != KEEPER_OK || !row ||
		line_get_int(line, "id", 1, INT64_MAX, &u->id, &ignored) < 0)
		return -1;
	if (jws_base64_read(row, strcspn(row, "\n"), &u->deliver.message, &ignored) < 0)
		return -1;
	return 0;
}

static void deliver(struct updater *u)
{
	if (err_is_set(&u->err))
		return;
	dns_deliver(u->zones->dns, &u->task, &u->deliver);
}

static void add_answer(struct buf *text, const struct dns_update_answer *answer)
{
	line_add_int(text, "dns_id", answer->id);
	line_add_int(text, "rcode", answer->rcode);
	line_add_bool(text, "signed", answer->is_signed);
	line_add_int(text, "tsig_error", answer->tsig_error);
	line_add_int(text, "at", answer->signed_at.s);
	line_add_int(text, "fudge", answer->fudge_s);
	line_add_int(text, "time", answer->server_time.s);
	if (answer->mac_len > 0)
		line_add_hex(text, "mac", answer->mac, answer->mac_len);
	line_add(text, "key", answer->key_name);
	line_add(text, "algorithm", answer->algorithm);
	line_end(text);
	jws_base64url(text, answer->input.data, answer->input.len);
}

/* The answer, or the reason why there is none. */
static void tell(struct updater *u)
{
	struct dns_update_answer answer = { .id = 0 };
	struct buf *text = &u->keeper.text;

	if (!err_is_set(&u->err) && err_is_set(&u->deliver.err)) {
		u->err = u->deliver.err;
		err_add(&u->err, "the server");
	}
	keeper_request(&u->keeper, REQUEST_updated);
	line_add(text, "zone", u->name);
	line_add_int(text, "id", u->id);
	if (err_is_set(&u->err) || dns_update_answer_read(u->deliver.answer.data,
					   u->deliver.answer.len, &answer, &u->err) < 0) {
		line_add(text, "failed", u->err.text);
		line_add(text, "code", err_code_text(u->err.code));
	} else {
		add_answer(text, &answer);
	}
	dns_update_answer_done(&answer);
	keeper_ask_soft(u->zones->keeper, &u->task, &u->keeper);
}

static void run(struct task *task)
{
	struct updater *u = TASK_OF(task, struct updater);

	TASK_BEGIN(task)
	do {
		u->is_wanted = false;
		u->err = (struct err)ERR_INIT;
		AWAIT(find_server(u));
		(void)take_server(u, &u->err);
		zone_release(mem_take(&u->zone));
		AWAIT(ask_message(u));
		TRY(take_message(u));
		AWAIT(deliver(u));
		AWAIT(tell(u));
	} while (u->is_wanted);
	FINALLY
	TASK_END
}

static void ended(struct task *task)
{
	struct updater *u = TASK_OF(task, struct updater);
	struct zones *zones = u->zones;
	bool is_wanted = u->is_wanted && !zones->is_stopping;
	char *name AUTO_FREE = mem_take(&u->name);

	list_remove(&u->link);
	zone_release(u->zone);
	lookup_done(&u->four);
	lookup_done(&u->six);
	keeper_op_done(&u->keeper);
	dns_deliver_done(&u->deliver);
	free(u);
	if (is_wanted)
		updater_note(zones, name);
	zones_task_ended(zones);
}

void updater_note(struct zones *zones, const char *zone)
{
	struct updater *u;

	if (zones->is_stopping)
		return;
	list_each(at, &zones->updaters) {
		u = LIST_OF(at, struct updater, link);
		if (str_is(u->name, zone)) {
			u->is_wanted = true;
			return;
		}
	}
	u = mem_new(struct updater);
	u->zones = zones;
	u->name = mem_strdup(zone);
	list_append(&zones->updaters, &u->link);
	zones_task_began(zones);
	task_start(&u->task, zones->loop, run, ended);
}

void updater_stop(struct zones *zones)
{
	list_each(at, &zones->updaters)
		task_cancel(&LIST_OF(at, struct updater, link)->task, "the daemon stops");
}

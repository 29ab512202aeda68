/* SPDX-License-Identifier: MIT */
#include "daemon/acme/acme.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/acme/refusal.h"
#include "daemon/conf/index.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/log/log.h"
#include "lib/net/header.h"
#include "lib/net/http.h"

enum { DOUBT_MS = 60 * 1000, TRY_MS = 24 * 60 * 60 * 1000 };

struct acme *acme_new(struct loop *loop, struct keeper *keeper, struct http *http,
	struct zones *zones, struct responder *responder, struct conf *conf)
{
	struct acme *acme = mem_new(struct acme);

	acme->loop = loop;
	acme->keeper = keeper;
	acme->http = http;
	acme->zones = zones;
	acme->responder = responder;
	acme->conf = conf_ref(conf);
	list_init(&acme->cas);
	return acme;
}

static void ca_free(struct acme_ca *ca)
{
	list_remove(&ca->link);
	refusal_stop(ca);
	directory_done(&ca->directory);
	nonces_done(&ca->nonces);
	free(ca->name);
	free(ca->label);
	free(ca->url);
	free(ca->trust);
	free(ca->proxy);
	for (size_t i = 0; i < ca->origins.n_more; i++)
		free(ca->more_origins[i]);
	free(ca->more_origins);
	free(ca->account_url);
	free(ca);
}

static void free_unused(struct acme_ca *ca)
{
	if (ca->is_gone && ca->n_users == 0 && !ca->opening)
		ca_free(ca);
}

void acme_stop(struct acme *acme, void (*idle)(void *data), void *data)
{
	acme->is_stopping = true;
	acme->idle = idle;
	acme->idle_data = data;
	list_each(at, &acme->cas) {
		struct acme_ca *ca = LIST_OF(at, struct acme_ca, link);

		loop_timer_stop(acme->loop, &ca->ask_again);
		if (ca->opening)
			task_cancel(ca->opening, "the daemon stops");
	}
	if (acme->n_openings == 0)
		idle(data);
}

void acme_free(struct acme *acme)
{
	if (!acme)
		return;
	list_each_safe(at, &acme->cas) {
		struct acme_ca *ca = LIST_OF(at, struct acme_ca, link);

		ca->is_gone = true;
		free_unused(ca);
	}
	conf_unref(acme->conf);
	free(acme);
}

static const char *directory_of(const struct ca_conf *conf, bool is_test)
{
	return is_test ? conf->acme->staging : conf->acme->directory;
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? str_is(a, b) : a == b;
}

static bool has_origins(const struct acme_ca *ca, const struct acme_conf *conf)
{
	for (size_t i = 0; i < ca->origins.n_more && i < conf->n_origins; i++)
		if (!str_is(ca->more_origins[i], conf->origins[i]))
			return false;
	return ca->origins.n_more == conf->n_origins;
}

/* Requests under way borrow these, so that each change of them makes it another CA. */
static bool is_of(const struct acme_ca *ca, const struct ca_conf *conf)
{
	return !ca->is_gone && conf->acme && str_is(ca->name, conf->name) &&
	       is_same(ca->url, directory_of(conf, ca->is_test)) &&
	       is_same(ca->trust, conf->acme->trust) && is_same(ca->proxy, conf->acme->proxy) &&
	       has_origins(ca, conf->acme);
}

/* Takes the keys that may change without making it another CA. */
static void take_conf(struct acme_ca *ca, const struct ca_conf *conf)
{
	ca->in_flight_max = conf->acme->in_flight > 0 ? conf->acme->in_flight : 1;
	ca->was_checked = false;
}

void acme_set_conf(struct acme *acme, struct conf *conf)
{
	conf_unref(acme->conf);
	acme->conf = conf_ref(conf);
	list_each_safe(at, &acme->cas) {
		struct acme_ca *ca = LIST_OF(at, struct acme_ca, link);
		const struct ca_conf *found = NULL;

		for (size_t i = 0; i < conf->n_cas; i++)
			if (is_of(ca, conf_ca_at(conf, i)))
				found = conf_ca_at(conf, i);
		if (found) {
			take_conf(ca, found);
			acme_ca_look_anew(ca, true);
		} else {
			ca->is_gone = true;
			loop_timer_stop(acme->loop, &ca->ask_again);
		}
		free_unused(ca);
	}
}

struct acme_ca *acme_ca_find(struct acme *acme, const struct ca_conf *conf, bool is_test)
{
	list_each(at, &acme->cas) {
		struct acme_ca *ca = LIST_OF(at, struct acme_ca, link);

		if (ca->is_test == is_test && is_of(ca, conf))
			return ca;
	}
	return NULL;
}

static void take_origins(struct acme_ca *ca, const struct acme_conf *conf)
{
	ca->more_origins = mem_zalloc((conf->n_origins + 1) * sizeof(char *));
	for (size_t i = 0; i < conf->n_origins; i++)
		ca->more_origins[i] = mem_strdup(conf->origins[i]);
	ca->origins = (struct url_origins){ ca->url, (const char *const *)ca->more_origins,
		conf->n_origins };
}

struct acme_ca *acme_ca(struct acme *acme, const struct ca_conf *conf, bool is_test)
{
	struct acme_ca *ca = acme_ca_find(acme, conf, is_test);

	assert(directory_of(conf, is_test));
	if (!ca) {
		ca = mem_new(struct acme_ca);
		ca->acme = acme;
		ca->name = mem_strdup(conf->name);
		ca->label = mem_printf("%s%s", conf->name, is_test ? " (staging)" : "");
		ca->url = mem_strdup(directory_of(conf, is_test));
		ca->trust = conf->acme->trust ? mem_strdup(conf->acme->trust) : NULL;
		ca->proxy = conf->acme->proxy ? mem_strdup(conf->acme->proxy) : NULL;
		take_origins(ca, conf->acme);
		ca->is_test = is_test;
		list_init(&ca->waiting);
		list_init(&ca->entered);
		list_init(&ca->queue);
		list_init(&ca->back);
		take_conf(ca, conf);
		list_append(&acme->cas, &ca->link);
	}
	ca->n_users++;
	return ca;
}

void acme_ca_release(struct acme_ca *ca)
{
	if (!ca)
		return;
	assert(ca->n_users > 0);
	ca->n_users--;
	free_unused(ca);
}

static void let_in(struct acme_ca *ca)
{
	while (ca->n_entered < ca->in_flight_max) {
		struct list *link = list_first(&ca->back);
		struct acme_place *first;

		if (!link && !(link = list_first(&ca->queue)))
			return;
		first = LIST_OF(link, struct acme_place, link);
		first->was_in = true;
		list_remove(&first->link);
		list_append(&ca->entered, &first->link);
		ca->n_entered++;
		op_end(&first->op, NULL);
	}
}

static void leave_queue(struct op *op)
{
	acme_leave(CONTAINER_OF(op, struct acme_place, op));
	op_end(op, NULL);
}

/* Behind those that end as early. */
static void insert(struct list *queue, struct acme_place *place)
{
	struct list *before = queue;

	while (before->prev != queue &&
		instant_before(
			place->ends, LIST_OF(before->prev, struct acme_place, link)->ends))
		before = before->prev;
	list_insert(before, &place->link);
}

void acme_enter(struct acme_ca *ca, struct task *task, struct acme_place *place)
{
	if (place->ca)
		return;
	place->ca = ca;
	op_begin(&place->op, task, leave_queue);
	insert(place->was_in ? &ca->back : &ca->queue, place);
	let_in(ca);
}

void acme_leave(struct acme_place *place)
{
	struct acme_ca *ca = place->ca;

	place->ca = NULL;
	if (!ca || !list_is_linked(&place->link))
		return;
	list_remove(&place->link);
	if (!op_is_pending(&place->op))
		ca->n_entered--;
	let_in(ca);
}

void acme_ca_http(const struct acme_ca *ca, struct http_op *http)
{
	http->trust = ca->trust;
	http->proxy = ca->proxy;
	http->origins = &ca->origins;
}

int acme_ca_check_url(
	const struct acme_ca *ca, const char *url, const char *what, struct err *err)
{
	if (url_is_of(url, &ca->origins))
		return 0;
	return err_set(err, ERR_FOREIGN_URL,
		"the CA %s, %s: %.150s is not at the host of %.100s and not at one of its "
		"`origins`; "
		"name that host there if it is the CA's",
		ca->label, what, url, ca->url);
}

static struct duration age_of(const struct http_op *http)
{
	const char *text = http_header(http, "age", NULL);
	int64_t s;

	return SECONDS(text && str_to_int(text, 0, DAYS(366).s, &s) ? s : 0);
}

static void tell_skew(const struct acme_ca *ca, const struct log_field *context)
{
	bool is_behind = ca->skew.ahead.s < 0;
	char amount[DURATION_TEXT_LEN];

	log_event(context, EVENT_CLOCK_DIFFERS, NULL,
		"the clock of this machine is %s %s that of the CA %s",
		duration_brief(
			SECONDS(is_behind ? -ca->skew.ahead.s : ca->skew.ahead.s), amount),
		is_behind ? "ahead of" : "behind", ca->label);
}

void acme_ca_heard(
	struct acme_ca *ca, const struct http_op *http, const struct log_field *context)
{
	const char *text = http_header(http, "date", NULL);
	struct instant said = text ? header_date(text) : INSTANT_NONE;

	if (!instant_is_set(said))
		return;
	if (skew_note(&ca->skew, said, age_of(http), clock_now(), clock_tick()))
		tell_skew(ca, context);
	if (ca->acme->heard)
		ca->acme->heard(ca->acme->heard_data);
}

bool acme_ca_may_try(const struct acme_ca *ca, bool is_certain)
{
	struct tick tick = clock_tick();

	if (!ca->acme->is_doubted)
		return true;
	if (ca->n_trying > 0)
		return false;
	return is_certain || ca->tried.ms == 0 || tick.ms - ca->tried.ms >= TRY_MS;
}

void acme_ca_doubt(struct acme_ca *ca)
{
	if (clock_tick().ms - ca->fetched.ms >= DOUBT_MS)
		ca->has_directory = false;
}

void acme_ca_look_anew(struct acme_ca *ca, bool asks_account)
{
	acme_ca_doubt(ca);
	health_look_anew(&ca->health, clock_tick());
	if (asks_account)
		refusal_ask_now(ca);
}

void acme_ca_doubt_account(struct acme_ca *ca)
{
	ca->is_doubted = true;
	ca->was_checked = false;
}

void acme_ca_lose_account(struct acme_ca *ca)
{
	if (ca->account == ACCOUNT_OPEN)
		ca->account = ACCOUNT_LOST;
}

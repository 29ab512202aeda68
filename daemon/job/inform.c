/* SPDX-License-Identifier: MIT */
#include "daemon/job/inform.h"

#include <stdlib.h>

#include "daemon/acme/account.h"
#include "daemon/acme/ari.h"
#include "daemon/cert/renewal.h"
#include "daemon/conf/index.h"
#include "daemon/job/fleet.h"
#include "daemon/link/keeper.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/log/log.h"
#include "lib/net/header.h"
#include "lib/net/http.h"

enum { ANSWER_MAX = 64 * 1024 };

/*
 * States: a check is one question to one CA about one version; it is in the informer's list
 * from its start until its task has ended, and frees itself then.  A CA without an answer has a
 * silence, which grows with each further one and goes with the first answer.  informer_stop()
 * cancels all checks; the informer owns the silences.
 */
struct check {
	struct task task;
	struct list link;
	struct informer *informer;
	char *cert;
	struct version_id of;
	struct acme_ca *ca;
	struct account_op account;
	struct keeper_op keeper;
	struct http_op http;
	struct buf url;
	struct ari_facts found;
	bool is_silent; /* the CA gave no answer at all, or had trouble */
	struct log_field log_cert;
};

/* A CA that gave no answer so often in a row. */
struct silence {
	struct list link;
	char *ca;
	unsigned tries;
	struct instant until;
};

static void wake(struct timer *timer);

static struct silence *find_silence(struct informer *informer, const char *ca)
{
	list_each(at, &informer->silent) {
		struct silence *silence = LIST_OF(at, struct silence, link);

		if (str_is(silence->ca, ca))
			return silence;
	}
	return NULL;
}

static void silence_free(struct silence *silence)
{
	list_remove(&silence->link);
	free(silence->ca);
	free(silence);
}

/* The ACME CA that issued the current version, whatever the certificate wants now; or NULL. */
static const struct ca_conf *issuer_of(const struct informer *informer, const struct cert *cert)
{
	const struct conf *conf = informer->fleet->conf;

	for (size_t i = 0; cert->facts.curr.ca != 0 && i < conf->n_cas; i++)
		if (conf_ca_at(conf, i)->type == CA_ACME &&
			facts_ca(conf_ca_at(conf, i)->name) == cert->facts.curr.ca)
			return conf_ca_at(conf, i);
	return NULL;
}

static bool is_asked(const struct informer *informer, const struct cert *cert)
{
	const struct cert_conf *conf = cert->conf;

	return conf->renew->ari && conf->is_auto && conf->is_active && !cert->is_gone &&
	       version_is_set(&cert->facts.curr.id) &&
	       !version_is_expired(&cert->facts.curr, clock_now()) && issuer_of(informer, cert);
}

static void arm(struct informer *informer)
{
	struct heap_node *first = heap_first(&informer->queue);

	if (!first || informer->is_stopping || informer->n_checks >= INFORM_SIDE_BY_SIDE)
		loop_timer_stop(informer->fleet->loop, &informer->timer);
	else
		loop_timer_at(informer->fleet->loop, &informer->timer,
			(struct instant){ first->key });
}

void informer_look(struct informer *informer, struct cert *cert)
{
	const struct ari_facts *ari = &cert->facts.ari;
	bool is_known = version_id_equal(&ari->of, &cert->facts.curr.id);

	if (!informer->acme || cert->is_informed || informer->is_stopping)
		return;
	if (!is_asked(informer, cert))
		heap_remove(&informer->queue, &cert->inform);
	else if (is_known)
		heap_set(&informer->queue, &cert->inform, ari->again.s);
	else if (!heap_has(&cert->inform) ||
		 !version_id_equal(&cert->informed, &cert->facts.curr.id))
		heap_set(&informer->queue, &cert->inform, clock_now().s);
	arm(informer);
}

static void on_look(struct fleet_follower *follower, struct cert *cert)
{
	informer_look(CONTAINER_OF(follower, struct informer, follower), cert);
}

static void on_leave(struct fleet_follower *follower, struct cert *cert)
{
	struct informer *informer = CONTAINER_OF(follower, struct informer, follower);

	heap_remove(&informer->queue, &cert->inform);
}

void informer_init(struct informer *informer, struct fleet *fleet, struct acme *acme)
{
	*informer = (struct informer){ .fleet = fleet, .acme = acme };
	informer->timer.fire = wake;
	informer->follower.on_look = on_look;
	informer->follower.on_leave = on_leave;
	list_init(&informer->checks);
	list_init(&informer->silent);
}

static void ask_keeper(struct check *c, enum request request)
{
	keeper_request(&c->keeper, request);
	line_add(&c->keeper.text, "cert", c->cert);
}

static void ask_certid(struct check *c)
{
	ask_keeper(c, REQUEST_certid);
	keeper_ask(c->informer->fleet->keeper, &c->task, &c->keeper);
}

/* Another version than the one that the question was made for is another question. */
static int take_certid(struct check *c, struct err *err)
{
	const char *id = line_need(&c->keeper.answer.line, "certid", err);
	const char *base = c->ca->directory.renewal_info;
	const struct cert *cert = fleet_find(c->informer->fleet, c->cert);

	if (!id)
		return -1;
	if (!cert || !version_id_equal(&cert->facts.curr.id, &c->of))
		return err_set(err, ERR_CANCELLED, "another version is the current one");
	if (!base)
		return err_set(err, ERR_NOT_FOUND, "the CA %s knows no renewal information",
			c->ca->name);
	buf_clear(&c->url);
	ari_url(base, id, &c->url);
	return acme_ca_check_url(c->ca, buf_text(&c->url), "renewal information", err);
}

static void ask_ca(struct check *c)
{
	http_get(&c->http, buf_text(&c->url));
	acme_ca_http(c->ca, &c->http);
	c->http.limit = ANSWER_MAX;
	c->http.follow = true;
	c->http.is_soft = true;
	http_ask(c->informer->acme->http, &c->task, &c->http);
}

static struct instant retry_after(const struct check *c)
{
	const char *value = http_header(&c->http, "retry-after", NULL);

	return value ? header_retry_after(value, clock_now()) : INSTANT_NONE;
}

/* When one that gave no answer is asked again: the CA, not only about this certificate. */
static struct instant be_silent(struct check *c, int status)
{
	struct silence *silence = find_silence(c->informer, c->ca->name);

	if (!silence) {
		silence = mem_new(struct silence);
		silence->ca = mem_strdup(c->ca->name);
		list_append(&c->informer->silent, &silence->link);
	}
	if (!instant_before(clock_now(), silence->until))
		silence->tries++;
	silence->until = ari_again_after(status, silence->tries, retry_after(c), clock_now());
	c->is_silent = true;
	return silence->until;
}

static void speak(struct check *c)
{
	struct silence *silence = find_silence(c->informer, c->ca->name);

	if (silence)
		silence_free(silence);
}

static void take_answer(struct check *c)
{
	struct err err = c->http.err;
	int status = err_is_set(&err) ? 0 : c->http.status;

	acme_ca_heard(c->ca, &c->http, &c->task.log);
	if (!err_is_set(&err) && status != 200)
		err_set(&err, ERR_BAD_ANSWER, "the CA %s answers %d", c->ca->name, status);
	if (!err_is_set(&err) &&
		ari_read(buf_text(&c->http.body), c->http.body.len, &c->found, &err) == 0) {
		speak(c);
		c->found.of = c->of;
		c->found.moment = ari_moment(c->cert, &c->of, c->found.start, c->found.end);
		c->found.again = ari_again(retry_after(c), clock_now());
		return;
	}
	log_debug(&c->task.log, "%s: no renewal information: %s", c->cert, err.text);
	if (status == 0 || status == 429 || status >= 500)
		c->found.again = be_silent(c, status);
	else
		c->found.again = ari_again_after(status, 1, retry_after(c), clock_now());
}

/* A window that moved is worth a word; that there is one is not. */
static void tell_change(struct check *c)
{
	const struct cert *cert = fleet_find(c->informer->fleet, c->cert);
	const struct ari_facts *old = cert ? &cert->facts.ari : NULL;
	char at[INSTANT_TEXT_LEN];

	if (!old || !instant_is_set(c->found.moment) || !instant_is_set(old->moment) ||
		!version_id_equal(&old->of, &c->of) || old->moment.s == c->found.moment.s)
		return;
	log_event(&c->task.log, EVENT_ACME_RENEWAL, NULL,
		"the CA %s moved the renewal of %s, which comes at %s%s%s", c->ca->name,
		c->cert, instant_text(c->found.moment, at), c->found.url ? ": " : "",
		c->found.url ? c->found.url : "");
}

static void keep(struct check *c)
{
	struct buf *text = &c->keeper.text;
	char of[VERSION_ID_TEXT_LEN];

	ask_keeper(c, REQUEST_renewal);
	line_add(text, "version", version_id_text(&c->of, of));
	line_add_instant(text, "again", c->found.again);
	line_add_instant(text, "start", c->found.start);
	line_add_instant(text, "end", c->found.end);
	line_add_instant(text, "moment", c->found.moment);
	if (c->found.url)
		line_add(text, "url", c->found.url);
	keeper_ask(c->informer->fleet->keeper, &c->task, &c->keeper);
}

static int take_facts(struct check *c, struct err *err)
{
	struct cert_facts facts;

	if (keeper_facts(&c->keeper, &facts, err) < 0)
		return -1;
	keeper_op_done(&c->keeper);
	fleet_take_facts(c->informer->fleet, &facts);
	return 0;
}

static void run(struct task *task)
{
	struct check *c = TASK_OF(task, struct check);

	TASK_BEGIN(task)
	if (!c->ca->has_directory)
		AWAIT(account_open(c->ca, task, &c->account));
	AWAIT(ask_certid(c));
	TRY(take_certid(c, &task->err));
	AWAIT(ask_ca(c));
	take_answer(c);
	tell_change(c);
	/* A moment that the CA's silence alone tells is not kept for each certificate. */
	if (!c->is_silent) {
		AWAIT(keep(c));
		TRY(take_facts(c, &task->err));
	}
	FINALLY
	TASK_END
}

/* When to come back to a certificate whose check left no fact behind. */
static struct instant again_of(struct check *c)
{
	const struct err *err = &c->task.err;

	if (!err_is_set(err))
		return c->found.again;
	if (health_is_the_cas(err))
		return be_silent(c, 0);
	log_debug(&c->task.log, "%s: no renewal information: %s", c->cert, err->text);
	return ari_again_after(400, 1, INSTANT_NONE, clock_now());
}

static void check_free(struct check *c)
{
	list_remove(&c->link);
	keeper_op_done(&c->keeper);
	http_op_done(&c->http);
	acme_ca_release(c->ca);
	buf_done(&c->url);
	free(c->found.url);
	free(c->cert);
	free(c);
}

static void ended(struct task *task)
{
	struct check *c = TASK_OF(task, struct check);
	struct informer *informer = c->informer;
	struct cert *cert = fleet_find(informer->fleet, c->cert);
	struct instant again = again_of(c);
	bool is_same = cert && version_id_equal(&cert->facts.curr.id, &c->of);

	informer->n_checks--;
	if (cert) {
		cert->is_informed = false;
		informer_look(informer, cert);
		if (is_same && heap_has(&cert->inform) && cert->inform.key < again.s)
			heap_set(&informer->queue, &cert->inform, again.s);
	}
	check_free(c);
	arm(informer);
	if (informer->is_stopping && informer->n_checks == 0 && informer->idle)
		informer->idle(informer->data);
}

static void start(struct informer *informer, struct cert *cert, const struct ca_conf *ca)
{
	struct check *c = mem_new(struct check);

	c->informer = informer;
	c->cert = mem_strdup(cert->conf->name);
	c->of = cert->facts.curr.id;
	c->ca = acme_ca(informer->acme, ca, false);
	c->log_cert = (struct log_field){ "CERT", c->cert, NULL };
	c->task.log = (struct log_field){ "CA", c->ca->name, &c->log_cert };
	cert->is_informed = true;
	cert->informed = c->of;
	informer->n_checks++;
	list_append(&informer->checks, &c->link);
	task_start(&c->task, informer->fleet->loop, run, ended);
}

static void wake(struct timer *timer)
{
	struct informer *informer = CONTAINER_OF(timer, struct informer, timer);
	struct heap_node *first;
	struct instant now = clock_now();

	while ((first = heap_first(&informer->queue)) && first->key <= now.s &&
		informer->n_checks < INFORM_SIDE_BY_SIDE) {
		struct cert *cert = CONTAINER_OF(first, struct cert, inform);
		const struct ca_conf *ca = issuer_of(informer, cert);
		const struct silence *silence = ca ? find_silence(informer, ca->name) : NULL;

		heap_remove(&informer->queue, first);
		if (!is_asked(informer, cert))
			continue;
		if (silence && instant_before(now, silence->until))
			heap_set(&informer->queue, first, silence->until.s);
		else
			start(informer, cert, ca);
	}
	arm(informer);
}

void informer_stop(struct informer *informer, void (*idle)(void *data), void *data)
{
	informer->is_stopping = true;
	informer->idle = idle;
	informer->data = data;
	arm(informer);
	list_each_safe(at, &informer->checks)
		task_cancel(&LIST_OF(at, struct check, link)->task, "the daemon stops");
	if (informer->n_checks == 0)
		idle(data);
}

void informer_done(struct informer *informer)
{
	if (!informer->fleet)
		return;
	loop_timer_stop(informer->fleet->loop, &informer->timer);
	list_each_safe(at, &informer->silent)
		silence_free(LIST_OF(at, struct silence, link));
	heap_done(&informer->queue);
}

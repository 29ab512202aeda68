/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/publish/challenge.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/conf/challenge.h"
#include "daemon/keeper/ca/keyauth.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/wire/dns_message.h"
#include "tests/sim/town.h"
#include "tests/sim/wires.h"

/*
 * Challenges that are published after a while and stay until somebody withdraws them, or the daemon starts
 * anew: the town counts both, and at the end they must be equal.
 */

struct challenges {
	struct town *town;
	struct list published, waits;
	unsigned n_made;
};

struct published {
	struct list link;
	char id[20];
	char *cert, *name, *token, *key_authorization;
	char *owner, *asked; /* of its record, and where a CA looks for that */
	bool is_out;         /* the world has it */
	enum challenge type;
	char value[KEYAUTH_VALUE_LEN];
};

struct challenge_wait {
	struct list link;
	struct challenges *challenges;
	struct timer timer;
	struct published *published; /* NULL: a withdrawal, which has happened */
	challenge_done *done;
	void *data;
};

struct challenges *fake_challenges_new(
	struct town *town, struct commands *commands, struct worker *worker)
{
	struct challenges *challenges = mem_new(struct challenges);

	(void)commands;
	(void)worker;
	challenges->town = town;
	list_init(&challenges->published);
	list_init(&challenges->waits);
	return challenges;
}

static void drop(struct challenges *challenges, struct published *published)
{
	list_each_safe(at, &challenges->waits)
		if (LIST_OF(at, struct challenge_wait, link)->published == published)
			LIST_OF(at, struct challenge_wait, link)->published = NULL;
	challenges->town->n_withdrawn++;
	if (published->is_out)
		wires_remove(
			challenges->town->wires, published->owner, DNS_TXT, published->value);
	list_remove(&published->link);
	free(published->cert);
	free(published->name);
	free(published->token);
	free(published->key_authorization);
	free(published->owner);
	free(published->asked);
	free(published);
}

size_t challenges_sweep(struct challenges *challenges)
{
	size_t n = 0;

	list_each_safe(at, &challenges->published) {
		drop(challenges, LIST_OF(at, struct published, link));
		n++;
	}
	return n;
}

void challenges_use(struct challenges *challenges, struct conf *conf)
{
	list_each_safe(at, &challenges->published)
		if (!conf_cert(conf, LIST_OF(at, struct published, link)->cert))
			drop(challenges, LIST_OF(at, struct published, link));
}

void challenges_retry_now(struct challenges *challenges)
{
	(void)challenges;
}

void challenge_forget(struct challenge_wait *wait)
{
	loop_timer_stop(wait->challenges->town->loop, &wait->timer);
	wait->challenges->town->n_ended++;
	list_remove(&wait->link);
	free(wait);
}

void fake_challenges_free(struct challenges *challenges)
{
	list_each_safe(at, &challenges->waits)
		challenge_forget(LIST_OF(at, struct challenge_wait, link));
	challenges_sweep(challenges);
	free(challenges);
}

/* A CA looks with its own eyes. */
static bool is_seen(const struct challenges *challenges, const struct published *published)
{
	return !challenges->town->wires ||
	       wires_show(challenges->town->wires, published->asked, published->value);
}

bool fake_challenges_show(const struct challenges *challenges, enum challenge type,
	const char *name, const char *token, const char *key_authorization)
{
	char value[KEYAUTH_VALUE_LEN];

	keyauth_value(key_authorization, value);
	list_each(at, &challenges->published) {
		const struct published *published = LIST_OF(at, struct published, link);

		if (published->type != type || !str_is(published->name, name))
			continue;
		if (challenge_is_dns(type) ? str_is(published->value, value) &&
						     is_seen(challenges, published)
					   : str_is(published->token, token) &&
						     str_is(published->key_authorization,
							     key_authorization))
			return true;
	}
	return false;
}

static void told(struct timer *timer)
{
	struct challenge_wait *wait = CONTAINER_OF(timer, struct challenge_wait, timer);
	struct published *published = wait->published;
	struct challenge_told told = { .id = published ? published->id : NULL };
	challenge_done *done = wait->done;
	void *data = wait->data;
	struct err err = ERR_INIT;

	if (published) {
		told.key_authorization = published->key_authorization;
		told.zone = published->owner ? "sim" : NULL;
		told.owner = published->owner;
		told.value = published->value;
	}
	challenge_forget(wait);
	done(data, &told, &err);
}

static struct challenge_wait *wait_for(struct challenges *challenges,
	struct published *published, challenge_done *done, void *data)
{
	struct challenge_wait *wait = mem_new(struct challenge_wait);

	wait->challenges = challenges;
	wait->published = published;
	wait->done = done;
	wait->data = data;
	wait->timer.fire = told;
	challenges->town->n_begun++;
	list_append(&challenges->waits, &wait->link);
	loop_timer_in(challenges->town->loop, &wait->timer, town_delay(challenges->town, 20));
	return wait;
}

static char *make_owner(const struct challenge_wish *wish)
{
	struct buf owner AUTO_BUF = BUF_INIT;

	if (!challenge_is_dns(wish->type))
		return NULL;
	challenge_owner(wish->type, wish->name, wish->account_url, &owner);
	return mem_strdup(buf_text(&owner));
}

static struct published *find(const struct challenges *challenges,
	const struct challenge_wish *wish, const char *text)
{
	list_each(at, &challenges->published) {
		struct published *published = LIST_OF(at, struct published, link);

		if (published->type == wish->type &&
			str_is(published->cert, wish->cert->name) &&
			str_is(published->name, wish->name) &&
			str_is(published->key_authorization, text))
			return published;
	}
	return NULL;
}

/* What was published reaches the world, unless the publisher lies. */
static void let_out(struct challenges *challenges)
{
	if (!challenges->town->wires)
		return;
	if (challenges->town->n_lies > 0) {
		challenges->town->n_lies--;
		return;
	}
	list_each(at, &challenges->published) {
		struct published *published = LIST_OF(at, struct published, link);

		if (published->owner && !published->is_out) {
			published->is_out = true;
			wires_add(challenges->town->wires, published->owner, DNS_TXT,
				published->value);
		}
	}
}

struct challenge_wait *challenge_present(struct challenges *challenges, struct conf *conf,
	const struct challenge_wish *wish, challenge_done *done, void *data, struct err *err)
{
	struct published *published;
	struct buf text AUTO_BUF = BUF_INIT;

	(void)conf;
	(void)err;
	keyauth_make(wish->token, wish->thumbprint, &text);
	published = find(challenges, wish, buf_text(&text));
	if (published)
		return wait_for(challenges, published, done, data);
	published = mem_new(struct published);
	snprintf(published->id, sizeof(published->id), "%016x", ++challenges->n_made);
	published->type = wish->type;
	published->cert = mem_strdup(wish->cert->name);
	published->name = mem_strdup(wish->name);
	published->token = mem_strdup(wish->token);
	published->key_authorization = mem_strdup(buf_text(&text));
	published->asked = make_owner(wish);
	if (published->asked)
		published->owner = mem_strdup(wish->owner ? wish->owner : published->asked);
	keyauth_value(buf_text(&text), published->value);
	challenges->town->n_published++;
	list_append(&challenges->published, &published->link);
	let_out(challenges);
	return wait_for(challenges, published, done, data);
}

/* Nothing is gathered, and nothing is journalled. */
void challenges_hurry(struct challenges *challenges)
{
	(void)challenges;
}

void challenges_tell(struct challenges *challenges, challenge_tell_trouble *tell)
{
	(void)challenges;
	(void)tell;
}

void challenges_use_engine(struct challenges *challenges, challenge_engine *engine, void *data)
{
	(void)challenges;
	(void)engine;
	(void)data;
}

bool challenges_settle(struct challenges *challenges, int ms)
{
	(void)challenges;
	(void)ms;
	return true;
}

/* No zone of these takes updates: that is true_challenge.c's. */
int challenges_refresh(struct challenges *challenges, const char *zone, bool is_forced,
	challenge_done *done, void *data, struct challenge_wait **out, struct err *err)
{
	(void)zone;
	(void)is_forced;
	(void)err;
	challenges->town->n_refreshed++;
	let_out(challenges);
	*out = wait_for(challenges, NULL, done, data);
	return 0;
}

int challenges_sign_update(struct challenges *challenges, const char *zone, const char *offered,
	struct buf *wire, int64_t *id, const char **server, struct err *err)
{
	(void)challenges;
	(void)offered;
	(void)wire;
	(void)id;
	(void)server;
	return err_set(err, ERR_NOT_FOUND, "no update of %s is under way", zone);
}

int challenges_judge_update(struct challenges *challenges, const char *zone, int64_t id,
	const struct dns_update_answer *answer, struct err *err)
{
	(void)challenges;
	(void)id;
	(void)answer;
	return err_set(err, ERR_NOT_FOUND, "no update of %s is under way", zone);
}

int challenges_fail_update(struct challenges *challenges, const char *zone, int64_t id,
	const struct err *why, struct err *err)
{
	(void)challenges;
	(void)id;
	(void)why;
	return err_set(err, ERR_NOT_FOUND, "no update of %s is under way", zone);
}

struct challenge_wait *challenge_withdraw(
	struct challenges *challenges, const char *id, challenge_done *done, void *data)
{
	list_each(at, &challenges->published) {
		struct published *published = LIST_OF(at, struct published, link);

		if (!str_is(published->id, id))
			continue;
		drop(challenges, published);
		return wait_for(challenges, NULL, done, data);
	}
	return NULL;
}

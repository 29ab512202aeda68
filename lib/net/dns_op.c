/* SPDX-License-Identifier: MIT */
#include "lib/net/dns_op.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"

enum { SECOND_MS = 1000, DNS_PORT = 53 };

/* A server of which something waits, is under way, or began within the last second. */
struct dns_peer {
	struct heap_node
		node; /* keyed by when the next may begin; nothing waits: be forgotten */
	char address[DNS_ADDRESS_TEXT_LEN];
	struct dns_pool *pool;
	struct list lanes; /* that wait, in turns */
	size_t n;          /* under way */
	bool has_rate;
	int64_t begun[DNS_RATE]; /* when, a ring */
	unsigned next;           /* the oldest of them */
};

/* Who holds places. */
struct dns_account {
	char *name;
	struct dns_pool *pool;
	struct list lanes;
	size_t n;     /* places held */
	int64_t last; /* when it took or gave back the last */
};

/* What waits for one server on one account. */
struct dns_lane {
	struct list of_peer, of_account;
	struct dns_peer *peer;
	struct dns_account *account;
	struct list turns;
};

static uint16_t port_of(const struct dns_address *address)
{
	return ntohs(address->any.sa_family == AF_INET6 ? address->six.sin6_port
							: address->four.sin_port);
}

const char *dns_address_text(const struct dns_address *address, char out[DNS_ADDRESS_TEXT_LEN])
{
	char host[INET6_ADDRSTRLEN] = "?";
	bool is_six = address->any.sa_family == AF_INET6;
	uint16_t port = port_of(address);

	if (is_six)
		inet_ntop(AF_INET6, &address->six.sin6_addr, host, sizeof(host));
	else if (address->any.sa_family == AF_INET)
		inet_ntop(AF_INET, &address->four.sin_addr, host, sizeof(host));
	if (port == DNS_PORT)
		snprintf(out, DNS_ADDRESS_TEXT_LEN, "%s", host);
	else
		snprintf(out, DNS_ADDRESS_TEXT_LEN, is_six ? "[%s]:%u" : "%s:%u", host, port);
	return out;
}

bool dns_address_is(const struct dns_address *a, const struct dns_address *b)
{
	if (a->any.sa_family != b->any.sa_family || port_of(a) != port_of(b))
		return false;
	if (a->any.sa_family == AF_INET6)
		return memcmp(&a->six.sin6_addr, &b->six.sin6_addr, sizeof(a->six.sin6_addr)) ==
			       0 &&
		       a->six.sin6_scope_id == b->six.sin6_scope_id;
	return a->four.sin_addr.s_addr == b->four.sin_addr.s_addr;
}

struct dns_address dns_address_of(const uint8_t *octets, size_t len, uint16_t port)
{
	struct dns_address address = { .len = 0 };

	assert(len == 4 || len == 16);
	if (len == 16) {
		address.six.sin6_family = AF_INET6;
		address.six.sin6_port = htons(port);
		memcpy(&address.six.sin6_addr, octets, 16);
		address.len = sizeof(address.six);
	} else {
		address.four.sin_family = AF_INET;
		address.four.sin_port = htons(port);
		memcpy(&address.four.sin_addr, octets, 4);
		address.len = sizeof(address.four);
	}
	return address;
}

void dns_probe_done(struct dns_probe_op *op)
{
	assert(!op_is_pending(&op->op));
	dns_message_done(&op->answer);
	op->answer = (struct dns_message){ 0 };
	free(mem_take(&op->name));
}

void dns_question(struct dns_probe_op *op, const char *name, uint16_t type,
	const struct dns_address *server)
{
	/* Which may be the operation's own. */
	struct dns_address at = *server;
	char *copy = mem_strdup(name);

	dns_probe_done(op);
	*op = (struct dns_probe_op){ .name = copy, .type = type, .server = at };
}

void dns_deliver_done(struct dns_deliver_op *op)
{
	assert(!op_is_pending(&op->op));
	buf_done(&op->message);
	buf_done(&op->answer);
}

static struct dns_peer *peer_of(struct dns_pool *pool, const struct dns_address *server)
{
	char address[DNS_ADDRESS_TEXT_LEN] = "";
	struct dns_peer *peer;

	if (server)
		dns_address_text(server, address);
	peer = map_get(&pool->peers, address);
	if (peer)
		return peer;
	peer = mem_new(struct dns_peer);
	memcpy(peer->address, address, sizeof(address));
	peer->pool = pool;
	peer->has_rate = server != NULL;
	for (size_t i = 0; i < DNS_RATE; i++)
		peer->begun[i] = clock_tick().ms - SECOND_MS;
	list_init(&peer->lanes);
	map_set(&pool->peers, peer->address, peer);
	return peer;
}

static struct dns_account *account_of(struct dns_pool *pool, const char *name)
{
	struct dns_account *account = map_get(&pool->accounts, name);

	if (account)
		return account;
	account = mem_new(struct dns_account);
	account->name = mem_strdup(name);
	account->pool = pool;
	list_init(&account->lanes);
	map_set(&pool->accounts, account->name, account);
	return account;
}

/* An account has few: those of one zone's servers. */
static struct dns_lane *lane_of(struct dns_peer *peer, struct dns_account *account)
{
	struct dns_lane *lane;

	list_each(at, &account->lanes) {
		lane = LIST_OF(at, struct dns_lane, of_account);
		if (lane->peer == peer)
			return lane;
	}
	lane = mem_new(struct dns_lane);
	lane->peer = peer;
	lane->account = account;
	list_init(&lane->turns);
	list_append(&peer->lanes, &lane->of_peer);
	list_append(&account->lanes, &lane->of_account);
	return lane;
}

static void leave_lane(struct dns_turn *turn)
{
	struct dns_lane *lane = turn->lane;

	list_remove(&turn->link);
	turn->lane = NULL;
	if (!list_is_empty(&lane->turns))
		return;
	list_remove(&lane->of_peer);
	list_remove(&lane->of_account);
	free(lane);
}

static void forget_peer(struct dns_peer *peer)
{
	heap_remove(&peer->pool->due, &peer->node);
	map_remove(&peer->pool->peers, peer->address);
	free(peer);
}

static void forget_account(struct dns_account *account)
{
	if (account->n > 0 || !list_is_empty(&account->lanes))
		return;
	map_remove(&account->pool->accounts, account->name);
	free(account->name);
	free(account);
}

static void schedule(struct dns_peer *peer)
{
	unsigned newest = (peer->next + DNS_RATE - 1) % DNS_RATE;
	bool waits = !list_is_empty(&peer->lanes);

	heap_set(&peer->pool->due, &peer->node,
		peer->begun[waits ? peer->next : newest] + SECOND_MS);
}

/*
 * The lane whose turn it is, or NULL.  Who is passed over holds a place, and is looked at again when that is given
 * back.
 */
static struct dns_lane *next_lane(const struct dns_peer *peer)
{
	const struct dns_pool *pool = peer->pool;
	size_t n_free = pool->places - pool->n_in_flight;

	if (peer->has_rate && peer->n >= n_free)
		return NULL;
	list_each(at, &peer->lanes) {
		struct dns_lane *lane = LIST_OF(at, struct dns_lane, of_peer);
		size_t n = lane->account->n;

		if (n == 0 || 2 * n + pool->places / 4 < n_free)
			return lane;
	}
	return NULL;
}

static void begin(struct dns_pace *pace, struct dns_lane *lane, int64_t now)
{
	struct dns_turn *turn = LIST_OF(list_first(&lane->turns), struct dns_turn, link);
	struct dns_peer *peer = turn->peer = lane->peer;

	turn->account = lane->account;
	turn->account->n++;
	turn->account->last = now;
	peer->n++;
	peer->pool->n_in_flight++;
	pace->n_waiting--;
	if (peer->has_rate) {
		peer->begun[peer->next] = now;
		peer->next = (peer->next + 1) % DNS_RATE;
	}
	list_remove(&lane->of_peer);
	list_append(&peer->lanes, &lane->of_peer);
	leave_lane(turn);
	schedule(peer);
	turn->begin(turn);
}

/* Begins what may begin; when to come again, or INT64_MAX: when something ends. */
static int64_t run(struct dns_pace *pace, struct dns_pool *pool, int64_t now)
{
	struct heap_node *first;

	while (pool->n_in_flight < pool->places && (first = heap_first(&pool->due))) {
		struct dns_peer *peer = CONTAINER_OF(first, struct dns_peer, node);
		struct dns_lane *lane = next_lane(peer);

		if (first->key > now)
			return first->key;
		if (lane && lane->account->last > first->key)
			heap_set(&pool->due, first, lane->account->last);
		else if (lane)
			begin(pace, lane, now);
		else if (peer->n > 0 || !list_is_empty(&peer->lanes))
			heap_remove(&pool->due, first);
		else
			forget_peer(peer);
	}
	return INT64_MAX;
}

static void on_due(struct timer *timer)
{
	struct dns_pace *pace = CONTAINER_OF(timer, struct dns_pace, timer);
	int64_t now = clock_tick().ms;
	int64_t own = run(pace, &pace->own, now), shared = run(pace, &pace->shared, now);
	int64_t next = own < shared ? own : shared;

	if (next < INT64_MAX)
		loop_timer_in(pace->loop, &pace->timer, next - now);
}

static void take(struct dns_pace *pace, struct dns_turn *turn, struct dns_lane *lane,
	void (*start)(struct dns_turn *turn))
{
	assert(!turn->pace);
	turn->pace = pace;
	turn->lane = lane;
	turn->begin = start;
	list_append(&lane->turns, &turn->link);
	pace->n_waiting++;
	schedule(lane->peer);
	pace->shared.places = DNS_IN_FLIGHT;
	pace->own.places = DNS_OWN_IN_FLIGHT;
	pace->timer.fire = on_due;
	loop_timer_in(pace->loop, &pace->timer, 0);
}

void dns_probe_take(
	struct dns_pace *pace, struct dns_probe_op *op, void (*start)(struct dns_turn *turn))
{
	struct dns_pool *pool = op->is_own ? &pace->own : &pace->shared;
	char address[DNS_ADDRESS_TEXT_LEN];
	const char *name = op->zone ? op->zone : dns_address_text(&op->server, address);
	struct dns_peer *peer = peer_of(pool, op->is_own ? NULL : &op->server);

	op->zone = NULL;
	take(pace, &op->turn, lane_of(peer, account_of(pool, name)), start);
}

void dns_deliver_take(
	struct dns_pace *pace, struct dns_deliver_op *op, void (*start)(struct dns_turn *turn))
{
	struct dns_pool *pool = &pace->own;
	char address[DNS_ADDRESS_TEXT_LEN];
	const char *name = dns_address_text(&op->server, address);

	take(pace, &op->turn, lane_of(peer_of(pool, NULL), account_of(pool, name)), start);
}

void dns_turn_end(struct dns_turn *turn)
{
	struct dns_pace *pace = turn->pace;
	struct dns_peer *peer = turn->lane ? turn->lane->peer : turn->peer;
	struct dns_account *account = turn->lane ? turn->lane->account : turn->account;

	assert(pace);
	if (turn->lane) {
		leave_lane(turn);
		pace->n_waiting--;
	} else {
		account->n--;
		account->last = clock_tick().ms;
		peer->n--;
		peer->pool->n_in_flight--;
	}
	turn->pace = NULL;
	turn->peer = NULL;
	turn->account = NULL;
	schedule(peer);
	list_each(at, &account->lanes)
		schedule(LIST_OF(at, struct dns_lane, of_account)->peer);
	forget_account(account);
	loop_timer_in(pace->loop, &pace->timer, 0);
}

static void pool_done(struct dns_pool *pool)
{
	struct heap_node *first;

	assert(pool->n_in_flight == 0);
	while ((first = heap_first(&pool->due)))
		forget_peer(CONTAINER_OF(first, struct dns_peer, node));
	heap_done(&pool->due);
	map_done(&pool->peers);
	map_done(&pool->accounts);
}

void dns_pace_done(struct dns_pace *pace)
{
	assert(pace->n_waiting == 0);
	loop_timer_stop(pace->loop, &pace->timer);
	pool_done(&pace->shared);
	pool_done(&pace->own);
}

#include "lib/net/dns_op.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"

enum { SECOND_MS = 1000, DNS_PORT = 53 };

/* A server of which something waits or began within the last second. */
struct dns_peer {
	struct heap_node
		node; /* keyed by when the next may begin; nothing waits: be forgotten */
	char address[DNS_ADDRESS_TEXT_LEN];
	struct list waiting;
	bool has_rate;
	int64_t begun[DNS_RATE]; /* when, a ring */
	unsigned next;           /* the oldest of them */
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
}

void dns_question(struct dns_probe_op *op, const char *name, uint16_t type,
	const struct dns_address *server)
{
	struct dns_address at = *server; /* which may be the operation's own */

	dns_probe_done(op);
	*op = (struct dns_probe_op){ .type = type, .server = at };
	snprintf(op->name, sizeof(op->name), "%s", name);
}

void dns_deliver_done(struct dns_deliver_op *op)
{
	assert(!op_is_pending(&op->op));
	buf_done(&op->message);
	buf_done(&op->answer);
}

static struct dns_peer *peer_of(struct dns_pace *pace, const struct dns_address *server)
{
	char address[DNS_ADDRESS_TEXT_LEN] = "";
	struct dns_peer *peer;

	if (server)
		dns_address_text(server, address);
	peer = map_get(&pace->peers, address);
	if (peer)
		return peer;
	peer = mem_new(struct dns_peer);
	memcpy(peer->address, address, sizeof(address));
	peer->has_rate = server != NULL;
	for (size_t i = 0; i < DNS_RATE; i++)
		peer->begun[i] = clock_tick().ms - SECOND_MS;
	list_init(&peer->waiting);
	map_set(&pace->peers, peer->address, peer);
	return peer;
}

static void forget(struct dns_pace *pace, struct dns_peer *peer)
{
	heap_remove(&pace->due, &peer->node);
	map_remove(&pace->peers, peer->address);
	free(peer);
}

static void schedule(struct dns_pace *pace, struct dns_peer *peer)
{
	unsigned newest = (peer->next + DNS_RATE - 1) % DNS_RATE;
	bool waits = !list_is_empty(&peer->waiting);

	heap_set(&pace->due, &peer->node, peer->begun[waits ? peer->next : newest] + SECOND_MS);
}

static void begin(struct dns_pace *pace, struct dns_peer *peer, int64_t now)
{
	struct dns_turn *turn = LIST_OF(list_first(&peer->waiting), struct dns_turn, link);

	list_remove(&turn->link);
	turn->peer = NULL;
	pace->n_waiting--;
	pace->n_in_flight++;
	if (peer->has_rate) {
		peer->begun[peer->next] = now;
		peer->next = (peer->next + 1) % DNS_RATE;
	}
	schedule(pace, peer);
	turn->begin(turn);
}

static void on_due(struct timer *timer)
{
	struct dns_pace *pace = CONTAINER_OF(timer, struct dns_pace, timer);
	int64_t now = clock_tick().ms;
	struct heap_node *first;

	while ((first = heap_first(&pace->due)) && first->key <= now) {
		struct dns_peer *peer = CONTAINER_OF(first, struct dns_peer, node);

		if (list_is_empty(&peer->waiting)) {
			forget(pace, peer);
			continue;
		}
		/* Whoever ends comes here again. */
		if (pace->n_in_flight >= DNS_IN_FLIGHT)
			return;
		begin(pace, peer, now);
	}
	if (first)
		loop_timer_in(pace->loop, &pace->timer, first->key - now);
}

void dns_turn_take(struct dns_pace *pace, struct dns_turn *turn,
	const struct dns_address *server, void (*start)(struct dns_turn *turn))
{
	assert(!turn->pace);
	turn->pace = pace;
	turn->peer = peer_of(pace, server);
	turn->begin = start;
	list_append(&turn->peer->waiting, &turn->link);
	pace->n_waiting++;
	schedule(pace, turn->peer);
	pace->timer.fire = on_due;
	loop_timer_in(pace->loop, &pace->timer, 0);
}

void dns_turn_end(struct dns_turn *turn)
{
	struct dns_pace *pace = turn->pace;

	assert(pace);
	if (turn->peer) {
		list_remove(&turn->link);
		pace->n_waiting--;
	} else {
		pace->n_in_flight--;
	}
	turn->pace = NULL;
	turn->peer = NULL;
	if (pace->n_waiting > 0)
		loop_timer_in(pace->loop, &pace->timer, 0);
}

void dns_pace_done(struct dns_pace *pace)
{
	struct heap_node *first;

	assert(pace->n_waiting == 0 && pace->n_in_flight == 0);
	loop_timer_stop(pace->loop, &pace->timer);
	while ((first = heap_first(&pace->due)))
		forget(pace, CONTAINER_OF(first, struct dns_peer, node));
	heap_done(&pace->due);
	map_done(&pace->peers);
}

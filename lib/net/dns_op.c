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

/*
 * State: a scheduler owns two pools, each with its servers and flows. A server or a flow is
 * created when the first operation for it is enqueued. A queue connects one server with one
 * flow and lives as long as it has waiters.
 *
 * - waiting: `queue` is set; the waiter is in its queue, the queue in its server's and its
 *   flow's list.
 * - under way: `server` and `flow` are set and count the operation; the pool counts a slot.
 * - ended: dns_waiter_end() takes it out of either and clears all pointers.
 *
 * A flow is freed when its last waiter ends. A server is freed by run() a second after its last
 * operation began, which keeps the rate. `due` orders the servers by the time of their next
 * step; a server leaves it when it has its share, and dns_waiter_end() puts it back.
 *
 * A server with waiters, with operations under way, or with one begun within the last second.
 */
struct dns_server {
	struct heap_node
		node; /* keyed by when the next operation may begin, or the server be dropped */
	char address[DNS_ADDRESS_TEXT_LEN];
	struct dns_pool *pool;
	struct list queues; /* with waiters, in round-robin order */
	size_t n;           /* operations under way */
	bool has_rate;
	int64_t begun[DNS_RATE]; /* times of the last operations, a ring */
	unsigned next;           /* the oldest of them */
};

/* A holder of slots: a zone, or an address. */
struct dns_flow {
	char *name;
	struct dns_pool *pool;
	struct list queues;
	size_t n;     /* slots held */
	int64_t last; /* when it took or gave back the last slot */
};

/* The waiters of one flow for one server. */
struct dns_queue {
	struct list of_server, of_flow;
	struct dns_server *server;
	struct dns_flow *flow;
	struct list waiters;
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
	/* `server` may point into the operation, which is overwritten below. */
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

static struct dns_server *server_of(struct dns_pool *pool, const struct dns_address *at)
{
	char address[DNS_ADDRESS_TEXT_LEN] = "";
	struct dns_server *server;

	if (at)
		dns_address_text(at, address);
	server = map_get(&pool->servers, address);
	if (server)
		return server;
	server = mem_new(struct dns_server);
	memcpy(server->address, address, sizeof(address));
	server->pool = pool;
	server->has_rate = at != NULL;
	for (size_t i = 0; i < DNS_RATE; i++)
		server->begun[i] = clock_tick().ms - SECOND_MS;
	list_init(&server->queues);
	map_set(&pool->servers, server->address, server);
	return server;
}

static struct dns_flow *flow_of(struct dns_pool *pool, const char *name)
{
	struct dns_flow *flow = map_get(&pool->flows, name);

	if (flow)
		return flow;
	flow = mem_new(struct dns_flow);
	flow->name = mem_strdup(name);
	flow->pool = pool;
	list_init(&flow->queues);
	map_set(&pool->flows, flow->name, flow);
	return flow;
}

/* A flow has few queues: one for each server of a zone. */
static struct dns_queue *queue_of(struct dns_server *server, struct dns_flow *flow)
{
	struct dns_queue *queue;

	list_each(at, &flow->queues) {
		queue = LIST_OF(at, struct dns_queue, of_flow);
		if (queue->server == server)
			return queue;
	}
	queue = mem_new(struct dns_queue);
	queue->server = server;
	queue->flow = flow;
	list_init(&queue->waiters);
	list_append(&server->queues, &queue->of_server);
	list_append(&flow->queues, &queue->of_flow);
	return queue;
}

static void leave_queue(struct dns_waiter *waiter)
{
	struct dns_queue *queue = waiter->queue;

	list_remove(&waiter->link);
	waiter->queue = NULL;
	if (!list_is_empty(&queue->waiters))
		return;
	list_remove(&queue->of_server);
	list_remove(&queue->of_flow);
	free(queue);
}

static void forget_server(struct dns_server *server)
{
	heap_remove(&server->pool->due, &server->node);
	map_remove(&server->pool->servers, server->address);
	free(server);
}

static void forget_flow(struct dns_flow *flow)
{
	if (flow->n > 0 || !list_is_empty(&flow->queues))
		return;
	map_remove(&flow->pool->flows, flow->name);
	free(flow->name);
	free(flow);
}

static void schedule(struct dns_server *server)
{
	unsigned newest = (server->next + DNS_RATE - 1) % DNS_RATE;
	bool waits = !list_is_empty(&server->queues);

	heap_set(&server->pool->due, &server->node,
		server->begun[waits ? server->next : newest] + SECOND_MS);
}

/*
 * The queue whose waiter begins next, or NULL. A flow that is passed over holds a slot, and is
 * looked at again when that slot is given back.
 */
static struct dns_queue *next_queue(const struct dns_server *server)
{
	const struct dns_pool *pool = server->pool;
	size_t n_free = pool->slots - pool->n_in_flight;

	if (server->has_rate && server->n >= n_free)
		return NULL;
	list_each(at, &server->queues) {
		struct dns_queue *queue = LIST_OF(at, struct dns_queue, of_server);
		size_t n = queue->flow->n;

		if (n == 0 || 2 * n + pool->slots / 4 < n_free)
			return queue;
	}
	return NULL;
}

static void begin(struct dns_scheduler *scheduler, struct dns_queue *queue, int64_t now)
{
	struct dns_waiter *waiter =
		LIST_OF(list_first(&queue->waiters), struct dns_waiter, link);
	struct dns_server *server = waiter->server = queue->server;

	waiter->flow = queue->flow;
	waiter->flow->n++;
	waiter->flow->last = now;
	server->n++;
	server->pool->n_in_flight++;
	scheduler->n_waiting--;
	if (server->has_rate) {
		server->begun[server->next] = now;
		server->next = (server->next + 1) % DNS_RATE;
	}
	list_remove(&queue->of_server);
	list_append(&server->queues, &queue->of_server);
	leave_queue(waiter);
	schedule(server);
	waiter->begin(waiter);
}

/*
 * Begins all operations that may begin now. Returns the time of the next step, or INT64_MAX
 * when only the end of an operation can lead to one.
 */
static int64_t run(struct dns_scheduler *scheduler, struct dns_pool *pool, int64_t now)
{
	struct heap_node *first;

	while (pool->n_in_flight < pool->slots && (first = heap_first(&pool->due))) {
		struct dns_server *server = CONTAINER_OF(first, struct dns_server, node);
		struct dns_queue *queue = next_queue(server);

		if (first->key > now)
			return first->key;
		if (queue && queue->flow->last > first->key)
			heap_set(&pool->due, first, queue->flow->last);
		else if (queue)
			begin(scheduler, queue, now);
		else if (server->n > 0 || !list_is_empty(&server->queues))
			heap_remove(&pool->due, first);
		else
			forget_server(server);
	}
	return INT64_MAX;
}

static void on_due(struct timer *timer)
{
	struct dns_scheduler *scheduler = CONTAINER_OF(timer, struct dns_scheduler, timer);
	int64_t now = clock_tick().ms;
	int64_t own = run(scheduler, &scheduler->own, now),
		shared = run(scheduler, &scheduler->shared, now);
	int64_t next = own < shared ? own : shared;

	if (next < INT64_MAX)
		loop_timer_in(scheduler->loop, &scheduler->timer, next - now);
}

static void enqueue(struct dns_scheduler *scheduler, struct dns_waiter *waiter,
	struct dns_queue *queue, void (*start)(struct dns_waiter *waiter))
{
	assert(!waiter->scheduler);
	waiter->scheduler = scheduler;
	waiter->queue = queue;
	waiter->begin = start;
	list_append(&queue->waiters, &waiter->link);
	scheduler->n_waiting++;
	schedule(queue->server);
	scheduler->shared.slots = DNS_IN_FLIGHT;
	scheduler->own.slots = DNS_OWN_IN_FLIGHT;
	scheduler->timer.fire = on_due;
	loop_timer_in(scheduler->loop, &scheduler->timer, 0);
}

void dns_probe_enqueue(struct dns_scheduler *scheduler, struct dns_probe_op *op,
	void (*start)(struct dns_waiter *waiter))
{
	struct dns_pool *pool = op->is_own ? &scheduler->own : &scheduler->shared;
	char address[DNS_ADDRESS_TEXT_LEN];
	const char *name = op->zone ? op->zone : dns_address_text(&op->server, address);
	struct dns_server *server = server_of(pool, op->is_own ? NULL : &op->server);

	op->zone = NULL;
	enqueue(scheduler, &op->waiter, queue_of(server, flow_of(pool, name)), start);
}

void dns_deliver_enqueue(struct dns_scheduler *scheduler, struct dns_deliver_op *op,
	void (*start)(struct dns_waiter *waiter))
{
	struct dns_pool *pool = &scheduler->own;
	char address[DNS_ADDRESS_TEXT_LEN];
	const char *name = dns_address_text(&op->server, address);

	enqueue(scheduler, &op->waiter, queue_of(server_of(pool, NULL), flow_of(pool, name)),
		start);
}

void dns_waiter_end(struct dns_waiter *waiter)
{
	struct dns_scheduler *scheduler = waiter->scheduler;
	struct dns_server *server = waiter->queue ? waiter->queue->server : waiter->server;
	struct dns_flow *flow = waiter->queue ? waiter->queue->flow : waiter->flow;

	assert(scheduler);
	if (waiter->queue) {
		leave_queue(waiter);
		scheduler->n_waiting--;
	} else {
		flow->n--;
		flow->last = clock_tick().ms;
		server->n--;
		server->pool->n_in_flight--;
	}
	waiter->scheduler = NULL;
	waiter->server = NULL;
	waiter->flow = NULL;
	schedule(server);
	list_each(at, &flow->queues)
		schedule(LIST_OF(at, struct dns_queue, of_flow)->server);
	forget_flow(flow);
	loop_timer_in(scheduler->loop, &scheduler->timer, 0);
}

static void pool_done(struct dns_pool *pool)
{
	struct heap_node *first;

	assert(pool->n_in_flight == 0);
	while ((first = heap_first(&pool->due)))
		forget_server(CONTAINER_OF(first, struct dns_server, node));
	heap_done(&pool->due);
	map_done(&pool->servers);
	map_done(&pool->flows);
}

void dns_scheduler_done(struct dns_scheduler *scheduler)
{
	assert(scheduler->n_waiting == 0);
	loop_timer_stop(scheduler->loop, &scheduler->timer);
	pool_done(&scheduler->shared);
	pool_done(&scheduler->own);
}

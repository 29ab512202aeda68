/* SPDX-License-Identifier: MIT */
#include "tests/sim/dns_fake.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/net/dns_op.h"
#include "tests/sim/dns_wire.h"
#include "tests/sim/town.h"
#include "tests/sim/wires.h"

enum { SILENCE_MS = 10000, DNS_PORT = 53 };

struct dns {
	struct loop *loop;
	struct wires *wires;
	struct dns_scheduler scheduler;
	struct list asked;      /* struct asking */
	struct list deliveries; /* struct delivery */
	bool is_cut;
};

struct asking {
	struct list link;
	struct timer timer;
	struct dns *dns;
	struct dns_probe_op *op;
	bool is_lost;
};

static void asking_free(struct asking *asking)
{
	loop_timer_stop(asking->dns->loop, &asking->timer);
	list_remove(&asking->link);
	dns_waiter_end(&asking->op->waiter);
	free(asking);
}

static void end(struct asking *asking, enum dns_outcome outcome, const char *why)
{
	struct dns_probe_op *op = asking->op;

	asking_free(asking);
	op->impl = NULL;
	op->outcome = outcome;
	snprintf(op->why, sizeof(op->why), "%s", why);
	op_end(&op->op, NULL);
}

static void fire(struct timer *timer)
{
	struct asking *asking = CONTAINER_OF(timer, struct asking, timer);
	struct dns_probe_op *op = asking->op;
	struct buf wire AUTO_BUF = BUF_INIT;
	char address[DNS_ADDRESS_TEXT_LEN];
	struct reply reply;
	struct err err;
	bool comes;

	if (asking->is_lost && !asking->dns->is_cut && !asking->dns->wires->hangs) {
		end(asking, DNS_UNREACHABLE, "cannot be reached");
		return;
	}
	reply_begin(&reply, op->name, op->type);
	comes = !asking->dns->is_cut && !asking->is_lost &&
		wires_answer(asking->dns->wires, dns_address_text(&op->server, address),
			op->name, op->type, &reply);
	reply_end(&reply, &wire);
	if (!comes) {
		end(asking, DNS_TIMEOUT, "is silent");
		return;
	}
	if (dns_message_read(wire.data, wire.len, &op->answer, &err) < 0) {
		fprintf(stderr, "the fake answers nonsense: %s\n", err.text);
		abort();
	}
	op->rtt_ms = 1;
	end(asking, DNS_ANSWERED, "");
}

/* A server that says nothing costs the time of all tries. */
static int64_t delay(const struct asking *asking)
{
	char address[DNS_ADDRESS_TEXT_LEN];
	const struct dns_probe_op *op = asking->op;
	bool is_silent = wires_are_silent(
		asking->dns->wires, dns_address_text(&op->server, address), op->name);

	if (asking->dns->is_cut)
		return 0;
	if (asking->is_lost && !asking->dns->wires->hangs)
		return 0;
	if (is_silent || asking->is_lost)
		return op->time_ms ? op->time_ms : SILENCE_MS;
	return 1 + town_delay(asking->dns->wires->town, 20);
}

static void begin(struct dns_waiter *waiter)
{
	struct asking *asking = CONTAINER_OF(waiter, struct dns_probe_op, waiter)->impl;
	struct wires *wires = asking->dns->wires;

	asking->is_lost = ++wires->n_begun == wires->lose_at;
	loop_timer_in(asking->dns->loop, &asking->timer, delay(asking));
}

static void cancel(struct op *op)
{
	struct dns_probe_op *probe = CONTAINER_OF(op, struct dns_probe_op, op);

	asking_free(probe->impl);
	probe->impl = NULL;
	op_end(op, NULL);
}

void dns_probe(struct dns *dns, struct task *task, struct dns_probe_op *op)
{
	struct asking *asking = mem_new(struct asking);

	asking->dns = dns;
	asking->op = op;
	asking->timer.fire = fire;
	op->impl = asking;
	op_begin(&op->op, task, cancel);
	list_append(&dns->asked, &asking->link);
	dns_probe_enqueue(&dns->scheduler, op, begin);
}

struct delivery {
	struct list link;
	struct timer timer;
	struct dns *dns;
	struct dns_deliver_op *op;
	enum primary_fault fault;
};

static void delivery_free(struct delivery *delivery)
{
	loop_timer_stop(delivery->dns->loop, &delivery->timer);
	list_remove(&delivery->link);
	delivery->op->impl = NULL;
	free(delivery);
}

static void delivered(struct timer *timer)
{
	struct delivery *delivery = CONTAINER_OF(timer, struct delivery, timer);
	struct dns_deliver_op *op = delivery->op;

	delivery_free(delivery);
	op_end(&op->op, NULL);
}

static void fail_delivery(struct delivery *delivery, enum err_code code, const char *what)
{
	char address[DNS_ADDRESS_TEXT_LEN];

	err_set(&delivery->op->err, code, "%s %s",
		dns_address_text(&delivery->op->server, address), what);
}

/* The message is there; what comes back comes later, so that a death can lie between. */
static void arrive(struct timer *timer)
{
	struct delivery *delivery = CONTAINER_OF(timer, struct delivery, timer);
	struct dns_deliver_op *op = delivery->op;
	struct dns *dns = delivery->dns;
	char address[DNS_ADDRESS_TEXT_LEN];
	int64_t late_ms = dns->wires->primary.late_ms,
		most_ms = op->time_ms ? op->time_ms : SILENCE_MS;
	bool is_away =
		dns->is_cut || !dns->wires->primary.address || delivery->fault == PRIMARY_AWAY;
	struct buf answer = BUF_INIT;

	if (!is_away && delivery->fault != PRIMARY_DEAF)
		primary_answer(dns->wires, dns_address_text(&op->server, address),
			delivery->fault, &op->message, &answer);
	if (delivery->fault == PRIMARY_MUTE || late_ms >= most_ms)
		buf_done(&answer);
	timer->fire = delivered;
	op->answer = answer;
	if (is_away)
		fail_delivery(delivery, ERR_CONNECT, "cannot be reached: Connection refused");
	else if (answer.len == 0)
		fail_delivery(delivery, ERR_TIMEOUT, "does not answer");
	loop_timer_in(dns->loop, timer,
		is_away           ? 0
		: answer.len == 0 ? most_ms
				  : 1 + late_ms + town_delay(dns->wires->town, 20));
}

static void cancel_delivery(struct op *op)
{
	struct dns_deliver_op *deliver = CONTAINER_OF(op, struct dns_deliver_op, op);

	delivery_free(deliver->impl);
	op_end(op, NULL);
}

void dns_deliver(struct dns *dns, struct task *task, struct dns_deliver_op *op)
{
	struct delivery *delivery = mem_new(struct delivery);

	delivery->dns = dns;
	delivery->op = op;
	delivery->timer.fire = arrive;
	delivery->fault = primary_turn(&dns->wires->primary);
	op->impl = delivery;
	op_begin(&op->op, task, cancel_delivery);
	list_append(&dns->deliveries, &delivery->link);
	loop_timer_in(dns->loop, &delivery->timer,
		dns->is_cut ? 0 : 1 + town_delay(dns->wires->town, 20));
}

struct dns *dns_new(struct loop *loop)
{
	struct dns *dns = mem_new(struct dns);

	dns->loop = loop;
	dns->wires = town_here()->wires;
	dns->scheduler.loop = loop;
	list_init(&dns->asked);
	list_init(&dns->deliveries);
	return dns;
}

void dns_free(struct dns *dns)
{
	assert(list_is_empty(&dns->asked) && list_is_empty(&dns->deliveries));
	dns_scheduler_done(&dns->scheduler);
	free(dns);
}

void dns_fake_cut(struct dns *dns)
{
	dns->is_cut = true;
	list_each(at, &dns->asked) {
		struct asking *asking = LIST_OF(at, struct asking, link);

		loop_timer_in(dns->loop, &asking->timer, 0);
	}
	list_each(at, &dns->deliveries)
		loop_timer_in(dns->loop, &LIST_OF(at, struct delivery, link)->timer, 0);
}

size_t dns_system_resolvers(struct dns *dns, struct dns_address *out, size_t max)
{
	size_t n = 0;
	const char *address;
	uint8_t octets[4];

	for (; n < max && (address = wires_resolver_at(dns->wires, n)); n++) {
		if (inet_pton(AF_INET, address, octets) != 1)
			abort();
		out[n] = dns_address_of(octets, sizeof(octets), DNS_PORT);
	}
	return n;
}

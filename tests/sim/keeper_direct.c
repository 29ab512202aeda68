/* SPDX-License-Identifier: MIT */
#include "tests/sim/keeper_direct.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/keeper/serve/serve.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "tests/sim/town.h"

/* One packet on its way. */
struct packet {
	struct list link;
	struct buf text;
	int fd;
	struct tick arrives;
};

/* One direction of the pair. */
struct way {
	struct keeper *keeper;
	struct list packets;
	struct timer timer;
	struct tick last;
	void (*arrive)(struct keeper *keeper, struct packet *packet);
};

struct keeper {
	struct loop *loop;
	struct server *server;
	struct town *town;
	struct way there, back;
	struct list pending; /* struct keeper_op */
	keeper_note_fn *note;
	void *data;
	unsigned n_asked, lose_at;
	enum keeper_loss loss;
	uint32_t lost_id; /* whose answer becomes an error */
	bool is_cut;
};

static void packet_free(struct packet *packet)
{
	list_remove(&packet->link);
	buf_done(&packet->text);
	file_closep(&packet->fd);
	free(packet);
}

static void wait_for_first(struct way *way)
{
	struct list *first = list_first(&way->packets);

	if (first)
		loop_timer_in(way->keeper->loop, &way->timer,
			LIST_OF(first, struct packet, link)->arrives.ms - clock_tick().ms);
}

static void arrived(struct timer *timer)
{
	struct way *way = CONTAINER_OF(timer, struct way, timer);
	struct packet *packet = LIST_OF(list_first(&way->packets), struct packet, link);

	way->arrive(way->keeper, packet);
	packet_free(packet);
	wait_for_first(way);
}

/* `fd` becomes the packet's. */
static void send_on(struct way *way, const char *text, size_t len, int fd)
{
	struct packet *packet = mem_new(struct packet);
	struct keeper *keeper = way->keeper;
	int64_t delay = keeper->is_cut ? 0 : town_delay(keeper->town, 3);
	bool is_first = list_is_empty(&way->packets);

	packet->arrives.ms = clock_tick().ms + delay;
	if (packet->arrives.ms < way->last.ms && !keeper->is_cut)
		packet->arrives = way->last;
	way->last = packet->arrives;
	packet->fd = fd;
	buf_add(&packet->text, text, len);
	list_append(&way->packets, &packet->link);
	if (is_first)
		wait_for_first(way);
}

static void write_lost(struct buf *out, uint32_t id)
{
	struct err err;

	err_set(&err, ERR_IO, "the request was lost");
	keeper_write_err(out, id, &err);
}

static void send_error(struct keeper *keeper, uint32_t id)
{
	struct buf text AUTO_BUF = BUF_INIT;

	write_lost(&text, id);
	send_on(&keeper->back, text.data, text.len, -1);
}

static void reach_keeper(struct keeper *keeper, struct packet *packet)
{
	struct err err;

	if (serve_packet(keeper->server, packet->text.data, packet->text.len, &err) < 0) {
		fprintf(stderr, "the keeper does not understand: %s\n", err.text);
		abort();
	}
}

static void give(
	struct keeper *keeper, struct packet *packet, const struct keeper_message *message)
{
	list_each(at, &keeper->pending) {
		struct keeper_op *op = LIST_OF(at, struct keeper_op, pending);
		struct buf lost AUTO_BUF = BUF_INIT;

		if (op->id != message->id)
			continue;
		if (keeper->lost_id == message->id) {
			keeper->lost_id = 0;
			write_lost(&lost, message->id);
			keeper_answer(op, lost.data, lost.len, -1);
		} else {
			keeper_answer(op, packet->text.data, packet->text.len, packet->fd);
			packet->fd = -1;
		}
		return;
	}
}

static void reach_engine(struct keeper *keeper, struct packet *packet)
{
	char *copy AUTO_FREE = mem_strndup(packet->text.data, packet->text.len);
	struct keeper_message message;
	struct err err;
	int fd = packet->fd;

	if (keeper_message_parse(copy, packet->text.len, &message, &err) < 0) {
		fprintf(stderr, "the engine does not understand: %s\n", err.text);
		abort();
	}
	if (message.kind == KEEPER_NOTE) {
		packet->fd = -1;
		keeper->note(&message, fd, keeper->data);
	} else {
		give(keeper, packet, &message);
	}
	keeper_message_done(&message);
}

static void way_init(struct way *way, struct keeper *keeper,
	void (*arrive)(struct keeper *keeper, struct packet *packet))
{
	way->keeper = keeper;
	way->timer.fire = arrived;
	way->arrive = arrive;
	list_init(&way->packets);
}

struct keeper *keeper_new(struct loop *loop, int socket, keeper_note_fn *note,
	void (*lost)(const struct err *err, void *data), void *data)
{
	struct keeper *keeper = mem_new(struct keeper);

	(void)socket;
	(void)lost;
	keeper->loop = loop;
	keeper->note = note;
	keeper->data = data;
	list_init(&keeper->pending);
	way_init(&keeper->there, keeper, reach_keeper);
	way_init(&keeper->back, keeper, reach_engine);
	return keeper;
}

void keeper_direct_serve(struct keeper *keeper, struct server *server, struct town *town)
{
	keeper->server = server;
	keeper->town = town;
}

static void drop_all(struct way *way)
{
	loop_timer_stop(way->keeper->loop, &way->timer);
	list_each_safe(at, &way->packets)
		packet_free(LIST_OF(at, struct packet, link));
}

void keeper_free(struct keeper *keeper)
{
	if (!keeper)
		return;
	drop_all(&keeper->there);
	drop_all(&keeper->back);
	free(keeper);
}

void keeper_ask(struct keeper *keeper, struct task *task, struct keeper_op *op)
{
	keeper_pend(keeper, keeper_put, &keeper->pending, task, op);
	keeper->n_asked++;
	if (keeper->is_cut) {
		send_error(keeper, op->id);
	} else if (keeper->loss != LOSS_NONE && keeper->n_asked == keeper->lose_at) {
		keeper->lost_id = keeper->loss == LOSS_AFTER ? op->id : 0;
		if (keeper->loss == LOSS_AFTER)
			send_on(&keeper->there, op->text.data, op->text.len, -1);
		else
			send_error(keeper, op->id);
	} else {
		send_on(&keeper->there, op->text.data, op->text.len, -1);
	}
}

void keeper_put(struct keeper *keeper, const struct buf *text)
{
	if (!keeper->is_cut)
		send_on(&keeper->there, text->data, text->len, -1);
}

void keeper_direct_send(struct keeper *keeper, const struct buf *packet, int fd)
{
	if (!keeper->is_cut)
		send_on(&keeper->back, packet->data, packet->len,
			fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

void keeper_direct_lose(struct keeper *keeper, unsigned k, enum keeper_loss loss)
{
	keeper->lose_at = keeper->n_asked + k;
	keeper->loss = loss;
}

unsigned keeper_direct_asked(const struct keeper *keeper)
{
	return keeper->n_asked;
}

void keeper_direct_cut(struct keeper *keeper)
{
	keeper->is_cut = true;
	drop_all(&keeper->there);
	drop_all(&keeper->back);
	list_each(at, &keeper->pending)
		send_error(keeper, LIST_OF(at, struct keeper_op, pending)->id);
}

bool keeper_direct_is_idle(const struct keeper *keeper)
{
	return list_is_empty(&keeper->pending) && list_is_empty(&keeper->there.packets) &&
	       list_is_empty(&keeper->back.packets);
}

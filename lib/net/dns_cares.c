/* SPDX-License-Identifier: MIT */
#include "lib/net/dns_cares.h"

#include <ares.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

/*
 * Longer than any try: dns_try_begin() has its own time-out on the loop's clock, which tests
 * move.
 */
enum { CHANNEL_TIME_MS = 10 * 60 * 1000, DNS_PORT = 53 };

/* A socket of the channel in the loop. */
struct dns_watched {
	struct watch watch;
	struct dns_try *attempt;
	struct dns_watched *next;
};

static void on_ready(struct watch *watch, unsigned what)
{
	struct dns_try *attempt = CONTAINER_OF(watch, struct dns_watched, watch)->attempt;

	/* The call may free the watch, never the channel. */
	ares_process_fd(attempt->channel, (what & LOOP_READ) ? watch->fd : ARES_SOCKET_BAD,
		(what & LOOP_WRITE) ? watch->fd : ARES_SOCKET_BAD);
}

static void forget(struct dns_watched **place)
{
	struct dns_watched *watched = *place;

	*place = watched->next;
	loop_watch_stop(&watched->watch);
	free(watched);
}

static void on_socket(void *data, ares_socket_t fd, int readable, int writable)
{
	struct dns_try *attempt = data;
	struct dns_watched **place = &attempt->watched;

	while (*place && (*place)->watch.fd != fd)
		place = &(*place)->next;
	if (!readable && !writable) {
		if (*place)
			forget(place);
		return;
	}
	if (!*place) {
		*place = mem_new(struct dns_watched);
		(*place)->attempt = attempt;
		(*place)->watch.fd = fd;
		(*place)->watch.ready = on_ready;
	}
	loop_watch(attempt->loop, &(*place)->watch,
		(readable ? LOOP_READ : 0) | (writable ? LOOP_WRITE : 0));
}

static enum dns_outcome outcome_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return DNS_ANSWERED;
	case ARES_ENOMEM:
		mem_exhausted();
	case ARES_ECONNREFUSED:
		return DNS_UNREACHABLE;
	case ARES_EBADRESP:
	case ARES_EFORMERR:
		return DNS_GARBAGE;
	default:
		return DNS_TIMEOUT;
	}
}

static void on_answer(void *data, int status, int timeouts, unsigned char *answer, int len)
{
	struct dns_try *attempt = data;

	(void)timeouts;
	if (attempt->is_over)
		return;
	attempt->is_over = true;
	attempt->outcome = outcome_of(status);
	if (status == ARES_SUCCESS && len > 0)
		buf_add(&attempt->answer, answer, (size_t)len);
	/* A channel cannot be destroyed in its own callback. */
	loop_timer_in(attempt->loop, &attempt->timer, 0);
}

static void close_channel(struct dns_try *attempt)
{
	loop_timer_stop(attempt->loop, &attempt->timer);
	attempt->is_over = true;
	ares_destroy(attempt->channel);
	attempt->channel = NULL;
	while (attempt->watched)
		forget(&attempt->watched);
}

static void on_timer(struct timer *timer)
{
	struct dns_try *attempt = CONTAINER_OF(timer, struct dns_try, timer);

	if (!attempt->is_over)
		attempt->outcome = DNS_TIMEOUT;
	close_channel(attempt);
	attempt->ended(attempt);
}

static ares_channel open_channel(struct dns_try *attempt, bool by_tcp, bool has_edns)
{
	static char nowhere[] = "/dev/null", lookups[] = "b";
	struct ares_options options = {
		/* Without NOCHECKRESP a refusal looks like a dead server. */
		.flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_IGNTC | ARES_FLAG_NOSEARCH |
			 ARES_FLAG_NOALIASES | (by_tcp ? ARES_FLAG_USEVC : 0) |
			 (has_edns ? ARES_FLAG_EDNS : 0),
		.timeout = CHANNEL_TIME_MS,
		.tries = 1,
		.ednspsz = DNS_EDNS_SIZE,
		.lookups = lookups,
		.resolvconf_path = nowhere,
		.sock_state_cb = on_socket,
		.sock_state_cb_data = attempt,
	};
	ares_channel channel = NULL;
	int status = ares_init_options(&channel, &options,
		ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
			ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF | ARES_OPT_DOMAINS |
			ARES_OPT_SOCK_STATE_CB);

	/* The channel reads nothing of the system, so only memory can be missing. */
	if (status != ARES_SUCCESS)
		mem_exhausted();
	return channel;
}

static void set_server(ares_channel channel, const struct dns_address *server)
{
	struct ares_addr_port_node node = { .family = server->any.sa_family };

	if (node.family == AF_INET6) {
		memcpy(&node.addr.addr6, &server->six.sin6_addr, sizeof(node.addr.addr6));
		node.udp_port = node.tcp_port = ntohs(server->six.sin6_port);
	} else {
		assert(node.family == AF_INET);
		node.addr.addr4 = server->four.sin_addr;
		node.udp_port = node.tcp_port = ntohs(server->four.sin_port);
	}
	if (ares_set_servers_ports(channel, &node) != ARES_SUCCESS)
		mem_exhausted();
}

void dns_try_begin(struct dns_try *attempt, const struct dns_address *server,
	struct dns_wire wire, bool by_tcp, int64_t time_ms)
{
	assert(!attempt->channel && wire.len <= DNS_MESSAGE_MAX);
	attempt->is_over = false;
	attempt->outcome = DNS_TIMEOUT;
	buf_clear(&attempt->answer);
	attempt->timer.fire = on_timer;
	attempt->channel = open_channel(attempt, by_tcp, wire.has_edns);
	set_server(attempt->channel, server);
	loop_timer_in(attempt->loop, &attempt->timer, time_ms);
	ares_send(attempt->channel, wire.data, (int)wire.len, on_answer, attempt);
}

void dns_try_done(struct dns_try *attempt)
{
	if (attempt->channel)
		close_channel(attempt);
	buf_done(&attempt->answer);
}

void dns_cares_begin(void)
{
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		mem_exhausted();
}

void dns_cares_end(void)
{
	ares_library_cleanup();
}

static struct dns_address address_of(const struct ares_addr_port_node *node)
{
	uint16_t port = node->udp_port ? (uint16_t)node->udp_port : DNS_PORT;

	if (node->family == AF_INET6)
		return dns_address_of((const uint8_t *)&node->addr.addr6, 16, port);
	return dns_address_of((const uint8_t *)&node->addr.addr4, 4, port);
}

size_t dns_cares_resolvers(struct dns_address *out, size_t max)
{
	struct ares_addr_port_node *nodes = NULL;
	ares_channel channel = NULL;
	size_t n = 0;

	if (ares_init(&channel) != ARES_SUCCESS)
		return 0;
	if (ares_get_servers_ports(channel, &nodes) == ARES_SUCCESS)
		for (const struct ares_addr_port_node *node = nodes; node && n < max;
			node = node->next)
			out[n++] = address_of(node);
	ares_free_data(nodes);
	ares_destroy(channel);
	return n;
}

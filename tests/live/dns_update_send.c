/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/crypt/secret.h"
#include "lib/wire/dns_message.h"
#include "lib/wire/dns_update.h"

/*
 * One dynamic update to a name server on 127.0.0.1, and the judgement of its answer, for
 * tests/live/test_dns_update.py:
 *
 *	dns_update_send PORT ZONE KEY ALGORITHM SECRET SECONDS add|remove OWNER TXT
 *
 * KEY "" leaves it unsigned, SECONDS is how far our clock is wrong.  "carried out" or the sentence is printed.
 */

struct order {
	int port;
	const char *zone;
	const struct tsig_key *key; /* NULL: unsigned */
	struct instant now;
	struct dns_change change;
};

/* All of the octets, or the end of the program. */
static void need(int fd, void *data, size_t len)
{
	char *at = data;
	ssize_t n;

	for (; len > 0; at += n, len -= (size_t)n) {
		n = read(fd, at, len);
		if (n <= 0)
			exit(3);
	}
}

static size_t exchange(int port, const struct buf *message, uint8_t answer[DNS_MESSAGE_MAX])
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint8_t length[2] = { (uint8_t)(message->len >> 8), (uint8_t)message->len };
	size_t len;

	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ||
		write(fd, length, 2) != 2 ||
		write(fd, message->data, message->len) != (ssize_t)message->len)
		exit(3);
	need(fd, length, 2);
	len = (size_t)length[0] << 8 | length[1];
	need(fd, answer, len);
	close(fd);
	return len;
}

static int update(const struct order *order, struct err *err)
{
	static uint8_t bytes[DNS_MESSAGE_MAX];
	struct buf message AUTO_BUF = BUF_INIT;
	struct dns_update_answer answer;
	struct dns_update_sent sent;
	size_t len;
	int rc;

	if (dns_update_make(order->zone, &order->change, 1, order->key, order->now, &message,
		    &sent, err) < 0)
		return -1;
	len = exchange(order->port, &message, bytes);
	if (dns_update_answer_read(bytes, len, &answer, err) < 0)
		return -1;
	rc = dns_update_judge(&answer, &sent, order->key, order->zone, order->now, err);
	dns_update_answer_done(&answer);
	return rc;
}

int main(int argc, char **argv)
{
	struct secret secret AUTO_SECRET = SECRET_INIT;
	struct err err = ERR_INIT;
	struct tsig_key key;
	struct order order;

	if (argc != 10)
		return 2;
	secret_add(&secret, argv[5], strlen(argv[5]));
	key = (struct tsig_key){ argv[3], argv[4], &secret };
	order = (struct order){ .port = atoi(argv[1]),
		.zone = argv[2],
		.key = *argv[3] ? &key : NULL,
		.now = { time(NULL) + atoi(argv[6]) },
		.change = { argv[8], DNS_TXT, 5, argv[9], strcmp(argv[7], "remove") == 0 } };
	if (update(&order, &err) < 0) {
		printf("%s\n", err.text);
		return 1;
	}
	printf("carried out\n");
	return 0;
}

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_DOWNLOAD_H
#define CERTD_DAEMON_ACME_DOWNLOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/acme/post.h"

struct order;

/*
 * A download is the last step of an order at the CA (RFC 8555, 7.4.2): the chain comes down,
 * and where the configuration prefers a root, the one among the CA's chains that ends there.
 *
 * Other chains are asked for only when the one that came does not fit, one after the other in
 * the order of the CA's links, DOWNLOAD_ALTERNATES at most.  When none fits, or one of them
 * cannot be had, the first is good enough: a preferred root never costs a certificate.  The
 * chain is not believed here; the keeper checks it.
 */

enum { DOWNLOAD_ALTERNATES = 8 };

/* More than any chain has; it has to fit into one message to the keeper. */
#define DOWNLOAD_MAX ((size_t)100 * 1024)

struct download {
	struct task task;
	struct order *order;
	struct post post;
	struct buf alternates; /* URLs, a NUL behind each */
	const char *at;        /* in there */
	bool is_found;
};

/* A child task of the order; the chain ends up in order->chain. */
void download_start(struct download *download, struct order *order);
void download_done(struct download *download); /* zeroed is fine */

/*
 * Does this chain end at the root of this name: is it the common name of the issuer of its topmost
 * certificate, or else of that certificate itself?
 */
bool download_ends_at(const char *pem, size_t len, const char *root);

#endif

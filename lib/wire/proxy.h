/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_WIRE_PROXY_H
#define CERTD_LIB_WIRE_PROXY_H

#include <stdbool.h>

/*
 * A proxy rule selects the proxy for a URL, by the rules of curl.
 *
 * Only this file decides whether a proxy is used, and libcurl is told the result, so that an
 * error can name the host that was contacted. Pure, except proxy_env_read().
 */

/* The variables of the environment. The texts are the environment's and live as long as it. */
struct proxy_env {
	const char *proxy;    /* "": none */
	const char *no_proxy; /* "": no exceptions */
};

/*
 * The first that is set and not empty: of https_proxy, HTTPS_PROXY, all_proxy and ALL_PROXY,
 * and of no_proxy and NO_PROXY.
 */
struct proxy_env proxy_env_read(void);

/*
 * The proxy for an https URL, "" for none. `configured`, where it is not NULL, has precedence.
 */
const char *proxy_for(const struct proxy_env *env, const char *configured, const char *url);

/*
 * Is this host excepted? `list` holds names and addresses between commas or blanks: "*" is
 * everything; a name, with or without a dot in front, is that name and all below it; an address
 * is itself, or with "/BITS" behind it a network.
 */
bool proxy_is_excepted(const char *list, const char *host);

/* Returns what is wrong with a configured proxy, or NULL. */
const char *proxy_fault(const char *proxy);

/* "HOST:PORT" without the rest of the URL, which may hold a password. Returns out. */
const char *proxy_place(const char *proxy, char out[300]);

/* Does it speak HTTP, with tunnels by CONNECT? */
bool proxy_is_http(const char *proxy);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_WIRE_PROXY_H
#define CERTD_LIB_WIRE_PROXY_H

#include <stdbool.h>

/*
 * Proxies as users of curl know them: which one a URL is asked by.
 *
 * Whether a proxy is used is decided here alone, and libcurl is told the result, so that an error can
 * name what was really asked.  Pure; the environment is read by proxy_env_read() only.
 */

/* What the environment says.  Texts are the environment's and live as long as it. */
struct proxy_env {
	const char *proxy;    /* "": none */
	const char *no_proxy; /* "": no exceptions */
};

/*
 * The first that is set and not empty: of https_proxy, HTTPS_PROXY, all_proxy and ALL_PROXY, and of
 * no_proxy and NO_PROXY.
 */
struct proxy_env proxy_env_read(void);

/* The proxy for an https URL, "" for none.  `configured` decides where it is not NULL. */
const char *proxy_for(const struct proxy_env *env, const char *configured, const char *url);

/*
 * Is this host excepted?  `list` holds names and addresses between commas or blanks: "*" is everything;
 * a name, with or without a dot in front, is that name and all below it; an address is itself, or with
 * "/BITS" behind it a network.
 */
bool proxy_is_excepted(const char *list, const char *host);

/* What is wrong with a proxy of the configuration, or NULL. */
const char *proxy_fault(const char *proxy);

/* "HOST:PORT" without what else the URL holds, a password for example.  Returns out. */
const char *proxy_place(const char *proxy, char out[300]);

/* Does it speak HTTP, so that a tunnel is asked for with CONNECT? */
bool proxy_is_http(const char *proxy);

#endif

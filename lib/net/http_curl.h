/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_NET_HTTP_CURL_H
#define CERTD_LIB_NET_HTTP_CURL_H

struct err;
struct http_op;

/*
 * An HTTP error text describes a failed transfer. http_curl.c runs transfers, and
 * http_curl_error.c knows libcurl's codes. `easy` is the CURL handle of the transfer, not yet
 * reset, and `result` its CURLcode. Only these two files include this header.
 */

/* Fills *err for a transfer that ended with `result`; `said` is libcurl's own text. */
void http_curl_error(
	void *easy, const struct http_op *op, int result, const char *said, struct err *err);

/* Fills *err for a transfer that has not ended in time. */
void http_curl_late(void *easy, const struct http_op *op, struct err *err);

/* Puts the host in front of a text that does not name it. */
void http_curl_name_host(const struct http_op *op, struct err *err);

#endif

/* SPDX-License-Identifier: MIT */
#include "lib/net/http_curl.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/mem.h"
#include "lib/net/http.h"
#include "lib/wire/proxy.h"
#include "lib/wire/url.h"

/* libcurl's codes; `text` follows the host, NULL: libcurl's own text. */
static const struct {
	CURLcode result;
	enum err_code code;
	const char *text;
} meanings[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, ERR_CONNECT, "the name cannot be resolved" },
	{ CURLE_INTERFACE_FAILED, ERR_CONNECT, NULL },
	{ CURLE_SSL_CONNECT_ERROR, ERR_TLS, NULL },
	{ CURLE_SSL_CACERT_BADFILE, ERR_TLS,
		"the authorities to trust cannot be read, so no server is trusted" },
	{ CURLE_SSL_CIPHER, ERR_TLS, NULL },
	{ CURLE_SSL_CERTPROBLEM, ERR_TLS, NULL },
	{ CURLE_SSL_ISSUER_ERROR, ERR_TLS, NULL },
	{ CURLE_SSL_INVALIDCERTSTATUS, ERR_TLS, NULL },
	{ CURLE_SSL_ENGINE_NOTFOUND, ERR_TLS, NULL },
	{ CURLE_SSL_SHUTDOWN_FAILED, ERR_TLS, NULL },
	{ CURLE_USE_SSL_FAILED, ERR_TLS, NULL },
	{ CURLE_GOT_NOTHING, ERR_HTTP, "the connection was closed without an answer" },
	{ CURLE_PARTIAL_FILE, ERR_HTTP, "the connection was closed within the answer" },
	{ CURLE_FILESIZE_EXCEEDED, ERR_TOO_LARGE, "the answer is longer than it may be" },
	{ CURLE_RECV_ERROR, ERR_HTTP, NULL },
	{ CURLE_SEND_ERROR, ERR_HTTP, NULL },
};

/* A TLS connection that ends without its closing alert, which is an error from OpenSSL 3 on. */
static bool is_end_of_stream(int result, const char *said)
{
	return (result == CURLE_RECV_ERROR || result == CURLE_SEND_ERROR) &&
	       strstr(said, "unexpected eof");
}

/* OpenSSL's texts about a certificate, as libcurl passes them on. */
static const struct {
	const char *part, *text;
} verdicts[] = {
	{ "certificate has expired", "the certificate has expired" },
	{ "certificate is not yet valid", "the certificate is not valid yet" },
	{ "unable to get local issuer",
		"the certificate is not from an authority that is trusted" },
	{ "unable to get issuer", "the certificate is not from an authority that is trusted" },
	{ "self-signed certificate",
		"the certificate is not from an authority that is trusted" },
	{ "self signed certificate",
		"the certificate is not from an authority that is trusted" },
	{ "no alternative certificate subject", "the certificate is for another name" },
	{ "does not match target host", "the certificate is for another name" },
	{ "certificate revoked", "the certificate is revoked" },
};

static void verdict(const char *host, const char *said, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++)
		if (strstr(said, verdicts[i].part)) {
			err_set(err, ERR_TLS, "%s: %s", host, verdicts[i].text);
			return;
		}
	err_set(err, ERR_TLS, "%s: the certificate cannot be verified: %s", host, said);
}

/* Writes "host:port" of the URL; the port is always present. */
static void place(const struct http_op *op, char out[300])
{
	const char *url = buf_text(&op->url), *at = strstr(url, "://"), *colon;
	int len;

	at = at ? at + 3 : url;
	len = (int)strcspn(at, "/?#");
	colon = memrchr(at, ':', (size_t)len);
	if (!colon || memchr(colon, ']', (size_t)(at + len - colon)))
		snprintf(out, 300, "%.*s:443", len, at);
	else
		snprintf(out, 300, "%.*s", len, at);
}

static void nobody(CURL *easy, const struct http_op *op, struct err *err)
{
	char at[300];
	long number = 0;

	place(op, at);
	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
	if (number)
		err_sys(err, ERR_CONNECT, (int)number, "no server answers at %s", at);
	else
		err_set(err, ERR_CONNECT, "no server answers at %s", at);
}

/* Before the tunnel is open, a failure says nothing about the host. */
static bool is_before_tunnel(CURL *easy, const struct http_op *op, int result)
{
	long status = 0;

	if (!*op->via)
		return false;
	if (!proxy_is_http(op->via))
		return result == CURLE_COULDNT_CONNECT || result == CURLE_PROXY ||
		       result == CURLE_COULDNT_RESOLVE_PROXY;
	curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status);
	return status / 100 != 2;
}

/* Names proxy and host, so that a failure of the proxy is not taken for one of the host. */
static void proxy_trouble(
	CURL *easy, const struct http_op *op, int result, const char *said, struct err *err)
{
	char proxy[300], host[256];
	long status = 0, number = 0;

	proxy_place(op->via, proxy);
	url_host(buf_text(&op->url), host);
	curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status);
	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
	if (status)
		err_set(err, ERR_PROXY, "the proxy %s refuses a tunnel to %s with status %ld",
			proxy, host, status);
	else if (result == CURLE_COULDNT_RESOLVE_PROXY)
		err_set(err, ERR_PROXY,
			"the name of the proxy %s cannot be resolved; %s is asked by it", proxy,
			host);
	else if (result == CURLE_COULDNT_CONNECT && number)
		err_sys(err, ERR_PROXY, (int)number,
			"no proxy answers at %s, by which %s is asked", proxy, host);
	else if (result == CURLE_COULDNT_CONNECT)
		err_set(err, ERR_PROXY, "no proxy answers at %s, by which %s is asked", proxy,
			host);
	else
		err_set(err, ERR_PROXY, "the proxy %s gives no tunnel to %s: %s", proxy, host,
			said);
}

void http_curl_error(
	void *easy, const struct http_op *op, int result, const char *said, struct err *err)
{
	enum err_code code = ERR_HTTP;
	const char *text = NULL;
	char host[256];

	url_host(buf_text(&op->url), host);
	if (!*said)
		said = curl_easy_strerror((CURLcode)result);
	if (result == CURLE_OUT_OF_MEMORY)
		mem_exhausted();
	if (is_end_of_stream(result, said))
		result = op->status ? CURLE_PARTIAL_FILE : CURLE_GOT_NOTHING;
	if (result == CURLE_OPERATION_TIMEDOUT) {
		http_curl_late(easy, op, err);
		return;
	}
	if (is_before_tunnel(easy, op, result)) {
		proxy_trouble(easy, op, result, said, err);
		return;
	}
	switch (result) {
	case CURLE_COULDNT_CONNECT:
		nobody(easy, op, err);
		return;
	case CURLE_PEER_FAILED_VERIFICATION:
		verdict(host, said, err);
		return;
	default:
		break;
	}
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
		if ((int)meanings[i].result == result) {
			code = meanings[i].code;
			text = meanings[i].text;
		}
	err_set(err, code, "%s: %s", host, text ? text : said);
}

void http_curl_late(void *easy, const struct http_op *op, struct err *err)
{
	curl_off_t connected = 0, secure = 0;
	char at[300], proxy[300];

	place(op, at);
	curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected);
	curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &secure);
	if (*op->via && !secure &&
		is_before_tunnel(easy, op,
			connected ? CURLE_SSL_CONNECT_ERROR : CURLE_COULDNT_CONNECT)) {
		err_set(err, ERR_PROXY,
			"the proxy %s opened no tunnel to %s within %" PRId64 ".%" PRId64 " s",
			proxy_place(op->via, proxy), at, op->time_ms / 1000,
			op->time_ms % 1000 / 100);
		return;
	}
	err_set(err, ERR_TIMEOUT, "%s: %s within %" PRId64 ".%" PRId64 " s", at,
		op->status  ? "there was no whole answer"
		: secure    ? "there was no answer"
		: connected ? "there was no TLS"
			    : "there was no connection",
		op->time_ms / 1000, op->time_ms % 1000 / 100);
}

void http_curl_name_host(const struct http_op *op, struct err *err)
{
	char host[256];

	err_add(err, "%s", url_host(buf_text(&op->url), host));
}

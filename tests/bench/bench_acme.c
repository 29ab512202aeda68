/* SPDX-License-Identifier: MIT */
#include <curl/curl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/csr.h"
#include "lib/crypt/jws.h"
#include "lib/crypt/key.h"
#include "lib/json/json.h"

/*
 * bench_acme DIRECTORY TRUST PORT N: N certificates from an ACME CA with as little as the protocol
 * allows: one kept connection, one account, one order after the other, nothing stored, checked,
 * logged or tried again.  Prints wall seconds, processor seconds and requests of all N, without the
 * registration.  http-01 is answered at PORT by a thread that needs no memory: whatever token is asked for,
 * it signs for it.  What goes wrong ends it.
 */

enum { POLL_MS = 2, ANSWER_MAX = 1024 };

static struct {
	CURL *curl;
	struct curl_slist *headers;
	struct buf body, nonce, location;
	unsigned requests;
	struct key *key;
	struct buf kid, thumbprint;
	int listener;
} floor_;

static void die(const char *what)
{
	fprintf(stderr, "bench_acme: %s: %s\n", what, buf_text(&floor_.body));
	exit(EXIT_FAILURE);
}

static void check(int result, const struct err *err)
{
	if (result < 0)
		die(err->text);
}

/* Any token is ours: there is nobody else who would ask. */
static void *answer(void *data)
{
	static const char path[] = "GET /.well-known/acme-challenge/";
	const size_t head = sizeof(path) - 1;

	(void)data;
	for (;;) {
		char asked[ANSWER_MAX + 1], said[2 * ANSWER_MAX];
		int fd = accept(floor_.listener, NULL, NULL), len, token_len;
		ssize_t n = fd < 0 ? -1 : read(fd, asked, ANSWER_MAX);

		if (n > (ssize_t)head && memcmp(asked, path, head) == 0) {
			asked[n] = '\0';
			token_len = (int)strcspn(asked + head, " ");
			len = snprintf(said, sizeof(said),
				"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: "
				"%zu\r\n\r\n"
				"%.*s.%s",
				(size_t)token_len + 1 + floor_.thumbprint.len, token_len,
				asked + head, buf_text(&floor_.thumbprint));
			if (len >= (int)sizeof(said) || write(fd, said, (size_t)len) != len)
				fprintf(stderr, "bench_acme: the CA did not listen\n");
		}
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

static void listen_at(const char *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int yes = 1;
	pthread_t thread;

	floor_.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(floor_.listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(floor_.listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
		listen(floor_.listener, SOMAXCONN) < 0 ||
		pthread_create(&thread, NULL, answer, NULL) != 0)
		die("no listener");
}

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
	buf_add((struct buf *)user, data, size * n);
	return size * n;
}

static void take(const char *line, size_t len, const char *name, struct buf *out)
{
	size_t name_len = strlen(name);

	if (len <= name_len || strncasecmp(line, name, name_len) != 0)
		return;
	line += name_len;
	len -= name_len;
	while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n'))
		len--;
	buf_clear(out);
	buf_add(out, line, len);
}

static size_t on_header(char *line, size_t size, size_t n, void *user)
{
	(void)user;
	take(line, size * n, "replay-nonce: ", &floor_.nonce);
	take(line, size * n, "location: ", &floor_.location);
	return size * n;
}

static void begin(const char *trust)
{
	CURL *curl = floor_.curl = curl_easy_init();

	floor_.headers = curl_slist_append(
		curl_slist_append(NULL, "Content-Type: application/jose+json"), "Expect:");
	curl_easy_setopt(curl, CURLOPT_CAINFO, trust);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, floor_.headers);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "bench_acme");
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &floor_.body);
}

static void ask(const char *url)
{
	long status = 0;

	buf_clear(&floor_.body);
	curl_easy_setopt(floor_.curl, CURLOPT_URL, url);
	if (curl_easy_perform(floor_.curl) != CURLE_OK)
		die(url);
	curl_easy_getinfo(floor_.curl, CURLINFO_RESPONSE_CODE, &status);
	if (status / 100 != 2)
		die(url);
	floor_.requests++;
}

/* One signed request; `payload` NULL reads. */
static void post(const char *url, const char *payload)
{
	struct buf header AUTO_BUF = BUF_INIT, body AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;

	buf_printf(&header, "{\"alg\":\"%s\",\"nonce\":\"%s\",\"url\":\"%s\",",
		jws_algorithm(floor_.key), buf_text(&floor_.nonce), url);
	if (floor_.kid.len > 0) {
		buf_printf(&header, "\"kid\":\"%s\"}", buf_text(&floor_.kid));
	} else {
		buf_add_text(&header, "\"jwk\":");
		check(jws_jwk(floor_.key, &header, &err), &err);
		buf_add_char(&header, '}');
	}
	check(jws_sign(floor_.key, buf_text(&header), payload, &body, &err), &err);
	curl_easy_setopt(floor_.curl, CURLOPT_POSTFIELDSIZE, (long)body.len);
	curl_easy_setopt(floor_.curl, CURLOPT_POSTFIELDS, buf_text(&body));
	ask(url);
}

static struct json *parse(void)
{
	struct json *json = NULL;
	struct err err = ERR_INIT;

	check(json_read(floor_.body.data, floor_.body.len, &json, &err), &err);
	return json;
}

/* Owned by the caller, who goes on when the document is gone. */
static char *text_of(const struct json *object, const char *key)
{
	const char *text = json_get_text(object, key);

	if (!text)
		die(key);
	return mem_strdup(text);
}

/* Reads until the status is no longer `busy`, and wants `good` then. */
static struct json *poll_until(const char *url, const char *busy, const char *good)
{
	for (;;) {
		struct json *json;
		const char *status;

		post(url, NULL);
		json = parse();
		status = json_get_text(json, "status");
		if (str_is(status, good))
			return json;
		if (!str_is(status, busy))
			die(url);
		json_free(json);
		poll(NULL, 0, POLL_MS);
	}
}

static void validate(const char *authz)
{
	struct json *json;
	const struct json *challenges;

	post(authz, NULL);
	json = parse();
	challenges = json_get(json, "challenges");
	for (size_t i = 0; i < json_n(challenges); i++) {
		const struct json *one = json_at(challenges, i);

		if (str_is(json_get_text(one, "type"), "http-01"))
			post(json_get_text(one, "url"), "{}");
	}
	json_free(json);
	json_free(poll_until(authz, "pending", "valid"));
}

static void finalize(const char *url, const char *name)
{
	struct cert_wish wish = { .names = &name, .n_names = 1, .path_length = -1 };
	struct buf der AUTO_BUF = BUF_INIT, payload AUTO_BUF = BUF_INIT;
	struct key *key AUTO_KEY = NULL;
	struct err err = ERR_INIT;

	check(key_make("ec:secp256r1", &key, &err), &err);
	check(csr_make_der(&wish, key, "sha256", &der, &err), &err);
	buf_add_text(&payload, "{\"csr\":\"");
	jws_base64url(&payload, der.data, der.len);
	buf_add_text(&payload, "\"}");
	post(url, buf_text(&payload));
}

static void issue(const char *new_order, const char *name)
{
	char *payload AUTO_FREE =
		mem_printf("{\"identifiers\":[{\"type\":\"dns\",\"value\":\"%s\"}]}", name);
	char *order AUTO_FREE = NULL, *finalize_url AUTO_FREE = NULL, *authz AUTO_FREE = NULL,
		    *certificate AUTO_FREE = NULL;
	struct json *json;

	post(new_order, payload);
	order = mem_strdup(buf_text(&floor_.location));
	json = parse();
	finalize_url = text_of(json, "finalize");
	authz = mem_strdup(json_text(json_at(json_get(json, "authorizations"), 0)));
	json_free(json);
	validate(authz);
	finalize(finalize_url, name);
	json = poll_until(order, "processing", "valid");
	certificate = text_of(json, "certificate");
	json_free(json);
	post(certificate, NULL);
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	long n = argc == 5 ? strtol(argv[4], NULL, 10) : 0;
	char *new_nonce AUTO_FREE = NULL, *new_account AUTO_FREE = NULL,
			*new_order AUTO_FREE = NULL;
	struct err err = ERR_INIT;
	struct json *directory;
	double wall, processor;

	if (n <= 0) {
		fputs("usage: bench_acme DIRECTORY TRUST PORT N\n", stderr);
		return EXIT_FAILURE;
	}
	check(key_make("ec:secp256r1", &floor_.key, &err), &err);
	check(jws_thumbprint(floor_.key, &floor_.thumbprint, &err), &err);
	listen_at(argv[3]);
	begin(argv[2]);
	ask(argv[1]);
	directory = parse();
	new_nonce = text_of(directory, "newNonce");
	new_account = text_of(directory, "newAccount");
	new_order = text_of(directory, "newOrder");
	json_free(directory);
	ask(new_nonce);
	post(new_account, "{\"termsOfServiceAgreed\":true}");
	buf_add(&floor_.kid, floor_.location.data, floor_.location.len);

	floor_.requests = 0;
	wall = seconds(CLOCK_MONOTONIC);
	processor = seconds(CLOCK_PROCESS_CPUTIME_ID);
	for (long i = 0; i < n; i++) {
		char *name AUTO_FREE = mem_printf("f%ld.bench.example", i);

		issue(new_order, name);
	}
	printf("%.6f %.6f %u\n", seconds(CLOCK_MONOTONIC) - wall,
		seconds(CLOCK_PROCESS_CPUTIME_ID) - processor, floor_.requests);
	return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
#include "daemon/acme/account_private.h"

#include "lib/base/clock.h"
#include "lib/log/log.h"
#include "lib/net/header.h"

enum { FETCHES = 3, DIRECTORY_MAX = 64 * 1024 };

void opening_fetch(struct acme_opening *o)
{
	http_get(&o->http, o->ca->url);
	acme_ca_http(o->ca, &o->http);
	o->http.limit = DIRECTORY_MAX;
	o->http.follow = true;
	o->http.is_soft = true;
	o->fetches++;
	http_ask(o->ca->acme->http, &o->task, &o->http);
}

static int take_directory(struct acme_opening *o, struct err *err)
{
	struct directory directory = { .arena = ARENA_INIT };
	struct problem problem;
	const char *retry;

	acme_ca_heard(o->ca, &o->http, &o->task.log);
	*err = o->http.err;
	if (err->code == ERR_TOO_LARGE)
		err->code = ERR_BAD_ANSWER;
	if (!err_is_set(err) && o->http.status != 200) {
		retry = http_header(&o->http, "retry-after", NULL);
		problem_read(
			o->http.status, buf_text(&o->http.body), o->http.body.len, &problem);
		problem_err(&problem,
			retry ? header_retry_after(retry, clock_now()) : INSTANT_NONE, err);
	}
	if (!err_is_set(err))
		directory_read(buf_text(&o->http.body), o->http.body.len, &o->ca->origins,
			&directory, err);
	if (err->code == ERR_FOREIGN_URL)
		err_add(err, "name that host in `origins` of the CA if it is the CA's");
	if (err_is_set(err))
		return err_add(err, "the directory of the CA %s", o->ca->name);
	directory_done(&o->ca->directory);
	o->ca->directory = directory;
	o->ca->fetched = clock_tick();
	o->ca->has_directory = true;
	return 0;
}

/* An old directory is better than none, and passing trouble passes. */
bool opening_must_fetch_again(struct acme_opening *o)
{
	struct err err = ERR_INIT;

	if (take_directory(o, &err) == 0)
		return false;
	if (o->ca->directory.new_order) {
		log_debug(&o->task.log, "%s; the one from before is used", err.text);
		o->ca->has_directory = true;
		o->ca->fetched = clock_tick();
		return false;
	}
	if (o->fetches < FETCHES && !instant_is_set(err.not_before) &&
		err_code_class(err.code) == CLASS_TRANSIENT && err.code != ERR_TLS)
		return true;
	o->task.err = err;
	return false;
}

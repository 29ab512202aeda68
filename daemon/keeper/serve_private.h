#ifndef CERTD_DAEMON_KEEPER_SERVE_PRIVATE_H
#define CERTD_DAEMON_KEEPER_SERVE_PRIVATE_H

#include "daemon/keeper/serve.h"

/* What the serve_*.c files share among themselves. */

/* Fills asked->facts and asked->spec: what a command of this request is told. */
void serve_describe(struct asked *asked, const char *event);

/*
 * Starts a configured command for the request, with its certificate's and target's facts; `done`
 * gets the struct asked and must clear asked->work.
 */
void serve_command(
	struct asked *asked, const struct words *words, const char *event, command_done *done);

/*
 * Shows the next version at the targets that want it, or removes it from there, beside the loop;
 * then answers the request with the certificate's facts.
 */
void serve_show_next(struct asked *asked, bool is_put);

/* What failed before has worked: the certificate's own failure is forgotten.  -1 when the facts cannot be written. */
int serve_forget_failure(struct asked *asked, struct err *err);

#endif

/* SPDX-License-Identifier: MIT */
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/session.h"
#include "daemon/job/runner.h"
#include "lib/base/str.h"

int cmd_cancel(struct session *session, struct err *err)
{
	const char *text = request_arg(&session->request, 0);
	int64_t number;

	if (!str_to_int(text, 1, INT64_MAX, &number))
		return err_set(err, ERR_BAD_ARGUMENT, "%.40s is not the number of a job", text);
	return runner_cancel(session->ctl->runner, (uint64_t)number, err);
}

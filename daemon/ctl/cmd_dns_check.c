#include "daemon/ctl/ctl.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/session.h"
#include "daemon/job/dns_check.h"
#include "daemon/job/runner.h"

/*
 * Asking name servers takes a while, so it is a job; what they say are its events.  It changes nothing in
 * this world, which is why who may only look may begin it.
 */
int cmd_dns_check(struct session *session, struct err *err)
{
	bool is_waiting = line_has(session->request.line, "--wait");
	char owner[DNS_NAME_LEN];
	const struct job *job;
	uint16_t type;

	if (dns_check_target(request_arg(&session->request, 0), owner, &type, err) < 0)
		return -1;
	job = runner_start_dns_check(session->ctl->runner, owner, type, is_waiting, err);
	if (!job)
		return -1;
	session->job = job->number;
	return 0;
}

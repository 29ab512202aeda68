#include "daemon/dns/caa_find.h"

#include <stdio.h>

static void look(struct caa_find *f)
{
	trace_start(&f->trace, &f->task, f->zones, f->at, DNS_CAA);
}

static int take(struct caa_find *f, struct err *err)
{
	const struct dns_message *answer = trace_answer(&f->trace);

	if (f->trace.is_blind)
		return err_set(err, ERR_DNS, "no server of %s can be asked", f->trace.apex);
	if (!answer) {
		*err = f->trace.err;
		return -1;
	}
	f->is_found =
		dns_message_find(answer, DNS_ANSWER, DNS_CAA, f->trace.owner, NULL) != NULL;
	if (!f->is_found)
		f->at = dns_name_parent(f->at);
	return 0;
}

static void run(struct task *task)
{
	struct caa_find *f = TASK_OF(task, struct caa_find);

	TASK_BEGIN(task)
	while (!f->is_found && f->at && *f->at) {
		AWAIT(look(f));
		TRY(take(f, &f->err));
	}
	FINALLY
	TASK_END
}

void caa_find(struct caa_find *find, struct task *parent, struct zones *zones, const char *name)
{
	caa_find_done(find);
	*find = (struct caa_find){ .zones = zones };
	snprintf(find->name, sizeof(find->name), "%s", name);
	find->at = find->name;
	task_start_child(&find->task, parent, run);
}

const struct dns_message *caa_found(const struct caa_find *find)
{
	return find->is_found ? trace_answer(&find->trace) : NULL;
}

void caa_find_done(struct caa_find *find)
{
	trace_done(&find->trace);
}

#include "daemon/job/failure.h"

#include "proto/facts.h"
#include "proto/line.h"

void failure_add(struct buf *request, const struct failure *last, const struct err *err,
	struct instant now)
{
	bool is_first = !last || last->code == ERR_NONE;

	line_add(request, "code", err_code_text(err->code));
	line_add(request, "text", err->text);
	line_add_int(request, "tries", is_first ? 1 : (int64_t)last->tries + 1);
	line_add_instant(request, "first", is_first ? now : last->first);
	line_add_instant(request, "last", now);
	line_add_instant(request, "not-before", err->not_before);
}

/* True for the first failure after each full day since it began. */
bool failure_is_daily(const struct failure *failure, struct instant now)
{
	int64_t day = DAYS(1).s;

	return instant_since(now, failure->first).s / day >
	       instant_since(failure->last, failure->first).s / day;
}

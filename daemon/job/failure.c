#include "daemon/job/failure.h"

#include "proto/line.h"

struct failure failure_next(
	const struct failure *last, const struct err *err, struct instant now)
{
	bool is_first = !last || last->code == ERR_NONE;

	return (struct failure){
		.code = err->code,
		.tries = is_first ? 1 : last->tries + 1,
		.first = is_first ? now : last->first,
		.last = now,
		.not_before = err->not_before,
		.text = (char *)(uintptr_t)err->text,
	};
}

void failure_add(struct buf *request, const struct failure *failure)
{
	line_add(request, "code", err_code_text(failure->code));
	line_add(request, "text", failure->text);
	line_add_int(request, "tries", failure->tries);
	line_add_instant(request, "first", failure->first);
	line_add_instant(request, "last", failure->last);
	line_add_instant(request, "not-before", failure->not_before);
}

/* True for the first failure after each full day since it began. */
bool failure_is_daily(const struct failure *failure, struct instant now)
{
	int64_t day = DAYS(1).s;

	return instant_since(now, failure->first).s / day >
	       instant_since(failure->last, failure->first).s / day;
}

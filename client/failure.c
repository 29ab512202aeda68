/* SPDX-License-Identifier: MIT */
#include "client/failure.h"

#include <stdio.h>
#include <string.h>

#include "client/options.h"
#include "client/view.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

int tell_failure(const struct err *err)
{
	struct buf text AUTO_BUF = BUF_INIT;
	char until[INSTANT_TEXT_LEN];

	term_add(&text, err->text);
	if (instant_is_set(err->not_before) &&
		!strstr(err->text, instant_text(err->not_before, until)))
		buf_printf(&text, " (not before %s)", until);
	fprintf(stderr, "certctl: %s\n", buf_text(&text));
	return err_code_exit(err->code);
}

int tell_failure_as(const struct options *options, const struct err *err)
{
	struct buf out AUTO_BUF = BUF_INIT;
	char until[INSTANT_TEXT_LEN];

	if (options->is_json) {
		buf_add_text(&out, "{\"error\": ");
		buf_add_json(&out, err_code_text(err->code));
		buf_add_text(&out, ", \"text\": ");
		buf_add_json(&out, err->text);
		buf_add_text(&out, ", \"until\": ");
		show_json_text(instant_is_set(err->not_before)
				       ? instant_text(err->not_before, until)
				       : NULL,
			&out);
		buf_add_text(&out, "}\n");
		fputs(buf_text(&out), stdout);
	}
	return tell_failure(err);
}

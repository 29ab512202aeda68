/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/launch/conf_report.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/log/log.h"
#include "lib/yaml/diag.h"
#include "proto/keeper.h"
#include "proto/line.h"

void conf_report_print(struct yaml_diags *diags)
{
	struct buf text AUTO_BUF = BUF_INIT;

	yaml_diags_print(diags, &text);
	fputs(buf_text(&text), stderr);
}

static void log_diag(const struct yaml_diags *diags, const struct yaml_diag *diag)
{
	struct buf text AUTO_BUF = BUF_INIT;
	char line[16];
	struct log_field file = { "FILE", yaml_diags_name(diags, diag->place.file), NULL };
	struct log_field place = { "LINE", line, &file };

	snprintf(line, sizeof(line), "%u", diag->place.line);
	yaml_diag_print(diags, diag, &text);
	log_event(&place, diag->is_error ? EVENT_CONFIG_MISTAKE : EVENT_CONFIG_WARNING, NULL,
		"%s", buf_text(&text));
}

void conf_report_log(struct yaml_diags *diags)
{
	size_t all = diags->n_errors + diags->n_warnings, n = diags->n;

	if (n > CONF_REPORT_LOG_MAX)
		n = CONF_REPORT_LOG_MAX;
	yaml_diags_sort(diags);
	for (size_t i = 0; i < n; i++)
		log_diag(diags, &diags->at[i]);
	if (all > n)
		log_event(NULL, EVENT_CONFIG_MISTAKE, NULL,
			"%zu more mistakes and warnings are not in the log; certd --check "
			"prints them",
			all - n);
}

void conf_report_start(struct yaml_diags *diags)
{
	if (log_is_journal())
		conf_report_log(diags);
	else
		conf_report_print(diags);
}

void conf_report_rows(struct yaml_diags *diags, struct buf *rows)
{
	yaml_diags_sort(diags);
	for (size_t i = 0; i < diags->n && rows->len < KEEPER_MESSAGE_MAX / 2; i++) {
		struct buf text AUTO_BUF = BUF_INIT;

		yaml_diag_print(diags, &diags->at[i], &text);
		if (rows->len)
			line_end(rows);
		line_add(rows, "text", buf_text(&text));
	}
}

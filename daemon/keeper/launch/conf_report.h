/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_LAUNCH_CONF_REPORT_H
#define CERTD_DAEMON_KEEPER_LAUNCH_CONF_REPORT_H

struct buf;
struct yaml_diags;

/*
 * A configuration report tells the diagnostics of one reading of the configuration: on a
 * terminal, in the log, and as rows to the client that asked for a reload.
 *
 * The diagnostics stay the caller's; each function sorts them by file and line.  Each line is
 * that of yaml_diags_print(), so that the place in the file is the same everywhere.
 */

/* On standard error, one a line, for editors and terminals. */
void conf_report_print(struct yaml_diags *diags);

/*
 * In the log: an event config.mistake for each error and config.warning for each warning, with the
 * fields FILE and LINE.  At most CONF_REPORT_LOG_MAX of them; one more entry counts the rest.
 */
#define CONF_REPORT_LOG_MAX 100
void conf_report_log(struct yaml_diags *diags);

/* At start: in the log when that is the journal, else on standard error. */
void conf_report_start(struct yaml_diags *diags);

/* As rows with the key `text`, as many as half a message of the keeper holds. */
void conf_report_rows(struct yaml_diags *diags, struct buf *rows);

#endif

/* SPDX-License-Identifier: MIT */
#include "daemon/ctl/handlers.h"

#include "daemon/ctl/session.h"

/* A new command is a row here, a row in proto/commands.def and a file cmd_NAME.c. */
command_handler *const command_handlers[COMMAND_COUNT] = {
	[COMMAND_STATUS] = cmd_status,
	[COMMAND_SHOW] = cmd_show,
	[COMMAND_WHY] = cmd_why,
	[COMMAND_RENEW] = cmd_renew,
	[COMMAND_ROLL] = cmd_roll,
	[COMMAND_PLAN] = cmd_plan,
	[COMMAND_DEPLOY] = cmd_deploy,
	[COMMAND_PUBLISH] = cmd_publish,
	[COMMAND_VERSIONS] = cmd_versions,
	[COMMAND_DISCARD] = cmd_discard,
	[COMMAND_PRUNE] = cmd_prune,
	[COMMAND_DNS_CHECK] = cmd_dns_check,
	[COMMAND_WATCH] = cmd_watch,
	[COMMAND_JOBS] = cmd_jobs,
	[COMMAND_CANCEL] = cmd_cancel,
	[COMMAND_REVOKE] = cmd_revoke,
	[COMMAND_ACCOUNTS] = cmd_accounts,
	[COMMAND_RELOAD] = cmd_reload,
	[COMMAND_METRICS] = cmd_metrics,
	[COMMAND_HELP] = cmd_help,
	[COMMAND_VERSION] = cmd_version,
};

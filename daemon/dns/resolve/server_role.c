/* SPDX-License-Identifier: MIT */
#include "daemon/dns/resolve/server_role.h"

static const char *const roles[] = { "primary", "authoritative", "extra" };

const char *server_role_text(enum server_role role)
{
	return roles[role];
}

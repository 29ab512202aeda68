/* SPDX-License-Identifier: MIT */
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/session.h"

int cmd_version(struct session *session, struct err *err)
{
	struct buf *row = session_row(session);

	(void)err;
	line_add(row, "program", "certd");
	line_add(row, "version", session->ctl->version);
	line_add_int(row, "proto", PROTO_VERSION);
	line_add(row, "role", role_text(peer_role(&session->peer, session->ctl)));
	line_end(row);
	return 0;
}

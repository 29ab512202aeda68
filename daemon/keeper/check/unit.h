/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_CHECK_UNIT_H
#define CERTD_DAEMON_KEEPER_CHECK_UNIT_H

#include <stdbool.h>

struct buf;
struct conf;
struct yaml_diags;

/*
 * The check of units asks whether the installed service could write where the configuration
 * wants it to.  `certd --check` reads the unit and its drop-ins as systemd would find them and
 * warns of every directory (of targets, http.webroot, and the include files of zones) outside
 * of what ProtectSystem=strict leaves writable, with the lines to add; and of a control socket
 * that is not the one where the installed certd.socket listens.  It asks files only, never
 * systemd, and is silent when no unit is installed or it protects nothing.
 */

/* `root` is put before every path ("" for this machine), for tests. */
void unit_check(const struct conf *conf, const char *root, struct yaml_diags *diags);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_CHECK_OUTSIDE_H
#define CERTD_DAEMON_KEEPER_CHECK_OUTSIDE_H

struct conf;
struct yaml_diags;

/*
 * The check of paths asks whether this machine has what the configuration names: the programs
 * of commands (of zones and targets), the folders of include files, the webroot.  It runs when
 * the configuration is read, so that the first order is not what finds it.
 *
 * All findings are warnings, as the service may see another machine than the user who checks
 * (its sandbox, a mount that comes later), and each path is told once.  It asks files only,
 * runs nothing, and is silent on what it may not see.  Files with secrets are in secrets.h, and
 * what the installed unit lets the service write in unit.h.
 */
void outside_check(const struct conf *conf, struct yaml_diags *diags);

#endif

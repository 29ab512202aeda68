/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_CHECK_READ_H
#define CERTD_DAEMON_KEEPER_CHECK_READ_H

struct conf;
struct conf_files;
struct yaml_diags;

/*
 * A checked reading is the configuration with everything that can be told of it on this machine.
 * The files are read and decoded, then the secrets and programs that they name are looked at.
 * `certd --check`, the start and each reload read in this way and no other.
 *
 * The configuration, a reference of the caller's, or NULL.  Mistakes are in *diags, also those of a
 * configuration that is returned: a daemon that starts serves all that they do not concern.
 */
struct conf *read_checked(const char *path, struct conf_files *files, struct yaml_diags *diags);

#endif

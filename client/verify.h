/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_VERIFY_H
#define CERTD_CLIENT_VERIFY_H

#include <stdbool.h>

/*
 * The command `certctl verify PATH...` checks whether a server can use a set of files.
 *
 * A directory stands for the version in it: the files with their usual names (cert.pem,
 * fullchain.pem, ...) are checked against each other. All named files are one set, with any
 * names: key, certificate, request, chain and anchors of one server, in any order. A missing
 * issuer of the last certificate is then only a remark, as issuers need not be named. The
 * checks: the key's strength and that it belongs to the certificate, the chain link by link,
 * the dates now, and that the certificate has names.
 */

/* argv[0] is the command's name. Returns 0, 1 when a check fails, 2 for usage. */
int verify_main(int argc, char **argv, bool is_json);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_INFO_H
#define CERTD_CLIENT_INFO_H

#include <stdbool.h>

/*
 * The command `certctl info [FILE...]` shows the contents of keys, signing requests,
 * certificates, chains and bundles, PEM or DER; standard input when no file is named, or for
 * "-". Of a private key only its type and the digest of its public half are printed. No daemon
 * is asked.
 */

/* argv[0] is the command's name.  Returns the exit status: 1 when a file could not be read. */
int info_main(int argc, char **argv, bool is_json);

#endif

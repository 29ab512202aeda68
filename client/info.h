/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_INFO_H
#define CERTD_CLIENT_INFO_H

#include <stdbool.h>

/*
 * `certctl info [FILE...]`: what is in keys, signing requests, certificates, chains and bundles, PEM
 * or DER; standard input when no file is named, or for "-".  Private keys are named by type and by
 * the digest of their public half; nothing private is ever printed.  No daemon is asked.
 */

/* argv[0] is the command's name.  Returns the exit status: 1 when a file could not be read. */
int info_main(int argc, char **argv, bool is_json);

#endif

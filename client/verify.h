/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_VERIFY_H
#define CERTD_CLIENT_VERIFY_H

#include <stdbool.h>

/*
 * `certctl verify PATH...`: is this a set of files that a server can use?
 *
 * A directory stands for the version in it: the files under their usual names (cert.pem,
 * fullchain.pem, ...) are checked against each other.  All files that are named are one set, whatever
 * they are called: key, certificate, request, chain and anchors of one server, in any order.  That
 * nothing there has issued the last certificate is then a remark, as issuers may not have been named.
 * Checked are the key's strength and that it belongs to the
 * certificate, the chain link by link, the dates now, and that the certificate has names.
 */

/* argv[0] is the command's name.  Returns 0, 1 when anything is wrong, 2 for usage. */
int verify_main(int argc, char **argv, bool is_json);

#endif

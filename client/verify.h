#ifndef CERTD_CLIENT_VERIFY_H
#define CERTD_CLIENT_VERIFY_H

#include <stdbool.h>

/*
 * `certctl verify PATH...`: is this a set of files that a server can use?
 *
 * A directory, or one of its files under its usual name (cert.pem, fullchain.pem, ...), stands for
 * the whole version: what is there is checked against each other.  Files with other names are checked
 * together, as key, certificate and chain of one server; when several of them hold a server's
 * certificate, each on its own.  Checked are the key's strength and that it belongs to the
 * certificate, the chain link by link, the dates now, and that the certificate has names.
 */

/* argv[0] is the command's name.  Returns 0, 1 when anything is wrong, 2 for usage. */
int verify_main(int argc, char **argv, bool is_json);

#endif

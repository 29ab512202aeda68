#ifndef CERTD_CLIENT_VERIFY_H
#define CERTD_CLIENT_VERIFY_H

/*
 * `certctl verify PATH...`: is this a set of files that a server can use?  A path is a version
 * directory (privkey.pem, cert.pem, chain.pem, fullchain.pem, bundle.pem: what is there is checked
 * against each other), a file in one, or a PEM file on its own.  Checked are the key, that it belongs to
 * the certificate, the chain link by link, the dates now, and that the certificate has names.
 */

/* argv[0] is the command's name.  Returns 0, 1 when anything is wrong, 2 for usage. */
int verify_main(int argc, char **argv);

#endif

#ifndef CERTD_CLIENT_INFO_H
#define CERTD_CLIENT_INFO_H

/*
 * `certctl info [FILE...]`: what is in keys, signing requests, certificates, chains and bundles, PEM
 * or DER; standard input when no file is named.  Private keys are named by type and by the
 * digest of their public half; nothing private is ever printed.  No daemon is asked.
 */

/* argv[0] is the command's name.  Returns the exit status. */
int info_main(int argc, char **argv);

#endif

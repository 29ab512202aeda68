/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_DHPARAM_H
#define CERTD_CLIENT_DHPARAM_H

/*
 * The command `certctl dhparam [-k GROUPS] [-a DAYS] [-f] DIR...` writes Diffie-Hellman
 * parameters to DIR/dh/.
 *
 * GROUPS is a list with commas: groups of RFC 7919 become dh-ffdheN.pem, written when missing;
 * sizes in bits become dhN.pem, fresh, made when missing or older than DAYS (120); -f makes all
 * again. The link dhparam.pem points to the first size of the list, or to the first group when
 * there is none. Every file is replaced in one rename. Without -k: the five groups, with
 * ffdhe4096 first.
 */

/* argv[0] is the command's name.  Returns the exit status. */
int dhparam_main(int argc, char **argv);

#endif

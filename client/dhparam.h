/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_DHPARAM_H
#define CERTD_CLIENT_DHPARAM_H

/*
 * `certctl dhparam [-k GROUPS] [-a DAYS] [-f] DIR...`: Diffie-Hellman parameters in DIR/dh/.
 *
 * GROUPS is a list with commas: groups of RFC 7919 become dh-ffdheN.pem, written when missing; sizes
 * in bits become dhN.pem, fresh, made when missing or older than DAYS (120); -f makes all anew.  The link
 * dhparam.pem points at the first size of the list, or at the first group when there is none.
 * Every file is replaced in one rename.  Without -k: the five groups, with ffdhe4096 first.
 */

/* argv[0] is the command's name.  Returns the exit status. */
int dhparam_main(int argc, char **argv);

#endif

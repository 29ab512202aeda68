#ifndef CERTD_CLIENT_DHPARAM_H
#define CERTD_CLIENT_DHPARAM_H

/*
 * `certctl dhparam [-k GROUPS] [-a DAYS] [-f] DIR...`: Diffie-Hellman parameters in DIR/dh/: the
 * groups of RFC 7919 as dh-ffdheN.pem, written when missing; sizes in bits as dhN.pem, fresh, made
 * when missing or older than DAYS; and a link dhparam.pem to the first size of the list, or to the
 * first group when there is none.  Every file is replaced in one rename.
 */

/* argv[0] is the command's name.  Returns the exit status. */
int dhparam_main(int argc, char **argv);

#endif

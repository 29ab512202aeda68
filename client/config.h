/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_CONFIG_H
#define CERTD_CLIENT_CONFIG_H

struct err;
struct options;

/*
 * A configuration command (`certctl config check | explain | schema`) runs in certd, which
 * knows the configuration; certctl executes it. The program is $CERTD_PROGRAM, else the certd
 * that was installed or built with this certctl, else the one in $PATH. On success this does
 * not return.
 */

/* Returns -1 with `err`. */
int config_run(const struct options *options, struct err *err);

#endif

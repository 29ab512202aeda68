/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BASE_RAND_H
#define CERTD_LIB_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

/*
 * The random numbers come from the kernel and serve unguessable names and jitter. Keys and
 * serial numbers use lib/crypt.
 */

void rand_bytes(void *out, size_t len);
uint64_t rand_below(uint64_t bound); /* uniform in [0, bound); bound > 0 */

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BASE_RAND_H
#define CERTD_LIB_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

/*
 * Randomness from the kernel, for names that must not be guessed and for spreading.  Keys and
 * serial numbers take theirs from lib/crypt.
 */

void rand_bytes(void *out, size_t len);
uint64_t rand_below(uint64_t bound); /* uniform in [0, bound); bound > 0 */

#endif

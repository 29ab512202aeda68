/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_FUZZ_FUZZ_H
#define CERTD_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/*
 * A fuzz target runs one parser on bytes from outside.
 *
 * A target is tests/fuzz/NAME_fuzz.c, which defines LLVMFuzzerTestOneInput() as its only
 * global; a row in tests/fuzz/meson.build; and a folder tests/fuzz/corpus/NAME with small
 * inputs, valid ones and ones that once broke something. It must accept any bytes, return 0,
 * leak nothing, and assert invariants (accepted input is canonical, written output is read
 * back).
 *
 * Every target is built twice: with replay_main.c, which the normal test run starts, and with
 * libFuzzer when all code is instrumented for it:
 *
 *	CC=clang meson setup build-fuzz -Db_sanitize=address,undefined \
 *		-Dc_args=-fsanitize=fuzzer-no-link
 *	ninja -C build-fuzz test-programs
 *	build-fuzz/tests/fuzz/NAME_fuzzer tests/fuzz/corpus/NAME
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif

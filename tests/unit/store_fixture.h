/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_UNIT_STORE_FIXTURE_H
#define CERTD_TESTS_UNIT_STORE_FIXTURE_H

#include "daemon/keeper/store/version.h"
#include "lib/base/instant.h"
#include "proto/facts.h"

/*
 * What the tests of the store put into it: real self-signed certificates.  Keys are made once
 * per program and taken in turn.
 */

/*
 * Fills a complete version that is valid from an hour before `created` for `life`; the caller owns
 * *files (version_files_done).
 */
void fixture_version(struct version_files *files, struct version_facts *facts,
	struct instant created, struct duration life);

/* Frees the keys, at the end of the program. */
void fixture_done(void);

#endif

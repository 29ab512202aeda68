/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_DN_H
#define CERTD_LIB_CRYPT_DN_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/*
 * A certificate wish holds a subject and names: the part that a signing request and a
 * certificate share. The struct only points to the caller's data.
 *
 * Purposes are bits with the same values as enum purpose in daemon/conf/conf.h;
 * daemon/keeper/ca/localca.c asserts it.
 */

/* One attribute of a distinguished name, in its order. */
struct dn_field {
	const char *key; /* OpenSSL's name: "CN", "O", "emailAddress" */
	const char *value;
};

enum eku {
	EKU_SERVER_AUTH = 1,
	EKU_CLIENT_AUTH = 2,
	EKU_EMAIL = 4,
	EKU_CODE_SIGNING = 8,
	EKU_TIME_STAMPING = 16,
	EKU_OCSP_SIGNING = 32,
};

struct cert_wish {
	const struct dn_field *subject;
	size_t n_subject;
	const char *const *names; /* A-labels, "*." allowed; or IP addresses in any form */
	size_t n_names;
	unsigned purposes; /* enum eku, or-ed; 0: no extended key usage */
	bool is_ca;
	int path_length; /* of a CA; -1: none */
};

/* Is `key` an attribute that OpenSSL knows, and may it have this value (length, characters)? */
int dn_field_check(const char *key, const char *value, struct err *err);

#endif

/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>

#include "daemon/acme/object.h"
#include "lib/base/err.h"
#include "lib/wire/url.h"

/*
 * Any bytes as any object: an accepted one is bounded and holds only URLs that may be
 * requested.
 */

#define DIRECTORY "https://ca.example/dir"

static void check_url(const char *url)
{
	struct err err = ERR_INIT;

	assert(!url || url_check(url, &err) == 0);
}

static void try_directory(const char *data, size_t len)
{
	struct directory directory;
	struct err err = ERR_INIT;

	if (directory_read(data, len, &(struct url_origins){ DIRECTORY, NULL, 0 }, &directory,
		    &err) < 0) {
		assert(err.code == ERR_BAD_ANSWER || err.code == ERR_FOREIGN_URL);
		assert(err.text[0]);
		return;
	}
	assert(directory.n_profiles <= OBJECT_PROFILES_MAX);
	assert(url_same_origin(directory.new_nonce, DIRECTORY));
	assert(url_same_origin(directory.new_account, DIRECTORY));
	check_url(directory.new_order);
	check_url(directory.renewal_info);
	directory_done(&directory);
}

static void try_order(const char *data, size_t len)
{
	struct order_object order;
	struct err err = ERR_INIT;

	if (order_object_read(data, len, &order, &err) < 0) {
		assert(err.code == ERR_BAD_ANSWER && err.text[0]);
		return;
	}
	assert(order.n_authz <= OBJECT_AUTHZ_MAX && order.n_names <= OBJECT_AUTHZ_MAX);
	for (size_t i = 0; i < order.n_authz; i++)
		check_url(order.authz[i]);
	check_url(order.finalize);
	check_url(order.certificate);
	order_object_done(&order);
}

static void try_authz(const char *data, size_t len)
{
	struct authz_object authz;
	struct err err = ERR_INIT;

	if (authz_object_read(data, len, &authz, &err) < 0) {
		assert(err.code == ERR_BAD_ANSWER && err.text[0]);
		return;
	}
	assert(authz.n_challenges <= OBJECT_CHALLENGES_MAX && authz.value && authz.type);
	for (size_t i = 0; i < authz.n_challenges; i++) {
		assert(authz.challenges[i].type && authz.challenges[i].token);
		check_url(authz.challenges[i].url);
	}
	authz_object_done(&authz);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct account_object account;
	struct err err = ERR_INIT;

	try_directory(text, len);
	try_order(text, len);
	try_authz(text, len);
	if (account_object_read(text, len, &account, &err) == 0)
		account_object_done(&account);
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/copy/copy.h"

#include "lib/crypt/cert.h"
#include "lib/crypt/key.h"
#include "tests/unit/copy_place.h"

/* A real key and certificate, for the formats that are not copies of files. */
struct material {
	struct secret key, bundle;
	struct buf cert;
};

static int read_real(void *data, const char *file, struct buf *out, struct err *err)
{
	const struct material *from = data;

	(void)err;
	if (str_is(file, "privkey.pem"))
		buf_add(out, from->key.data, from->key.len);
	else if (str_is(file, "bundle.pem"))
		buf_add(out, from->bundle.data, from->bundle.len);
	else if (!str_is(file, "chain.pem"))
		buf_add(out, from->cert.data, from->cert.len);
	return 0;
}

static void make_material(struct material *out)
{
	const char *const names[] = { "example.com" };
	const struct dn_field subject = { "CN", "example.com" };
	const struct cert_wish wish = { .subject = &subject,
		.n_subject = 1,
		.names = names,
		.n_names = 1,
		.path_length = -1 };
	struct key *key AUTO_KEY = NULL;
	struct cert *cert AUTO_CERT = NULL;
	struct err err = ERR_INIT;
	struct cert_issue order = { .wish = &wish,
		.digest = "sha256",
		.not_before = { 1700000000 },
		.not_after = { 1900000000 } };

	memset(out, 0, sizeof(*out));
	REQUIRE(key_make("ec:P-256", &key, &err) == 0);
	order.key = key;
	REQUIRE(cert_issue(&order, &cert, &err) == 0);
	REQUIRE(key_write(key, &out->key, &err) == 0);
	cert_write(cert, &out->cert);
	secret_add(&out->bundle, out->key.data, out->key.len);
	secret_add(&out->bundle, out->cert.data, out->cert.len);
}

static void material_done(struct material *material)
{
	secret_done(&material->key);
	secret_done(&material->bundle);
	buf_done(&material->cert);
}

static int switch_real(
	const struct place *place, struct material *from, bool *changed, struct err *err)
{
	struct version_id id = { { 1700000000 }, 1 };
	struct copy copy = { .n_files = 0 };
	int r = copy_init(&copy, &place->target, &place->cert, &id, read_real, from, err);

	if (r == 0)
		r = copy_switch(&copy, changed, err);
	copy_done(&copy);
	return r;
}

TEST(formats)
{
	struct material material;
	struct err err = ERR_INIT;
	struct place place;
	char password[100];
	bool changed;

	make_material(&material);
	place_init(&place);
	place.target.formats = FORMAT_DER | FORMAT_COMBINED | FORMAT_PKCS12 | FORMAT_ANCHOR;
	CHECK_INT(switch_real(&place, &material, &changed, &err), -1);
	CHECK_INT(err.code, ERR_BAD_CONFIG);
	snprintf(password, sizeof(password), "%s/password", place.dir);
	place.target.password_file = password;
	CHECK_INT(file_replace(place.fd, "password", "secret\n", 7, FILE_SECRET, &err), 0);
	CHECK_INT(switch_real(&place, &material, &changed, &err), 0);
	CHECK(changed);
	CHECK_INT(entries_in(&place, HERE "/curr"), 5);
	CHECK_INT(mode_of(&place, HERE "/curr/cert.p12"), 0640);
	CHECK_INT(mode_of(&place, HERE "/curr/privkey.der"), 0640);
	CHECK_INT(mode_of(&place, HERE "/curr/combined.pem"), 0640);
	CHECK_INT(mode_of(&place, HERE "/curr/cert.der"), 0644);
	CHECK_INT(mode_of(&place, HERE "/curr/cert.pem"), 0644);
	/* PKCS#12 is salted anew each time; that alone is no reason to copy again. */
	CHECK_INT(switch_real(&place, &material, &changed, &err), 0);
	CHECK(!changed);
	CHECK_INT(file_replace(place.fd, "password", "other\n", 6, FILE_SECRET, &err), 0);
	CHECK_INT(switch_real(&place, &material, &changed, &err), 0);
	CHECK(changed);
	place_done(&place);
	material_done(&material);
}

TEST(keys_of_a_ca_never_leave)
{
	struct place place;

	place_init(&place);
	place.cert.name = "ca/my-root";
	place.cert.service = place.cert.name + 3;
	place.cert.is_ca = true;
	place.target.formats = FORMAT_PEM | FORMAT_DER | FORMAT_COMBINED | FORMAT_PKCS12;
	do_switch(&place, 1, false, true);
	CHECK_INT(entries_in(&place, "ca/my-root/curr"), 1);
	CHECK_INT(mode_of(&place, "ca/my-root/curr/cert.pem"), 0644);
	CHECK_INT(mode_of(&place, "ca/my-root/curr"), 0755);
	place_done(&place);
}

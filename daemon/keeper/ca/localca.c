/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/ca/localca.h"

#include <string.h>

#include "daemon/conf/index.h"
#include "daemon/keeper/store/info.h"
#include "daemon/keeper/store/version.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/chain.h"
#include "lib/crypt/csr.h"
#include "lib/crypt/key.h"

_Static_assert((int)PURPOSE_SERVER_AUTH == (int)EKU_SERVER_AUTH &&
		       (int)PURPOSE_CLIENT_AUTH == (int)EKU_CLIENT_AUTH &&
		       (int)PURPOSE_EMAIL == (int)EKU_EMAIL &&
		       (int)PURPOSE_CODE_SIGNING == (int)EKU_CODE_SIGNING &&
		       (int)PURPOSE_TIME_STAMPING == (int)EKU_TIME_STAMPING &&
		       (int)PURPOSE_OCSP_SIGNING == (int)EKU_OCSP_SIGNING,
	"purposes are handed on as they are");

/* The length of a common name (RFC 5280, appendix A: ub-common-name). */
#define COMMON_NAME_MAX 64

/* Its own certificate first in the chain, then what is above it. */
/*
 * States: a signer is loaded for one issuer, with its chain and key, and used for any number of
 * issues; the first leaf that verifies sets is_proven, so that later ones skip the chain
 * above.  The caller keeps it and frees it with localca_signer_free().
 */
struct localca_signer {
	struct chain chain;
	struct key *key;
	bool is_proven; /* a leaf below it verified up to the root, and it would for any name */
};

void localca_signer_free(struct localca_signer *signer)
{
	if (!signer)
		return;
	chain_done(&signer->chain);
	key_free(signer->key);
	free(signer);
}

static void wish_done(struct dn_field **fields)
{
	free(*fields);
}

static const struct ca_conf *order_ca(const struct localca_order *order)
{
	return order->ca == CA_SELF ? NULL : conf_ca_at(order->conf, order->ca);
}

/* A root is signed with the digest of the CA that it is the issuer of. */
static const char *order_digest(const struct localca_order *order)
{
	const struct ca_conf *ca = order_ca(order);

	for (size_t i = 0; !ca && i < order->conf->n_cas; i++)
		if (conf_ca_at(order->conf, i)->issuer == order->cert->place)
			ca = conf_ca_at(order->conf, i);
	return ca && ca->digest ? ca->digest : LOCALCA_DIGEST;
}

static struct instant order_end(const struct localca_order *order)
{
	struct duration life = conf_life(order->conf, order->cert, order->ca);

	/* Still none: as long as the issuer, to which cert_issue() clips. */
	return life.s == 0 ? INSTANT_NEVER : instant_add(order->now, life);
}

/*
 * The subject is the configured one.  A self-signed certificate must have a name; without a
 * subject it is called by its first DNS name.
 */
static struct dn_field *subject_make(const struct localca_order *order, size_t *ret_n)
{
	const struct cert_conf *cert = order->cert;
	size_t n = cert->n_subject;
	struct dn_field *fields = mem_zalloc((n + 1) * sizeof(*fields));

	for (size_t i = 0; i < n; i++)
		fields[i] = (struct dn_field){ cert->subject[i].key, cert->subject[i].value };
	if (n == 0 && order->ca == CA_SELF && cert->n_names &&
		strlen(cert->names[0]) <= COMMON_NAME_MAX)
		fields[n++] = (struct dn_field){ "CN", cert->names[0] };
	*ret_n = n;
	return fields;
}

static const char *issuer_name(const struct localca_order *order)
{
	return conf_cert_at(order->conf, order_ca(order)->issuer)->name;
}

static int signer_read(
	const struct localca_issuer *files, struct localca_signer *out, struct err *err)
{
	struct cert *cert;

	if (cert_read(files->cert, strlen(files->cert), &cert, err) < 0 ||
		chain_add(&out->chain, cert, err) < 0)
		return -1;
	/* A root's chain.pem is the root, which stands here already. */
	if (!cert_is_self_signed(cert) && files->chain &&
		chain_read(files->chain, strlen(files->chain), &out->chain, err) < 0)
		return -1;
	if (key_read(files->privkey->data, files->privkey->len, &out->key, err) < 0)
		return -1;
	if (!cert_has_key(cert, out->key))
		return err_set(
			err, ERR_BAD_KEY, "its private key is not that of its certificate");
	return key_check_strength(out->key, err);
}

int localca_signer_read(const struct localca_issuer *files, const char *name,
	struct localca_signer **out, struct err *err)
{
	struct localca_signer *signer;

	if (!files->cert || !files->privkey)
		return err_set(
			err, ERR_NO_ISSUER, "%s has no current certificate to sign with", name);
	signer = mem_new(struct localca_signer);
	if (signer_read(files, signer, err) < 0) {
		localca_signer_free(signer);
		err_add(err, "%s cannot sign", name);
		err->code = ERR_NO_ISSUER;
		return -1;
	}
	*out = signer;
	return 0;
}

/*
 * How many CAs may follow below the issuer: each path length above it counts the CAs between
 * (RFC 5280, 4.2.1.9).  -1: any number.
 */
static int path_left(const struct chain *chain)
{
	int left = -1;

	for (size_t i = 0; i < chain->n; i++) {
		int length = cert_path_length(chain->at[i]);

		if (length < 0)
			continue;
		length = length > (int)i ? length - (int)i : 0;
		if (left < 0 || length < left)
			left = length;
	}
	return left;
}

static int issuer_check(
	const struct localca_order *order, const struct chain *chain, struct err *err)
{
	const struct cert *cert = chain->at[0];
	const char *name = issuer_name(order);
	char text[INSTANT_TEXT_LEN];

	if (!cert_is_ca(cert))
		return err_set(err, ERR_NO_ISSUER, "the certificate of %s is not a CA's", name);
	if (!instant_before(order->now, cert_not_after(cert)))
		return err_set(err, ERR_NO_ISSUER, "the certificate of %s ended at %s", name,
			instant_text(cert_not_after(cert), text));
	if (instant_before(order->now, cert_not_before(cert)))
		return err_set(err, ERR_NO_ISSUER,
			"the certificate of %s does not begin before %s", name,
			instant_text(cert_not_before(cert), text));
	if (order->cert->is_ca && path_left(chain) == 0)
		return err_set(err, ERR_NO_ISSUER,
			"the path length of %s allows no CA below it", name);
	return 0;
}

/* The issuer; NULL for a self-signed certificate. */
static int issuer_find(
	const struct localca_order *order, struct localca_signer **out, struct err *err)
{
	*out = order->ca == CA_SELF ? NULL : order->signer;
	if (order->ca == CA_SELF)
		return 0;
	if (!order->signer)
		return err_set(err, ERR_NO_ISSUER, "%s has no current certificate to sign with",
			issuer_name(order));
	return issuer_check(order, &order->signer->chain, err);
}

/* Does the certificate differ from one whose chain was verified in nothing that is above it? */
static bool is_like_before(
	const struct localca_order *order, const struct localca_signer *signer)
{
	return signer && signer->is_proven && !order->cert->is_ca;
}

static int sign(const struct localca_order *order, const struct cert_wish *wish,
	const struct localca_signer *signer, struct cert **out, struct err *err)
{
	struct cert_issue request = {
		.wish = wish,
		.key = order->key,
		.issuer = signer ? signer->chain.at[0] : NULL,
		.issuer_key = signer ? signer->key : NULL,
		.digest = order_digest(order),
		.not_before = instant_sub(order->now, LOCALCA_BACKDATE),
		.not_after = order_end(order),
		.is_for_first = is_like_before(order, signer),
	};

	/* An issuer that begins later than that would make a gap. */
	if (signer)
		request.not_before =
			instant_max(request.not_before, cert_not_before(request.issuer));
	return cert_issue(&request, out, err);
}

/* The new certificate in front of its issuers, all of which stay their owners'. */
static int chain_make(struct cert *cert, const struct localca_signer *signer, struct chain *out,
	struct err *err)
{
	size_t n = signer ? signer->chain.n : 0;

	if (n >= CHAIN_MAX)
		return err_set(err, ERR_TOO_LARGE, "the chain has more than %d certificates",
			CHAIN_MAX);
	out->at[0] = cert;
	for (size_t i = 0; i < n; i++)
		out->at[i + 1] = signer->chain.at[i];
	out->n = n + 1;
	return 0;
}

/* Up to the root; above the first certificate not again for each one of the same issuer. */
static int check_chain(const struct localca_order *order, struct localca_signer *signer,
	const struct chain *chain, struct err *err)
{
	bool any_name = true;

	if (is_like_before(order, signer))
		return chain_verify_first(chain, order->now, err);
	if (chain_verify(chain, NULL, order->now, err) < 0)
		return -1;
	for (size_t i = 1; i < chain->n; i++)
		any_name = any_name && !cert_constrains_names(chain->at[i]);
	if (signer && !order->cert->is_ca)
		signer->is_proven = any_name;
	return 0;
}

static int check(const struct localca_order *order, struct localca_signer *signer,
	const struct chain *chain, struct err *err)
{
	const struct cert *cert = chain->at[0];

	if (check_chain(order, signer, chain, err) < 0)
		return -1;
	if (!cert_has_key(cert, order->key))
		return err_set(err, ERR_BAD_CERT, "the certificate does not carry its key");
	return cert_has_exactly(
		cert, (const char *const *)order->cert->names, order->cert->n_names, err);
}

static void facts_make(
	const struct localca_order *order, const struct chain *chain, struct version_facts *out)
{
	struct version_facts facts = { .id = out->id };

	info_from_cert(
		chain->at[0], chain->n > 1 ? chain->at[1] : chain->at[0], order->now, &facts);
	facts.digest = order->cert->digest;
	facts.generation = order->generation;
	facts.key_created = order->key_created;
	facts.ca = facts_ca(order_ca(order) ? order_ca(order)->name : "self");
	*out = facts;
}

static int files_make(const struct localca_order *order, const struct cert_wish *wish,
	const struct chain *chain, const struct version_facts *facts, struct version_files *out,
	struct err *err)
{
	const struct ca_conf *ca = order_ca(order);

	if (key_write(order->key, &out->privkey, err) < 0 ||
		csr_make(wish, order->key, order_digest(order), &out->csr, err) < 0)
		return -1;
	version_files_fill(out, order->cert->name, chain, chain->n > 1 ? 1 : 0,
		ca ? ca->name : "self", facts);
	return 0;
}

int localca_issue(const struct localca_order *order, struct version_files *out,
	struct version_facts *facts, struct err *err)
{
	struct localca_signer *signer;
	struct version_files files CLEANUP(version_files_done) = { .cert = BUF_INIT };
	struct cert *cert AUTO_CERT = NULL;
	struct chain chain = CHAIN_INIT;
	struct dn_field *subject CLEANUP(wish_done) = NULL;
	struct version_facts made = { .id = facts->id };
	struct cert_wish wish = {
		.names = (const char *const *)order->cert->names,
		.n_names = order->cert->n_names,
		.purposes = order->cert->purposes,
		.is_ca = order->cert->is_ca,
		.path_length = order->cert->path_length,
	};

	wish.subject = subject = subject_make(order, &wish.n_subject);
	if (issuer_find(order, &signer, err) < 0 ||
		sign(order, &wish, signer, &cert, err) < 0 ||
		chain_make(cert, signer, &chain, err) < 0 ||
		check(order, signer, &chain, err) < 0)
		return -1;
	facts_make(order, &chain, &made);
	if (files_make(order, &wish, &chain, &made, &files, err) < 0)
		return -1;
	*facts = made;
	*out = files;
	files = (struct version_files){ .cert = BUF_INIT };
	return 0;
}

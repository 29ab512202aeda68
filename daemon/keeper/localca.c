#include "daemon/keeper/localca.h"

#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/keeper/info.h"
#include "daemon/keeper/version.h"
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

/* What a common name may hold (RFC 5280, appendix A: ub-common-name). */
#define COMMON_NAME_MAX 64

/* The issuer, read: its own certificate first in the chain, then what is above it. */
struct issuer_read {
	struct chain chain;
	struct key *key;
};

static void issuer_done(struct issuer_read *issuer)
{
	chain_done(&issuer->chain);
	key_free(issuer->key);
}

static void wish_done(struct dn_field **fields)
{
	free(*fields);
}

static const struct ca_conf *order_ca(const struct localca_order *order)
{
	return order->ca == CA_SELF ? NULL : &order->conf->cas[order->ca];
}

/* A root is signed with the digest of the CA that it is the issuer of. */
static const char *order_digest(const struct localca_order *order)
{
	const struct ca_conf *ca = order_ca(order);

	for (size_t i = 0; !ca && i < order->conf->n_cas; i++)
		if (order->conf->cas[i].issuer == order->cert->place)
			ca = &order->conf->cas[i];
	return ca && ca->digest ? ca->digest : LOCALCA_DIGEST;
}

static struct instant order_end(const struct localca_order *order)
{
	struct duration life = conf_life(order->conf, order->cert, order->ca);

	/* Still none: as long as the issuer, to which cert_issue() clips. */
	return life.s == 0 ? INSTANT_NEVER : instant_add(order->now, life);
}

/*
 * The subject is the configured one.  Who signs himself must have a name, so a self-signed
 * certificate without a subject is called by its first name.
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
	return order->conf->certs[order_ca(order)->issuer].name;
}

static int issuer_read_files(
	const struct localca_order *order, struct issuer_read *out, struct err *err)
{
	const struct localca_issuer *files = order->issuer;
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

/* For a self-signed certificate *out stays empty. */
static int issuer_load(
	const struct localca_order *order, struct issuer_read *out, struct err *err)
{
	if (order->ca == CA_SELF)
		return 0;
	if (!order->issuer || !order->issuer->cert || !order->issuer->privkey)
		return err_set(err, ERR_NO_ISSUER, "%s has no current certificate to sign with",
			issuer_name(order));
	if (issuer_read_files(order, out, err) < 0) {
		err_add(err, "%s cannot sign", issuer_name(order));
		err->code = ERR_NO_ISSUER;
		return -1;
	}
	return issuer_check(order, &out->chain, err);
}

static int sign(const struct localca_order *order, const struct cert_wish *wish,
	const struct issuer_read *issuer, struct cert **out, struct err *err)
{
	bool is_self = order->ca == CA_SELF;
	struct cert_issue request = {
		.wish = wish,
		.key = order->key,
		.issuer = is_self ? NULL : issuer->chain.at[0],
		.issuer_key = is_self ? NULL : issuer->key,
		.digest = order_digest(order),
		.not_before = instant_sub(order->now, LOCALCA_BACKDATE),
		.not_after = order_end(order),
	};

	/* An issuer that begins later than that would make a gap. */
	if (!is_self)
		request.not_before =
			instant_max(request.not_before, cert_not_before(request.issuer));
	return cert_issue(&request, out, err);
}

/* The new certificate in front of its issuers; the certificates move from `issuer` to *out. */
static int chain_make(
	struct cert *cert, struct issuer_read *issuer, struct chain *out, struct err *err)
{
	if (chain_add(out, cert, err) < 0)
		return -1;
	while (issuer->chain.n > 0 && out->n < CHAIN_MAX) {
		out->at[out->n++] = issuer->chain.at[0];
		issuer->chain.n--;
		memmove(issuer->chain.at, issuer->chain.at + 1,
			issuer->chain.n * sizeof(issuer->chain.at[0]));
	}
	if (issuer->chain.n > 0)
		return err_set(err, ERR_TOO_LARGE, "the chain has more than %d certificates",
			CHAIN_MAX);
	return 0;
}

static int check(const struct localca_order *order, const struct chain *chain, struct err *err)
{
	const struct cert *cert = chain->at[0];

	if (chain_verify(chain, NULL, order->now, err) < 0)
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
	cert_write(chain->at[0], &out->cert);
	chain_write(chain, chain->n > 1 ? 1 : 0, &out->chain);
	chain_write(chain, 0, &out->fullchain);
	secret_add(&out->bundle, out->privkey.data, out->privkey.len);
	secret_add(&out->bundle, out->fullchain.data, out->fullchain.len);
	buf_printf(&out->tlsa, ";; %s publishes no TLSA records\n", order->cert->name);
	info_write(facts, chain->at[0], ca ? ca->name : "self", &out->info);
	return 0;
}

int localca_issue(const struct localca_order *order, struct version_files *out,
	struct version_facts *facts, struct err *err)
{
	struct issuer_read issuer CLEANUP(issuer_done) = { .key = NULL };
	struct version_files files CLEANUP(version_files_done) = { .cert = BUF_INIT };
	struct chain chain AUTO_CHAIN = CHAIN_INIT;
	struct dn_field *subject CLEANUP(wish_done) = NULL;
	struct version_facts made = { .id = facts->id };
	struct cert_wish wish = {
		.names = (const char *const *)order->cert->names,
		.n_names = order->cert->n_names,
		.purposes = order->cert->purposes,
		.is_ca = order->cert->is_ca,
		.path_length = order->cert->path_length,
	};
	struct cert *cert;

	wish.subject = subject = subject_make(order, &wish.n_subject);
	if (issuer_load(order, &issuer, err) < 0 ||
		sign(order, &wish, &issuer, &cert, err) < 0 ||
		chain_make(cert, &issuer, &chain, err) < 0 || check(order, &chain, err) < 0)
		return -1;
	facts_make(order, &chain, &made);
	if (files_make(order, &wish, &chain, &made, &files, err) < 0)
		return -1;
	*facts = made;
	*out = files;
	files = (struct version_files){ .cert = BUF_INIT };
	return 0;
}

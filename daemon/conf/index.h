/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CONF_INDEX_H
#define CERTD_DAEMON_CONF_INDEX_H

#include <assert.h>

#include "daemon/conf/conf.h"

/*
 * The ways from an index in the configuration to the CA, certificate or target that it stands
 * for.
 *
 * Each asserts that the index is in range, so a wrong one ends the process where it is used and
 * reads no foreign memory.  Outside of daemon/conf there is no other way;
 * tests/lint/rule_index.py sees to that. CA_SELF is an index in a certificate's list, but never
 * that of a CA.
 */

static inline const struct ca_conf *conf_ca_at(const struct conf *conf, size_t ca)
{
	assert(ca < conf->n_cas);
	return &conf->cas[ca];
}

static inline const struct cert_conf *conf_cert_at(const struct conf *conf, size_t place)
{
	assert(place < conf->n_certs);
	return &conf->certs[place];
}

static inline const struct target_conf *conf_target_at(const struct conf *conf, size_t target)
{
	assert(target < conf->n_targets);
	return &conf->targets[target];
}

/* The nth CA of a certificate's list: its index, or CA_SELF. */
static inline uint32_t cert_conf_ca(const struct cert_conf *cert, size_t n)
{
	assert(n < cert->n_cas);
	return cert->cas[n];
}

/* The nth CA of a certificate's list; NULL: the certificate signs itself. */
static inline const struct ca_conf *cert_conf_nth_ca(
	const struct conf *conf, const struct cert_conf *cert, size_t n)
{
	uint32_t ca = cert_conf_ca(cert, n);

	return ca == CA_SELF ? NULL : conf_ca_at(conf, ca);
}

/* The same, but NULL for every CA that takes no ACME orders. */
static inline const struct ca_conf *cert_conf_nth_acme(
	const struct conf *conf, const struct cert_conf *cert, size_t n)
{
	const struct ca_conf *ca = cert_conf_nth_ca(conf, cert, n);

	return ca && ca->type == CA_ACME ? ca : NULL;
}

/* Is the CA one of the certificate's list? */
static inline bool cert_conf_has_ca(
	const struct conf *conf, const struct cert_conf *cert, const struct ca_conf *ca)
{
	assert(ca);
	for (size_t i = 0; i < cert->n_cas; i++)
		if (cert_conf_nth_ca(conf, cert, i) == ca)
			return true;
	return false;
}

/* The nth target of a certificate; those that come first have the lower n. */
static inline const struct target_conf *cert_conf_nth_target(
	const struct conf *conf, const struct cert_conf *cert, size_t n)
{
	assert(n < cert->n_targets);
	return conf_target_at(conf, cert->targets[n]);
}

/* Is the target one of the certificate's? */
static inline bool cert_conf_has_target(
	const struct conf *conf, const struct cert_conf *cert, const struct target_conf *target)
{
	for (size_t i = 0; i < cert->n_targets; i++)
		if (cert_conf_nth_target(conf, cert, i) == target)
			return true;
	return false;
}

/* Lives of self-signed certificates for which no lifetime is configured. */
#define CONF_ROOT_LIFETIME DAYS(3650)
#define CONF_SELF_LIFETIME DAYS(365)

/*
 * How long a new version signed by `ca` (an index in conf->cas, or CA_SELF) is to last: what the
 * certificate wants, else what the CA gives; 0: as long as the issuer.  The issuer's end clips it.
 */
static inline struct duration conf_life(
	const struct conf *conf, const struct cert_conf *cert, uint32_t ca)
{
	if (cert->lifetime.s > 0)
		return cert->lifetime;
	if (ca != CA_SELF)
		return conf_ca_at(conf, ca)->lifetime;
	return cert->is_ca ? CONF_ROOT_LIFETIME : CONF_SELF_LIFETIME;
}

/*
 * The place of the certificate that signs for `ca`; CA_NO_ISSUER for CA_SELF and what is not
 * local.
 */
static inline uint32_t conf_issuer(const struct conf *conf, uint32_t ca)
{
	return ca == CA_SELF ? CA_NO_ISSUER : conf_ca_at(conf, ca)->issuer;
}

#endif

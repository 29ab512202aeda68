/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RESOLVE_DELEGATION_H
#define CERTD_DAEMON_DNS_RESOLVE_DELEGATION_H

#include "daemon/dns/resolve/zones.h"

/*
 * A delegation holds a few addresses of a zone's servers, as a referral or a resolver named
 * them.  It tells where to ask about the zone until a survey is needed, and is kept in
 * zones->delegations for some minutes.  A server that did not answer is left out while others
 * are known, because a silent one costs seconds for each question.  When none answers, the
 * delegation is forgotten and the next trace looks for the servers again.
 */

/* Adds an address, unless it is there already or the delegation is full. */
void delegation_add(struct delegation *delegation, const struct dns_address *address);

/*
 * The index among `n` addresses of a zone at which questions about it begin; the same each
 * time.  Zones with the same servers begin at different ones, so that each server gets its
 * share.
 */
size_t zone_turn(const char *apex, size_t n);

/*
 * Puts the addresses of a complete delegation, whose order does not matter, in the order of
 * that index.
 */
void delegation_rotate(struct delegation *delegation);

/*
 * The delegation of the zone, or NULL. The registry owns it until it changes.  Each call puts
 * another address first, so that the names of a large zone are not asked of one server only.
 */
const struct delegation *delegation_known(const struct zones *zones, const char *apex);

/* The same where the configuration has no entry for the zone, whose servers would come first. */
const struct delegation *delegation_learnt(const struct zones *zones, const char *apex);

/* Stores a copy.  The delegation has at least one address. */
void delegation_remember(struct zones *zones, const struct delegation *delegation);
void delegation_forget(struct zones *zones, const char *apex);

/* Removes servers that did not answer properly while another one did. */
void delegation_drop(
	struct zones *zones, const char *apex, const struct dns_address *silent, size_t n);

#endif

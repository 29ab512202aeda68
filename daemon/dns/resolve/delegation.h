/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RESOLVE_DELEGATION_H
#define CERTD_DAEMON_DNS_RESOLVE_DELEGATION_H

#include "daemon/dns/resolve/zones.h"

/*
 * Where to ask about a zone until its survey is needed: a few addresses of its servers, as a delegation or a
 * resolver told them, kept in zones->cuts for some minutes.  Servers that were asked in vain are left out while
 * others are known, since a silent one costs seconds for each question; when none answers the cut is forgotten, and
 * whoever asks next has to find out again.
 */

/* One more, unless it is there or there is no room. */
void delegation_add(struct delegation *delegation, const struct dns_address *address);

/*
 * Where among `n` addresses of a zone questions about it begin, the same each time: zones that have the same servers begin
 * at different ones, and each server is asked about its part of them.
 */
size_t zone_turn(const char *apex, size_t n);

/* The same for a cut whose addresses are complete and in no order that matters. */
void delegation_rotate(struct delegation *delegation);

/*
 * What is known of the zone, or NULL; the registry's, until it is changed.  Each time with another address
 * first, so that a zone with many below it is not asked at one only.
 */
const struct delegation *delegation_known(const struct zones *zones, const char *apex);

/* Keeps a copy; it has an address. */
void delegation_remember(struct zones *zones, const struct delegation *delegation);
void delegation_forget(struct zones *zones, const char *apex);

/* These did not answer properly, but another one did. */
void delegation_drop(
	struct zones *zones, const char *apex, const struct dns_address *silent, size_t n);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_UPDATE_UPDATER_H
#define CERTD_DAEMON_DNS_UPDATE_UPDATER_H

#include "daemon/dns/resolve/zones.h"

/*
 * An updater sends the keeper's dynamic updates to the name servers (RFC 2136).
 *
 * The keeper notes that a zone waits; the updater asks it for the message, which is signed at
 * that moment, sends it over TCP, takes the answer apart and gives it back for the keeper to
 * judge: an update counts as made only with the server's own signature.  Each zone has one
 * update at a time; zones do not wait for each other.  The server is the configured one, else
 * the primary of the zone's SOA record.  A failure is told to the keeper, which tries again.
 */

/* The keeper's note `update zone=`. */
void updater_note(struct zones *zones, const char *zone);

/* For zones_stop(). */
void updater_stop(struct zones *zones);

#endif

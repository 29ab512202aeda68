/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_SIM_WIRES_PRIVATE_H
#define CERTD_TESTS_SIM_WIRES_PRIVATE_H

#include "lib/base/clock.h"
#include "tests/sim/wires.h"

/* What wires.c, which changes the world, and wires_answer.c, which tells of it, share. */

struct record {
	struct list link;
	char *owner, *text;
	uint16_t type;
	int64_t added, removed; /* removed 0: it stands */
};

struct host {
	struct list link;
	char *apex, *name, *address; /* apex NULL: a resolver */
	int64_t lag_ms, frozen;
	enum wires_fault fault;
	unsigned n_asked;
	bool is_hidden;
};

/* What a resolver was told is not there. */
struct memory {
	struct list link;
	struct host *host;
	char *name;
	uint16_t type;
	int64_t until;
};

/* The moment whose content a host shows. */
static inline int64_t moment_of(const struct host *host)
{
	return (host->fault == WIRES_FROZEN ? host->frozen : clock_tick().ms) - host->lag_ms;
}

static inline bool stands(const struct record *record, int64_t moment)
{
	return record->added <= moment && (!record->removed || record->removed > moment);
}

/* The server at this address with the nearest zone that holds the name; `name` NULL: any. */
struct host *wires_host_at(const struct wires *wires, const char *address, const char *name);
bool wires_is_dragged(const struct wires *wires, const struct host *host, const char *name);

/* The zone that holds the name, as the world knows it. */
const char *wires_zone_of(const struct wires *wires, const char *name);

#endif

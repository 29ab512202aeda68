/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_UNIT_CERT_WORLD_H
#define CERTD_TESTS_UNIT_CERT_WORLD_H

#include <string.h>

#include "daemon/conf/conf.h"
#include "lib/base/attr.h"
#include "proto/facts.h"

/*
 * A small configuration for tests of the plan: a root, an intermediate, leaves, two targets of
 * which the second comes after the first.  A struct world must not move after world_init().
 */

#define T0 INT64_C(1795256100) /* 2026-11-21T10:15:00Z */
#define N_LEAVES 6

enum { ROOT, INT, LEAF, N_CERTS = LEAF + N_LEAVES };
enum { CA_ROOT, CA_INT };

struct world {
	struct conf conf;
	struct cert_conf certs[N_CERTS];
	struct ca_conf cas[2];
	struct target_conf targets[2];
	struct curve_point curve[2];
	struct renew_conf renew;
	struct roll_conf roll;
	struct window window;
	uint32_t self[1], by_root[1], by_int[1], both[2], first[1];
};

static inline void world_cert(struct world *w, uint32_t place, const char *name, uint32_t *cas)
{
	w->certs[place] = (struct cert_conf){ .name = name,
		.cas = cas,
		.n_cas = 1,
		.renew = &w->renew,
		.roll = &w->roll,
		.digest = 1000 + place,
		.place = place,
		.is_ca = place < LEAF,
		.is_auto = true,
		.is_active = true };
}

static inline void world_init(struct world *w)
{
	static const char *const leaves[N_LEAVES] = { "g/leaf", "g/leaf-1", "g/leaf-2",
		"g/leaf-3", "g/leaf-4", "g/leaf-5" };

	*w = (struct world){ .curve = { { { 86400 }, { 43200 } },
				     { { 90 * 86400 }, { 30 * 86400 } } },
		.self = { CA_SELF },
		.by_root = { CA_ROOT },
		.by_int = { CA_INT },
		.both = { 0, 1 },
		.first = { 0 } };
	w->renew = (struct renew_conf){ .curve = w->curve, .n_curve = ARRAY_LEN(w->curve) };
	w->roll = (struct roll_conf){ .windows = &w->window };
	w->cas[CA_ROOT] = (struct ca_conf){ .name = "root", .issuer = ROOT };
	w->cas[CA_INT] = (struct ca_conf){ .name = "issuing", .issuer = INT };
	w->targets[0] = (struct target_conf){ .name = "web" };
	w->targets[1] = (struct target_conf){ .name = "mail", .after = w->first, .n_after = 1 };
	world_cert(w, ROOT, "ca/root", w->self);
	world_cert(w, INT, "ca/int", w->by_root);
	for (uint32_t i = 0; i < N_LEAVES; i++) {
		world_cert(w, LEAF + i, leaves[i], w->by_int);
		w->certs[LEAF + i].targets = w->both;
		w->certs[LEAF + i].n_targets = 2;
	}
	w->conf = (struct conf){ .cas = w->cas,
		.n_cas = ARRAY_LEN(w->cas),
		.targets = w->targets,
		.n_targets = ARRAY_LEN(w->targets),
		.certs = w->certs,
		.n_certs = N_CERTS };
}

/* A version of the first leaf. */
static inline struct version_facts world_version(
	const struct world *w, int64_t created, int64_t life)
{
	return (struct version_facts){ .id = { { created }, 0 },
		.created = { created },
		.not_before = { created - 300 },
		.not_after = { created + life },
		.rolled = { created },
		.key_created = { created },
		.digest = w->certs[LEAF].digest,
		.generation = 1 };
}

#endif

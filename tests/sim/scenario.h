/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_SIM_SCENARIO_H
#define CERTD_TESTS_SIM_SCENARIO_H

#include "tests/test.h"

#include "daemon/conf/conf.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/sim/sim.h"

/* Included by the one file of a program of scenarios, in place of tests/test.h. */

void sim_complain(const char *text)
{
	TEST_FAIL("%s", text);
}

/* A root, an intermediate, keys that cost little. */
#define SIM_CAS(int_life, leaf_life)                                                           \
	"defaults: {key: 'ec:P-256'}\n"                                                        \
	"cas:\n"                                                                               \
	"  root: {type: local, issuer: ca/root, lifetime: " int_life "}\n"                     \
	"  int: {type: local, issuer: ca/int, lifetime: " leaf_life "}\n"

#define SIM_CA_GROUP                                                                           \
	"groups:\n"                                                                            \
	"  ca:\n"                                                                              \
	"    root: {ca: self, subject: {CN: Root}, lifetime: 3650d, key: ed25519}\n"           \
	"    int: {ca: root, subject: {CN: Int}, path_length: 0, auto: true}\n"

#define SIM_DAEMON "state_dir: /sim/state\ncontrol: {socket: /sim/socket}\n"

#endif

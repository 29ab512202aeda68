/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_SIM_UPDATE_WORLD_H
#define CERTD_TESTS_SIM_UPDATE_WORLD_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/wire/dns_message.h"
#include "tests/sim/acme.h"
#include "tests/sim/sim.h"

/*
 * Included by the one file of a program of scenarios whose zones take dynamic updates: update_open() where that is
 * example.com alone, update_open_zones() with other entries of dns.zones.  The keeper's key lies in a file
 * that goes with the program; the primary is the simulation's, well until something is done to it.
 */

#define SECRET "0123456789abcdef0123456789abcdef"
#define SECRET_BASE64 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

/* In a directory of its own: what lies in /tmp itself is believed no secret (lib/base/trust.h). */
static char secret_dir[] = "/tmp/certd-sim-tsig-XXXXXX";
static char secret_path[sizeof(secret_dir) + 4];

static void remove_secret(void)
{
	unlink(secret_path);
	rmdir(secret_dir);
}

static void write_secret(void)
{
	static bool is_there;
	struct err err;
	int fd;

	if (is_there)
		return;
	if (!mkdtemp(secret_dir))
		abort();
	snprintf(secret_path, sizeof(secret_path), "%s/key", secret_dir);
	fd = open(secret_path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || file_write_fd(fd, SECRET_BASE64, strlen(SECRET_BASE64), &err) < 0)
		abort();
	close(fd);
	atexit(remove_secret);
	is_there = true;
}

static void mend(struct primary *primary)
{
	primary->address = WIRES_NS1;
	primary->key = "key";
	primary->secret = SECRET;
	primary->fault = PRIMARY_WELL;
	primary->n_faults = 0;
	primary->clock_off_s = primary->late_ms = 0;
}

/* How a zone takes updates; `server`: "server: 192.0.2.1, " or nothing.  The caller frees it. */
static char *update_entry(const char *server)
{
	write_secret();
	return mem_printf(
		"{publish: {type: update, %stsig: {name: key, algorithm: hmac-sha256, "
		"secret_file: %s}}}",
		server, secret_path);
}

/* `zones`: the entries of dns.zones; `certs`: lines of the group example.com. */
static struct primary *update_open_zones(
	struct sim *sim, const char *zones, const char *certs, uint64_t seed)
{
	char *config AUTO_FREE;
	struct fake_acme *acme;

	config = mem_printf(ACME_DAEMON DNS_OF("extra_nameservers: []", "%s") "cas:\n" ACME_CA(
				    "a", "dns-01") "groups:\n  example.com:\n%s" FRONT,
		zones, certs);
	sim_open(sim, config, seed);
	acme = sim_acme(sim, A_TEST);
	fake_acme_knobs(acme)->has_renewal_info = true;
	fake_acme_knobs(acme)->ask_again = DAYS(1);
	mend(&sim->wires.primary);
	return &sim->wires.primary;
}

static struct primary *update_open(
	struct sim *sim, const char *server, const char *certs, uint64_t seed)
{
	char *entry AUTO_FREE = update_entry(server);
	char *zones AUTO_FREE = mem_printf("example.com: %s", entry);

	return update_open_zones(sim, zones, certs, seed);
}

#endif

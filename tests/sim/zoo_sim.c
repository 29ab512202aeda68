#include "tests/sim/scenario.h"

#include "tests/sim/acme.h"

/* Read-only commands over configurations with every kind of CA: each answer names the CA that would sign. */

/* An ACME CA comes first, so that the places of local CAs begin at 1. */
#define KINDS                                                                                  \
	ACME_DAEMON "cas:\n" ACME_CA(                                                          \
		"a", "http-01") "  root: {type: local, issuer: ca/root, lifetime: 900d}\n"     \
				"  int: {type: local, issuer: ca/int, lifetime: "              \
				"60d}\n" SIM_CA_GROUP "  example.com:\n"                       \
				"    leaf: {ca: int, names: [leaf.example.com]}\n"             \
				"    list: {ca: [int, root], names: [list.example.com]}\n"     \
				"    mixed: {ca: [root, a], names: [mixed.example.com]}\n"     \
				"    acme: {ca: a, names: [acme.example.com]}\n"               \
				"    self: {ca: self, names: [self.example.com]}\n"

TEST(why_names_the_ca_that_would_sign)
{
	static const struct {
		const char *cert, *says, *says_not;
	} rows[] = {
		{ "ca/root", "row text=", "The CA " },
		{ "ca/int", "The CA root signs with ca/root, which ends at ", NULL },
		{ "example.com/leaf", "The CA int signs with ca/int, which ends at ", NULL },
		{ "example.com/list", "The CA int signs with ca/int, which ends at ", NULL },
		{ "example.com/mixed", "The CA root signs with ca/root, which ends at ", NULL },
		{ "example.com/acme", "row text=", " signs with " },
		{ "example.com/self", "row text=", " signs with " },
	};
	struct sim sim;

	sim_open(&sim, KINDS, 1);
	sim_acme(&sim, A_TEST);
	sim_advance(&sim, MINUTES(5));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *line AUTO_FREE = mem_printf("why %s", rows[i].cert);
		const char *said = sim_command(&sim, line);

		if (!strstr(said, rows[i].says) ||
			(rows[i].says_not && strstr(said, rows[i].says_not)))
			TEST_FAIL("%s: %s", line, said);
	}
	sim_close(&sim);
}

#include "tests/sim/scenario.h"

/* Nothing fails: certificates live, are renewed, roll and are served. */

#define TARGET_WEB                                                                             \
	"targets:\n"                                                                           \
	"  web: {dir: /srv/web, check: [check-web], reload: {command: [reload-web]}}\n"

TEST(first_start_brings_everything_up)
{
	struct sim sim;

	sim_open(&sim,
		SIM_DAEMON SIM_CAS("90d", "30d") SIM_CA_GROUP
		"  example.com:\n"
		"    web: {ca: int, names: [example.com], deploy: [web]}\n" TARGET_WEB,
		1);
	sim_until(&sim, EVENT_CERT_DEPLOYED, "example.com/web", MINUTES(1));
	sim_rest(&sim, MINUTES(1));
	sim_expect_settled(&sim);
	CHECK_INT(sim_count(&sim, EVENT_CERT_ISSUED, NULL), 3);
	CHECK_INT(sim_count(&sim, EVENT_CERT_ROLLED, NULL), 3);
	CHECK_INT(sim_count(&sim, EVENT_JOB_DONE, NULL),
		sim_count(&sim, EVENT_JOB_STARTED, NULL));
	sim_close(&sim);
}

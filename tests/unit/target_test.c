/* SPDX-License-Identifier: MIT */
#include "daemon/cert/target.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/cert/ca_choice.h"
#include "daemon/conf/index.h"
#include "tests/unit/cert_world.h"
#include "tests/test.h"

/* One decision, one place: what plan, health and commands ask about targets and CAs. */

enum { WEB, MAIL };

static char web[] = "web", mail[] = "mail", gone[] = "gone", text[] = "it broke";

struct fixture {
	struct world w;
	struct target_facts targets[3];
	struct cert_facts facts;
};

static void begin(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	world_init(&f->w);
	f->targets[0].name = web;
	f->targets[1].name = mail;
	f->targets[2].name = gone;
	f->facts.curr = world_version(&f->w, T0 - 60, 1000);
	f->facts.targets = f->targets;
	f->facts.n_targets = 3;
}

static const struct target_conf *laggard(const struct fixture *f)
{
	return target_laggard(&f->w.certs[LEAF], &f->w.conf, &f->facts);
}

static const struct target_conf *waits_for(const struct fixture *f, int target)
{
	return target_waits_for(
		&f->w.certs[LEAF], &f->w.conf, &f->facts, &f->w.targets[target]);
}

TEST(who_has_the_current_version)
{
	struct fixture f;

	begin(&f);
	CHECK(laggard(&f) == &f.w.targets[WEB]);
	CHECK(waits_for(&f, MAIL) == &f.w.targets[WEB]);
	CHECK(!waits_for(&f, WEB));
	f.targets[WEB].confirmed = f.facts.curr.id;
	CHECK(target_has_curr(&f.facts, &f.w.targets[WEB]));
	CHECK(laggard(&f) == &f.w.targets[MAIL]);
	CHECK(!waits_for(&f, MAIL));
	f.targets[MAIL].confirmed = f.facts.curr.id;
	CHECK(!laggard(&f));
	/* Written ahead is not confirmed. */
	f.targets[MAIL].confirmed.suffix++;
	f.targets[MAIL].copied = f.facts.curr.id;
	CHECK(laggard(&f) == &f.w.targets[MAIL]);
	/* No version is no version that all have. */
	f.facts.curr = (struct version_facts){ .generation = 0 };
	f.targets[WEB].confirmed = f.facts.curr.id;
	CHECK(!target_has_curr(&f.facts, &f.w.targets[WEB]));
}

TEST(order_is_kept_among_its_own_targets_only)
{
	struct fixture f;
	uint32_t only[] = { MAIL };

	begin(&f);
	f.w.certs[LEAF].targets = only;
	f.w.certs[LEAF].n_targets = 1;
	CHECK(!waits_for(&f, MAIL));
}

TEST(which_failure_counts)
{
	static const struct {
		const char *name;
		int target,
			ago; /* seconds since it failed; the current version rolled 60 s ago */
		bool has_curr, is_absent, counts;
		uint64_t digest; /* of the target when it failed; now it is 7 */
	} rows[] = {
		{ "fresh", WEB, 10, false, false, true, 7 },
		{ "of a target that was configured otherwise", WEB, 10, false, false, false,
			8 },
		{ "of the second target", MAIL, 10, false, false, true, 0 },
		{ "at the moment of the roll", WEB, 60, false, false, true, 0 },
		{ "of the version before", WEB, 61, false, false, false, 0 },
		{ "over", WEB, 10, true, false, false, 0 },
		{ "without a current version", WEB, 10, false, true, false, 0 },
		{ "of a target that is not configured", 2, 10, false, false, false, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct plan plan = { .action = ACTION_SLEEP };
		const struct failure *found;
		struct fixture f;

		begin(&f);
		f.targets[rows[i].target].failure =
			(struct failure){ ERR_CHECK_FAILED, 1, { T0 - rows[i].ago },
				{ T0 - rows[i].ago }, { 0 }, text, rows[i].digest };
		f.w.targets[WEB].deploy_digest = 7;
		if (rows[i].has_curr)
			f.targets[rows[i].target].confirmed = f.facts.curr.id;
		if (rows[i].is_absent)
			f.facts.curr = (struct version_facts){ .generation = 0 };
		found = target_first_failure(&f.w.certs[LEAF], &f.w.conf, &f.facts);
		if (found != (rows[i].counts ? &f.targets[rows[i].target].failure : NULL))
			TEST_FAIL("%s", rows[i].name);
		/* Health holds no other opinion. */
		if ((cert_health(&f.w.certs[LEAF], &f.w.conf, &f.facts, &plan, false,
			     (struct instant){ T0 }) == HEALTH_FAILING) != rows[i].counts)
			TEST_FAIL("%s: health", rows[i].name);
	}
}

static const struct cert_facts *no_facts(uint32_t place, void *data)
{
	(void)place;
	return data;
}

TEST(with_which_ca_an_issue_begins)
{
	enum { ACME = 2 };
	static const struct {
		const char *name;
		uint32_t cas[2];
		bool has_root, has_order;
		const char *acme; /* NULL: a local CA */
	} rows[] = {
		{ "a local CA first", { CA_ROOT, ACME }, true, false, NULL },
		{ "a local CA that cannot sign", { CA_ROOT, ACME }, false, false, "acme" },
		{ "an ACME CA first", { ACME, CA_ROOT }, true, false, "acme" },
		{ "an order in flight", { CA_ROOT, ACME }, true, true, "acme" },
		{ "an order elsewhere", { CA_ROOT, CA_ROOT }, true, true, NULL },
		{ "itself", { CA_SELF, CA_SELF }, false, false, NULL },
	};
	struct cert_facts root = { .curr = { .id = { { T0 }, 1 },
					   .not_before = { T0 - 10 },
					   .not_after = { T0 + 1000 } } };
	char url[] = "https://ca.example/order/1", name[] = "acme";

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct cert_conf *cert;
		const struct ca_conf *ca;
		struct ca_conf cas[3];
		struct issuer issuer;
		struct fixture f;

		begin(&f);
		memcpy(cas, f.w.cas, sizeof(f.w.cas));
		cas[ACME] = (struct ca_conf){
			.name = "acme", .type = CA_ACME, .issuer = CA_NO_ISSUER
		};
		f.w.conf.cas = cas;
		f.w.conf.n_cas = 3;
		f.w.certs[LEAF].cas = (uint32_t *)(uintptr_t)rows[i].cas;
		f.w.certs[LEAF].n_cas = 2;
		cert = &f.w.certs[LEAF];
		if (rows[i].has_order)
			f.facts.order =
				(struct order_facts){ url, name, { T0 - 9 }, { T0 + 9 } };
		issuer = cert_issuer(cert, &f.w.conf, no_facts, rows[i].has_root ? &root : NULL,
			(struct instant){ T0 });
		ca = ca_to_order_from(cert, &f.w.conf, &f.facts, &issuer);
		if ((ca ? ca->name : NULL) != rows[i].acme &&
			!(ca && rows[i].acme && strcmp(ca->name, rows[i].acme) == 0))
			TEST_FAIL("%s: %s", rows[i].name, ca ? ca->name : "none");
	}
}

/* The child's end says whether the accessor let a wrong index pass. */
static bool dies(void (*look)(const struct world *w))
{
	struct world w;
	int status = 0;
	pid_t child;

	world_init(&w);
	child = fork();
	if (child == 0) {
		fclose(stderr);
		look(&w);
		_exit(0);
	}
	return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
	       WTERMSIG(status) == SIGABRT;
}

static void look_right(const struct world *w)
{
	conf_ca_at(&w->conf, 1);
	conf_cert_at(&w->conf, N_CERTS - 1);
	conf_target_at(&w->conf, 1);
	cert_conf_nth_ca(&w->conf, &w->certs[ROOT], 0);
}

static void look_at_ca(const struct world *w)
{
	conf_ca_at(&w->conf, CA_SELF);
}

static void look_at_cert(const struct world *w)
{
	conf_cert_at(&w->conf, CA_NO_ISSUER);
}

static void look_at_target(const struct world *w)
{
	conf_target_at(&w->conf, 2);
}

static void look_behind_list(const struct world *w)
{
	cert_conf_nth_ca(&w->conf, &w->certs[LEAF], 1);
}

TEST(a_wrong_index_ends_where_it_is_used)
{
	CHECK(!dies(look_right));
	CHECK(dies(look_at_ca));
	CHECK(dies(look_at_cert));
	CHECK(dies(look_at_target));
	CHECK(dies(look_behind_list));
}

/* SPDX-License-Identifier: MIT */
#include "daemon/job/manners.h"

#include "daemon/job/job.h"
#include "daemon/job/runner.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "proto/keeper.h"
#include "tests/unit/job_world.h"

/* What jobs do with the ledgers of CAs, seen one decision at a time. */

static struct job_world w;
static struct job job;
static struct cert *cert;
static const struct ca_conf *ca;

/* Reads ledgers where and as issue_run() does. */
static void read_run(struct task *task)
{
	struct job *reader = TASK_OF(task, struct job);

	TASK_BEGIN(task)
	while (manners_must_read(reader)) {
		AWAIT(manners_read(reader));
		manners_take(reader);
	}
	FINALLY
	manners_leave(reader);
	TASK_END
}

static void pass(void)
{
	virtual_run_until(w.loop, clock_now());
}

static void start(struct job *reader, const char *name)
{
	*reader = (struct job){
		.runner = w.runner, .conf = w.fleet->conf, .cert = fleet_find(w.fleet, name)
	};
	REQUIRE(reader->cert);
	task_start(&reader->task, w.loop, read_run, NULL);
	pass();
}

static void begin(const char *name)
{
	job_world_open(&w);
	cert = fleet_find(w.fleet, name);
	ca = conf_ca(w.fleet->conf, "a");
	REQUIRE(cert && ca);
	start(&job, name);
}

static void end(void)
{
	CHECK(job.task.is_ended);
	order_done(&job.order);
	keeper_op_done(&job.keeper);
	job_world_close(&w);
}

/* The only "ledger ca=" that the keeper was asked; NULL when it was asked nothing or more. */
static struct keeper_op *asked(const char *name)
{
	struct keeper_op *op;
	char *want AUTO_FREE = mem_printf(" ledger ca=%s", name);

	if (job_world_n(&job_world_keeper) != 1)
		return NULL;
	op = LIST_OF(list_first(&job_world_keeper), struct keeper_op, pending);
	return strstr(buf_text(&op->text), want) ? op : NULL;
}

static void give_ledger(const char *name, const char *text)
{
	struct buf packet AUTO_BUF = BUF_INIT;
	struct keeper_op *op = asked(name);
	struct err err;
	int fd;

	REQUIRE(op);
	keeper_begin_ok(&packet, op->id);
	fd = keeper_seal("ledger", text, strlen(text), &err);
	REQUIRE(fd >= 0);
	keeper_answer(op, packet.data, packet.len, fd);
	pass();
}

static void refuse_ledger(const char *name)
{
	struct buf packet AUTO_BUF = BUF_INIT;
	struct keeper_op *op = asked(name);
	struct err err = ERR_INIT;

	REQUIRE(op);
	err_set(&err, ERR_IO, "it broke");
	keeper_write_err(&packet, op->id, &err);
	keeper_answer(op, packet.data, packet.len, -1);
	pass();
}

static int check(bool is_forced, struct err *err)
{
	*err = (struct err)ERR_INIT;
	return manners_check(
		&w.runner->manners, w.fleet->conf, cert, ca, is_forced, false, err);
}

/* Three failures of the certificate's set of names within the last hour. */
static void add_failures(struct buf *out)
{
	char id[IDENTITY_LEN], at[INSTANT_TEXT_LEN];

	identity_of(cert->conf->names, cert->conf->n_names, id);
	for (int i = 3; i > 0; i--)
		buf_printf(out, "%s what=failed id=%s kind=new code=not-validated\n",
			instant_text(instant_sub(clock_now(), MINUTES(i)), at), id);
}

TEST(a_ledger_is_read_once_and_stops_nobody_before)
{
	struct err err;

	begin("example.com/one");
	CHECK(manners_must_read(&job));
	CHECK(!manners_ledger(&w.runner->manners, ca));
	CHECK_INT(check(false, &err), 0);
	/* It cannot be read: as good as empty. */
	refuse_ledger("a");
	CHECK(job.task.is_ended && !err_is_set(&job.task.err));
	CHECK(!manners_must_read(&job));
	CHECK(manners_ledger(&w.runner->manners, ca));
	CHECK_INT(check(false, &err), 0);
	/* The other certificate's CAs are a and b. */
	start(&job, "example.com/two");
	CHECK(manners_must_read(&job));
	give_ledger("b", "nonsense\n\n");
	CHECK(!manners_must_read(&job));
	/* Who comes later asks nothing. */
	start(&job, "example.com/two");
	CHECK(job.task.is_ended);
	end();
}

/* However the one who reads fares, the others go on, and somebody reads it. */
TEST(one_reads_and_the_others_wait_for_him)
{
	static struct job others[4];
	struct buf text AUTO_BUF = BUF_INIT;
	struct err err;

	begin("example.com/one");
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		start(&others[i], i == 3 ? "example.com/two" : "example.com/c00");
	CHECK(asked("a") == &job.keeper);
	/* One of those who wait goes away, then he who reads. */
	task_cancel(&others[0].task, "enough");
	pass();
	CHECK(others[0].task.is_ended);
	CHECK(asked("a") == &job.keeper);
	task_cancel(&job.task, "enough");
	pass();
	CHECK(job.task.is_ended);
	CHECK(!manners_ledger(&w.runner->manners, ca));
	CHECK(asked("a") == &others[1].keeper);
	CHECK(!others[2].task.is_ended && !others[3].task.is_ended);
	/* The ledger is there for all at once; who wants another one as well goes on to that. */
	add_failures(&text);
	give_ledger("a", buf_text(&text));
	CHECK(others[1].task.is_ended && others[2].task.is_ended);
	CHECK_INT(check(false, &err), -1);
	CHECK(asked("b") == &others[3].keeper);
	give_ledger("b", "");
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		CHECK(others[i].task.is_ended);
		CHECK_INT(others[i].task.err.code, i == 0 ? ERR_CANCELLED : ERR_NONE);
		keeper_op_done(&others[i].keeper);
	}
	end();
}

/* What only the ledger remembers holds a certificate back that was made again; its own facts decide first. */
TEST(failures_of_a_set_of_names_outlive_the_certificate)
{
	struct buf text AUTO_BUF = BUF_INIT;
	struct err err;

	begin("example.com/one");
	add_failures(&text);
	give_ledger("a", buf_text(&text));
	CHECK_INT(check(false, &err), -1);
	CHECK_INT(err.code, ERR_RATE_LIMITED);
	CHECK(strstr(err.text, "failed 3 times in a row"));
	CHECK_INT(instant_since(err.not_before, clock_now()).s, 3600 - 60);
	CHECK_INT(check(true, &err), 0);
	cert->facts.failure.code = ERR_CONNECT;
	CHECK_INT(check(false, &err), 0);
	cert->facts.failure.code = ERR_NONE;
	cert = fleet_find(w.fleet, "example.com/two");
	CHECK_INT(check(false, &err), 0);
	end();
}

/* An operator in a hurry cannot ask earlier than the only CA wants; of two the other may do. */
TEST(what_a_ca_asked_for_holds_for_everybody)
{
	static const struct {
		const char *cert;
		enum err_code code;
		int64_t in; /* seconds from now */
		int want;
	} rows[] = {
		{ "example.com/one", ERR_RATE_LIMITED, 60, -1 },
		{ "example.com/one", ERR_RATE_LIMITED, 0, 0 },
		{ "example.com/one", ERR_CA_FAILED, 60, 0 },
		{ "example.com/two", ERR_RATE_LIMITED, 60, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int is_forced = 0; is_forced < 2; is_forced++) {
			struct err err;

			begin(rows[i].cert);
			give_ledger("a", "");
			if (cert->conf->n_cas > 1)
				give_ledger("b", "");
			cert->facts.failure.code = rows[i].code;
			cert->facts.failure.last = clock_now();
			cert->facts.failure.not_before =
				instant_add(clock_now(), SECONDS(rows[i].in));
			if (check(is_forced, &err) != rows[i].want)
				TEST_FAIL("row %zu: %s", i, err.text);
			CHECK(!rows[i].want || err.not_before.s == clock_now().s + rows[i].in);
			end();
		}
}

TEST(what_an_order_counts_as)
{
	enum { NONE, OTHERS, OURS };
	static const struct {
		int curr;
		bool is_changed, has_window, is_of_old;
		int64_t start, end; /* of the window, from now */
		enum ledger_kind want;
	} rows[] = {
		{ NONE, false, false, false, 0, 0, LEDGER_NEW },
		{ OTHERS, false, true, false, -9, 9, LEDGER_NEW },
		{ OURS, false, false, false, 0, 0, LEDGER_RENEWAL },
		{ OURS, true, false, false, 0, 0, LEDGER_NEW },
		{ OURS, false, true, false, -9, 9, LEDGER_ARI },
		{ OURS, true, true, false, -9, 9, LEDGER_ARI },
		{ OURS, false, true, false, 0, 9, LEDGER_ARI },
		{ OURS, false, true, false, 1, 9, LEDGER_RENEWAL },
		{ OURS, false, true, false, -9, 0, LEDGER_RENEWAL },
		{ OURS, false, true, true, -9, 9, LEDGER_RENEWAL },
	};

	begin("example.com/one");
	give_ledger("a", "");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct version_facts *curr = &cert->facts.curr;
		struct ari_facts *ari = &cert->facts.ari;

		*curr = (struct version_facts){ .digest = cert->conf->digest };
		*ari = (struct ari_facts){ .url = NULL };
		if (rows[i].curr != NONE)
			curr->id.made = clock_now();
		if (rows[i].curr != NONE)
			curr->ca = facts_ca(rows[i].curr == OURS ? "a" : "b");
		curr->digest += rows[i].is_changed;
		if (rows[i].has_window) {
			ari->of = curr->id;
			ari->of.suffix += rows[i].is_of_old;
			ari->start = instant_add(clock_now(), SECONDS(rows[i].start));
			ari->end = instant_add(clock_now(), SECONDS(rows[i].end));
		}
		if (manners_kind(cert, ca) != rows[i].want)
			TEST_FAIL("row %zu: %d", i, (int)manners_kind(cert, ca));
	}
	end();
}

/* A certificate, and what tells of the names; not a CA that is not well, and not a test. */
TEST(what_is_kept_of_an_order)
{
	static const struct {
		enum err_code code;
		bool is_test, is_local, want;
		const char *text;
	} rows[] = {
		{ ERR_NONE, false, false, true, "what=issued" },
		{ ERR_NOT_VALIDATED, false, false, true, "code=not-validated" },
		{ ERR_CAA, false, false, true, "code=caa" },
		{ ERR_NOT_VALIDATED, true, false, false, NULL },
		{ ERR_NOT_VALIDATED, false, true, false, NULL },
		{ ERR_CONNECT, false, false, false, NULL },
		{ ERR_CA_FAILED, false, false, false, NULL },
		{ ERR_FOREIGN_URL, false, false, false, NULL },
		{ ERR_RATE_LIMITED, false, false, false, NULL },
		{ ERR_CANCELLED, false, false, false, NULL },
		{ ERR_IO, false, false, false, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		begin("example.com/one");
		give_ledger("a", "");
		job.order.args = (struct order_args){ .conf = w.fleet->conf,
			.ca = cert->conf->cas[0],
			.is_test = rows[i].is_test };
		if (!rows[i].is_local)
			job.order.args.acme = w.acme;
		if (rows[i].code != ERR_NONE)
			err_set(&job.order.err, rows[i].code, "it broke");
		if (manners_must_record(&job) != rows[i].want)
			TEST_FAIL("row %zu", i);
		if (rows[i].want)
			CHECK(strstr(buf_text(&job.keeper.text), rows[i].text));
		end();
	}
}

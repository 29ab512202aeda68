/* SPDX-License-Identifier: MIT */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/dns/resolve/trace.h"
#include "daemon/dns/watch/propagation.h"
#include "daemon/dns/zones_life.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/net/dns_cares.h"
#include "tests/bench/bench.h"

/*
 * bench_dns CONFIG N PHASE...: what the engine does in DNS for N zones at once, z0.test to zN-1.test, with its own
 * loop, c-ares and daemon/dns around it and nothing else.  tests/bench/dns makes the name servers.
 * One line of key=value for each phase:
 *
 *   hold     waits that have found their servers and have asked nobody yet
 *   wave     all look for where their record lies (trace.h) and wait until all servers show it
 *   switch   the same for a value that is not there; says "waiting" when all are asked once, for whoever publishes it
 *   sweep    every address of every zone is asked once
 *   idle     a minute without anything to do, or as many seconds as IDLE in the environment says
 *
 * Questions and tries are counted where the linker puts these functions between the asker and its parts.
 */

enum { SAMPLE_MS = 500, SETTLE_MS = 2000, IDLE_S = 60 };

struct waiter {
	struct task task;
	char name[64];
	struct trace *trace;
	struct propagation propagation;
	bool is_asked;
};

/* What was asked in this phase. */
static struct counts {
	size_t questions, of_resolver, txt, soa, ns, address, tries, by_tcp;
} counts;

static struct loop *loop;
static struct dns *dns;
static struct conf *conf;
static struct zones *zones;
static struct waiter *waiters;
static size_t n_waiters, n_left, n_failed, n_said, heap_first_used, heap_most;
static const char *value;
static struct timer sampler, stopper;
static bool says_when_waiting;

void __real_dns_probe(struct dns *dns, struct task *task, struct dns_probe_op *op);
void __wrap_dns_probe(struct dns *dns, struct task *task, struct dns_probe_op *op);
void __real_dns_try_begin(struct dns_try *attempt, const struct dns_address *server,
	struct dns_wire wire, bool by_tcp, int64_t time_ms);
void __wrap_dns_try_begin(struct dns_try *attempt, const struct dns_address *server,
	struct dns_wire wire, bool by_tcp, int64_t time_ms);

void __wrap_dns_probe(struct dns *asker, struct task *task, struct dns_probe_op *op)
{
	counts.questions++;
	counts.of_resolver += op->recurse;
	if (!op->recurse) {
		counts.txt += op->type == DNS_TXT;
		counts.soa += op->type == DNS_SOA;
		counts.ns += op->type == DNS_NS;
		counts.address += op->type == DNS_A || op->type == DNS_AAAA;
	}
	__real_dns_probe(asker, task, op);
}

void __wrap_dns_try_begin(struct dns_try *attempt, const struct dns_address *server,
	struct dns_wire wire, bool by_tcp, int64_t time_ms)
{
	counts.tries++;
	counts.by_tcp += by_tcp;
	__real_dns_try_begin(attempt, server, wire, by_tcp, time_ms);
}

static size_t heap_used(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static long wake_ups(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_nvcsw;
}

static void sample(struct timer *timer)
{
	size_t used = heap_used();

	heap_most = used > heap_most ? used : heap_most;
	loop_timer_in(loop, timer, SAMPLE_MS);
}

/* Who publishes may begin when everybody was asked and nobody had it. */
static void told(void *data, const struct server_state *state)
{
	struct waiter *w = data;

	(void)state;
	n_said += !w->is_asked;
	w->is_asked = true;
	if (says_when_waiting && n_said >= n_waiters) {
		says_when_waiting = false;
		puts("waiting");
		fflush(stdout);
	}
}

static void look(struct waiter *w)
{
	w->trace = mem_new(struct trace);
	w->is_asked = false;
	trace_start_publish(w->trace, &w->task, zones, w->name, DNS_SOA);
}

static void wait(struct waiter *w, bool once)
{
	struct propagation_args args = { .apex = w->trace ? w->trace->apex
							  : strchr(w->name, '.') + 1,
		.owner = w->trace ? w->trace->owner : w->name,
		.type = DNS_TXT,
		.value = value,
		.about = w->name,
		.single_round = once,
		.told = told,
		.data = w };

	propagation_wait(zones, &w->task, &w->propagation, &args);
	if (w->trace)
		trace_done(w->trace);
	free(mem_take(&w->trace));
}

static void note_failure(const struct err *err)
{
	if (n_failed++ == 0)
		fprintf(stderr, "bench_dns: %s\n", err->text);
}

static void run_wave(struct task *task)
{
	struct waiter *w = TASK_OF(task, struct waiter);

	TASK_BEGIN(task)
	AWAIT(look(w));
	if (err_is_set(&w->trace->err)) {
		note_failure(&w->trace->err);
		FINISH();
	}
	AWAIT(wait(w, false));
	if (err_is_set(&w->propagation.err))
		note_failure(&w->propagation.err);
	FINALLY
	TASK_END
}

static void run_sweep(struct task *task)
{
	struct waiter *w = TASK_OF(task, struct waiter);

	TASK_BEGIN(task)
	AWAIT(wait(w, true));
	if (err_is_set(&w->propagation.err))
		note_failure(&w->propagation.err);
	FINALLY
	TASK_END
}

static void run_hold(struct task *task)
{
	struct waiter *w = TASK_OF(task, struct waiter);

	TASK_BEGIN(task)
	AWAIT(wait(w, false));
	FINALLY
	TASK_END
}

static void ended(struct task *task)
{
	struct waiter *w = TASK_OF(task, struct waiter);

	if (w->trace)
		trace_done(w->trace);
	free(mem_take(&w->trace));
	propagation_done(&w->propagation);
	if (--n_left == 0)
		loop_stop(loop);
}

static void stop(struct timer *timer)
{
	(void)timer;
	loop_stop(loop);
}

static void run_for(int64_t ms)
{
	stopper.fire = stop;
	loop_timer_in(loop, &stopper, ms);
	loop_run(loop);
}

static void start_all(void (*run)(struct task *task))
{
	n_left = n_waiters;
	for (size_t i = 0; i < n_waiters; i++)
		task_start(&waiters[i].task, loop, run, ended);
}

static void begin(void)
{
	counts = (struct counts){ 0 };
	n_failed = n_said = 0;
	heap_first_used = heap_most = heap_used();
}

static void print_heap(const char *phase)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	printf("%s heap_before=%zu heap_most=%zu heap_after=%zu rss_most=%ld", phase,
		heap_first_used, heap_most, heap_used(), u.ru_maxrss * 1024);
}

static void wave(const char *phase, void (*run)(struct task *task))
{
	struct tick start = clock_tick();
	double cpu = bench_processor_s();
	long wakes = wake_ups();

	begin();
	sampler.fire = sample;
	loop_timer_in(loop, &sampler, SAMPLE_MS);
	start_all(run);
	loop_run(loop);
	loop_timer_stop(loop, &sampler);
	print_heap(phase);
	printf(" wall=%.3f cpu=%.3f wakes=%ld questions=%zu resolver=%zu txt=%zu soa=%zu "
	       "ns=%zu "
	       "address=%zu tries=%zu tcp=%zu failed=%zu\n",
		(double)(clock_tick().ms - start.ms) / 1000, bench_processor_s() - cpu,
		wake_ups() - wakes, counts.questions, counts.of_resolver, counts.txt,
		counts.soa, counts.ns, counts.address, counts.tries, counts.by_tcp, n_failed);
}

static void hold(void)
{
	begin();
	start_all(run_hold);
	run_for(SAMPLE_MS);
	heap_most = heap_used();
	for (size_t i = 0; i < n_waiters; i++)
		task_cancel(&waiters[i].task, "measured");
	loop_run(loop);
	print_heap("hold");
	printf(" questions=%zu\n", counts.questions);
}

static void idle(void)
{
	const char *given = getenv("IDLE");
	int64_t s = given ? strtol(given, NULL, 10) : IDLE_S;
	double cpu;
	long wakes;

	run_for(SETTLE_MS);
	cpu = bench_processor_s();
	wakes = wake_ups();
	begin();
	run_for(s * 1000);
	/* One wake-up is that of the timer that ends it. */
	print_heap("idle");
	printf(" wall=%lld cpu=%.6f wakes=%ld questions=%zu\n", (long long)s,
		bench_processor_s() - cpu, wake_ups() - wakes - 1, counts.questions);
}

static void be_idle(void *data)
{
	*(bool *)data = true;
	loop_stop(loop);
}

static void drop(const struct log_entry *entry, void *data)
{
	(void)entry;
	(void)data;
}

static void phase(const char *name)
{
	value = strcmp(name, "switch") == 0 ? "switched" : "there";
	says_when_waiting = strcmp(name, "switch") == 0;
	if (strcmp(name, "hold") == 0)
		hold();
	else if (strcmp(name, "sweep") == 0)
		wave(name, run_sweep);
	else if (strcmp(name, "idle") == 0)
		idle();
	else
		wave(name, run_wave);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	bool is_idle = false;

	if (argc < 4 || (n_waiters = strtoul(argv[2], NULL, 10)) == 0) {
		fputs("usage: bench_dns CONFIG N PHASE...\n", stderr);
		return EXIT_FAILURE;
	}
	log_to(drop, NULL);
	conf = bench_load(argv[1]);
	loop = loop_new();
	dns = dns_new(loop);
	zones = zones_new(loop, dns, NULL, conf);
	waiters = mem_zalloc(n_waiters * sizeof(*waiters));
	for (size_t i = 0; i < n_waiters; i++)
		snprintf(waiters[i].name, sizeof(waiters[i].name), "_acme-challenge.z%zu.test",
			i);
	for (int i = 3; i < argc; i++)
		phase(argv[i]);
	zones_stop(zones, be_idle, &is_idle);
	if (!is_idle)
		loop_run(loop);
	zones_free(zones);
	dns_free(dns);
	loop_free(loop);
	conf_unref(conf);
	free(waiters);
	return EXIT_SUCCESS;
}

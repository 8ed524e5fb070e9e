/* The writer: groups, calls that fail before and after their first put, a full disk, a commit whose outcome is unknown. */
#include "server/call/box.h"
#include "server/call/writer.h"
#include "server/server.h"
#include "tests/fault/store_bench.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define MAP (64u << 20)
#define CALLS 40

struct gate {
	GMutex lock;
	GCond cond;
	bool entered, open;
};

/* One call of the test and what became of it. */
struct job {
	struct writer_bench *w;
	unsigned n;
	enum status fail;
	bool put, wake, arm_full, arm_io;
	struct gate *gate;
	/* afterwards */
	int runs;
	int order; /* of the answer, from 1 */
	unsigned code;
	bool stands;
};

struct writer_bench {
	struct store_bench store;
	struct server server;
	struct gate gate;
	atomic_int answered;
	GMutex lock;
	GCond cond;
	/* what the hooks saw */
	uint64_t woken[8];
	size_t nwoken;
	atomic_int wakes;
	atomic_int fatal;
};

static struct writer_bench b;

static void key_of(unsigned n, uint8_t key[8])
{
	memset(key, 0xee, 8);
	put_be32(key + 4, n);
}

static bool row_stands(unsigned n)
{
	struct buf value = BUF_INIT;
	struct txn *t = NULL;
	uint8_t key[8];
	bool there;

	key_of(n, key);
	if (txn_begin(b.store.store, false, &t, NULL) != STATUS_OK)
		return false;
	there = txn_get(t, SPACE_AUTH, bytes_of(key, 8), &value, NULL) == STATUS_OK;
	txn_abort(&t);
	buf_free(&value);
	return there;
}

static void wait_open(struct gate *g)
{
	g_mutex_lock(&g->lock);
	g->entered = true;
	g_cond_broadcast(&g->cond);
	while (!g->open)
		g_cond_wait(&g->cond, &g->lock);
	g_mutex_unlock(&g->lock);
}

static enum status run_job(struct call *c, struct error *e)
{
	struct job *j = c->prepared;
	enum status st = STATUS_OK;
	uint8_t key[8];

	j->runs++;
	key_of(j->n, key);
	if (j->gate)
		wait_open(j->gate);
	if (j->put)
		st = txn_put(c->txn, SPACE_AUTH, bytes_of(key, 8), bytes_str("row"), e);
	if (j->wake)
		call_wake(c, 100 + j->n % 3);
	if (j->arm_full)
		fault_arm(FAULT_FULL, 1);
	if (j->arm_io)
		fault_arm(FAULT_IO, 1);
	return j->fail ? error_set(e, j->fail, "refused by the test") : st;
}

static void job_done(struct call *c, void *arg)
{
	struct job *j = arg;

	j->code = c->reply->status->code;
	j->stands = row_stands(j->n);
	call_free(&c);
	g_mutex_lock(&b.lock);
	j->order = atomic_fetch_add(&b.answered, 1) + 1;
	g_cond_broadcast(&b.cond);
	g_mutex_unlock(&b.lock);
}

static void wait_answers(int n)
{
	g_mutex_lock(&b.lock);
	while (atomic_load(&b.answered) < n)
		g_cond_wait(&b.cond, &b.lock);
	g_mutex_unlock(&b.lock);
}

static void on_wake(void *arg, const uint64_t *users, size_t n)
{
	for (size_t i = 0; i < n && b.nwoken < 8; i++)
		b.woken[b.nwoken++] = users[i];
	atomic_fetch_add(&b.wakes, 1);
}

static void on_fatal(struct server *s, int exit_code)
{
	atomic_store(&b.fatal, exit_code);
}

static int open_bench(void **state)
{
	b = (struct writer_bench){ 0 };
	bench_open(&b.store, &engine_fault, MAP);
	fault_arm(FAULT_NONE, 0);
	g_mutex_init(&b.lock);
	g_cond_init(&b.cond);
	g_mutex_init(&b.gate.lock);
	g_cond_init(&b.gate.cond);
	b.server = (struct server){ .store = b.store.store,
		.schema = b.store.schema,
		.clock = clock_new(NULL),
		.wake = on_wake,
		.fatal = on_fatal };
	b.server.writer = writer_new(&b.server, 1000);
	return 0;
}

static int close_bench(void **state)
{
	writer_free(&b.server.writer);
	clock_free(&b.server.clock);
	fault_arm(FAULT_NONE, 0);
	bench_close(&b.store);
	g_mutex_clear(&b.lock);
	g_cond_clear(&b.cond);
	g_mutex_clear(&b.gate.lock);
	g_cond_clear(&b.gate.cond);
	return 0;
}

/* The first job holds the writer until all others are queued, so that those are one batch. */
static void run_jobs(struct job *jobs, size_t n)
{
	struct job first = { .n = 9999, .gate = &b.gate };

	assert_true(writer_submit_own(b.server.writer, run_job, &first, job_done, &first));
	g_mutex_lock(&b.gate.lock);
	while (!b.gate.entered)
		g_cond_wait(&b.gate.cond, &b.gate.lock);
	g_mutex_unlock(&b.gate.lock);
	for (size_t i = 0; i < n; i++) {
		jobs[i].n = (unsigned)i;
		assert_true(
			writer_submit_own(b.server.writer, run_job, &jobs[i], job_done, &jobs[i]));
	}
	assert_true(writer_queue(b.server.writer) >= n);
	g_mutex_lock(&b.gate.lock);
	b.gate.open = true;
	g_cond_broadcast(&b.gate.cond);
	g_mutex_unlock(&b.gate.lock);
	wait_answers((int)n + 1);
}

static void answers_come_after_the_commit_in_order(void **state)
{
	struct job jobs[CALLS] = { 0 };

	for (int i = 0; i < CALLS; i++)
		jobs[i].put = true;
	run_jobs(jobs, CALLS);
	for (int i = 0; i < CALLS; i++) {
		assert_int_equal(jobs[i].code, STATUS_OK);
		assert_true(jobs[i].stands);
		assert_int_equal(jobs[i].runs, 1);
		assert_int_equal(jobs[i].order, i + 2);
	}
}

static void a_failure_before_the_first_put_is_skipped(void **state)
{
	struct job jobs[CALLS] = { 0 };

	for (int i = 0; i < CALLS; i++)
		jobs[i].put = i != 7;
	jobs[7].fail = STATUS_CONFLICT;
	run_jobs(jobs, CALLS);
	for (int i = 0; i < CALLS; i++) {
		assert_int_equal(jobs[i].code, i == 7 ? STATUS_CONFLICT : STATUS_OK);
		assert_int_equal(jobs[i].stands, i != 7);
		assert_int_equal(jobs[i].runs, 1);
	}
}

static void a_failure_after_a_put_takes_nothing_else_along(void **state)
{
	struct job jobs[CALLS] = { 0 };

	for (int i = 0; i < CALLS; i++)
		jobs[i].put = true;
	jobs[3].fail = STATUS_DUPLICATE;
	jobs[30].fail = STATUS_INVALID;
	run_jobs(jobs, CALLS);
	for (int i = 0; i < CALLS; i++) {
		bool bad = i == 3 || i == 30;

		assert_int_equal(jobs[i].stands, !bad);
		if (!bad)
			assert_int_equal(jobs[i].code, STATUS_OK);
	}
	assert_int_equal(jobs[3].code, STATUS_DUPLICATE);
	assert_int_equal(jobs[30].code, STATUS_INVALID);
	assert_int_equal(jobs[3].runs, 2);  /* in the batch and alone */
	assert_int_equal(jobs[0].runs, 3);  /* once more for each of the two */
	assert_int_equal(jobs[39].runs, 1); /* after the second there was no failure left */
}

static void only_what_stands_wakes_anybody(void **state)
{
	struct job jobs[6] = { 0 };

	for (int i = 0; i < 6; i++)
		jobs[i] = (struct job){ .put = true, .wake = true };
	jobs[2].fail = STATUS_INVALID;
	jobs[5].fail = STATUS_INVALID;
	run_jobs(jobs, 6);
	writer_free(&b.server.writer);
	assert_int_equal(b.nwoken, 2); /* 100 and 101, each once; 102 had only failures */
	assert_int_equal(b.woken[0], 100);
	assert_int_equal(b.woken[1], 101);
	b.server.writer = writer_new(&b.server, 10);
}

static void a_full_disk_refuses_the_batch_and_the_writer_goes_on(void **state)
{
	struct job jobs[5] = { 0 };
	struct job later = { .put = true, .n = 77 };

	for (int i = 0; i < 5; i++)
		jobs[i].put = true;
	jobs[4].arm_full = true;
	run_jobs(jobs, 5);
	assert_true(fault_happened());
	for (int i = 0; i < 5; i++) {
		assert_int_equal(jobs[i].code, STATUS_STORAGE_FULL);
		assert_false(jobs[i].stands);
	}
	assert_true(writer_submit_own(b.server.writer, run_job, &later, job_done, &later));
	wait_answers(7);
	assert_int_equal(later.code, STATUS_OK);
	assert_true(later.stands);
	assert_int_equal(atomic_load(&b.fatal), 0);
}

static void an_unknown_outcome_is_said_and_stops_the_server(void **state)
{
	struct job jobs[5] = { 0 };
	struct job later = { .put = true, .n = 77 };

	for (int i = 0; i < 5; i++)
		jobs[i].put = true;
	jobs[4].arm_io = true;
	run_jobs(jobs, 5);
	assert_true(fault_happened());
	for (int i = 0; i < 5; i++)
		assert_int_equal(jobs[i].code, STATUS_OUTCOME_UNKNOWN);
	assert_false(writer_submit_own(b.server.writer, run_job, &later, job_done, &later));
	writer_free(&b.server.writer);
	assert_int_equal(atomic_load(&b.fatal), 74);
}

static void a_full_queue_refuses_and_the_end_runs_what_was_taken(void **state)
{
	struct job jobs[12] = { 0 };
	struct job first = { .n = 9999, .gate = &b.gate };
	int taken = 0;

	writer_free(&b.server.writer);
	b.server.writer = writer_new(&b.server, 10);
	assert_true(writer_submit_own(b.server.writer, run_job, &first, job_done, &first));
	for (int i = 0; i < 12; i++) {
		jobs[i] = (struct job){ .n = (unsigned)i, .put = true };
		taken += writer_submit_own(b.server.writer, run_job, &jobs[i], job_done, &jobs[i]);
	}
	assert_int_equal(taken, 9);
	g_mutex_lock(&b.gate.lock);
	b.gate.open = true;
	g_cond_broadcast(&b.gate.cond);
	g_mutex_unlock(&b.gate.lock);
	writer_free(&b.server.writer);
	assert_int_equal(atomic_load(&b.answered), 10);
	assert_true(jobs[8].stands);
	assert_false(row_stands(9));
}

static const struct op bulk_op = { .kind = OP_WRITE, .flags = OP_BULK, .run = run_job };
static const struct op plain_op = { .kind = OP_WRITE, .run = run_job };
static const struct caller nobody = { .user = 0 };

/* As the dispatcher hands over the call of a session. */
static void submit_of(struct job *j, unsigned n, uint64_t session, const struct op *op)
{
	static const Guanxi__Request empty = GUANXI__REQUEST__INIT;
	struct call *c = call_new(&b.server, arena_new(1u << 20), &empty);

	j->n = n;
	j->put = true;
	c->caller = &nobody;
	c->author.session = session;
	c->prepared = j;
	box_of(c)->op = op;
	assert_true(writer_submit(b.server.writer, c, job_done, j));
}

static void wait_entered(struct gate *g)
{
	g_mutex_lock(&g->lock);
	while (!g->entered)
		g_cond_wait(&g->cond, &g->lock);
	g_mutex_unlock(&g->lock);
}

static void open_gate(struct gate *g)
{
	g_mutex_lock(&g->lock);
	g->open = true;
	g_cond_broadcast(&g->cond);
	g_mutex_unlock(&g->lock);
}

/* While a batch of bulk work runs, another session's call waits for one call of it, and those of the same session for all that came before. */
static void bulk_work_gives_way_but_to_its_own_session(void **state)
{
	struct gate second = { .entered = false };
	struct job bulk[6] = { 0 }, other = { 0 }, own = { 0 }, later = { 0 };

	g_mutex_init(&second.lock);
	g_cond_init(&second.cond);
	bulk[0].gate = &b.gate;
	bulk[2].gate = &second;
	submit_of(&bulk[0], 0, 1, &bulk_op);
	wait_entered(&b.gate);
	for (unsigned i = 1; i < 6; i++)
		submit_of(&bulk[i], i, 1, &bulk_op);
	submit_of(&own, 10, 1, &plain_op);
	submit_of(&other, 11, 2, &plain_op);
	open_gate(&b.gate);
	wait_entered(&second);
	submit_of(&later, 12, 2, &plain_op);
	open_gate(&second);
	wait_answers(9);
	assert_int_equal(bulk[0].order, 1);
	assert_int_equal(other.order, 2);
	assert_int_equal(bulk[1].order, 3);
	assert_int_equal(bulk[2].order, 4);
	assert_int_equal(later.order, 5);
	assert_int_equal(bulk[3].order, 6);
	assert_int_equal(bulk[5].order, 8);
	assert_int_equal(own.order, 9);
	for (unsigned i = 0; i < 6; i++) {
		assert_true(bulk[i].stands);
		assert_int_equal(bulk[i].runs, 1);
	}
	assert_int_equal(writer_queue(b.server.writer), 0);
	g_mutex_clear(&second.lock);
	g_cond_clear(&second.cond);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_bench, close_bench)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_come_after_the_commit_in_order),
		TEST(a_failure_before_the_first_put_is_skipped),
		TEST(a_failure_after_a_put_takes_nothing_else_along),
		TEST(only_what_stands_wakes_anybody),
		TEST(a_full_disk_refuses_the_batch_and_the_writer_goes_on),
		TEST(an_unknown_outcome_is_said_and_stops_the_server),
		TEST(bulk_work_gives_way_but_to_its_own_session),
		TEST(a_full_queue_refuses_and_the_end_runs_what_was_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

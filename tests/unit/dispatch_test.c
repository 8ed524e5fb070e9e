/* The way of a call: who may, where it runs, deadlines, dry runs, repeated keys, replies. */
#include "common/clock.h"
#include "server/call/dispatch.h"
#include "server/call/writer.h"
#include "server/loop/loop.h"
#include "server/server.h"
#include "tests/fault/store_bench.h"

#include <glib.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define MAP (64u << 20)
#define KEY "dispatch test row"

struct answer {
	GMutex lock;
	GCond cond;
	bool done;
	unsigned code;
	char message[200], reason[40], thread[16];
	uint64_t operation, server_us;
	size_t nvalues, nfields;
	char value[64];
};

struct dispatch_bench {
	struct store_bench store;
	struct server server;
	struct caller caller;
	struct caller *as; /* NULL: not logged in */
	GMutex lock;
	GCond cond;
	bool blocked;
	int runs;
	char ran_on[16];
};

static struct dispatch_bench b;

/* Operations of the test, in place of the server's table. */

static enum status op_note_thread(struct call *c, struct error *e)
{
	pthread_getname_np(pthread_self(), b.ran_on, sizeof(b.ran_on));
	b.runs++;
	assert_non_null(c->txn);
	return reply_value(c, "who", c->request->n_arg ? call_arg(c, "who") : bytes_str("me"), e);
}

static enum status op_put(struct call *c, struct error *e)
{
	b.runs++;
	c->reply->has_operation = true;
	c->reply->operation = (uint64_t)b.runs;
	return txn_put(c->txn, SPACE_AUTH, bytes_str(KEY), bytes_str("row"), e);
}

static enum status op_refuse(struct call *c, struct error *e)
{
	c->refused = STATUS_UNAUTHENTICATED;
	c->refused_message = "wrong password";
	c->refused_reason = "password";
	return txn_put(c->txn, SPACE_AUTH, bytes_str(KEY), bytes_str("row"), e);
}

static enum status op_fields(struct call *c, struct error *e)
{
	error_field(e, "phone", "is not a phone number");
	return error_field(e, "email", "is not an e-mail address");
}

static enum status prepare(struct call *c, struct error *e)
{
	assert_null(c->txn);
	c->prepared = arena_str(c->arena, bytes_str("hash"));
	return STATUS_OK;
}

static enum status op_prepared(struct call *c, struct error *e)
{
	return reply_value(c, "prepared", bytes_str(c->prepared), e);
}

static enum status op_block(struct call *c, struct error *e)
{
	g_mutex_lock(&b.lock);
	while (b.blocked)
		g_cond_wait(&b.cond, &b.lock);
	g_mutex_unlock(&b.lock);
	return STATUS_OK;
}

static enum status op_fill(struct call *c, struct error *e)
{
	char block[1000];
	enum status st = STATUS_OK;

	memset(block, 'x', sizeof(block));
	for (int i = 0; st == STATUS_OK && i < 10000; i++)
		st = reply_value(c, "x", bytes_of(block, sizeof(block)), e);
	assert_true(reply_room(c) < sizeof(block) + 100);
	return st;
}

const struct op *op_find(struct bytes name)
{
	static const struct op ops[] = {
		{ .name = "read", .kind = OP_READ, .run = op_note_thread },
		{ .name = "slow", .kind = OP_SLOW, .run = op_note_thread },
		{ .name = "hello", .kind = OP_READ, .flags = OP_ANONYMOUS, .run = op_note_thread },
		{ .name = "limited", .kind = OP_READ, .flags = OP_LIMITED, .run = op_note_thread },
		{ .name = "put", .kind = OP_WRITE, .run = op_put },
		{ .name = "refuse", .kind = OP_WRITE, .run = op_refuse },
		{ .name = "fields", .kind = OP_WRITE, .run = op_fields },
		{ .name = "prepared", .kind = OP_WRITE, .prepare = prepare, .run = op_prepared },
		{ .name = "block", .kind = OP_SLOW, .run = op_block },
		{ .name = "fill", .kind = OP_READ, .run = op_fill },
		{ .name = "entity", .kind = OP_READ, .run = op_note_thread, .right = "%s.list" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(ops); i++)
		if (bytes_equal_str(name, ops[i].name))
			return &ops[i];
	return NULL;
}

/* Calling. */

static void copy_text(char *to, size_t size, ProtobufCBinaryData from)
{
	snprintf(to, size, "%.*s", (int)from.len, (const char *)from.data);
}

static void on_done(struct call *c, void *arg)
{
	struct answer *a = arg;
	const Guanxi__Status *s = c->reply->status;

	g_mutex_lock(&a->lock);
	a->code = s->code;
	copy_text(a->message, sizeof(a->message), s->message);
	copy_text(a->reason, sizeof(a->reason), s->reason);
	a->operation = c->reply->operation;
	a->server_us = s->server_us;
	a->nfields = s->n_field;
	a->nvalues = c->reply->n_value;
	if (a->nvalues)
		copy_text(a->value, sizeof(a->value), c->reply->value[0]->value);
	assert_true(s->has_server_us);
	assert_int_equal(c->reply->id, 42);
	call_free(&c);
	a->done = true;
	g_cond_signal(&a->cond);
	g_mutex_unlock(&a->lock);
}

static void send_request(const Guanxi__Request *r, struct answer *a)
{
	struct arena *arena = arena_new(1 << 20);
	Guanxi__Request *kept = arena_alloc(arena, sizeof(*kept));
	struct call *c;
	struct txn *t;

	*kept = *r; /* a call outlives the frame it came in */
	c = call_new(&b.server, arena, kept);
	*a = (struct answer){ 0 };
	g_mutex_init(&a->lock);
	g_cond_init(&a->cond);
	assert_non_null(c);
	c->caller = b.as;
	assert_int_equal(txn_begin(b.store.store, false, &t, NULL), STATUS_OK);
	dispatch(c, t, on_done, a);
	txn_abort(&t);
}

static void wait_answer(struct answer *a)
{
	g_mutex_lock(&a->lock);
	while (!a->done)
		g_cond_wait(&a->cond, &a->lock);
	g_mutex_unlock(&a->lock);
	g_mutex_clear(&a->lock);
	g_cond_clear(&a->cond);
}

static Guanxi__Request request(const char *op)
{
	Guanxi__Request r = GUANXI__REQUEST__INIT;

	r.id = 42;
	r.op = pb_from(bytes_str(op));
	return r;
}

static struct answer call(const Guanxi__Request *r)
{
	struct answer a;

	send_request(r, &a);
	wait_answer(&a);
	return a;
}

static struct answer call_op(const char *op)
{
	Guanxi__Request r = request(op);

	return call(&r);
}

static bool row_stands(void)
{
	struct buf value = BUF_INIT;
	struct txn *t;
	bool there;

	assert_int_equal(txn_begin(b.store.store, false, &t, NULL), STATUS_OK);
	there = txn_get(t, SPACE_AUTH, bytes_str(KEY), &value, NULL) == STATUS_OK;
	txn_abort(&t);
	buf_free(&value);
	return there;
}

static int open_bench(void **state)
{
	static char *rights[] = { (char *)"customer.*", NULL };

	b = (struct dispatch_bench){ 0 };
	bench_open(&b.store, &engine_lmdb, MAP);
	g_mutex_init(&b.lock);
	g_cond_init(&b.cond);
	b.caller = (struct caller){ .rights = rights, .scope = scope_all, .class_mask = ~0u };
	b.as = &b.caller;
	b.server = (struct server){ .store = b.store.store,
		.schema = b.store.schema,
		.clock = clock_new(NULL),
		.pool = pool_new(1, 1) };
	b.server.writer = writer_new(&b.server, 100);
	return 0;
}

static int close_bench(void **state)
{
	pool_free(&b.server.pool);
	writer_free(&b.server.writer);
	clock_free(&b.server.clock);
	bench_close(&b.store);
	g_mutex_clear(&b.lock);
	g_cond_clear(&b.cond);
	return 0;
}

static void each_kind_runs_where_it_belongs(void **state)
{
	char mine[16];

	pthread_getname_np(pthread_self(), mine, sizeof(mine));
	assert_int_equal(call_op("read").code, STATUS_OK);
	assert_string_equal(b.ran_on, mine);
	assert_int_equal(call_op("slow").code, STATUS_OK);
	assert_string_not_equal(b.ran_on, mine);
	assert_string_not_equal(b.ran_on, "writer");
	assert_int_equal(call_op("put").code, STATUS_OK);
	assert_true(row_stands());
	assert_string_equal(call_op("prepared").value, "hash");
}

static void arguments_come_and_values_go(void **state)
{
	Guanxi__Request r = request("read");
	Guanxi__Pair pair = GUANXI__PAIR__INIT;
	Guanxi__Pair *pairs[] = { &pair };

	pair.name = pb_from(bytes_str("who"));
	pair.has_value = true;
	pair.value = pb_from(bytes_str("长河"));
	r.n_arg = 1;
	r.arg = pairs;
	assert_string_equal(call(&r).value, "长河");
}

static void unknown_operations_and_bad_names_are_refused(void **state)
{
	struct answer a = call_op("nothing");

	assert_int_equal(a.code, STATUS_USAGE);
	assert_string_equal(a.message, "unknown operation: \"nothing\"");
	assert_int_equal(call_op("a\x1b[31m").code, STATUS_USAGE);
	assert_string_equal(call_op("\xff").message, "op is not a name");
}

static void who_may_is_decided_by_the_row(void **state)
{
	Guanxi__Request r = request("entity");
	struct answer a;

	r.has_entity = true;
	r.entity = pb_from(bytes_str("customer"));
	assert_int_equal(call(&r).code, STATUS_OK);
	r.entity = pb_from(bytes_str("contact"));
	a = call(&r);
	assert_int_equal(a.code, STATUS_DENIED);
	assert_string_equal(a.message, "not allowed: right \"contact.list\" is missing");
	r.entity = pb_from(bytes_str("custommer"));
	a = call(&r);
	assert_int_equal(a.code, STATUS_USAGE);
	assert_non_null(strstr(a.message, "customer"));
	b.caller.must_change_password = true;
	a = call_op("read");
	assert_int_equal(a.code, STATUS_UNAUTHENTICATED);
	assert_string_equal(a.reason, "password_change_required");
	assert_int_equal(call_op("limited").code, STATUS_OK);
	b.as = NULL;
	assert_int_equal(call_op("read").code, STATUS_UNAUTHENTICATED);
	assert_int_equal(call_op("hello").code, STATUS_OK);
}

static void lost_rights_count_in_the_write_transaction(void **state)
{
	b.caller.user = 12345; /* whose epoch in the store is another, and who is not there */
	b.caller.epoch = 7;
	assert_int_equal(call_op("put").code, STATUS_UNAUTHENTICATED);
	assert_false(row_stands());
}

static void a_dry_run_leaves_nothing(void **state)
{
	Guanxi__Request r = request("put");

	r.has_dry_run = r.dry_run = true;
	assert_int_equal(call(&r).code, STATUS_OK);
	assert_int_equal(b.runs, 1);
	assert_false(row_stands());
}

static void a_refusal_that_writes_stands(void **state)
{
	struct answer a = call_op("refuse");

	assert_int_equal(a.code, STATUS_UNAUTHENTICATED);
	assert_string_equal(a.message, "wrong password");
	assert_string_equal(a.reason, "password");
	assert_true(row_stands());
}

static void every_bad_field_is_told(void **state)
{
	struct answer a = call_op("fields");

	assert_int_equal(a.code, STATUS_INVALID);
	assert_int_equal(a.nfields, 2);
	assert_string_equal(a.message, "phone is not a phone number");
}

static void a_repeated_key_has_one_effect_and_the_same_reply(void **state)
{
	Guanxi__Request r = request("put");
	struct answer first, second;

	r.has_idempotency_key = true;
	r.idempotency_key = pb_from(bytes_str("key one"));
	first = call(&r);
	second = call(&r);
	assert_int_equal(second.code, STATUS_OK);
	assert_int_equal(b.runs, 1);
	assert_int_equal(first.operation, second.operation);
	r.has_filter = true;
	r.filter = pb_from(bytes_str("other"));
	second = call(&r);
	assert_int_equal(second.code, STATUS_CONFLICT);
	assert_string_equal(second.reason, "idempotency_key");
	r.idempotency_key = pb_from(bytes_str("key two"));
	assert_int_equal(call(&r).code, STATUS_OK);
	assert_int_equal(b.runs, 2);
}

static void block_pool(struct answer *a)
{
	Guanxi__Request r = request("block");

	b.blocked = true;
	send_request(&r, a);
}

static void unblock_pool(struct answer *a)
{
	g_mutex_lock(&b.lock);
	b.blocked = false;
	g_cond_broadcast(&b.cond);
	g_mutex_unlock(&b.lock);
	wait_answer(a);
}

static void a_deadline_that_has_passed_stops_the_call(void **state)
{
	struct answer held, late;
	Guanxi__Request r = request("slow");
	int64_t from;

	block_pool(&held);
	/* the pool's only thread must have it, so that the queue of one is free */
	do {
		r.has_deadline_ms = true;
		r.deadline_ms = 1;
		send_request(&r, &late);
		if (late.done)
			wait_answer(&late);
	} while (late.done);
	from = monotonic_us();
	while (monotonic_us() - from < 20000)
		sched_yield();
	unblock_pool(&held);
	wait_answer(&late);
	assert_int_equal(late.code, STATUS_BUSY);
	assert_string_equal(late.reason, "deadline");
	assert_int_equal(b.runs, 0);
}

static void a_full_pool_says_busy(void **state)
{
	struct answer held[3];
	unsigned busy = 0;

	b.blocked = true;
	for (int i = 0; i < 3; i++)
		block_pool(&held[i]);
	g_mutex_lock(&b.lock);
	b.blocked = false;
	g_cond_broadcast(&b.cond);
	g_mutex_unlock(&b.lock);
	for (int i = 0; i < 3; i++) {
		wait_answer(&held[i]);
		busy += held[i].code == STATUS_BUSY;
	}
	assert_in_range(busy, 1, 2); /* one runs, one waits */
}

static void a_reply_has_a_ceiling(void **state)
{
	struct answer a = call_op("fill");

	assert_int_equal(a.code, STATUS_INVALID);
	assert_string_equal(a.reason, "reply_too_large");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_bench, close_bench)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_kind_runs_where_it_belongs),
		TEST(arguments_come_and_values_go),
		TEST(unknown_operations_and_bad_names_are_refused),
		TEST(who_may_is_decided_by_the_row),
		TEST(lost_rights_count_in_the_write_transaction),
		TEST(a_dry_run_leaves_nothing),
		TEST(a_refusal_that_writes_stands),
		TEST(every_bad_field_is_told),
		TEST(a_repeated_key_has_one_effect_and_the_same_reply),
		TEST(a_deadline_that_has_passed_stops_the_call),
		TEST(a_full_pool_says_busy),
		TEST(a_reply_has_a_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

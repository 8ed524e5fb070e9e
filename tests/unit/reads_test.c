/* What a read transaction has noted holds only as long as reading again finds the same. */
#include "server/store/posting.h"
#include "server/store/reads.h"
#include "tests/fault/store_bench.h"

#include <setjmp.h>
#include <stdarg.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define OK(x) assert_int_equal((x), STATUS_OK)
#define RECORDS 12u
#define ROUNDS 400

static struct store_bench b;
static uint64_t seed;

static int open_bench(void **state)
{
	(void)state;
	seed = 11;
	bench_open(&b, &engine_lmdb, 256u << 20);
	struct txn *t = bench_begin(&b, true);
	for (unsigned n = 1; n <= RECORDS; n++)
		bench_add_customer(&b, t, n, 0, 0);
	bench_commit(&t);
	return 0;
}

static int close_bench(void **state)
{
	(void)state;
	bench_close(&b);
	return 0;
}

static unsigned dice(unsigned below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % below;
}

static const struct field *field_of(uint16_t tag)
{
	return entity_field_by_tag(b.customer, tag);
}

static uint64_t sum_of(uint64_t sum, struct bytes in)
{
	for (size_t i = 0; i < in.len; i++)
		sum = (sum ^ in.data[i]) * 1099511628211u;
	return sum * 31 + in.len;
}

static struct buf text_run(uint16_t tag, unsigned n)
{
	struct buf run = BUF_INIT;
	char text[24];

	snprintf(text, sizeof(text), "%s%u", tag == CUSTOMER_PHONE ? "0571-8888" : "v", 1000 + n);
	record_add_text(&run, tag, bytes_str(text));
	return run;
}

/* One question to the store; the answer as a number. */
static uint64_t look(struct txn *t, unsigned what, unsigned n)
{
	static const uint16_t texts[] = { CUSTOMER_PHONE, CUSTOMER_CITY };
	struct buf room = BUF_INIT, run = text_run(texts[n % 2], n / 2);
	uint64_t ids[32], sum = 7, next = 0;
	struct stored r;
	struct bytes key;
	struct walk *w;
	struct posting_walk *p;
	struct key prefix = key_index(b.customer->number, CUSTOMER_LEVEL);

	switch (what) {
	case 0:
		if (!store_get(t, &scope_all, b.customer, n + 1, &room, &r, NULL))
			sum = sum_of(r.version, r.fields);
		break;
	case 1:
		for (size_t i = store_find_equal(
			     t, b.customer, field_of(texts[n % 2]), buf_bytes(&run), 0, ids, 32);
			i > 0; i--)
			sum = sum * 31 + ids[i - 1];
		break;
	case 2:
		sum = store_visible(t, &scope_all, b.customer, n + 1);
		break;
	case 3:
		OK(posting_open_all(t, SPACE_IDX, key_bytes(&prefix), &p, NULL));
		while (posting_next(p, &next))
			sum = sum_of(sum * 31 + next, posting_list(p));
		posting_close(&p);
		break;
	case 4:
		prefix = key_entity(b.customer->number);
		OK(walk_open(t, SPACE_REC, key_bytes(&prefix), &w, NULL));
		while (walk_next(w, &key))
			if (!walk_value(w, &room, NULL))
				sum = sum_of(sum_of(sum, key), buf_bytes(&room));
		walk_close(&w);
		break;
	default:
		OK(store_next_id(t, b.customer, &next, NULL));
		sum = next;
	}
	buf_free(&room);
	buf_free(&run);
	return sum;
}

static void change_something(struct txn *t)
{
	static const uint16_t tags[] = { CUSTOMER_PHONE, CUSTOMER_CITY, CUSTOMER_NOTE };
	uint16_t tag = tags[dice(3)];
	uint64_t id = 1 + dice(RECORDS);
	struct buf run = text_run(tag, dice(6)), level = BUF_INIT;
	struct error e;

	error_init(&e);
	record_add_signed(&level, CUSTOMER_LEVEL, (int64_t)dice(9));
	switch (dice(6)) {
	case 0:
		bench_add_customer(&b, t, 100 + dice(100000), 0, 0);
		break;
	case 1:
		bench_set(&b, t, b.customer, id, "set", CUSTOMER_LEVEL, buf_bytes(&level), &e);
		break;
	case 2:
		if (bench_delete(&b, t, b.customer, id, &e))
			bench_restore(&b, t, b.customer, id, &e);
		break;
	default:
		bench_set(&b, t, b.customer, id, "set", tag, buf_bytes(&run), &e);
	}
	error_clear(&e);
	buf_free(&run);
	buf_free(&level);
}

/* Looks, changes in commits and in the transaction that asks, and looks again: whoever says that it holds must be right. */
static void what_holds_reads_the_same_again(void **state)
{
	unsigned held = 0, gone = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct txn *t = bench_begin(&b, false);
		struct reads reads = { 0 };
		unsigned what = dice(6), n = dice(12);
		uint64_t snapshot = txn_snapshot(t), before;

		txn_note_reads(t, &reads);
		before = look(t, what, n);
		txn_abort(&t);
		for (unsigned commits = dice(3); commits > 0; commits--) {
			t = bench_begin(&b, true);
			change_something(t);
			bench_commit(&t);
		}
		t = bench_begin(&b, true);
		for (unsigned changes = dice(2); changes > 0; changes--)
			change_something(t);
		bool holds = reads_hold(t, snapshot, &reads);
		bool same = look(t, what, n) == before;
		if (holds && !same)
			fail_msg("round %d: question %u %u has another answer", round, what, n);
		held += holds;
		gone += !same;
		bench_commit(&t);
		reads_free(&reads);
	}
	assert_true(held > ROUNDS / 4);
	assert_true(gone > ROUNDS / 10);
}

static void what_is_far_from_the_change_goes_on_holding(void **state)
{
	struct txn *t = bench_begin(&b, false);
	struct reads record = { 0 }, list = { 0 };
	uint64_t snapshot = txn_snapshot(t);
	struct buf run = text_run(CUSTOMER_CITY, 99);

	(void)state;
	assert_null(txn_note_reads(t, &record));
	look(t, 0, 2);
	assert_ptr_equal(txn_note_reads(t, &list), &record);
	look(t, 1, 8);
	txn_abort(&t);
	t = bench_begin(&b, true);
	OK(bench_set(&b, t, b.customer, 7, "set", CUSTOMER_CITY, buf_bytes(&run), NULL));
	assert_true(reads_hold(t, snapshot, &record));
	assert_true(reads_hold(t, snapshot, &list));
	bench_commit(&t);
	t = bench_begin(&b, true);
	assert_true(reads_hold(t, snapshot, &record));
	OK(bench_set(&b, t, b.customer, 3, "set", CUSTOMER_CITY, buf_bytes(&run), NULL));
	assert_false(reads_hold(t, snapshot, &record));
	assert_true(reads_hold(t, snapshot, &list));
	txn_abort(&t);
	buf_free(&run);
	reads_free(&record);
	reads_free(&list);
}

/* The log is no part of the account, and a transaction that has changed very much says so at once. */
static void what_is_not_accounted_for_never_holds(void **state)
{
	struct txn *t = bench_begin(&b, false);
	struct reads reads = { 0 }, other = { 0 };
	uint64_t snapshot = txn_snapshot(t), seq;

	(void)state;
	txn_note_reads(t, &reads);
	assert_int_equal(log_of_record(t, b.customer, 1, 0, &seq, 1), 1);
	txn_note_reads(t, &other);
	look(t, 0, 0);
	txn_abort(&t);
	t = bench_begin(&b, true);
	assert_false(reads_hold(t, snapshot, &reads));
	assert_true(reads_hold(t, snapshot, &other));
	for (uint64_t n = 0; n < 300000; n++) {
		struct key k = key_scope_value(77, 1, n);
		OK(posting_add(t, SPACE_IDX, key_bytes(&k), 1, NULL));
	}
	assert_false(reads_hold(t, snapshot, &other));
	txn_abort(&t);
	reads_free(&reads);
	reads_free(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_holds_reads_the_same_again, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(
			what_is_far_from_the_change_goes_on_holding, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(
			what_is_not_accounted_for_never_holds, open_bench, close_bench),
	};

	return cmocka_run_group_tests_name("reads", tests, NULL, NULL);
}

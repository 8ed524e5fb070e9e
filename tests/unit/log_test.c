/* The change log: what an entry says, how entries are found, and that nothing in the chain can be changed unseen. */
#include "server/store/key.h"
#include "tests/fault/store_bench.h"

#include <setjmp.h>
#include <stdarg.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define OK(x) assert_int_equal((x), STATUS_OK)

static struct store_bench b;

static int open_bench(void **state)
{
	(void)state;
	bench_open(&b, &engine_lmdb, 64u << 20);
	return 0;
}

static int close_bench(void **state)
{
	(void)state;
	bench_close(&b);
	return 0;
}

static void test_an_entry_reads_back(void **state)
{
	static const uint32_t tags[] = { 3, 70000 };
	struct buf before = BUF_INIT, buf = BUF_INIT;
	struct txn *t = bench_begin(&b, true);
	struct log_entry l;
	struct log_body body = { 0 };
	uint64_t seq = 0;

	(void)state;
	record_add_text(&before, 3, bytes_str("old"));
	b.author.session = 11;
	b.author.operation = 12;
	b.author.reason = bytes_str("because");
	b.author.address = bytes_str("10.0.0.1");
	struct log_body in = { .tags = tags, .ntags = 2, .before = buf_bytes(&before) };
	OK(log_append(t, &b.author, LOG_FIRED, b.task, 5, 6, &in, &seq, NULL));
	bench_commit(&t);
	assert_int_equal(store_last_seq(b.store), seq);
	t = bench_begin(&b, false);
	OK(log_read(t, seq, &l, &buf, &body, NULL));
	assert_int_equal(l.kind, LOG_FIRED);
	assert_int_equal(l.entity, b.task->number);
	assert_int_equal(l.time_ms, b.author.now_ms);
	assert_int_equal(l.user, 1);
	assert_int_equal(l.session, 11);
	assert_int_equal(l.operation, 12);
	assert_int_equal(l.id, 5);
	assert_int_equal(l.version, 6);
	assert_int_equal(body.ntags, 2);
	assert_int_equal(body.tags[0], 3);
	assert_int_equal(body.tags[1], 70000);
	assert_true(bytes_equal(body.before, buf_bytes(&before)));
	assert_true(bytes_equal_str(body.reason, "because"));
	assert_true(bytes_equal_str(body.address, "10.0.0.1"));
	assert_int_equal(log_read(t, seq + 1, &l, &buf, NULL, NULL), STATUS_NOT_FOUND);
	assert_string_equal(log_kind_name(l.kind), "fired");
	assert_string_equal(log_kind_name((enum log_kind)99), "unknown");
	txn_abort(&t);
	buf_free(&before);
	buf_free(&buf);
}

static void test_a_change_keeps_what_was_before(void **state)
{
	struct buf run = BUF_INIT, buf = BUF_INIT;
	struct txn *t = bench_begin(&b, true);
	uint64_t id = bench_add_customer(&b, t, 1, 2, 1);
	struct log_body body;
	struct log_entry l;

	(void)state;
	record_add_text(&run, CUSTOMER_CITY, bytes_str("上海"));
	OK(bench_set(&b, t, b.customer, id, "set", CUSTOMER_CITY, buf_bytes(&run), NULL));
	bench_commit(&t);
	t = bench_begin(&b, false);
	OK(log_read(t, store_last_seq(b.store), &l, &buf, &body, NULL));
	assert_int_equal(l.kind, LOG_SET);
	assert_int_equal(l.version, 2);
	assert_int_equal(body.ntags, 1);
	assert_int_equal(body.tags[0], CUSTOMER_CITY);
	assert_true(bytes_equal_str(record_text(body.before, CUSTOMER_CITY), "成都"));
	txn_abort(&t);
	buf_free(&run);
	buf_free(&buf);
}

static void test_entries_are_found(void **state)
{
	struct txn *t = bench_begin(&b, true);
	uint64_t one = bench_add_customer(&b, t, 1, 2, 1), two, operation, seqs[8];

	(void)state;
	OK(store_operation(t, &operation, NULL));
	b.author.operation = operation;
	two = bench_add_customer(&b, t, 2, 2, 1);
	OK(bench_delete(&b, t, b.customer, one, NULL));
	b.author.operation = 0;
	OK(bench_restore(&b, t, b.customer, one, NULL));
	bench_commit(&t);
	t = bench_begin(&b, false);
	assert_int_equal(log_of_record(t, b.customer, one, 0, seqs, 8), 3);
	assert_true(seqs[0] > seqs[1] && seqs[1] > seqs[2]);
	uint64_t middle = seqs[1];
	assert_int_equal(log_of_record(t, b.customer, one, middle, seqs, 8), 1);
	assert_int_equal(log_of_record(t, b.customer, one, 0, seqs, 2), 2);
	assert_int_equal(log_of_record(t, b.customer, two, 0, seqs, 8), 1);
	assert_int_equal(log_of_record(t, b.customer, 77, 0, seqs, 8), 0);
	assert_int_equal(log_of_operation(t, operation, 0, seqs, 8), 2);
	assert_true(seqs[0] < seqs[1] && seqs[1] == middle);
	assert_int_equal(log_of_operation(t, operation, seqs[0], seqs, 8), 1);
	txn_abort(&t);
	t = bench_begin(&b, true);
	uint64_t next;
	OK(store_operation(t, &next, NULL));
	assert_int_equal(next, operation + 1);
	txn_abort(&t);
}

static void replace(enum space s, uint64_t seq, struct bytes value)
{
	struct key k = key_number(seq);
	struct txn *t = bench_begin(&b, true);

	if (value.len)
		OK(txn_put(t, s, key_bytes(&k), value, NULL));
	else
		OK(txn_del(t, s, key_bytes(&k), NULL));
	bench_commit(&t);
}

static void first_bad(uint64_t from, uint64_t want)
{
	struct txn *t = bench_begin(&b, false);

	assert_int_equal(log_verify(t, from, NULL), want);
	txn_abort(&t);
}

/* Every byte of an entry is covered: changing any of them breaks the chain at that entry. */
static void test_no_byte_changes_unseen(void **state)
{
	struct txn *t = bench_begin(&b, true);
	struct buf entry = BUF_INIT, changed = BUF_INIT;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		bench_add_customer(&b, t, i, 0, 0);
	bench_commit(&t);
	first_bad(1, 0);
	first_bad(7, 0);
	struct key k = key_number(7);
	t = bench_begin(&b, false);
	OK(txn_get(t, SPACE_LOG, key_bytes(&k), &entry, NULL));
	txn_abort(&t);
	for (size_t i = 0; i < entry.len; i++) {
		buf_clear(&changed);
		buf_add_bytes(&changed, buf_bytes(&entry));
		changed.data[i] ^= 0x10;
		replace(SPACE_LOG, 7, buf_bytes(&changed));
		first_bad(1, 7);
	}
	replace(SPACE_LOG, 7, buf_bytes(&entry));
	first_bad(1, 0);
	replace(SPACE_BODY, 8, bytes_str("another body"));
	first_bad(1, 8);
	first_bad(9, 0);
	replace(SPACE_LOG, 6, (struct bytes){ 0 });
	first_bad(1, 6);
	buf_free(&entry);
	buf_free(&changed);
}

static void test_an_aborted_change_leaves_no_number(void **state)
{
	struct txn *t = bench_begin(&b, true);
	uint64_t last = store_last_seq(b.store);

	(void)state;
	bench_add_customer(&b, t, 1, 0, 0);
	assert_int_equal(store_last_seq(b.store), last);
	txn_abort(&t);
	t = bench_begin(&b, true);
	bench_add_customer(&b, t, 2, 0, 0);
	bench_commit(&t);
	assert_int_equal(store_last_seq(b.store), last + 1);
	first_bad(1, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_bench, close_bench)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_entry_reads_back),
		TEST(test_a_change_keeps_what_was_before),
		TEST(test_entries_are_found),
		TEST(test_no_byte_changes_unseen),
		TEST(test_an_aborted_change_leaves_no_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* store_check finds every kind of damage, and nothing in a sound store; no fault of the engine leaves half a change. */
#include "server/store/key.h"
#include "server/store/posting.h"
#include "tests/fault/store_bench.h"

#include <setjmp.h>
#include <stdarg.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define MAP (64u << 20)
#define OK(x) assert_int_equal((x), STATUS_OK)

static struct store_bench b;
static char said[4096];

static uint64_t add_follower(struct txn *t, uint64_t customer)
{
	struct buf fields = BUF_INIT;
	uint64_t id = 0;

	record_add_text(&fields, CONTACT_NAME, bytes_str("张伟"));
	record_add_number(&fields, CONTACT_CUSTOMER, customer);
	OK(bench_put(&b, t, b.contact, &id, "add", &fields, NULL));
	buf_free(&fields);
	return id;
}

static int open_bench(void **state)
{
	struct txn *t;

	(void)state;
	bench_open(&b, &engine_fault, MAP);
	t = bench_begin(&b, true);
	for (unsigned i = 1; i <= 20; i++)
		bench_add_customer(&b, t, i, i % 3, 1 + i % 2);
	OK(bench_delete(&b, t, b.customer, 3, NULL));
	add_follower(t, 7);
	OK(bench_delete(&b, t, b.contact, add_follower(t, 7), NULL));
	bench_commit(&t);
	return 0;
}

static int close_bench(void **state)
{
	(void)state;
	fault_arm(FAULT_NONE, 0);
	bench_close(&b);
	return 0;
}

static void hear(void *arg, const char *damage)
{
	size_t len = strlen(said);

	(void)arg;
	snprintf(said + len, sizeof(said) - len, "%s\n", damage);
}

static size_t check(void)
{
	struct check_counts counts;
	struct txn *t = bench_begin(&b, false);

	said[0] = 0;
	size_t n = store_check(t, hear, NULL, &counts);
	txn_abort(&t);
	assert_true(counts.records >= 24 && counts.index_entries > 100 && counts.log_entries >= 25);
	assert_true(counts.values > 100);
	return n;
}

static void reported(const char *text)
{
	assert_true(check() > 0);
	if (!strstr(said, text))
		fail_msg("\"%s\" was not reported but: %s", text, said);
}

static void unsound(enum space s, const struct key *k, struct bytes value, const char *text)
{
	struct txn *t = bench_begin(&b, true);

	OK(txn_put(t, s, key_bytes(k), value, NULL));
	bench_commit(&t);
	reported(text);
}

static void lost(enum space s, const struct key *k, const char *text)
{
	struct txn *t = bench_begin(&b, true);

	OK(txn_del(t, s, key_bytes(k), NULL));
	bench_commit(&t);
	reported(text);
}

/* First key of a space that has a prefix. */
static struct key first(enum space s, struct bytes prefix)
{
	struct txn *t = bench_begin(&b, false);
	struct key k = { 0 };
	struct bytes key;
	struct walk *w;

	OK(walk_open(t, s, prefix, &w, NULL));
	assert_true(walk_next(w, &key));
	assert_true(key.len <= KEY_BYTES);
	memcpy(k.data, key.data, key.len);
	k.len = key.len;
	walk_close(&w);
	txn_abort(&t);
	return k;
}

static const struct bytes nothing;

static void test_a_sound_store_is_clean(void **state)
{
	struct buf run = BUF_INIT;
	struct txn *t = bench_begin(&b, true);
	bool more = true;

	(void)state;
	if (check())
		fail_msg("%s", said);
	struct check_counts counts;
	struct txn *r = bench_begin(&b, false);
	assert_int_equal(store_check(r, hear, NULL, &counts), 0);
	assert_true(counts.postings > 20);
	txn_abort(&r);
	record_add_signed(&run, CUSTOMER_SCORE, 5);
	OK(store_put_computed(t, b.customer, 4, buf_bytes(&run), NULL));
	OK(bench_delete(&b, t, b.customer, 4, NULL));
	OK(bench_restore(&b, t, b.customer, 3, NULL));
	bench_commit(&t);
	if (check())
		fail_msg("%s", said);
	while (more) {
		t = bench_begin(&b, true);
		OK(store_merge_terms(t, &more, NULL));
		bench_commit(&t);
	}
	if (check())
		fail_msg("%s", said);
	t = bench_begin(&b, false);
	assert_int_equal(store_check_tail(t, 1000, hear, NULL), 0);
	txn_abort(&t);
	buf_free(&run);
}

static void test_a_lost_index_entry(void **state)
{
	struct key prefix = key_index(b.customer->number, CUSTOMER_CITY);
	struct key k = first(SPACE_IDX, key_bytes(&prefix));

	lost(SPACE_IDX, &k, "index entry of field 4 is missing");
}

static void test_an_index_entry_too_many(void **state)
{
	struct key list = key_scope_value(b.customer->number, KEY_SCOPE_OWNER, 9);
	struct txn *t = bench_begin(&b, true);

	OK(posting_add(t, SPACE_IDX, key_bytes(&list), 1, NULL));
	bench_commit(&t);
	reported("names 1 without reason");
}

/* One id out of the middle of a block of many. */
static void test_an_id_missing_in_a_block(void **state)
{
	struct key list = key_index(b.customer->number, KEY_ALL);
	struct txn *t = bench_begin(&b, true);

	OK(posting_remove(t, SPACE_IDX, key_bytes(&list), 2, NULL));
	bench_commit(&t);
	reported("customer \"2\": index entry of field 65288 is missing");
}

static void test_a_damaged_block(void **state)
{
	struct key prefix = key_index(b.customer->number, KEY_ALL);
	struct key k = first(SPACE_IDX, key_bytes(&prefix));

	struct txn *t = bench_begin(&b, true);

	OK(txn_put(t, SPACE_IDX, key_bytes(&k), bytes_of("\x05\x02\x00", 3), NULL));
	bench_commit(&t);
	t = bench_begin(&b, false);
	said[0] = 0;
	assert_true(store_check(t, hear, NULL, NULL) > 0);
	assert_non_null(strstr(said, "idx has a damaged block"));
	txn_abort(&t);
}

static void test_a_lost_scope_entry(void **state)
{
	struct key prefix = key_index(b.customer->number, KEY_SCOPE_BRANCH);
	struct key k = first(SPACE_IDX, key_bytes(&prefix));

	lost(SPACE_IDX, &k, "is missing");
}

static void test_a_lost_unique_value(void **state)
{
	struct key k = first(SPACE_UNIQ, nothing);

	lost(SPACE_UNIQ, &k, "unique value of");
}

static void test_a_unique_value_too_many(void **state)
{
	struct key k = key_index(b.customer->number, CUSTOMER_CODE);
	uint8_t id[8];

	memset(k.data + k.len, 3, KEY_HASH);
	k.len += KEY_HASH;
	put_be64(id, 2);
	unsound(SPACE_UNIQ, &k, bytes_of(id, 8), "unique value of entity 1 names 2 without reason");
}

static void test_a_lost_record(void **state)
{
	struct key k = key_record(b.customer->number, 5);

	lost(SPACE_REC, &k, "is gone");
}

static void test_a_replayed_record(void **state)
{
	struct key k = key_record(b.customer->number, 5);
	struct buf old = BUF_INIT;
	struct txn *t = bench_begin(&b, true);

	OK(txn_get(t, SPACE_REC, key_bytes(&k), &old, NULL));
	OK(bench_set(&b, t, b.customer, 5, "set", CUSTOMER_NOTE, nothing, NULL));
	bench_commit(&t);
	t = bench_begin(&b, true);
	struct buf run = BUF_INIT;
	record_add_text(&run, CUSTOMER_NOTE, bytes_str("x"));
	OK(bench_set(&b, t, b.customer, 5, "set", CUSTOMER_NOTE, buf_bytes(&run), NULL));
	bench_commit(&t);
	assert_int_equal(check(), 0);
	unsound(SPACE_REC, &k, buf_bytes(&old), "the log knows version 2");
	assert_non_null(strstr(said, "is not what the log says"));
	buf_free(&old);
	buf_free(&run);
}

static void test_a_dangling_reference(void **state)
{
	struct buf run = BUF_INIT;
	struct txn *t = bench_begin(&b, true);

	record_add_number(&run, CUSTOMER_OWNER, 99);
	OK(bench_set(&b, t, b.customer, 5, "set", CUSTOMER_OWNER, buf_bytes(&run), NULL));
	bench_commit(&t);
	reported("owner refers to 99, which is not there");
	buf_free(&run);
}

static void test_a_lost_log_entry(void **state)
{
	struct key k = key_number(7);

	lost(SPACE_LOG, &k, "log entry 7 is missing");
}

static void test_a_log_entry_replaced(void **state)
{
	struct key six = key_number(6), k = key_number(7);
	struct buf other = BUF_INIT;
	struct txn *t = bench_begin(&b, false);

	OK(txn_get(t, SPACE_LOG, key_bytes(&six), &other, NULL));
	txn_abort(&t);
	unsound(SPACE_LOG, &k, buf_bytes(&other), "log entry 7 does not match its hash");
	buf_free(&other);
}

static void test_a_lost_body(void **state)
{
	struct key k = key_number(9);

	lost(SPACE_BODY, &k, "log entry 9 has lost its body");
}

static void test_a_lost_history_row(void **state)
{
	struct key k = first(SPACE_HIST, nothing);

	lost(SPACE_HIST, &k, "is missing in the history");
}

static void test_a_history_row_too_many(void **state)
{
	struct key k = key_hist(b.customer->number, 1, 500);

	unsound(SPACE_HIST, &k, nothing, "names log entry 500");
}

static void test_a_lost_pending_row(void **state)
{
	struct key k = first(SPACE_PEND, nothing);

	lost(SPACE_PEND, &k, "search term of c");
}

static void test_a_damaged_block_of_terms(void **state)
{
	struct txn *t = bench_begin(&b, true);
	bool more;

	OK(store_merge_terms(t, &more, NULL));
	bench_commit(&t);
	assert_int_equal(check(), 0);
	struct key k = first(SPACE_TERM, nothing);
	lost(SPACE_TERM, &k, "is missing");
}

static void test_a_due_row_without_plan(void **state)
{
	struct key k = key_pair(1764000000000, 0x0001000000000000);

	k.data[k.len++] = 0;
	k.data[k.len++] = 5;
	k.len += 4;
	unsound(SPACE_DUE, &k, bytes_str("value"), "due has 1 rows that no plan names");
}

static void test_a_next_id_that_is_too_low(void **state)
{
	struct key k = key_entity(b.customer->number);
	uint8_t two[8];

	put_be64(two, 2);
	unsound(SPACE_NEXT, &k, bytes_of(two, 8), "next id of customer is 2, but record 20 stands");
}

/* Whatever value is damaged on the disk: check names it, and a reader never gets a wrong one. */
static void test_every_damaged_value_is_found(void **state)
{
	struct buf run = BUF_INIT, buf = BUF_INIT;
	struct stored s;
	bool happened = true;
	size_t rounds = 0;
	struct error e;

	error_init(&e);
	for (size_t at = 1; happened; at++) {
		struct txn *t = bench_begin(&b, true);
		fault_arm(FAULT_TORN, at);
		buf_clear(&run);
		char note[32];
		snprintf(note, sizeof(note), "note %zu", at);
		record_add_text(&run, CUSTOMER_NOTE, bytes_str(note));
		OK(bench_set(&b, t, b.customer, 6, "set", CUSTOMER_NOTE, buf_bytes(&run), NULL));
		enum status status = txn_commit(&t, NULL);
		happened = fault_happened();
		fault_arm(FAULT_NONE, 0);
		OK(status);
		if (!happened)
			break;
		rounds++;
		reported("stored value is damaged");
		t = bench_begin(&b, false);
		enum status got = store_get(t, &scope_all, b.customer, 6, &buf, &s, &e);
		if (got)
			assert_string_equal(e.reason, "damaged");
		else
			assert_true(bytes_equal_str(record_text(s.fields, CUSTOMER_NOTE), note));
		txn_abort(&t);
		bench_close(&b);
		open_bench(NULL);
	}
	assert_true(rounds >= 3);
	error_clear(&e);
	buf_free(&run);
	buf_free(&buf);
}

typedef enum status change_fn(struct txn *t, struct error *e);

static enum status add_change(struct txn *t, struct error *e)
{
	struct buf fields = BUF_INIT;
	uint64_t id = 0;

	bench_customer_fields(100, 2, 1, &fields);
	enum status s = bench_put(&b, t, b.customer, &id, "add", &fields, e);
	buf_free(&fields);
	return s;
}

static enum status set_change(struct txn *t, struct error *e)
{
	struct buf run = BUF_INIT;

	record_add_number(&run, CUSTOMER_OWNER, 3);
	enum status s = bench_set(&b, t, b.customer, 7, "set", CUSTOMER_OWNER, buf_bytes(&run), e);
	buf_free(&run);
	return s;
}

static enum status delete_change(struct txn *t, struct error *e)
{
	return bench_delete(&b, t, b.customer, 8, e);
}

/* The change whole or not at all, whichever call of the engine fails. */
static void fail_every_call(enum fault_kind kind, change_fn *change)
{
	uint64_t before = bench_digest(&b);
	bool happened = true;
	size_t at;
	struct error e;

	error_init(&e);
	for (at = 1; happened && at < 1000; at++) {
		struct txn *t = NULL;
		fault_arm(kind, at);
		enum status s = txn_begin(b.store, true, &t, &e);
		if (!s)
			s = change(t, &e);
		if (t)
			s = txn_commit(&t, &e);
		happened = fault_happened();
		fault_arm(FAULT_NONE, 0);
		if (!happened) {
			OK(s);
			break;
		}
		assert_int_not_equal(s, STATUS_OK);
		if (kind == FAULT_FULL)
			assert_int_equal(s, STATUS_STORAGE_FULL);
		if (bench_digest(&b) != before)
			fail_msg("call %zu failed and left something", at);
		error_clear(&e);
	}
	assert_true(at > 5 && at < 1000);
	assert_true(bench_digest(&b) != before);
	if (check())
		fail_msg("%s", said);
}

static void test_no_fault_leaves_half_a_change(void **state)
{
	change_fn *const changes[] = { add_change, set_change, delete_change };

	for (int i = 0; i < 3; i++) {
		fail_every_call(FAULT_IO, changes[i]);
		bench_close(&b);
		open_bench(NULL);
		fail_every_call(FAULT_FULL, changes[i]);
		bench_close(&b);
		open_bench(NULL);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_bench, close_bench)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_sound_store_is_clean),
		TEST(test_a_lost_index_entry),
		TEST(test_an_index_entry_too_many),
		TEST(test_an_id_missing_in_a_block),
		TEST(test_a_damaged_block),
		TEST(test_a_lost_scope_entry),
		TEST(test_a_lost_unique_value),
		TEST(test_a_unique_value_too_many),
		TEST(test_a_lost_record),
		TEST(test_a_replayed_record),
		TEST(test_a_dangling_reference),
		TEST(test_a_lost_log_entry),
		TEST(test_a_log_entry_replaced),
		TEST(test_a_lost_body),
		TEST(test_a_lost_history_row),
		TEST(test_a_history_row_too_many),
		TEST(test_a_lost_pending_row),
		TEST(test_a_damaged_block_of_terms),
		TEST(test_a_due_row_without_plan),
		TEST(test_a_next_id_that_is_too_low),
		TEST(test_every_damaged_value_is_found),
		TEST(test_no_fault_leaves_half_a_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

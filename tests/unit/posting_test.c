/* Lists of ids in blocks: whatever is added and removed, walks, seeks and counts say what a plain set says. */
#include "server/store/posting.h"
#include "server/store/posting_block.h"
#include "tests/fault/store_bench.h"

#include <setjmp.h>
#include <stdarg.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define MAP (64u << 20)
#define OK(x) assert_int_equal((x), STATUS_OK)
#define UNIVERSE 6000u
#define LISTS 3u

static struct store_bench b;
static uint64_t seed;

static int open_bench(void **state)
{
	(void)state;
	seed = 7;
	bench_open(&b, &engine_lmdb, MAP);
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

/* What the lists should hold: bit id of list n. */
struct model {
	bool in[LISTS][UNIVERSE];
};

/* Lists of an entity that the bench does not have. Their keys do not start alike but for the last byte. */
static struct key list_of(unsigned n)
{
	struct key k = key_index(77, 1);

	key_add_u64(&k, 1000 + n);
	return k;
}

static void put(struct txn *t, struct model *m, unsigned list, uint64_t id, bool add)
{
	struct key k = list_of(list);

	OK((add ? posting_add : posting_remove)(t, SPACE_IDX, key_bytes(&k), id, NULL));
	m->in[list][id] = add;
}

static size_t rows(struct txn *t)
{
	struct key prefix = key_index(77, 1);
	struct bytes key;
	struct walk *w;
	size_t n = 0;

	OK(walk_open(t, SPACE_IDX, key_bytes(&prefix), &w, NULL));
	while (walk_next(w, &key))
		n++;
	walk_close(&w);
	return n;
}

/* Every entry, forwards and backwards, over all lists. */
static void compare_walks(struct txn *t, const struct model *m)
{
	struct key prefix = key_index(77, 1);
	struct posting_walk *w;
	uint64_t id = 0;

	OK(posting_open_all(t, SPACE_IDX, key_bytes(&prefix), &w, NULL));
	for (unsigned l = 0; l < LISTS; l++) {
		struct key k = list_of(l);
		for (unsigned i = 0; i < UNIVERSE; i++) {
			if (!m->in[l][i])
				continue;
			assert_true(posting_next(w, &id));
			assert_int_equal(id, i);
			assert_true(bytes_equal(posting_list(w), key_bytes(&k)));
		}
	}
	assert_false(posting_next(w, &id));
	for (unsigned l = LISTS; l-- > 0;)
		for (unsigned i = UNIVERSE; i-- > 0;) {
			if (!m->in[l][i])
				continue;
			assert_true(posting_prev(w, &id));
			assert_int_equal(id, i);
		}
	assert_false(posting_prev(w, &id));
	posting_close(&w);
}

static unsigned next_in(const struct model *m, unsigned l, unsigned from)
{
	while (from < UNIVERSE && !m->in[l][from])
		from++;
	return from;
}

/* Steps to and fro from one place of one list. */
static void compare_seek(struct posting_walk *w, const struct model *m, unsigned l, unsigned from)
{
	struct key k = list_of(l);
	unsigned at = next_in(m, l, from), before = from;
	uint64_t id;

	while (before > 0 && !m->in[l][before - 1])
		before--;
	posting_seek(w, key_bytes(&k), from);
	assert_int_equal(posting_next(w, &id), at < UNIVERSE);
	if (at < UNIVERSE)
		assert_int_equal(id, at);
	posting_seek(w, key_bytes(&k), from);
	assert_int_equal(posting_prev(w, &id), before > 0);
	if (before > 0) {
		assert_int_equal(id, before - 1);
		assert_int_equal(posting_next(w, &id), at < UNIVERSE);
	}
	if (at < UNIVERSE) {
		assert_int_equal(id, at);
		assert_int_equal(posting_prev(w, &id), before > 0);
	}
}

static void compare_seeks(struct txn *t, const struct model *m, bool every)
{
	for (unsigned l = 0; l < LISTS; l++) {
		struct key k = list_of(l);
		struct posting_walk *w;
		uint64_t n = 0;

		OK(posting_open(t, SPACE_IDX, key_bytes(&k), &w, NULL));
		for (unsigned i = 0; i < UNIVERSE; i += every ? 1 : 1 + dice(400))
			compare_seek(w, m, l, i);
		posting_close(&w);
		for (unsigned i = 0; i < UNIVERSE; i++)
			n += m->in[l][i];
		assert_int_equal(posting_count(t, SPACE_IDX, key_bytes(&k)), n);
		for (unsigned i = 0; i < 50; i++) {
			unsigned id = dice(UNIVERSE);
			assert_int_equal(
				posting_has(t, SPACE_IDX, key_bytes(&k), id), m->in[l][id]);
		}
	}
}

static void compare_ranges(struct txn *t, const struct model *m)
{
	for (int round = 0; round < 40; round++) {
		unsigned low = dice(LISTS), high = low + dice(LISTS - low);
		unsigned from = dice(UNIVERSE), to = dice(UNIVERSE);
		struct key a = list_of(low), z = list_of(high);
		uint64_t n = 0;

		for (unsigned l = low; l <= high; l++)
			for (unsigned i = l == low ? from : 0; i < (l == high ? to : UNIVERSE); i++)
				n += m->in[l][i];
		assert_int_equal(posting_count_range(t, SPACE_IDX, key_bytes(&a), from,
					 key_bytes(&z), to, UINT64_MAX),
			n);
	}
}

/* List by list with their sizes, from the middle of the first one. */
static void compare_lists(struct txn *t, const struct model *m)
{
	struct key prefix = key_index(77, 1), first = list_of(0);
	unsigned from = dice(UNIVERSE);
	struct posting_walk *w;
	uint64_t id, count;

	OK(posting_open_all(t, SPACE_IDX, key_bytes(&prefix), &w, NULL));
	posting_seek(w, key_bytes(&first), from);
	for (unsigned l = 0; l < LISTS; l++) {
		unsigned at = next_in(m, l, l ? 0 : from);
		uint64_t n = 0;
		for (unsigned i = at; i < UNIVERSE; i++)
			n += m->in[l][i];
		if (!n)
			continue;
		assert_true(posting_next_list(w, &id, &count));
		assert_int_equal(get_be64(posting_list(w).data + 4), 1000 + l);
		assert_int_equal(id, at);
		assert_int_equal(count, n);
	}
	assert_false(posting_next_list(w, &id, &count));
	posting_close(&w);
}

static void compare(struct txn *t, const struct model *m, bool every)
{
	compare_walks(t, m);
	compare_seeks(t, m, every);
	compare_ranges(t, m);
	compare_lists(t, m);
}

static void test_one_id_is_a_key_alone(void **state)
{
	struct model *m = calloc(1, sizeof(*m));
	struct txn *t = bench_begin(&b, true);
	struct key k = list_of(0);
	struct buf value = BUF_INIT;

	(void)state;
	put(t, m, 0, 5, true);
	put(t, m, 0, 6, true);
	put(t, m, 0, 6, false);
	bench_commit(&t);
	t = bench_begin(&b, false);
	assert_int_equal(rows(t), 1);
	memcpy(k.data + k.len, "\0\0\0\0\0\5", 6);
	k.len += 6;
	OK(txn_get(t, SPACE_IDX, key_bytes(&k), &value, NULL));
	assert_int_equal(value.len, 0);
	compare(t, m, true);
	txn_abort(&t);
	buf_free(&value);
	free(m);
}

/* A list without gaps is one small block, filled one by one or at once. */
static void test_no_gaps_no_room(void **state)
{
	struct model *m = calloc(1, sizeof(*m));
	struct txn *t;

	(void)state;
	for (unsigned i = 1; i < 2000; i++) {
		if (i % 100 == 1)
			t = bench_begin(&b, true);
		put(t, m, 1, i, true);
		if (i % 100 == 0 || i == 1999)
			bench_commit(&t);
	}
	t = bench_begin(&b, false);
	assert_int_equal(rows(t), 1);
	compare(t, m, true);
	txn_abort(&t);
	free(m);
}

/* Blocks that are split, filled, emptied and joined: seen from within the transaction and after it. */
static void test_random_changes(void **state)
{
	struct model *m = calloc(1, sizeof(*m));
	size_t most = 0;
	struct txn *t;

	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		unsigned grow = round < 30 ? 9 : round < 45 ? 5 : 1, n = round % 3 ? dice(900) : 1;
		t = bench_begin(&b, true);
		for (unsigned i = 0; i < n; i++)
			put(t, m, dice(LISTS), dice(UNIVERSE - 1) + 1, dice(10) < grow);
		if (dice(2)) /* half of the changes are looked at while they wait */
			compare_seeks(t, m, false);
		for (unsigned i = 0; i < n / 2; i++)
			put(t, m, dice(LISTS), dice(UNIVERSE - 1) + 1, dice(10) < grow);
		if (dice(2))
			compare(t, m, false);
		bench_commit(&t);
		t = bench_begin(&b, false);
		most = rows(t) > most ? rows(t) : most;
		compare(t, m, round % 20 == 0);
		txn_abort(&t);
	}
	assert_true(most > 3 * LISTS);
	t = bench_begin(&b, true);
	for (unsigned l = 0; l < LISTS; l++)
		for (unsigned i = 0; i < UNIVERSE; i++)
			if (m->in[l][i])
				put(t, m, l, i, false);
	bench_commit(&t);
	t = bench_begin(&b, false);
	assert_int_equal(rows(t), 0);
	compare(t, m, false);
	txn_abort(&t);
	free(m);
}

/* Ascending ids with gaps: full blocks, and no more of them than the bytes ask for. */
static void test_appending_fills_blocks(void **state)
{
	struct model *m = calloc(1, sizeof(*m));
	struct txn *t;

	(void)state;
	for (unsigned i = 1; i < UNIVERSE; i += 40) {
		t = bench_begin(&b, true);
		for (unsigned k = i; k < i + 40 && k < UNIVERSE; k += 1 + dice(3) * 2)
			put(t, m, 2, k, true);
		bench_commit(&t);
	}
	t = bench_begin(&b, false);
	compare(t, m, true);
	assert_true(rows(t) <= 4);
	txn_abort(&t);
	free(m);
}

/* What is walked may change under the walk. */
static void test_a_walk_goes_on_after_writes(void **state)
{
	struct model *m = calloc(1, sizeof(*m));
	struct key k = list_of(0);
	struct posting_walk *w;
	struct txn *t = bench_begin(&b, true);
	uint64_t id;
	unsigned n = 0;

	(void)state;
	for (unsigned i = 1; i < UNIVERSE; i += 2)
		put(t, m, 0, i, true);
	OK(posting_open(t, SPACE_IDX, key_bytes(&k), &w, NULL));
	while (posting_next(w, &id)) {
		assert_int_equal(id, 2 * n + 1);
		put(t, m, 0, (unsigned)id, false);
		put(t, m, 0, (unsigned)id - 1, true);
		n++;
	}
	assert_int_equal(n, UNIVERSE / 2);
	posting_close(&w);
	compare(t, m, false);
	txn_abort(&t);
	free(m);
}

/* Bytes from a damaged disk: refused or read, never beyond their end. */
static void test_damaged_blocks(void **state)
{
	struct posting_runs runs = { 0 };
	struct buf value = BUF_INIT;
	size_t at = 0;
	uint64_t skip = 0, first, last, count;

	(void)state;
	for (uint64_t i = 1; i < 300; i++)
		posting_runs_add(&runs, i * i, 1 + i % 5);
	posting_block_write(&runs, &at, &skip, POSTING_BYTES, &first, &value);
	assert_int_equal(at, runs.n);
	assert_int_equal(first, 1);
	assert_true(posting_block_head(buf_bytes(&value), first, &last, &count));
	for (size_t len = 1; len < value.len; len++) {
		runs.n = 0;
		assert_false(posting_block_read(first, bytes_of(value.data, len), &runs));
	}
	for (size_t bit = 0; bit < value.len * 8; bit++) {
		value.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		runs.n = 0;
		posting_block_read(first, buf_bytes(&value), &runs);
		posting_block_has(first, buf_bytes(&value), last);
		value.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	posting_runs_free(&runs);
	buf_free(&value);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_bench, close_bench)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_id_is_a_key_alone),
		TEST(test_no_gaps_no_room),
		TEST(test_random_changes),
		TEST(test_appending_fills_blocks),
		TEST(test_a_walk_goes_on_after_writes),
		TEST(test_damaged_blocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

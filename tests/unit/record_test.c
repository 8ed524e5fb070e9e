#include "common/record.h"
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
/* clang-format on */

/* The same numbers in every run. */
static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void test_known_bytes(void **state)
{
	static const uint8_t expected[] = { 0x08, 0x96, 0x01, 0x10, 0x03, 0x1a, 0x02, 'a', 'b' };
	struct buf b = BUF_INIT;

	record_add_number(&b, 1, 150);
	record_add_signed(&b, 2, -2);
	record_add_text(&b, 3, bytes_str("ab"));
	assert_int_equal(b.len, sizeof(expected));
	assert_memory_equal(b.data, expected, sizeof(expected));
	assert_int_equal(record_number(buf_bytes(&b), 1), 150);
	assert_int_equal(record_signed(buf_bytes(&b), 2), -2);
	assert_true(bytes_equal_str(record_text(buf_bytes(&b), 3), "ab"));
	assert_false(record_has(buf_bytes(&b), 4));
	assert_true(record_well_formed(buf_bytes(&b)));
	buf_free(&b);
}

static void test_zigzag_ends(void **state)
{
	static const int64_t values[] = { 0, 1, -1, INT64_MAX, INT64_MIN, 1234567890123 };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		assert_int_equal(unzigzag(zigzag(values[i])), values[i]);
	assert_int_equal(zigzag(-1), 1);
}

/* Every cut of a good record is either a shorter good record or refused, never read beyond its end. */
static void test_truncation(void **state)
{
	struct buf b = BUF_INIT;
	size_t good = 0;

	record_add_number(&b, 1, 1ull << 60);
	record_add_text(&b, 900, bytes_str("0123456789"));
	record_add_signed(&b, 2000, -5);
	for (size_t len = 0; len <= b.len; len++) {
		uint8_t *copy = malloc(len + 1);
		struct bytes in = { copy, len };
		struct wire_field f;
		bool bad = false;

		memcpy(copy, b.data, len);
		while (record_next(&in, &f, &bad))
			;
		good += !bad;
		assert_int_equal(bad, !record_well_formed(bytes_of(copy, len)));
		free(copy);
	}
	assert_int_equal(good, 4);
	buf_free(&b);
}

static void test_bad_bytes(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		{ "\x00\x01", 2 },                     /* tag 0 */
		{ "\x0d\x01\x02\x03\x04", 5 },         /* fixed32 */
		{ "\x09\1\2\3\4\5\6\7\10", 9 },        /* fixed64 */
		{ "\x0b\x0c", 2 },                     /* group */
		{ "\x0a\xff\xff\xff\xff\x0f", 6 },     /* length beyond the end */
		{ "\x08", 1 },                         /* no value */
		{ "\x88\x80\x80\x80\x80\x01\x01", 7 }, /* tag above 29 bits */
		{ "\x10\x01\x08\x01", 4 },             /* tags descend */
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(record_well_formed(bytes_of(bad[i].bytes, bad[i].len)));
}

static void test_runs(void **state)
{
	struct buf b = BUF_INIT;
	struct bytes run, in;
	struct wire_field f;

	record_add_number(&b, 1, 7);
	record_add_text(&b, 2, bytes_str("a"));
	record_add_text(&b, 2, bytes_str("b"));
	record_add_number(&b, 3, 9);
	run = record_run(buf_bytes(&b), 2);
	assert_int_equal(run.len, 6);
	in = run;
	assert_true(record_next(&in, &f, NULL));
	assert_true(bytes_equal_str(f.bytes, "a"));
	assert_true(record_next(&in, &f, NULL));
	assert_true(bytes_equal_str(f.bytes, "b"));
	assert_false(record_next(&in, &f, NULL));
	assert_int_equal(record_run(buf_bytes(&b), 4).len, 0);
	buf_free(&b);
}

static void test_merge(void **state)
{
	static const uint32_t cleared[] = { 1, 5 };
	struct buf base = BUF_INIT, patch = BUF_INIT, out = BUF_INIT;

	record_add_number(&base, 1, 1);
	record_add_text(&base, 2, bytes_str("old"));
	record_add_text(&base, 2, bytes_str("older"));
	record_add_number(&base, 4, 4);
	record_add_text(&patch, 2, bytes_str("new"));
	record_add_number(&patch, 3, 3);
	record_add_number(&patch, 9, 9);
	record_merge(buf_bytes(&base), buf_bytes(&patch), cleared, 2, &out);
	assert_true(record_well_formed(buf_bytes(&out)));
	assert_false(record_has(buf_bytes(&out), 1));
	assert_int_equal(record_run(buf_bytes(&out), 2).len, 5);
	assert_int_equal(record_number(buf_bytes(&out), 3), 3);
	assert_int_equal(record_number(buf_bytes(&out), 4), 4);
	assert_int_equal(record_number(buf_bytes(&out), 9), 9);
	buf_free(&base);
	buf_free(&patch);
	buf_free(&out);
}

static void test_sort_keeps_order_within_a_tag(void **state)
{
	struct buf b = BUF_INIT, out = BUF_INIT;

	record_add_text(&b, 9, bytes_str("1"));
	record_add_number(&b, 3, 3);
	record_add_text(&b, 9, bytes_str("2"));
	record_add_number(&b, 1, 1);
	record_add_text(&b, 9, bytes_str("3"));
	record_sort(buf_bytes(&b), &out);
	assert_int_equal(out.len, b.len);
	assert_true(record_well_formed(buf_bytes(&out)));
	assert_memory_equal(record_run(buf_bytes(&out), 9).data,
		"\x4a\x01"
		"1\x4a\x01"
		"2\x4a\x01"
		"3",
		9);
	buf_free(&b);
	buf_free(&out);
}

static void test_diff(void **state)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	uint32_t tags[8];

	record_add_number(&a, 1, 1);
	record_add_text(&a, 2, bytes_str("x"));
	record_add_number(&a, 4, 4);
	record_add_text(&b, 2, bytes_str("x"));
	record_add_text(&b, 2, bytes_str("y"));
	record_add_number(&b, 4, 4);
	record_add_number(&b, 7, 7);
	assert_int_equal(record_diff(buf_bytes(&a), buf_bytes(&b), tags, 8), 3);
	assert_int_equal(tags[0], 1);
	assert_int_equal(tags[1], 2);
	assert_int_equal(tags[2], 7);
	assert_int_equal(record_diff(buf_bytes(&a), buf_bytes(&a), tags, 8), 0);
	assert_int_equal(record_diff(buf_bytes(&a), buf_bytes(&b), tags, 1), 1);
	buf_free(&a);
	buf_free(&b);
}

static void random_record(uint32_t *seed, struct buf *out)
{
	for (uint32_t tag = 1; tag < 12; tag++) {
		uint32_t r = next_random(seed);
		if (r % 3 == 0)
			record_add_number(out, tag, r % 5);
	}
}

/* What differs between a and b, put into a, makes b. */
static void test_diff_and_merge_agree(void **state)
{
	uint32_t seed = 1, tags[32];

	for (int round = 0; round < 2000; round++) {
		struct buf a = BUF_INIT, b = BUF_INIT, patch = BUF_INIT, out = BUF_INIT;
		size_t n;

		random_record(&seed, &a);
		random_record(&seed, &b);
		n = record_diff(buf_bytes(&a), buf_bytes(&b), tags, 32);
		for (size_t i = 0; i < n; i++)
			buf_add_bytes(&patch, record_run(buf_bytes(&b), tags[i]));
		record_merge(buf_bytes(&a), buf_bytes(&patch), tags, n, &out);
		assert_true(bytes_equal(buf_bytes(&out), buf_bytes(&b)));
		buf_free(&a);
		buf_free(&b);
		buf_free(&patch);
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_bytes),
		cmocka_unit_test(test_zigzag_ends),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_bad_bytes),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_sort_keeps_order_within_a_tag),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_diff_and_merge_agree),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}

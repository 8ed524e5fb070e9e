#include "common/buf.h"
#include "common/error.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

static void test_integers_round_trip(void **state)
{
	struct buf b = BUF_INIT;
	struct bytes in;
	uint8_t u8;
	uint16_t u16 = 0;
	uint32_t u32 = 0;
	uint64_t u64 = 0;

	buf_add_u8(&b, 0xfe);
	buf_add_u16(&b, 0x1234);
	buf_add_u32(&b, 0x89abcdefu);
	buf_add_u64(&b, 0x0123456789abcdefull);
	assert_int_equal(b.len, 15);
	assert_int_equal(b.data[1], 0x12);
	in = buf_bytes(&b);
	assert_true(take_u8(&in, &u8) && take_u16(&in, &u16) && take_u32(&in, &u32) &&
		    take_u64(&in, &u64));
	assert_int_equal(u8, 0xfe);
	assert_int_equal(u16, 0x1234);
	assert_int_equal(u32, 0x89abcdefu);
	assert_true(u64 == 0x0123456789abcdefull);
	assert_int_equal(in.len, 0);
	assert_false(take_u8(&in, &u8));
	buf_free(&b);
	assert_null(b.data);
}

static void test_short_input_stays(void **state)
{
	struct bytes in = bytes_of("abc", 3);
	uint32_t v = 7;

	assert_false(take_u32(&in, &v));
	assert_int_equal(in.len, 3);
	assert_int_equal(v, 7);
}

static void test_varint_round_trip(void **state)
{
	static const uint64_t values[] = { 0, 1, 127, 128, 300, 16383, 16384, UINT32_MAX, INT64_MAX,
		UINT64_MAX };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct buf b = BUF_INIT;
		struct bytes in;
		uint64_t v = 0;

		buf_add_varint(&b, values[i]);
		for (size_t cut = 0; cut < b.len; cut++) {
			in = bytes_of(b.data, cut);
			assert_false(take_varint(&in, &v));
		}
		in = buf_bytes(&b);
		assert_true(take_varint(&in, &v));
		assert_true(v == values[i]);
		assert_int_equal(in.len, 0);
		buf_free(&b);
	}
}

static void test_varint_too_long(void **state)
{
	struct bytes eleven = bytes_of("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11);
	struct bytes beyond = bytes_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
	uint64_t v;

	assert_false(take_varint(&eleven, &v));
	assert_false(take_varint(&beyond, &v));
	assert_int_equal(beyond.len, 10);
}

static void test_text_and_drop(void **state)
{
	struct buf b = BUF_INIT;

	buf_printf(&b, "%d-%s", 7, "x");
	buf_add_str(&b, "yz");
	assert_string_equal(buf_str(&b), "7-xyz");
	buf_drop(&b, 2);
	assert_string_equal(buf_str(&b), "xyz");
	buf_drop(&b, 99);
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_str(&b), "");
	buf_free(&b);
	buf_free(NULL);
}

static void test_compare(void **state)
{
	assert_true(bytes_compare(bytes_str("ab"), bytes_str("abc")) < 0);
	assert_true(bytes_compare(bytes_str("b"), bytes_str("abc")) > 0);
	assert_int_equal(bytes_compare(bytes_str(""), bytes_of(NULL, 0)), 0);
	assert_true(bytes_equal_str(bytes_of("abcd", 3), "abc"));
	assert_true(bytes_starts(bytes_str("abc"), bytes_str("ab")));
	assert_false(bytes_starts(bytes_str("ab"), bytes_str("abc")));
}

static void test_error_fields(void **state)
{
	struct error e, other;

	error_init(&e);
	error_init(&other);
	assert_int_equal(error_field(&e, "phone", "is not a phone number"), STATUS_INVALID);
	assert_int_equal(
		error_field(&e, "name", "is longer than %d characters", 9), STATUS_INVALID);
	assert_int_equal(error_set(&e, STATUS_INVALID, "2 fields are wrong"), STATUS_INVALID);
	assert_int_equal(e.nfields, 2);
	assert_string_equal(e.fields[1].message, "is longer than 9 characters");
	error_prefix(&e, "line %d", 7);
	assert_string_equal(e.message, "line 7: 2 fields are wrong");
	error_move(&other, &e);
	assert_int_equal(e.nfields, 0);
	assert_int_equal(other.nfields, 2);
	assert_int_equal(error_conflict(&other, "city", "杭州", NULL), STATUS_CONFLICT);
	assert_string_equal(other.fields[2].current, "杭州");
	assert_null(other.fields[2].yours);
	error_clear(&other);
	assert_int_equal(error_set(NULL, STATUS_BUSY, "x"), STATUS_BUSY);
}

static void test_error_cuts_whole_characters(void **state)
{
	struct error e;
	size_t len;
	char name[700];

	error_init(&e);
	for (len = 0; len + 3 < sizeof(name); len += 3)
		memcpy(name + len, "杭", 3);
	name[len] = '\0';
	error_set(&e, STATUS_NOT_FOUND, "there is no customer \"%s\"", name);
	len = strlen(e.message);
	assert_true(len > 470);
	assert_memory_equal(e.message + len - 3, "杭", 3);
}

static void test_status_names(void **state)
{
	assert_string_equal(status_name(STATUS_OK), "ok");
	assert_string_equal(status_name(STATUS_OUTCOME_UNKNOWN), "outcome_unknown");
	assert_string_equal(status_name(STATUS_INTERRUPTED), "interrupted");
	assert_string_equal(status_name((enum status)77), "internal");
	assert_string_equal(status_name((enum status) - 1), "internal");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers_round_trip),
		cmocka_unit_test(test_short_input_stays),
		cmocka_unit_test(test_varint_round_trip),
		cmocka_unit_test(test_varint_too_long),
		cmocka_unit_test(test_text_and_drop),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_error_fields),
		cmocka_unit_test(test_error_cuts_whole_characters),
		cmocka_unit_test(test_status_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

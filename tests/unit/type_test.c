#include "common/text.h"
#include "common/type.h"
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
/* clang-format on */

static enum status find_choice(
	void *arg, const char *dictionary, struct bytes text, uint64_t *id, struct error *e)
{
	if (!bytes_equal_str(text, "chemical") && !bytes_equal_str(text, "化工"))
		return error_set(e, STATUS_NOT_FOUND, "is not one of chemical");
	*id = 77;
	return STATUS_OK;
}

static enum status find_reference(
	void *arg, const char *entity, struct bytes text, uint64_t *id, struct error *e)
{
	if (bytes_equal_str(text, "broken"))
		return error_set(e, STATUS_INTERNAL, "store is damaged");
	if (!bytes_equal_str(text, "C000001"))
		return error_set(e, STATUS_NOT_FOUND, "names no %s", entity);
	*id = 5;
	return STATUS_OK;
}

static bool find_name(
	void *arg, const char *entity, uint64_t id, struct bytes *display, struct bytes *code)
{
	if (strcmp(entity, "dictionary_entry") == 0) {
		*display = bytes_str("化工");
		*code = bytes_str("chemical");
		return id == 77;
	}
	*display = bytes_str("杭州长河");
	return id == 5;
}

struct row {
	enum field_type type;
	const char *text;
	const char *code;    /* NULL: refused */
	const char *display; /* NULL: as code */
};

#define LONG_50 "1234567890123456789012345678901234567890123456789 "

static const struct row rows[] = {
	{ T_TEXT, "  杭州长河\xe3\x80\x80", "杭州长河", NULL },
	{ T_TEXT, "𠮷野家", "𠮷野家", NULL },
	{ T_TEXT, "two\nlines", NULL, NULL },
	{ T_TEXT, "tab\there", NULL, NULL },
	{ T_TEXT, "bad \xff byte", NULL, NULL },
	{ T_TEXT, "bidi \xe2\x80\xae override", NULL, NULL },
	{ T_LONG_TEXT, "two\nlines\n", "two\nlines\n", NULL },
	{ T_LONG_TEXT, "esc \x1b[31m", NULL, NULL },
	{ T_INTEGER, "42", "42", NULL },
	{ T_INTEGER, "-42", "-42", NULL },
	{ T_INTEGER, "１２３", "123", NULL },
	{ T_INTEGER, "9223372036854775807", "9223372036854775807", NULL },
	{ T_INTEGER, "-9223372036854775808", "-9223372036854775808", NULL },
	{ T_INTEGER, "9223372036854775808", NULL, NULL },
	{ T_INTEGER, "1.5", NULL, NULL },
	{ T_INTEGER, "1e5", NULL, NULL },
	{ T_INTEGER, "0x10", NULL, NULL },
	{ T_INTEGER, "1,234", NULL, NULL },
	{ T_INTEGER, "-", NULL, NULL },
	{ T_DECIMAL, "3", "3", NULL },
	{ T_DECIMAL, "12.50", "12.5", NULL },
	{ T_DECIMAL, "-0.0001", "-0.0001", NULL },
	{ T_DECIMAL, "0.00001", NULL, NULL },
	{ T_DECIMAL, "0.50000", "0.5", NULL },
	{ T_DECIMAL, "922337203685477.5807", "922337203685477.5807", NULL },
	{ T_DECIMAL, "922337203685477.5808", NULL, NULL },
	{ T_DECIMAL, "5.", NULL, NULL },
	{ T_DECIMAL, "1.2.3", NULL, NULL },
	{ T_DECIMAL, "NaN", NULL, NULL },
	{ T_MONEY, "1234.5", "1234.50", "1,234.50" },
	{ T_MONEY, "1234.50", "1234.50", "1,234.50" },
	{ T_MONEY, "1,234.50", "1234.50", "1,234.50" },
	{ T_MONEY, "12,345,678", "12345678.00", "12,345,678.00" },
	{ T_MONEY, "￥1,234.50", "1234.50", "1,234.50" },
	{ T_MONEY, "-0.01", "-0.01", NULL },
	{ T_MONEY, "-1234.56", "-1234.56", "-1,234.56" },
	{ T_MONEY, "92233720368547758.07", "92233720368547758.07", "92,233,720,368,547,758.07" },
	{ T_MONEY, "92233720368547758.08", NULL, NULL },
	{ T_MONEY, "0.001", NULL, NULL },
	{ T_MONEY, "12,34.50", NULL, NULL },
	{ T_MONEY, "1234,567", NULL, NULL },
	{ T_MONEY, ",123", NULL, NULL },
	{ T_MONEY, "1,234.5,0", NULL, NULL },
	{ T_MONEY, "1 234", NULL, NULL },
	{ T_MONEY, "12 apples", NULL, NULL },
	{ T_PERCENT, "90%", "0.9", "90%" },
	{ T_PERCENT, "0.9", "0.9", "90%" },
	{ T_PERCENT, "９０％", "0.9", "90%" },
	{ T_PERCENT, "12.34 %", "0.1234", "12.34%" },
	{ T_PERCENT, "1", "1", "100%" },
	{ T_PERCENT, "120%", "1.2", "120%" },
	{ T_PERCENT, "9", NULL, NULL },
	{ T_PERCENT, "90", NULL, NULL },
	{ T_PERCENT, "1.0001", NULL, NULL },
	{ T_PERCENT, "0.001%", NULL, NULL },
	{ T_PERCENT, "%", NULL, NULL },
	{ T_DATE, "2026-11-21", "2026-11-21", NULL },
	{ T_DATE, "2026/1/5", "2026-01-05", NULL },
	{ T_DATE, "2026年1月5日", "2026-01-05", NULL },
	{ T_DATE, "today", "2026-11-21", NULL },
	{ T_DATE, "today+30d", "2026-12-21", NULL },
	{ T_DATE, "this-month", NULL, NULL },
	{ T_DATE, "2026-02-29", NULL, NULL },
	{ T_DATE, "01/05/2026", NULL, NULL },
	{ T_DATE, "1899-12-31", NULL, NULL },
	{ T_DATETIME, "2026-11-21T17:00:00+08:00", "2026-11-21T09:00:00Z", "2026-11-21 17:00" },
	{ T_DATETIME, "2026-11-21 17:00", "2026-11-21T09:00:00Z", "2026-11-21 17:00" },
	{ T_DATETIME, "2026-11-21", "2026-11-20T16:00:00Z", "2026-11-21 00:00" },
	{ T_DATETIME, "1960-01-01T00:00:00Z", "1960-01-01T00:00:00Z", "1960-01-01 08:00" },
	{ T_DATETIME, "soon", NULL, NULL },
	{ T_TIME, "09:30", "09:30", NULL },
	{ T_TIME, "24:00", NULL, NULL },
	{ T_TIME, "9.30", NULL, NULL },
	{ T_BIRTHDAY, "1987-07-26", "1987-07-26", NULL },
	{ T_BIRTHDAY, "02-29", "02-29", NULL },
	{ T_BIRTHDAY, "lunar:08-15", "lunar:08-15", NULL },
	{ T_BIRTHDAY, "lunar:1987-L06-01", "lunar:1987-L06-01", NULL },
	{ T_BIRTHDAY, "02-30", NULL, NULL },
	{ T_BIRTHDAY, "someday", NULL, NULL },
	{ T_BIRTHDAY, "this-month", NULL, NULL },
	{ T_BOOL, "yes", "true", "是" },
	{ T_BOOL, "False", "false", "否" },
	{ T_BOOL, "是", "true", "是" },
	{ T_BOOL, "否", "false", "否" },
	{ T_BOOL, "maybe", NULL, NULL },
	{ T_CHOICE, "chemical", "chemical", "化工" },
	{ T_CHOICE, "化工", "chemical", "化工" },
	{ T_CHOICE, "unknown", NULL, NULL },
	{ T_REF, "C000001", "5", "杭州长河" },
	{ T_REF, "X", NULL, NULL },
	{ T_REFS, "C000001, C000001", "5", "杭州长河" },
	{ T_PHONE, "0571-8765 4321", "0571-8765 4321", NULL },
	{ T_PHONE, "(0571)87654321转101", "(0571)87654321转101", NULL },
	{ T_PHONE, "（０５７１）87654321", "（０５７１）87654321", NULL },
	{ T_PHONE, "+86 138-0000-0001", "+86 138-0000-0001", NULL },
	{ T_PHONE, "110", "110", NULL },
	{ T_PHONE, "12345678901234567890", "12345678901234567890", NULL },
	{ T_PHONE, "123456789012345678901", NULL, NULL },
	{ T_PHONE, "12", NULL, NULL },
	{ T_PHONE, "call me", NULL, NULL },
	{ T_PHONE, "138+0000", NULL, NULL },
	{ T_PHONE, "12345x", NULL, NULL },
	{ T_PHONE, "12345x1x2", NULL, NULL },
	{ T_EMAIL, "a.b+c@Example.COM", "a.b+c@Example.COM", NULL },
	{ T_EMAIL, "王@例子.中国", "王@例子.中国", NULL },
	{ T_EMAIL, "a@b", NULL, NULL },
	{ T_EMAIL, "a b@example.com", NULL, NULL },
	{ T_EMAIL, "@example.com", NULL, NULL },
	{ T_EMAIL, "a@@example.com", NULL, NULL },
	{ T_EMAIL, "a..b@example.com", NULL, NULL },
	{ T_EMAIL, "a@-x.com", NULL, NULL },
	{ T_EMAIL, "a@x..com", NULL, NULL },
	{ T_EMAIL, "none", NULL, NULL },
	{ T_URL, "https://Example.com:8080/A?b=c#d", "https://Example.com:8080/A?b=c#d", NULL },
	{ T_URL, "www.example.com", "www.example.com", NULL },
	{ T_URL, "http://localhost/", "http://localhost/", NULL },
	{ T_URL, "javascript://alert", NULL, NULL },
	{ T_URL, "http://", NULL, NULL },
	{ T_URL, "http://a b.com", NULL, NULL },
	{ T_URL, "http://a.com:x", NULL, NULL },
	{ T_URL, "word", NULL, NULL },
	{ T_TAGS, "重点, VIP；vip，老客户", "重点, VIP, 老客户", NULL },
	{ T_TAGS, "[\"a,b\", \"c\\\"d\", \"\\u91cd\\ud842\\udfb7\"]", "a,b, c\"d, 重𠮷", NULL },
	{ T_TAGS, "[]", "", NULL },
	{ T_TAGS, "[\"a\"", NULL, NULL },
	{ T_TAGS, "[\"a\" \"b\"]", NULL, NULL },
	{ T_TAGS, "[\"a\",]", NULL, NULL },
	{ T_TAGS, "[\"\\ud842\"]", NULL, NULL },
	{ T_TAGS, "[\"\\u0000\"]", NULL, NULL },
	{ T_TAGS, "[[\"a\"]]", NULL, NULL },
	{ T_TAGS, LONG_50 "12345678901234567", NULL, NULL },
	{ T_TEXTS, "a,a", "a, a", NULL },
	{ T_INTEGERS, "3,1;2", "3, 1, 2", NULL },
	{ T_INTEGERS, "[3, 1]", "3, 1", NULL },
	{ T_INTEGERS, "3,x", NULL, NULL },
};

static struct field field_of(enum field_type type)
{
	return (struct field){ .tag = 3, .name = "f", .type = type, .refers_to = "customer" };
}

static struct parse_context parse_world(void)
{
	return (struct parse_context){ .choice = find_choice,
		.reference = find_reference,
		.today = 20261121,
		.zone = zone_find("Asia/Shanghai") };
}

static void check_row(const struct row *r)
{
	struct field f = field_of(r->type);
	struct parse_context ctx = parse_world();
	struct format_context fc = { .name = find_name, .zone = ctx.zone, .chinese = true };
	struct buf wire = BUF_INIT, text = BUF_INIT;
	struct error e;
	enum status s;

	error_init(&e);
	s = type_parse(&f, bytes_str(r->text), &ctx, &wire, &e);
	if ((s == STATUS_OK) != (r->code != NULL))
		fail_msg("%s \"%s\": status %d", type_name(r->type), r->text, s);
	if (!r->code) {
		assert_int_equal(s, STATUS_INVALID);
		assert_int_equal(e.nfields, 1);
		assert_string_equal(e.fields[0].field, "f");
		assert_int_equal(wire.len, 0);
	} else {
		type_format_run(&f, buf_bytes(&wire), FORM_CODE, &fc, &text);
		assert_string_equal(buf_str(&text), r->code);
		buf_clear(&text);
		type_format_run(&f, buf_bytes(&wire), FORM_DISPLAY, &fc, &text);
		assert_string_equal(buf_str(&text), r->display ? r->display : r->code);
	}
	error_clear(&e);
	buf_free(&wire);
	buf_free(&text);
}

static void test_values(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
}

/*
 * What parse gives is valid on the wire, and parsing its code form gives the same bytes (percent: its display form,
 * because a bare 1.2 is refused).
 */
static void test_round_trip(void **state)
{
	struct parse_context ctx = parse_world();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct field f = field_of(rows[i].type);
		struct buf wire = BUF_INIT, text = BUF_INIT, again = BUF_INIT;
		struct bytes in;
		struct wire_field w;

		if (!rows[i].code || f.type == T_CHOICE || type_is_reference(f.type) ||
			strchr(rows[i].text, '"'))
			continue;
		if (type_parse(&f, bytes_str(rows[i].text), &ctx, &wire, NULL))
			fail_msg("%s", rows[i].text);
		in = buf_bytes(&wire);
		while (record_next(&in, &w, NULL))
			assert_true(type_wire_valid(&f, &w));
		type_format_run(&f, buf_bytes(&wire),
			f.type == T_PERCENT ? FORM_DISPLAY : FORM_CODE, NULL, &text);
		if (type_parse(&f, buf_bytes(&text), &ctx, &again, NULL))
			fail_msg("%s", buf_str(&text));
		assert_true(bytes_equal(buf_bytes(&wire), buf_bytes(&again)));
		buf_free(&wire);
		buf_free(&text);
		buf_free(&again);
	}
}

static void test_blank_clears(void **state)
{
	for (size_t t = 0; t < T_COUNT; t++) {
		struct field f = field_of((enum field_type)t);
		struct buf out = BUF_INIT;

		assert_int_equal(type_parse(&f, bytes_str(""), NULL, &out, NULL), STATUS_OK);
		assert_int_equal(
			type_parse(&f, bytes_str(" \xe3\x80\x80"), NULL, &out, NULL), STATUS_OK);
		assert_int_equal(out.len, 0);
		buf_free(&out);
	}
}

static void test_length_is_counted_in_characters(void **state)
{
	struct field f = field_of(T_TEXT);
	struct buf text = BUF_INIT, out = BUF_INIT;

	for (int i = 0; i < 255; i++)
		buf_add_str(&text, "中");
	assert_int_equal(type_parse(&f, buf_bytes(&text), NULL, &out, NULL), STATUS_OK);
	buf_add_str(&text, "中");
	assert_int_equal(type_parse(&f, buf_bytes(&text), NULL, &out, NULL), STATUS_INVALID);
	f.max = 300;
	assert_int_equal(type_parse(&f, buf_bytes(&text), NULL, &out, NULL), STATUS_OK);
	buf_free(&text);
	buf_free(&out);
}

static void test_other_failures_pass(void **state)
{
	struct field f = field_of(T_REF);
	struct parse_context ctx = parse_world();
	struct buf out = BUF_INIT;
	struct error e;

	error_init(&e);
	assert_int_equal(type_parse(&f, bytes_str("broken"), &ctx, &out, &e), STATUS_INTERNAL);
	assert_string_equal(e.message, "store is damaged");
	assert_int_equal(e.nfields, 0);
	error_clear(&e);
	buf_free(&out);
}

static void check_normal(enum field_type type, const char *text, const char *expected)
{
	struct field f = field_of(type);
	struct buf out = BUF_INIT;

	type_normal(&f, bytes_str(text), &out);
	assert_string_equal(buf_str(&out), expected);
	buf_free(&out);
}

static void test_normal_forms(void **state)
{
	check_normal(T_PHONE, "+86 138-0000-0001", "13800000001");
	check_normal(T_PHONE, "0086 13800000001", "13800000001");
	check_normal(T_PHONE, "8613800000001", "13800000001");
	check_normal(T_PHONE, "13800000001", "13800000001");
	check_normal(T_PHONE, "+86 571 87654321", "8657187654321");
	check_normal(T_PHONE, "(0571)87654321转101", "057187654321101");
	check_normal(T_EMAIL, "A.b@Example.COM", "A.b@example.com");
	check_normal(T_URL, "HTTPS://Example.COM/Path", "https://example.com/Path");
	check_normal(T_TEXT, "ＡＢＣ  公司", "abc 公司");
	check_normal(T_BIRTHDAY, "1987-07-26", "1987-07-26");
}

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static uint64_t random_number(uint32_t *seed, enum field_type type)
{
	uint64_t r = (uint64_t)next_random(seed) << 40 ^ (uint64_t)next_random(seed) << 20 ^
		     next_random(seed);

	r >>= next_random(seed) % 60;
	switch (type) {
	case T_DATE:
		return (uint64_t)date_from_days((int32_t)(r % 80000) - 20000);
	case T_DATETIME:
		return zigzag((int64_t)(r % 4000000000000ull) - 1000000000000);
	case T_TIME:
		return r % 1440;
	case T_BOOL:
		return r % 2;
	case T_REF_ANY:
		return (r % 3 + 1) << 48 | (r % 1000 + 1);
	default:
		return type_is_signed(type) ? zigzag((int64_t)r) : r % (1ull << 40) + 1;
	}
}

static void random_wire(uint32_t *seed, const struct field *f, struct buf *out)
{
	static const char *const pieces[] = { "a", "A", "b", " ", "中", "国", "𠮷", "ｂ", "1", "9",
		"10", "é" };
	struct buf text = BUF_INIT;

	if (type_is_number(f->type)) {
		record_add_number(out, f->tag, random_number(seed, f->type));
		return;
	}
	for (uint32_t i = 0, n = next_random(seed) % 6; i < n; i++)
		buf_add_str(&text, pieces[next_random(seed) % 12]);
	buf_add_str(&text, "z");
	record_add_text(out, f->tag, text_trim(buf_bytes(&text)));
	buf_free(&text);
}

/* Keys stand in the order of the values, and equal values have equal keys. */
static void test_key_order_is_value_order(void **state)
{
	static const enum field_type types[] = { T_TEXT, T_INTEGER, T_DECIMAL, T_MONEY, T_PERCENT,
		T_DATE, T_DATETIME, T_TIME, T_BOOL, T_CHOICE, T_REF, T_REF_ANY, T_TAGS };
	uint32_t seed = 7;

	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
		struct field f = field_of(types[t]);

		for (int i = 0; i < 3000; i++) {
			struct buf x = BUF_INIT, y = BUF_INIT;
			uint8_t kx[KEY_MAX], ky[KEY_MAX];
			struct wire_field a, b;
			size_t nx, ny;

			random_wire(&seed, &f, &x);
			random_wire(&seed, &f, &y);
			assert_true(record_find(buf_bytes(&x), f.tag, &a));
			assert_true(record_find(buf_bytes(&y), f.tag, &b));
			assert_true(type_wire_valid(&f, &a));
			nx = type_key(&f, &a, kx);
			ny = type_key(&f, &b, ky);
			assert_int_equal(sign(type_compare(&f, &a, &b)),
				sign(bytes_compare(bytes_of(kx, nx), bytes_of(ky, ny))));
			if (type_is_number(f.type) && type_is_signed(f.type))
				assert_int_equal(sign(type_compare(&f, &a, &b)),
					(unzigzag(a.number) > unzigzag(b.number)) -
						(unzigzag(a.number) < unzigzag(b.number)));
			buf_free(&x);
			buf_free(&y);
		}
	}
}

/* parse(format(x)) = x for random numbers of every exact type. */
static void test_random_numbers_survive_text(void **state)
{
	static const enum field_type types[] = { T_INTEGER, T_DECIMAL, T_MONEY, T_DATE, T_DATETIME,
		T_TIME, T_BOOL };
	uint32_t seed = 11;

	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
		struct field f = field_of(types[t]);

		for (int i = 0; i < 2000; i++) {
			struct buf x = BUF_INIT, text = BUF_INIT, y = BUF_INIT;

			random_wire(&seed, &f, &x);
			type_format_run(&f, buf_bytes(&x), FORM_CODE, NULL, &text);
			if (type_parse(&f, buf_bytes(&text), NULL, &y, NULL))
				fail_msg("%s %s is refused", type_name(f.type), buf_str(&text));
			assert_true(bytes_equal(buf_bytes(&x), buf_bytes(&y)));
			buf_free(&x);
			buf_free(&text);
			buf_free(&y);
		}
	}
}

static void test_keys_are_cut_and_hold_no_nul(void **state)
{
	struct field f = field_of(T_TEXT);
	struct buf text = BUF_INIT, wire = BUF_INIT;
	struct wire_field w;
	uint8_t key[KEY_MAX];
	size_t n;

	for (int i = 0; i < 100; i++)
		buf_add_str(&text, "中a");
	record_add_text(&wire, f.tag, buf_bytes(&text));
	assert_true(record_find(buf_bytes(&wire), f.tag, &w));
	n = type_key(&f, &w, key);
	assert_int_equal(n, KEY_MAX);
	assert_null(memchr(key, 0, n));
	f.flags = F_NAME;
	n = type_key(&f, &w, key);
	assert_in_range(n, 1, KEY_MAX);
	assert_null(memchr(key, 0, n));
	buf_free(&text);
	buf_free(&wire);
}

static void check_wire(
	enum field_type type, uint8_t wire, uint64_t number, const char *text, bool good)
{
	struct field f = field_of(type);
	struct wire_field w = {
		.tag = 3, .wire = wire, .number = number, .bytes = bytes_str(text)
	};

	if (type_wire_valid(&f, &w) != good)
		fail_msg("%s %llu \"%s\"", type_name(type), (unsigned long long)number, text);
}

static void test_wire_from_outside(void **state)
{
	check_wire(T_TEXT, WIRE_BYTES, 0, "a", true);
	check_wire(T_TEXT, WIRE_VARINT, 1, "", false);
	check_wire(T_TEXT, WIRE_BYTES, 0, "a\nb", false);
	check_wire(T_TEXT, WIRE_BYTES, 0, "", false);
	check_wire(T_DATE, WIRE_VARINT, 20261121, "", true);
	check_wire(T_DATE, WIRE_VARINT, 20261131, "", false);
	check_wire(T_DATE, WIRE_VARINT, UINT64_MAX, "", false);
	check_wire(T_DATE, WIRE_BYTES, 0, "2026-11-21", false);
	check_wire(T_DATETIME, WIRE_VARINT, UINT64_MAX, "", false);
	check_wire(T_TIME, WIRE_VARINT, 1440, "", false);
	check_wire(T_BOOL, WIRE_VARINT, 2, "", false);
	check_wire(T_CHOICE, WIRE_VARINT, 0, "", false);
	check_wire(T_REF_ANY, WIRE_VARINT, 5, "", false);
	check_wire(T_REF_ANY, WIRE_VARINT, 1ull << 48 | 5, "", true);
	check_wire(T_PHONE, WIRE_BYTES, 0, "none", false);
	check_wire(T_EMAIL, WIRE_BYTES, 0, "a@b.cn", true);
}

static void test_names(void **state)
{
	for (size_t t = 0; t < T_COUNT; t++) {
		enum field_type back;

		assert_true(type_from_name(bytes_str(type_name((enum field_type)t)), &back));
		assert_int_equal(back, t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_blank_clears),
		cmocka_unit_test(test_length_is_counted_in_characters),
		cmocka_unit_test(test_other_failures_pass),
		cmocka_unit_test(test_normal_forms),
		cmocka_unit_test(test_key_order_is_value_order),
		cmocka_unit_test(test_random_numbers_survive_text),
		cmocka_unit_test(test_keys_are_cut_and_hold_no_nul),
		cmocka_unit_test(test_wire_from_outside),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("type", tests, NULL, NULL);
}

#include "common/text.h"
#include <glib.h>
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

static void valid(const char *text, enum text_rule rule)
{
	char why[96] = "";

	if (!text_valid(bytes_str(text), rule, 255, why))
		fail_msg("\"%s\" %s", text, why);
}

static void invalid(struct bytes text, enum text_rule rule, const char *expected)
{
	char why[96] = "";

	assert_false(text_valid(text, rule, 8, why));
	assert_string_equal(why, expected);
}

static void test_valid(void **state)
{
	valid("", TEXT_LINE);
	valid("杭州 é 𠮷野家 😀", TEXT_LINE);
	valid("a\r\nb\tc", TEXT_LONG);
	valid("\xf4\x8f\xbf\xbd", TEXT_LINE); /* U+10FFFD */
	valid("👨\u200d👩\u200d👧", TEXT_LINE);
}

static void test_invalid(void **state)
{
	invalid(bytes_str("ab\ncd"), TEXT_LINE, "has a line end at character 3");
	invalid(bytes_str("a\u2028"), TEXT_LINE, "has a line end at character 2");
	invalid(bytes_str("\t"), TEXT_LINE, "has a tab at character 1");
	invalid(bytes_of("a\0b", 3), TEXT_LONG, "has a NUL at character 2");
	invalid(bytes_str("杭\x1b[2J"), TEXT_LONG, "has a control character at character 2");
	invalid(bytes_str("\xc2\x85"), TEXT_LONG, "has a control character at character 1");
	invalid(bytes_str("a\u202eb"), TEXT_LONG, "has a bidirectional override at character 2");
	invalid(bytes_str("\ufdd0"), TEXT_LONG, "has a noncharacter at character 1");
	invalid(bytes_str("\xf0\x9f\xbf\xbe"), TEXT_LONG, "has a noncharacter at character 1");
	invalid(bytes_str("一二三四五六七八九"), TEXT_LINE, "is longer than 8 characters");
}

/* Overlong forms, surrogates, too large, cut short, stray. */
static void test_not_utf8(void **state)
{
	static const char *const texts[] = { "\xc0\x80", "\xc1\xbf", "\xe0\x80\xaf", "\xed\xa0\x80",
		"\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\x80", "\xbf",
		"\xe6\x9d", "\xe6", "\xf0\x9f\x98", "\xff", "\xfe", "\xe6x\xad" };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		struct bytes in = bytes_str(texts[i]);

		invalid(in, TEXT_LONG, "is not UTF-8 at character 1");
		assert_true(text_next(&in) == UINT32_MAX);
		assert_int_equal(in.len, strlen(texts[i]) - 1);
	}
}

static void test_every_character_round_trips(void **state)
{
	for (uint32_t c = 1; c < 0x110000; c++) {
		struct buf b = BUF_INIT;
		struct bytes in;

		if (c == 0xd800)
			c = 0xe000;
		text_add(&b, c);
		in = buf_bytes(&b);
		assert_int_equal(text_next(&in), c);
		assert_int_equal(in.len, 0);
		buf_free(&b);
	}
}

static void trims_to(const char *text, const char *expected)
{
	assert_true(bytes_equal_str(text_trim(bytes_str(text)), expected));
}

static void test_trim(void **state)
{
	trims_to("  杭州\u3000 \t\r\n", "杭州");
	trims_to("\u3000\u00a0a b\u2003", "a b");
	trims_to(" \u3000 ", "");
	trims_to("", "");
	trims_to("a", "a");
	trims_to("a\xe3\x80", "a\xe3\x80");
}

static void test_width(void **state)
{
	assert_int_equal(text_width(bytes_str("abc")), 3);
	assert_int_equal(text_width(bytes_str("杭州")), 4);
	assert_int_equal(text_width(bytes_str("𠮷")), 2);
	assert_int_equal(text_width(bytes_str("😀")), 2);
	assert_int_equal(text_width(bytes_str("e\u0301")), 1);
	assert_int_equal(text_width(bytes_str("（a）")), 5);
	assert_int_equal(text_width(bytes_str("\x1b\u200d")), 0);
	assert_int_equal(text_length(bytes_str("杭州a")), 3);
}

static void test_cut(void **state)
{
	assert_true(bytes_equal_str(text_cut(bytes_str("杭州abc"), 3), "杭"));
	assert_true(bytes_equal_str(text_cut(bytes_str("杭州abc"), 4), "杭州"));
	assert_true(bytes_equal_str(text_cut(bytes_str("e\u0301x"), 1), "e\u0301"));
	assert_true(bytes_equal_str(text_cut(bytes_str("abc"), 9), "abc"));
	assert_int_equal(text_cut(bytes_str("杭"), 1).len, 0);
}

static void test_safe(void **state)
{
	struct buf out = BUF_INIT;

	text_add_safe(&out, bytes_str("a\x1b[31m杭\n\u202e\xff\xc2\x9b"));
	assert_string_equal(buf_str(&out), "a\ufffd[31m杭\ufffd\ufffd\ufffd\ufffd");
	buf_free(&out);
}

static void folds_to(const char *text, const char *expected)
{
	struct buf out = BUF_INIT;

	buf_add_str(&out, "x:");
	text_fold(&out, bytes_str(text));
	assert_string_equal(buf_str(&out) + 2, expected);
	buf_free(&out);
}

static void test_fold(void **state)
{
	folds_to("ABC def", "abc def");
	folds_to("杭州（集团）ＡＢＣ", "杭州(集团)abc");
	folds_to("a \t\u3000 b", "a b");
	folds_to("STRASSE", "strasse");
	folds_to("Straße", "strasse");
	folds_to("E\u0301", "é");
	folds_to("É", "é");
	folds_to("ﬁ①", "fi1");
	folds_to("豈", "豈");
	folds_to("Ａ\u0301", "á");
	folds_to("a\xff"
		 "B",
		"a\ufffdb");
	folds_to("", "");
}

/* What folds without normalisation folds to the same with it. */
static void test_fold_fast_is_exact(void **state)
{
	for (uint32_t c = 1; c < 0x10000; c++) {
		struct buf in = BUF_INIT, fast = BUF_INIT, slow = BUF_INIT;

		if (c == 0xd800)
			c = 0xe000;
		text_add(&in, c);
		text_fold(&fast, buf_bytes(&in));
		text_add(&in, 0x105); /* ą folds by itself, and only slowly */
		text_fold(&slow, buf_bytes(&in));
		buf_add_str(&fast, "ą");
		assert_string_equal(buf_str(&fast), buf_str(&slow));
		buf_free(&in);
		buf_free(&fast);
		buf_free(&slow);
	}
}

static void test_han(void **state)
{
	assert_true(text_is_han(0x676d) && text_is_han(0x20bb7) && text_is_han(0x3007));
	assert_true(text_is_han(0xf900) && text_is_han(0x3400));
	assert_false(text_is_han('a') || text_is_han(0x3042) || text_is_han(0xff08));
}

static void test_nearest(void **state)
{
	static const char *const names[] = { "customer", "contact", "activity", "task" };

	assert_string_equal(text_nearest("custmer", names, 4), "customer");
	assert_string_equal(text_nearest("cusotmer", names, 4), "customer");
	assert_string_equal(text_nearest("contacts", names, 4), "contact");
	assert_null(text_nearest("product", names, 4));
	assert_null(text_nearest("ta", names, 4));
	assert_string_equal(text_nearest("tsak", names, 4), "task");
	assert_null(text_nearest("", names, 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_not_utf8),
		cmocka_unit_test(test_every_character_round_trips),
		cmocka_unit_test(test_trim),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_safe),
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_fold_fast_is_exact),
		cmocka_unit_test(test_han),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

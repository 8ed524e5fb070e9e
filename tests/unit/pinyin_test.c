#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/pinyin.h"
#include "common/pinyin_names.h"
#include "common/text.h"

static bool has_reading(uint32_t c, const char *syllable)
{
	const char *readings[PINYIN_MAX_READINGS];
	size_t n = pinyin_readings(c, readings);

	for (size_t i = 0; i < n; i++)
		if (strcmp(readings[i], syllable) == 0)
			return true;
	return false;
}

static uint32_t first_character(const char *s)
{
	struct bytes b = bytes_str(s);

	return text_next(&b);
}

static void readings(void **state)
{
	static const struct {
		const char *character, *syllable;
	} rows[] = { { "曾", "zeng" }, { "曾", "ceng" }, { "女", "nv" }, { "略", "lve" },
		{ "吕", "lv" }, { "六", "liu" }, { "六", "lu" }, { "翟", "zhai" }, { "翟", "di" },
		{ "行", "hang" }, { "行", "xing" }, { "𠀀", "he" }, { "㐀", "qiu" },
		{ "镕", "rong" }, { "單", "shan" } };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_true(has_reading(first_character(rows[i].character), rows[i].syllable));
	assert_false(has_reading('a', "a"));
	assert_false(has_reading(first_character("王"), "huang"));
}

static void first_reading_is_the_commonest(void **state)
{
	const char *out[PINYIN_MAX_READINGS];

	assert_int_equal(pinyin_readings(first_character("单"), out), 3);
	assert_string_equal(out[0], "dan");
	assert_int_equal(pinyin_readings(first_character("行"), out), 3);
	assert_string_equal(out[0], "hang");
}

static void syllables_ascend(void **state)
{
	size_t n = pinyin_syllable_count();

	assert_true(n > 400 && n < 512);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(pinyin_syllable_index(bytes_str(pinyin_syllable(i))), i);
		assert_true(strlen(pinyin_syllable(i)) <= PINYIN_MAX_SYLLABLE);
		if (i > 0)
			assert_true(strcmp(pinyin_syllable(i - 1), pinyin_syllable(i)) < 0);
	}
	assert_int_equal(pinyin_syllable_index(bytes_str("zhx")), -1);
}

/* A reading in the tables of names must be one that search finds. */
static void check_names(const struct pinyin_name *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct pinyin_unit units[8];
		struct bytes text = bytes_str(names[i].text);
		size_t count = pinyin_reading_units(bytes_str(names[i].reading), units, 8);

		assert_int_equal(count, text_length(text));
		for (size_t k = 0; k < count; k++) {
			uint32_t c = text_next(&text);

			assert_int_not_equal(units[k].tone, 0);
			if (!has_reading(c, pinyin_symbol(units[k].symbols[0])))
				fail_msg("%s is not read %s", names[i].text, names[i].reading);
		}
		if (i > 0)
			assert_true(strcmp(names[i - 1].text, names[i].text) < 0);
	}
}

static void names_are_sound(void **state)
{
	check_names(pinyin_surnames, pinyin_surnames_total);
	check_names(pinyin_phrases, pinyin_phrases_total);
}

static void matches(void **state)
{
	static const struct {
		const char *text, *typed;
		int rank;
	} rows[] = { { "曾国强", "zeng", 2 }, { "曾国强", "zengguoqiang", 3 },
		{ "曾国强", "zgq", 3 }, { "曾国强", "ceng", 2 }, { "曾国强", "zenggu", 2 },
		{ "曾国强", "zengguoq", 2 }, { "曾国强", "gq", 1 }, { "曾国强", "guoqiang", 1 },
		{ "曾国强", "zengg", 2 }, { "曾国强", "zengqiang", 0 },
		{ "曾国强", "Zeng Guo Qiang", 3 }, { "曾国强", "zgqx", 0 },
		{ "重庆长城银行", "cqcc", 2 }, { "重庆长城银行", "chongqing", 2 },
		{ "重庆长城银行", "yinhang", 1 }, { "重庆长城银行", "zqzcyx", 3 },
		{ "重庆长城银行", "yh", 1 }, { "单雄飞", "shan", 2 }, { "仇英杰", "qiu", 2 },
		{ "区小姐", "ou", 2 }, { "解文博", "xie", 2 }, { "单于飞", "chanyu", 2 },
		{ "翟天", "zhai", 2 }, { "翟天", "di", 2 }, { "吕布", "lvbu", 3 },
		{ "吕布", "lübu", 3 }, { "吕布", "lu:bu", 3 }, { "吕布", "lubu", 3 },
		{ "卢布", "lvbu", 0 }, { "举重", "jvzhong", 3 }, { "西安", "xi'an", 3 },
		{ "杭州（中国）长河", "hzzgch", 3 }, { "TCL集团", "tcljt", 3 },
		{ "TCL集团", "tcl jituan", 0 }, { "TCL集团", "jituan", 1 }, { "曾国强", "曾", 0 },
		{ "曾国强", "", 0 }, { "", "a", 0 }, { "𠮷野家", "yejia", 1 },
		{ "𠮷野家", "yj", 1 } };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int rank = pinyin_match(
			bytes_str(rows[i].text), bytes_str(""), bytes_str(rows[i].typed));

		if (rank != rows[i].rank)
			fail_msg("%s %s: %d, not %d", rows[i].text, rows[i].typed, rank,
				rows[i].rank);
	}
}

static void correction_counts_in_addition(void **state)
{
	struct bytes name = bytes_str("盖国强");

	assert_int_equal(pinyin_match(name, bytes_str("he guo qiang"), bytes_str("he")), 2);
	assert_int_equal(pinyin_match(name, bytes_str("heguoqiang"), bytes_str("hgq")), 3);
	assert_int_equal(pinyin_match(name, bytes_str("hé guó qiáng"), bytes_str("heguo")), 2);
	assert_int_equal(pinyin_match(name, bytes_str("he guo qiang"), bytes_str("gaiguo")), 2);
	assert_int_equal(pinyin_match(name, bytes_str(""), bytes_str("he")), 0);
	assert_int_equal(pinyin_match(name, bytes_str("\xff??#"), bytes_str("he")), 0);
}

static int compare_keys(
	const char *a, const char *b, const char *reading_a, const char *reading_b, bool person)
{
	struct buf ka = BUF_INIT, kb = BUF_INIT;
	int order;

	pinyin_sort_key(bytes_str(a), bytes_str(reading_a), person, 200, &ka);
	pinyin_sort_key(bytes_str(b), bytes_str(reading_b), person, 200, &kb);
	order = bytes_compare(buf_bytes(&ka), buf_bytes(&kb));
	buf_free(&ka);
	buf_free(&kb);
	return order;
}

static void check_ascending(const char *const *names, size_t n, bool person)
{
	for (size_t i = 1; i < n; i++)
		if (compare_keys(names[i - 1], names[i], "", "", person) >= 0)
			fail_msg("%s does not stand before %s", names[i - 1], names[i]);
}

static void persons_sort_by_surname(void **state)
{
	static const char *const names[] = { "007", "Amy", "bob", "阿强", "单于飞", "种师道",
		"区小姐", "仇英杰", "单雄飞", "王五", "解文博", "尉迟恭", "曾国强", "翟天",
		"长孙无忌" };

	check_ascending(names, sizeof names / sizeof names[0], true);
}

/* A short name may be a person's or a firm's: a place or a word at its start counts more than a shorter surname. */
static void short_firms_sort_by_their_first_word(void **state)
{
	static const char *const names[] = { "长安银行", "重庆百货", "杭州银行", "首都银行",
		"厦门航空", "曾国强" };

	check_ascending(names, sizeof names / sizeof names[0], true);
}

static void companies_sort_by_phrases(void **state)
{
	static const char *const names[] = { "3M中国", "ABB", "班车", "蚌埠玻璃", "长城汽车",
		"长沙银行", "成都", "重庆百货", "大厦", "单位", "六安瓜片", "马可", "厦门航空",
		"行政", "音乐厅", "重工" };

	check_ascending(names, sizeof names / sizeof names[0], false);
}

static void equal_syllables_sort_by_tone(void **state)
{
	static const char *const names[] = { "妈", "麻", "马", "骂" };

	check_ascending(names, 4, false);
	/* Not a surname in a company's name. */
	assert_true(compare_keys("单位", "区位", "", "", false) < 0);
}

static void correction_decides_the_place(void **state)
{
	assert_true(compare_keys("曾国强", "王五", "", "", true) > 0);
	assert_true(compare_keys("曾国强", "王五", "ceng guo qiang", "", true) < 0);
	assert_true(compare_keys("曾国强", "王五", "ceng", "", true) < 0);
	assert_int_equal(compare_keys("ＡＢＣ公司", "abc公司", "", "", false), 0);
}

static void keys_are_short_and_without_nul(void **state)
{
	char name[1200];
	struct buf key = BUF_INIT;

	for (size_t i = 0; i + 3 <= sizeof name; i += 3)
		memcpy(name + i, "\xe4\xb8\xad", 3);
	pinyin_sort_key(bytes_of(name, sizeof name), bytes_str(""), true, 200, &key);
	assert_int_equal(key.len, 200);
	assert_null(memchr(key.data, 0, key.len));
	buf_clear(&key);
	pinyin_sort_key(bytes_of("a\xff\xfe\x01", 4), bytes_str("zzz 9"), true, 3, &key);
	assert_true(key.len <= 3);
	buf_free(&key);
}

/* 20 characters with three readings each: 3^20 combinations if they were built. */
static void many_readings_are_fast(void **state)
{
	char text[61] = "", typed[81];
	int64_t start;

	for (size_t i = 0; i < 20; i++) {
		memcpy(text + 3 * i, "单", 3);
		memcpy(typed + 4 * i, "shan", 4);
	}
	text[60] = typed[80] = 0;
	start = monotonic_us();
	for (int i = 0; i < 1000; i++)
		assert_int_equal(pinyin_match(bytes_str(text), bytes_str(""), bytes_str(typed)), 3);
	assert_true(monotonic_us() - start < 1000 * 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readings),
		cmocka_unit_test(first_reading_is_the_commonest),
		cmocka_unit_test(syllables_ascend),
		cmocka_unit_test(names_are_sound),
		cmocka_unit_test(matches),
		cmocka_unit_test(correction_counts_in_addition),
		cmocka_unit_test(persons_sort_by_surname),
		cmocka_unit_test(short_firms_sort_by_their_first_word),
		cmocka_unit_test(companies_sort_by_phrases),
		cmocka_unit_test(equal_syllables_sort_by_tone),
		cmocka_unit_test(correction_decides_the_place),
		cmocka_unit_test(keys_are_short_and_without_nul),
		cmocka_unit_test(many_readings_are_fast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

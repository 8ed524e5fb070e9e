#include "common/birthday.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

static struct birthday parse(const char *text)
{
	struct birthday b;
	char why[96] = "";

	if (!birthday_parse(bytes_str(text), &b, why))
		fail_msg("%s %s", text, why);
	return b;
}

/* text celebrates on these days, one after the other, from the first of a year on. */
static void celebrates(const char *text, struct birthday_rule rule, civil_date from,
	const civil_date *days, size_t n)
{
	struct birthday b = parse(text);

	for (size_t i = 0; i < n; i++) {
		civil_date d = birthday_next(&b, rule, from);

		assert_int_equal(d, days[i]);
		assert_int_equal(birthday_next(&b, rule, d), d);
		from = date_add_days(d, 1);
	}
}

#define CELEBRATES(text, rule, from, ...)                                                          \
	celebrates(text, rule, from, (const civil_date[]){ __VA_ARGS__ },                          \
		sizeof((const civil_date[]){ __VA_ARGS__ }) / sizeof(civil_date))

static const struct birthday_rule plain = { LEAP_DAY_FEB28, LEAP_MONTH_PLAIN, KEEP_AS_ENTERED };

static void test_kept_as_entered(void **state)
{
	static const char *const texts[] = { "1987-07-26", "02-29", "lunar:08-15",
		"lunar:1987-08-15", "lunar:1987-L06-01", "lunar:L06-01", "2000-02-29",
		"lunar:12-30", "lunar:1900-01-01", "lunar:2100-12-29" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct birthday b = parse(texts[i]);
		struct buf out = BUF_INIT;

		birthday_format(&b, &out);
		assert_string_equal(buf_str(&out), texts[i]);
		buf_free(&out);
	}
}

static void test_refused(void **state)
{
	static const char *const texts[] = { "", "1987-02-29", "02-30", "13-01", "7-26",
		"1987-7-26", "26.07.1987", "01/05/2026", "lunar:", "lunar:13-01", "lunar:08-31",
		"lunar:00-10", "lunar:1987-L07-01", "lunar:L12-01", "lunar:L01-01",
		"lunar:2024-12-30", "lunar:1899-01-01", "lunar:2101-01-01", "lunar:0000-01-01",
		"lunar:1987-08-15x", "lunar:87-08-15", "L06-01", "Lunar:08-15", "02-29 " };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct birthday b;
		char why[96] = "";

		if (birthday_parse(bytes_str(texts[i]), &b, why))
			fail_msg("%s was taken", texts[i]);
		assert_true(strncmp(why, "is ", 3) == 0);
	}
}

static void test_out_of_range_says_so(void **state)
{
	struct birthday b;
	char why[96];

	assert_false(birthday_parse(bytes_str("lunar:2101-01-01"), &b, why));
	assert_string_equal(why, "is outside the lunar years 1900 to 2100");
	assert_false(birthday_parse(bytes_str("lunar:1987-L07-01"), &b, why));
	assert_string_equal(why, "is in a leap month that its year does not have");
}

static void test_leap_day(void **state)
{
	struct birthday_rule march = plain;

	march.leap_day = LEAP_DAY_MAR01;
	CELEBRATES("02-29", plain, 20270101, 20270228, 20280229, 20290228);
	CELEBRATES("02-29", march, 20270101, 20270301, 20280229, 20290301);
	CELEBRATES("2000-02-29", plain, 20990101, 20990228, 21000228, 21010228);
}

static void test_solar(void **state)
{
	CELEBRATES("1987-07-26", plain, 20261121, 20270726, 20280726);
	CELEBRATES("12-31", plain, 20261231, 20261231, 20271231);
	CELEBRATES("01-01", plain, 20261202, 20270101);
	CELEBRATES("2026-12-24", plain, 20000101, 20261224, 20271224);
}

static void test_lunar_mid_autumn(void **state)
{
	CELEBRATES("lunar:08-15", plain, 20260101, 20260925, 20270915, 20281003);
	CELEBRATES("lunar:1987-08-15", plain, 20260926, 20270915, 20281003);
}

static void test_missing_thirtieth_is_the_29th(void **state)
{
	CELEBRATES("lunar:12-30", plain, 20250101, 20250128, 20260216, 20270205, 20280125, 20290212,
		20300202);
}

static void test_leap_month(void **state)
{
	struct birthday_rule both = plain;

	both.leap_month = LEAP_MONTH_BOTH;
	CELEBRATES("lunar:1987-L06-01", plain, 20240101, 20240706, 20250725, 20260714);
	CELEBRATES("lunar:L06-01", plain, 20240101, 20240706, 20250725, 20260714);
	CELEBRATES("lunar:L06-01", both, 20240101, 20240706, 20250625, 20250725, 20260714);
	CELEBRATES("lunar:06-01", both, 20250101, 20250625, 20260714);
	CELEBRATES("lunar:L06-30", plain, 20250101, 20250822);
}

static void test_twice_or_never_in_a_civil_year(void **state)
{
	CELEBRATES("lunar:11-13", plain, 20260101, 20260101, 20261221);
	CELEBRATES("lunar:12-01", plain, 20270101, 20270108, 20271228, 20290115);
}

static void test_age(void **state)
{
	struct birthday solar = parse("1987-07-26"), lunar = parse("lunar:1987-11-13");
	struct birthday unknown = parse("02-29"), leap = parse("2000-02-29");

	assert_int_equal(birthday_age(&solar, plain, 20270726), 40);
	assert_int_equal(birthday_age(&solar, plain, 20270725), 39);
	assert_int_equal(birthday_age(&unknown, plain, 20270228), -1);
	assert_int_equal(birthday_age(&leap, plain, 20270228), 27);
	assert_int_equal(birthday_age(&solar, plain, 19870725), -1);
	/* 2026-01-01 lies in the lunar year 2025. */
	assert_int_equal(birthday_age(&lunar, plain, 20260101), 38);
	assert_int_equal(birthday_age(&lunar, plain, 20261221), 39);
}

static void test_other_calendar(void **state)
{
	struct birthday_rule solar = plain, lunar = plain, both = plain;
	struct birthday b = parse("1987-07-26");

	solar.keep = KEEP_SOLAR;
	lunar.keep = KEEP_LUNAR;
	both.keep = KEEP_BOTH;
	CELEBRATES("1987-07-26", lunar, 20240101, 20240706, 20250725);
	CELEBRATES("lunar:1987-L06-01", solar, 20240101, 20240726, 20250726);
	CELEBRATES("1987-07-26", both, 20240101, 20240706, 20240726, 20250725, 20250726);
	CELEBRATES("07-26", both, 20240101, 20240726, 20250726);
	assert_int_equal(birthday_age(&b, both, 20240706), 37);
	assert_int_equal(birthday_age(&b, both, 20240726), 37);
}

static void test_other_calendar_needs_the_year(void **state)
{
	struct birthday solar = parse("07-26"), lunar = parse("lunar:08-15");
	struct birthday known = parse("1987-07-26");

	assert_true(birthday_keep_possible(&solar, KEEP_SOLAR));
	assert_true(birthday_keep_possible(&solar, KEEP_AS_ENTERED));
	assert_false(birthday_keep_possible(&solar, KEEP_LUNAR));
	assert_false(birthday_keep_possible(&solar, KEEP_BOTH));
	assert_true(birthday_keep_possible(&lunar, KEEP_LUNAR));
	assert_false(birthday_keep_possible(&lunar, KEEP_SOLAR));
	assert_true(birthday_keep_possible(&known, KEEP_BOTH));
}

static void test_end_of_the_table(void **state)
{
	struct birthday b = parse("lunar:08-15"), s = parse("12-31");

	assert_int_equal(birthday_next(&b, plain, 21000101), 21000918);
	assert_int_equal(birthday_next(&b, plain, 21000919), 0);
	assert_int_equal(birthday_next(&b, plain, 21500101), 0);
	assert_int_equal(birthday_next(&b, plain, 19000101), 19000908);
	assert_int_equal(birthday_next(&s, plain, 21991231), 21991231);
	assert_int_equal(birthday_next(&s, plain, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept_as_entered),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_out_of_range_says_so),
		cmocka_unit_test(test_leap_day),
		cmocka_unit_test(test_solar),
		cmocka_unit_test(test_lunar_mid_autumn),
		cmocka_unit_test(test_missing_thirtieth_is_the_29th),
		cmocka_unit_test(test_leap_month),
		cmocka_unit_test(test_twice_or_never_in_a_civil_year),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_other_calendar),
		cmocka_unit_test(test_other_calendar_needs_the_year),
		cmocka_unit_test(test_end_of_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
